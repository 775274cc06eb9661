"""The words of the view that stand outside of it: its tagline, and a tour of five steps for the first visit."""

TAGLINE = "Watch a picture come out of noise, step by step."
TOUR = (  # title, text, and what of the view it is about (a selector)
    ("It begins with noise", "Another seed is another noise, and another picture.", ".lx-noise"),
    (
        "Scrub through the steps",
        "On one side what the network sees, on the other the picture that it expects. Move the slider, or press the arrow keys.",
        "[data-scrub]",
    ),
    ("The schedule", "How much noise and how much signal are left at the step that is shown.", ".lx-schedule"),
    ("Look inside", "Unfold the network to see what each level of the U-Net makes of this step.", ".lx-levels > summary"),
    (
        "Six ways to look",
        "Few steps or many, two samplers, between two noises, from a picture of yours, many samples.",
        ".lx-models",
    ),
)
