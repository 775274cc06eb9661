"""The words of the view that stand outside of it: its tagline, and a tour of five steps for the first visit."""

TAGLINE = "Walk from one picture to another, through the space between them."
TOUR = (  # title, text, and what of the view it is about (a selector)
    (
        "Two ends, or four corners",
        "Choose what lies at the ends: another seed, a face of the gallery, or another model.",
        ".lx-corners",
    ),
    ("The way between", "Move the slider: each place on the way is decoded anew, it is no cross-fade.", "[data-shows]"),
    (
        "Straight or spherical",
        "A straight way passes where the model was never trained; a spherical one keeps the length of the latents.",
        "[data-set=kind]",
    ),
    ("Take the film home", "As a strip, GIF or MP4, evenly spaced by what changes in the picture if you like.", "[data-save]"),
    ("Keep what you found", "The address bar is the link to this way, and saved files carry it too.", "[data-do=link]"),
)
