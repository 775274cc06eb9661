"""The words of the view that stand outside of it: its tagline, and a tour of five steps for the first visit."""

TAGLINE = "Change one thing about a face, and read what else changed with it."
TOUR = (  # title, text, and what of the view it is about (a selector)
    (
        "A face is a point of 200 numbers",
        "This one is drawn by the model; “Surprise me” draws another, and the gallery holds more.",
        "[data-shows]",
    ),
    (
        "Sliders add directions",
        "Each slider adds a direction of the latent space: a smile, glasses, another age.",
        ".lx-attributes",
    ),
    (
        "Every slider has a receipt",
        "Below it stands what the direction does to its own attribute and to others, by a judge that did not help to find it.",
        ".lx-receipt",
    ),
    ("Bring a face of your own", "A photo or the camera: the face is found, encoded, and stays in this page.", ".lx-input"),
    ("Keep what you found", "The address bar is the link to this face, and saved files carry it too.", "[data-do=link]"),
)
