"""Everything that decides a picture, as one string: the URL's query, a file's metadata, the argument of `render`.

A state is a dict with the keys of `KEYS`; what is missing has the default of the model or the view. Numbers of points are
quantised here, before anything is decoded, so that the link is the picture.
"""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from explorer.errors import InputError

DECIMALS = 4  # of latent coordinates: 1/10,000 of the prior's standard deviation
MOST_PROMPT = 1000  # characters; a model reads some twenty to seventy words
MOST_SEED = 2**32 - 1
# In an address, how the page is shown, no part of a state: without its header, for the last row, walking by itself, with a lecture
OPTIONS = (EMBED := "embed", "lecture", "kiosk", "sequence", "language")
MOST_QUERY = 200_000  # characters: four points of 4,096 numbers
MOST_STOPS = 10  # of a walk, between its ends
MOST_LIKE = 12  # faces of a handful, of which a direction is made
LIMIT = 1000.0  # no decoder here has seen anything near it


class Key(NamedTuple):
    """How one key of a state is read and written; `read` raises ValueError saying what it takes. `between`: what stands between
    its parts, if it has some."""

    read: Callable
    write: Callable
    between: str = ","


def _choice(*choices):
    def read(text):
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return Key(read, str)


def whole(text):
    """The whole number that a text of ASCII digits is; ValueError for any other text, and for more than eighteen digits."""
    if not _WHOLE.fullmatch(text.strip(" ")):
        raise ValueError("must be a whole number")
    return int(text)


def decimal(text):
    """The number that a text is in ASCII, as in -0.5 or 1e-4; ValueError for any other text."""
    if not _DECIMAL.fullmatch(text.strip(" ")):
        raise ValueError("must be a number")
    return float(text)


def _whole(low, high):
    def read(text):
        try:
            value = whole(text)
        except ValueError:
            raise ValueError(f"must be a whole number from {low} to {high}") from None
        if not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return Key(read, str)


def _decimal(text, low, high):
    try:
        value = decimal(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:  # NaN as well
        raise ValueError(f"must be a number from {low:g} to {high:g}")
    return round(value, DECIMALS) + 0.0  # + 0.0: no minus zero


def number_text(value):
    """A number as it stands in a link: at most four decimals, no needless zeros."""
    return f"{round(float(value), DECIMALS) + 0.0:.{DECIMALS}f}".rstrip("0").rstrip(".")


def _number(low, high):
    return Key(lambda text: _decimal(text, low, high), number_text)


def _numbers(low, high, length=None, most=4096, empty=False):
    what = f"{length} numbers" if length else "numbers"

    def read(text):
        parts = text.split(",")
        if empty and not text:
            return ()
        if length and len(parts) != length or len(parts) > most:
            raise ValueError(f"must be {what} from {low:g} to {high:g}, separated by commas")
        try:
            return tuple(_decimal(part, low, high) for part in parts)
        except ValueError:
            raise ValueError(f"must be {what} from {low:g} to {high:g}, separated by commas") from None

    return Key(read, lambda values: ",".join(map(number_text, values)))


def _wholes(low, high, most):
    one = _whole(low, high)

    def read(text):
        parts = text.split(",") if text else []
        try:
            if len(parts) <= most:
                return tuple(map(one.read, parts))
        except ValueError:
            pass
        raise ValueError(f"must be at most {most} whole numbers from {low} to {high}, separated by commas")

    return Key(read, lambda values: ",".join(map(str, values)))


_flag = Key(_choice("0", "1").read, lambda value: str(int(value)))
_flag = Key(lambda text, read=_flag.read: read(text) == "1", _flag.write)


def _name(text):
    if not 0 < len(text) <= 200:
        raise ValueError("must be a name of 1 to 200 characters")
    return text


def _one_word(text):
    if not _NAME.fullmatch(text):
        raise ValueError("must be one word of at most 40 letters, digits and _")
    return text


def _word(example):
    """A name out of a list that other rooms keep, which say what is in it."""

    def read(text):
        if not _WORD.fullmatch(text):
            raise ValueError(f"must be a name in small letters, as in {example}")
        return text

    return Key(read, str)


def _prompt(text):
    if len(text) > MOST_PROMPT:
        raise ValueError(f"must be a text of at most {MOST_PROMPT:,} characters")
    return text


def _named_numbers(low, high, most=64):
    what = f"must be names and numbers from {low:g} to {high:g}, as in Smiling:1.5,Young:-1"

    def read(text):
        pairs = [part.rpartition(":") for part in text.split(",")] if text else []
        if len(pairs) > most or not all(_NAME.fullmatch(name) for name, _, _ in pairs):
            raise ValueError(what)
        try:
            named = {name: _decimal(value, low, high) for name, _, value in pairs}
        except ValueError:
            raise ValueError(what) from None
        return tuple((name, value) for name, value in named.items() if value)

    return Key(read, lambda pairs: ",".join(f"{name}:{number_text(value)}" for name, value in pairs))


def _names(most=64):
    def read(text):
        parts = text.split(",") if text else []
        if len(parts) > most or not all(map(_NAME.fullmatch, parts)):
            raise ValueError("must be names, separated by commas")
        return tuple(dict.fromkeys(parts))

    return Key(read, ",".join)


def _places(least=2, most=4):
    """Points of a latent space: a seed (7), a face of the gallery (g12) or all coordinates (0.5,-1,...), with ; between."""
    coordinates = _numbers(-LIMIT, LIMIT)

    def read(text):
        parts = text.split(";")
        if not least <= len(parts) <= most:
            raise ValueError(f"must be {least} to {most} places with ; between: seeds (7), gallery faces (g12) or coordinates")
        return tuple(place(part) for part in parts)

    def place(part):
        if not part or _GALLERY.fullmatch(part):  # none: a view may leave a place open
            return part
        if _WHOLE.fullmatch(part):
            return _SEED.read(part)
        try:
            return coordinates.read(part)
        except ValueError:
            raise ValueError("must be seeds (7), gallery faces (g12) or coordinates (0.5,-1,...) with ; between") from None

    return Key(read, lambda places: ";".join(place_text(place) for place in places), ";")


def _prompts(most=MOST_STOPS):
    def read(text):
        parts = text.split("\n") if text else []
        if len(parts) > most:
            raise ValueError(f"must be at most {most} texts, one a line")
        return tuple(map(_prompt, parts))

    return Key(read, "\n".join, "\n")


def place_text(place):
    """A place as it stands in a link."""
    return place if isinstance(place, str) else str(place) if isinstance(place, int) else ",".join(map(number_text, place))


def _image(text):
    if not (found := _IMAGE.fullmatch(text)) or found[2][0] != "g" and int(found[2]) > MOST_SEED:
        raise ValueError("must be a model with a seed (flowers-diffusion:7) or with a picture of its gallery (celeba-vae:g12)")
    return text


def _end():
    point = _numbers(-LIMIT, LIMIT)
    return Key(lambda text: (float(_SEED.read(text)),) if _WHOLE.fullmatch(text) else point.read(text), point.write)


_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_NAME = re.compile(r"\w{1,40}")  # a visitor's own in any alphabet
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_IMAGE = re.compile(r"([A-Za-z0-9][\w.-]{0,99}):(g\d{1,4}|\d{1,10})", re.ASCII)
_GALLERY = re.compile(r"g\d{1,4}", re.ASCII)
_SEED = _whole(0, MOST_SEED)
CHAPTERS = ("linear", "deeper", "denoising", "sparse", "codings", "holes", "labels", "gans", "arithmetic")
WHATS = ("picture", "strip", "plane", "grid", "trajectory", "steps", "forward", "strengths")
MASK_SIDE = 32  # cells along a side of a mask

KEYS = {
    "view": _word("latent-plane"),  # `views.NAMES`
    "what": _choice(*WHATS),  # what `render` writes; the page shows all of them
    "model": Key(_name, str),
    "image_size": _whole(64, 2048),  # in which a model that does not ship was loaded
    "z": _numbers(-LIMIT, LIMIT),  # the point
    "seed": _SEED,  # of a point drawn from the prior
    "truncation": _number(0, 1),  # ... how far from the prior's mean it stays: 1 as it was drawn
    "face": _whole(0, 9999),  # of the gallery
    "attributes": _named_numbers(-10, 10),  # amounts of directions added to the point
    "hold": _names(),  # attributes that keep still meanwhile
    "direction": Key(
        _one_word, str
    ),  # what a visitor calls the one that two handfuls of faces tell; `attributes` has how much of it
    "more": _places(1, MOST_LIKE),  # ... from those that are less like it to these that are more
    "less": _places(1, MOST_LIKE),
    "how": _choice("learned", "whitened", "plain"),  # ... as learned, by orthogonality after whitening, or by bare orthogonality
    "along": Key(_name, str),  # the attribute of a strip
    "pair": _names(2),  # the two of an attribute plane
    "corners": _places(),  # two to morph between, four of a sheet; of three, A - B + C, or the latent plane through them
    "from": _numbers(-LIMIT, LIMIT, empty=True),  # where a path begins, if not at z; empty: nowhere as yet
    "to": _end(),  # where it ends: a point, or the seed of another noise
    "via": _places(1, MOST_STOPS),  # through which a walk goes on its way, in their order; of noises, their seeds
    "t": _numbers(-1, 1, most=2),  # where: on the path between two corners (0 to 1), or on the surface of four (-1 to 1 each)
    "kind": _choice("linear", "slerp"),
    "prompt": Key(_prompt, str),
    "to_prompt": Key(_prompt, str),  # where a walk ends; of a plane, the corner at the top right
    "below_prompt": Key(_prompt, str),  # ... at the bottom left
    "below_to_prompt": Key(_prompt, str),  # ... at the bottom right
    "via_prompts": _prompts(),  # through which a walk goes on its way
    "negative_prompt": Key(_prompt, str),
    "guidance_scale": _number(0, 30),
    "guidance_rescale": _number(0, 1),  # how far what guidance predicts is brought back to the deviation of what it did not
    "guidance_interval": _numbers(0, 1, 2),  # between which times there is guidance
    "image": Key(_image, str),  # what is drawn over: a picture of another model
    "strength": _number(0, 1),  # ... how far: so much of the way from noise to a picture is gone
    "mask": _wholes(0, MASK_SIDE**2, MASK_SIDE**2 + 1),  # where: runs of cells, row by row, that are kept, drawn, kept, ...
    "margin": _number(0, 0.4),  # share of a side by which a picture is moved in on each side, to be gone on with outside
    "steps": _whole(1, 4000),  # of a sampler
    "sampler": _word("ddim"),  # `generators.samplers.SAMPLERS`
    "to_sampler": _word("ddim"),  # a second one beside it, from the same noise
    "eta": _number(0, 1),  # how much fresh noise DDIM adds
    "epsilon_scale": _number(0.9, 1.1),  # times the predicted noise is what a sampler takes for noise
    "time": _number(0, 1),  # diffusion time: which step is shown, or how far a picture is noised
    "refined": _flag,  # whether a refiner paints out what a VAE says
    "noise_seed": _SEED,  # ... from which noise; or which sample of a cloud is looked at within the network
    "inside": _flag,  # whether the network is shown layer by layer
    "quiz": _SEED,  # the seed of the questions that the plane asks
    "even": _flag,  # frames evenly spaced by what changes in the picture
    "closed": _flag,
    "start": _number(0, 1),
    "stop": _number(0, 1),
    "frames": _whole(2, 600),  # a film of 220 is half a minute
    "between": _whole(0, 60),  # frames of a film between two of a walk
    "fps": _whole(1, 60),  # frames of a film in a second
    "pause": _number(0, 10),  # seconds that a film stays at each end
    "axes": _wholes(0, 4095, 2),  # the two dimensions that span the plane
    "scale": _choice("z", "p"),  # the plane's coordinates: z, or the normal's CDF of each
    "center": _numbers(-LIMIT, LIMIT, 2),  # of what is visible, in the plane's coordinates
    "extent": _number(0.001, LIMIT),  # half its width
    "n": _whole(1, 60),  # cells along a side
    "size": _whole(16, 1024),  # pixels along a picture's side
    "veil": _choice("none", "data", "normal"),
    "points": _flag,
    "hidden": _wholes(0, 255, 256),  # classes switched off
    "beside": Key(_name, str),  # a second model
    "label": _whole(0, 1000),  # the class that a conditional model draws
    "chapter": _choice(*CHAPTERS),  # of "Why a VAE?"
    "source": _choice("drawn", "test"),  # its garments: drawn by a model of ours, or real test images where these are at hand
    "noise": _choice("dropout", "gaussian"),  # what corrupts them
    "amount": _number(0, 1),  # ... the share of pixels lost, or the standard deviation
    "epoch": _whole(1, 10000),  # of training, after which a GAN's drawings are shown
}


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|[/#]", re.IGNORECASE)
_TEXTS = (_name, _prompt)  # where any letters may stand


class StateError(InputError):
    """A state that cannot be read, or does not fit its model; the message names the key, what it takes and what came.

    `key`: without which the rest of the state may fit, or None; `kept`: what of its value may stay, or None.
    """

    def __init__(self, message, key=None, kept=None):
        super().__init__(message)
        self.key, self.kept = key, kept


def parse(query):
    """A query string -> (state, problems): bad values are left out and said in `problems` (list of str). Unknown keys are
    ignored."""
    state: dict[str, Any] = {}
    problems: dict[str, str] = {}  # of a key one: a link may hold it a thousand times
    try:
        pairs = _pairs(query.removeprefix("?"))
    except StateError as error:
        return {}, [str(error)]
    for key, text in pairs:
        if key in KEYS:
            try:
                state[key] = KEYS[key].read(_letters(text) if KEYS[key].read in _TEXTS else text)
            except ValueError as error:
                problems.setdefault(key, f"{key} {error}, got {_shown(text)}")
    return state, list(problems.values())


def parse_strictly(query):
    """As `parse`, but of a whole address too, and the first bad value or unknown key raises StateError."""
    before, mark, after = query.partition("?")
    if mark and not {"=", "&"} & set(before):  # an address: in a state's own text a question mark is one
        query = after.partition("#")[0]
    elif _ADDRESS.match(query):
        raise StateError(f"{_shown(query)} holds no state: it stands after ? in the address, as in ?model=mnist-vae&z=0,1")
    for key, _ in _pairs(query):
        if key and key not in KEYS and key not in OPTIONS and not key.startswith("__"):  # the web server's, as in __theme=dark
            raise StateError(f"there is no key {_shown(key)}: a state has {', '.join(KEYS)}. Write & within a text as %26")
    state, problems = parse(query)
    if problems:
        raise StateError(problems[0])
    return state


def _pairs(query):
    """(key, text) of a query string; bytes that are no UTF-8 become half a surrogate each, which no text has.
    StateError for one that is longer than any state."""
    if len(query) > MOST_QUERY:
        raise StateError(f"a state has at most {MOST_QUERY:,} characters, got {len(query):,}")
    return parse_qsl(query, keep_blank_values=True, errors="surrogateescape")


def is_text(text):
    """Whether a string can be written as UTF-8: one with half a surrogate, as came of bytes that were no text, cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _letters(text):
    if not is_text(text):
        raise ValueError("must be text in UTF-8, of which no byte is %FF and ü is %C3%BC")
    return text


def _shown(text):
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)  # so that it can be printed
    return repr(text if len(text) <= 40 else text[:37] + "...")


def schema():
    """What the page's script needs to write a state as `text` does: (key, what stands between its parts) in their order."""
    return [(key, kind.between) for key, kind in KEYS.items()]


def text(state):
    """The query string of a state, keys in the order of `KEYS`: `parse(text(state))` is the state again."""
    unknown = set(state) - set(KEYS)
    if unknown:
        raise StateError(f"there are no keys {', '.join(sorted(unknown))}")
    return "&".join(f"{key}={quote(KEYS[key].write(state[key]), safe=',:;-._~')}" for key in KEYS if key in state)
