"""Text-to-image models that do not ship: KerasHub's own Stable Diffusion 3, a preset folder, a Kaggle or Hugging Face handle.

Nothing is downloaded before `needs` has said what it takes, and only when `load` is called with such a name.
"""

import os
import sys
import threading
from pathlib import Path

from explorer.errors import ExplorerError, InputError

# name -> parameters, as KerasHub lists them
KNOWN = {
    "stable_diffusion_3_medium": 2_987_080_931,
    "stable_diffusion_3.5_medium": 3_371_793_763,
    "stable_diffusion_3.5_large": 9_048_410_595,
    "stable_diffusion_3.5_large_turbo": 9_048_410_595,
}
HANDLES = ("kaggle://", "hf://")
IMAGE_SIZE = 512
PROMPTS = ("a cute magical flying cat, soft golden light", "a friendly dog in a field of flowers", "an origami elephant",
           "a glass teapot on a wooden table")  # fmt: skip
PERMISSION = "EXPLORER_PRESETS"  # which of them visitors of the page may load: names with commas between, or "any"
_SIDES = (64, 2048)
_loaded, _lock = {}, threading.Lock()  # one at a time: they are large


class PresetError(ExplorerError, RuntimeError):
    """A model from elsewhere cannot be loaded here; the message says what it needs."""


def is_preset(name):
    """Whether a name is one of KerasHub's, a handle, or a folder that holds a preset."""
    try:
        return name in KNOWN or name.startswith(HANDLES) or Path(name, "task.json").is_file()
    except OSError:  # a name longer than a file's can be, or a folder that nobody may look into
        return False


def needs(name):
    """What loading takes, in words: parameters, memory, download, licence and token."""
    if Path(name).is_dir():
        size = sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file())
        return f"{name}: a preset folder of {_gigabytes(size)}; nothing is downloaded."
    if name not in KNOWN:
        return f"{name}: how large it is, and on what terms, its page says; what is missing here is downloaded."
    parameters = KNOWN[name]
    return (
        f"{name}: {parameters / 1e9:.1f} billion parameters, about {_gigabytes(2 * parameters)} in float16 to download once and as "
        "much GPU memory, and some more for pictures. Stability AI's licence must be agreed to on its page at kaggle.com; "
        "then KAGGLE_USERNAME and KAGGLE_KEY (or KAGGLE_API_TOKEN) let KerasHub fetch it."
    )


def permitted(name):
    """Whether visitors of the page may have it loaded."""
    allowed = [part.strip() for part in os.environ.get(PERMISSION, "").split(",")]
    return "any" in allowed or name in allowed


def opened(name, image_size=None):
    """The generator that `load` made. Raises PresetError saying what it needs if it has not been loaded, or not in this size."""
    try:
        return _loaded[name, image_size]
    except KeyError:
        raise PresetError(f"{name} has not been loaded here. {needs(name)}") from None


def load(name, image_size=None, out=None):
    """A `TextToImageGenerator`; says what it needs on `out` (standard error) first. KerasHub shows the download's progress.

    `image_size`: pixels along a side, 64 to 2048, a multiple of 16, instead of the preset's (of KerasHub's own, 512). The last one
    is kept, and is the same object each time. Raises ValueError for another size or one too large for the model, PresetError if it
    cannot be loaded here, saying why and what to do.
    """
    with _lock:
        if (name, image_size) not in _loaded:
            generator = _load(name, image_size, out)  # if it fails, what was there stays
            _loaded.clear()
            _loaded[name, image_size] = generator
        return _loaded[name, image_size]


def fetched():
    """Bytes that lie where downloads of presets go: how much it grows is a download's progress."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from kagglehub.config import get_cache_folder

    paths = [path for folder in (HF_HUB_CACHE, get_cache_folder()) for path in Path(folder).rglob("*")]
    return sum(path.stat().st_size for path in paths if path.is_file() and not path.is_symlink())


def _load(name, image_size, out):
    import keras

    from explorer.generators.kerashub import keras_hub
    from explorer.generators.text_to_image import TextToImageGenerator

    if image_size is not None and not (_SIDES[0] <= image_size <= _SIDES[1] and image_size % 16 == 0):
        raise InputError(f"image_size must be a multiple of 16 from {_SIDES[0]} to {_SIDES[1]}, got {image_size}")
    print(needs(name), file=out or sys.stderr)
    gpu = any(not device.startswith("cpu") for device in keras.distribution.list_devices())
    wanted, room = 4 * KNOWN.get(name, 0), memory()  # a CPU computes in float32
    if not gpu and wanted > room:
        raise PresetError(f"{name} needs a GPU, or {_gigabytes(wanted)} of memory: here are {_gigabytes(room)}. {needs(name)}")
    settings = {"dtype": "float16"} if gpu else {}
    size = image_size or (IMAGE_SIZE if name in KNOWN else None)
    if size:
        settings["image_shape"] = (size, size, 3)
    try:
        task = keras_hub.models.TextToImage.from_preset(name, **settings)
    except Exception as error:  # no network, no token, terms not agreed to, no such preset, no memory
        raise PresetError(
            f"{name} could not be loaded: {(str(error).strip() or repr(error)).splitlines()[0]} {needs(name)}"
        ) from error
    positions = task.backbone.diffuser
    most = 8 * positions.position_size * positions.patch_size  # beyond it KerasHub fails at the first step
    if image_size and image_size > most:
        raise InputError(f"{name} draws pictures of at most {most} pixels a side, got image_size {image_size}")
    return TextToImageGenerator(card(name, task.backbone, image_size), task)


def card(name, backbone, image_size=None):
    """The card of a model from elsewhere: what its KerasHub backbone says of itself, and the `image_size` that was asked for."""
    parts = {
        "vae": backbone.vae,
        "mmdit": backbone.diffuser,
        **{part: getattr(backbone, part) for part in ("clip_l", "clip_g", "t5")},
    }
    return {
        "name": name, "kind": "text-to-image", "title": f"Words: {name}", "short": name, "order": 99,
        "latent_shape": list(backbone.latent_shape[1:]), "image_shape": list(backbone.image_shape), "image_size": image_size,
        "parameters": {part: network.count_params() for part, network in parts.items() if network is not None}, "bytes": 0,
        "data": "see its page", "licence": "Stability AI's, see its page" if name in KNOWN else "see its page",
        "source": "Esser et al. 2024, by KerasHub", "metrics": {}, "recipe": {}, "views": ["text-to-image"], "known_failures": [],
        "sampling": {"steps": 28, "guidance_scale": 7.0}, "prompts": list(PROMPTS), "examples": [], "batch": 1,
        "knows": "hundreds of millions of pictures from the web",
    }  # fmt: skip


def memory():
    """Bytes of memory that are free on this machine; endless where it does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _gigabytes(size):
    return f"{size / 1e9:.1f} GB"
