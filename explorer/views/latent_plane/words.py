"""The words of the view that stand outside of it: its tagline, and a tour of five steps for the first visit."""

TAGLINE = "Drag across the plane of a latent space: every point of it is a picture."
TOUR = (  # title, text, and what of the view it is about (a selector)
    (
        "Every point is a picture",
        "Drag across the plane, or use the arrow keys: the picture beside it is decoded as you go.",
        ".lx-plane",
    ),
    (
        "Where the data lies",
        "The dots are test pictures where the encoder puts them, a colour for each class: a click switches one off.",
        ".lx-legend",
    ),
    (
        "Bring your own",
        "Draw in the box, or choose a picture or a photograph of one. The encoder says which point it is.",
        ".lx-input",
    ),
    (
        "Look inside, and be asked",
        "Unfold the network to see what each layer makes of the picture; “Quiz” asks which digit lies where.",
        ".lx-inside > summary",
    ),
    (
        "Keep what you found",
        "The address bar is the link to what you see. Saved files carry it too: drop one anywhere on the page, and it opens again.",
        "[data-do=link]",
    ),
)
