"""The words of the view that stand outside of it: its tagline, and a tour of five steps for the first visit."""

TAGLINE = "Nine chapters on one data set: what each kind of autoencoder can do, and what it lacks."
TOUR = (  # title, text, and what of the view it is about (a selector)
    (
        "Nine chapters",
        "From a line through the data to the variational autoencoder and beyond. The arrow keys go on.",
        ".lx-models",
    ),
    ("One point a chapter", "What there is to see in this chapter stands here.", ".lx-point"),
    (
        "The same garments throughout",
        "What goes in, and what each model makes of it: choose another garment and compare.",
        "[data-shows]",
    ),
    ("Figures beside the pictures", "What was measured on the 10,000 test images.", ".lx-charts"),
    ("Keep what you found", "The address bar is the link to this chapter as you see it.", "[data-do=link]"),
)
