"""The words of the view that stand outside of it: its tagline, and a tour of five steps for the first visit."""

TAGLINE = "What each model draws, how large it is, how good, and where it fails."
TOUR = (  # title, text, and what of the view it is about (a selector)
    (
        "A gallery",
        "Each model with what it draws now, its size, and the one figure that matters. The mark on the bar is its yardstick.",
        "#models-gallery",
    ),
    ("Choose one", "Its card says everything that was measured, and how it was trained.", "#models-choice"),
    ("Its card", "Figures beside others of its kind, known failures, and the layers, named by what they are.", "#models-card"),
    ("How it learned", "The loss after each epoch; a click on a name in the legend shows or hides a curve.", "#models-curves"),
    ("Where it is computed", "By which backend, on which device of the server.", "#models-device"),
)
