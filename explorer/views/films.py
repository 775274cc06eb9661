"""How a film goes: how many frames between two of a walk and in a second, how long it stays at its ends."""

from dataclasses import replace

from explorer.state import KEYS as ALL
from explorer.state import StateError

KEYS = frozenset({"between", "fps", "pause"})
USUAL = 1 / 0.12  # frames in a second, where a state does not say


def filmed(view, full):
    """What a complete state shows as a film, a `Drawn`: a walk with its frames in between, which the model draws as it does the
    others. StateError where they are too many."""
    if full["what"] == "strip" and full.get("between") and _walks(full):
        frames, more = full["frames"], full["between"] + 1
        count = frames * more if full.get("closed") else (frames - 1) * more + 1
        try:
            full = view.complete({**full, "frames": ALL["frames"].read(str(count))})
        except ValueError as error:  # a StateError is one
            raise StateError(f"{frames} frames with {more - 1} between are {count}: {error}", "between") from None
    shown = view.pictures(full, True)
    held = shown.held
    if "pause" in full:
        stay = round(full["pause"] * full.get("fps", USUAL))
        # a way there and back has its other end in the middle
        held = ((0, stay), (shown.count // 2 if full.get("closed") else shown.count - 1, stay))
    return replace(shown, held=held, fps=full.get("fps")) if shown.moves else shown


def _walks(full):
    """A - B + C is a row of four pictures, with nothing between them."""
    return full["view"] == "latent-plane" or len(full.get("corners", ())) in (0, 2)
