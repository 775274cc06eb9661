"""The words of the view that stand outside of it: its tagline, and a tour of five steps for the first visit."""

TAGLINE = "Write what you want to see, and walk from one prompt to another."
TOUR = (  # title, text, and what of the view it is about (a selector)
    (
        "Write a prompt",
        "Faces, flowers, digits and clothes are what the small model knows. It draws step by step.",
        "[data-set=prompt]",
    ),
    ("Walk from prompt to prompt", "The same noise, and an embedding that goes from one prompt to the other.", ".lx-models"),
    ("What it draws", "Each picture appears as soon as it is there; the steps can be looked at again.", "[data-shows]"),
    (
        "Begin at a picture",
        "Change a picture a little or much, brush over what alone is to change, or draw what lies outside of it.",
        ".lx-input",
    ),
    ("Keep what you found", "The address bar is the link to what you see, and saved files carry it too.", "[data-do=link]"),
)
