"""Text-to-image models that do not ship: KerasHub's own Stable Diffusion 3, a preset folder, a Kaggle or Hugging Face handle.

Nothing is downloaded before `needs` has said what it takes, and only when `load` is called with such a name.
"""

import copy
import os
import queue
import sys
import threading
from pathlib import Path

from explorer import devices
from explorer import memory as free
from explorer.errors import ExplorerError, InputError
from explorer.generators.base import check_latents
from explorer.geometry import Embeddings

# name -> parameters, as KerasHub lists them
KNOWN = {
    "stable_diffusion_3_medium": 2_987_080_931,
    "stable_diffusion_3.5_medium": 3_371_793_763,
    "stable_diffusion_3.5_large": 9_048_410_595,
    "stable_diffusion_3.5_large_turbo": 9_048_410_595,
}
SHARED = 902_000_000  # of these the text encoders and the autoencoder, which always compute in float32 on a CPU
# steps and guidance that their makers name, where these are not those of the first
USUAL = {
    "stable_diffusion_3.5_medium": (40, 4.5),
    "stable_diffusion_3.5_large": (40, 4.5),
    "stable_diffusion_3.5_large_turbo": (4, 1.0),  # distilled: without guidance
}
HANDLES = ("kaggle://", "hf://")
# where a name is fetched from, and what says there that one may
TOKENS = {
    "hf://": ("huggingface.co", "HF_TOKEN lets"),
    "": ("kaggle.com", "KAGGLE_USERNAME and KAGGLE_KEY (or KAGGLE_API_TOKEN) let"),
}
IMAGE_SIZE = 512
PROMPTS = ("a cute magical flying cat, soft golden light", "a friendly dog in a field of flowers", "an origami elephant",
           "a glass teapot on a wooden table")  # fmt: skip
PERMISSION = "EXPLORER_PRESETS"  # which of them visitors of the page may load: names with commas between, or "any"
BORROWED = (20.0, 0.6, 120.0)  # seconds of a GPU: to begin with, a step of a picture of 512 x 512, at most
_SIDES = (64, 2048)
_loaded, _lock = {}, threading.Lock()  # one at a time: they are large
_borrowers, _borrowers_lock = {}, threading.Lock()


class PresetError(ExplorerError, RuntimeError):
    """A model from elsewhere cannot be loaded here; the message says what it needs."""


def is_preset(name):
    """Whether a name is one of KerasHub's, a handle, or a folder that holds a preset."""
    try:
        return name in KNOWN or name.startswith(HANDLES) or Path(name, "task.json").is_file()
    except OSError:  # a name longer than a file's can be, or a folder that nobody may look into
        return False


def known(name):
    """Whether a visitor may name it: one of KerasHub's, a handle, what was loaded, and a folder that he may have loaded. Of other
    folders nothing is told, not even whether they are there."""
    if name in KNOWN or name.startswith(HANDLES) or any(name == loaded for loaded, _ in list(_loaded)):
        return True
    return permitted(name) and is_preset(name)


def needs(name):
    """What loading takes, in words: parameters, memory, download, licence and token."""
    if Path(name).is_dir():
        size = sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file())
        return f"{name}: a preset folder of {_gigabytes(size)}; nothing is downloaded."
    where, token = next(words for handle, words in TOKENS.items() if name.startswith(handle))
    if of_known(name) is None:
        said = f"{name}: how large it is, and on what terms, its page says; what is missing here is downloaded."
        return f"{said} Terms must be agreed to on its page at {where}; then {token} KerasHub fetch it."
    parameters = KNOWN[of_known(name)]
    return (
        f"{name}: {parameters / 1e9:.1f} billion parameters, about {_gigabytes(2 * parameters)} in float16 to download once and as "
        f"much GPU memory, and some more for pictures. Stability AI's licence must be agreed to on its page at {where}; "
        f"then {token} KerasHub fetch it."
    )


def of_known(name):
    """Which of KerasHub's presets a name or a handle stands for, as hf://keras/stable_diffusion_3_medium does; None for others."""
    return next((part for part in reversed(name.split("/")) if part in KNOWN), None) if not Path(name).is_dir() else None


def permitted(name):
    """Whether visitors of the page may have it loaded."""
    allowed = [part.strip() for part in os.environ.get(PERMISSION, "").split(",")]
    return "any" in allowed or name in allowed


def opened(name, image_size=None):
    """The generator that `load` made. Raises PresetError saying what it needs if it has not been loaded, or not in this size."""
    try:
        return _shown(name, image_size)
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
        return _shown(name, image_size)


def _shown(name, image_size):
    """The generator that was loaded; on ZeroGPU one that draws on a GPU which it borrows for that."""
    generator = _loaded[name, image_size]
    if not devices.on_zero_gpu():
        return generator
    with _borrowers_lock:
        if _borrowers.get("of") is not generator:
            _borrowers.update(of=generator, made=_borrower(generator, name, image_size))
        return _borrowers["made"]


def _borrower(generator, name, image_size):
    shared = copy.copy(generator)

    def decode(z, prompt="", negative_prompt="", steps=None, guidance_scale=None, callback=None, label=None, **told):
        embeddings = prompt if isinstance(prompt, Embeddings) else generator.embed(prompt, negative_prompt)
        steps = generator.card["sampling"]["steps"] if steps is None else steps
        z = check_latents(z, generator.latent_shape)  # these complain here, where it costs nothing
        generator.sigmas(steps)
        told["guidance_scale"] = guidance_scale
        drawing = _drawn(name, image_size, z, embeddings, steps, told)
        while True:
            try:
                found = next(drawing)
            except Exception as error:  # no quota is left, or no GPU free: the message says so
                said = str(getattr(error, "message", error)).strip() or repr(error)
                raise PresetError(f"{name} could not be drawn on a GPU of ZeroGPU: {said.splitlines()[0]}") from error
            if not hasattr(found, "x_0"):
                drawing.close()
                return found
            if callback:
                try:
                    callback(found)
                except BaseException:  # whoever asked has had enough: the GPU goes back
                    drawing.close()
                    raise

    shared.decode = decode
    return shared


def _duration(name, image_size, z, embeddings, steps, told):
    """Seconds for which a GPU is asked for."""
    start, step, most = BORROWED
    return min(most, start + step * steps * len(z))


@devices.borrowing(_duration)
def _drawn(name, image_size, z, embeddings, steps, told):
    """In a process with a GPU: each `samplers.Step`, at last the pictures."""
    # a process that was there before the model was loaded reads it from where it was downloaded to
    generator = _loaded.get((name, image_size)) or _load(name, image_size, None)
    found, left = queue.SimpleQueue(), threading.Event()

    def tell(step):
        if left.is_set():
            raise GeneratorExit
        found.put(step)

    def draw():
        try:
            with devices.borrowed(generator.model):
                found.put(generator.decode(z, embeddings, steps=steps, callback=tell, **told))
        except BaseException as error:
            found.put(error)

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        while thread.is_alive() or not found.empty():
            event = found.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if not hasattr(event, "x_0"):
                return
    finally:
        left.set()


def fetched():
    """Bytes that lie where downloads of presets go: how much it grows is a download's progress."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from kagglehub.config import get_cache_folder

    paths = [path for folder in (HF_HUB_CACHE, get_cache_folder()) for path in Path(folder).rglob("*")]
    return sum(path.stat().st_size for path in paths if path.is_file() and not path.is_symlink())


def _load(name, image_size, out):
    from explorer.generators.kerashub import keras_hub
    from explorer.generators.text_to_image import TextToImageGenerator

    if image_size is not None and not (_SIDES[0] <= image_size <= _SIDES[1] and image_size % 16 == 0):
        raise InputError(f"image_size must be a multiple of 16 from {_SIDES[0]} to {_SIDES[1]}, got {image_size}")
    print(needs(name), file=out or sys.stderr)
    gpu = devices.on_zero_gpu() or devices.gpus() > 0
    settings = {"dtype": "float16"} if gpu else _on_a_cpu(name)
    size = image_size or (IMAGE_SIZE if of_known(name) else None)
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


def _on_a_cpu(name):
    """The network that draws computes in float32 where it has room, else in bfloat16; PresetError where neither fits."""
    parameters, room = KNOWN.get(of_known(name)), memory()
    if parameters is None or 4 * parameters <= room:
        return {}
    least = 2 * parameters + 2 * SHARED
    if least > room:
        raise PresetError(f"{name} needs a GPU, or {_gigabytes(least)} of memory: here are {_gigabytes(room)}. {needs(name)}")
    return {"dtype": "bfloat16"}


def card(name, backbone, image_size=None):
    """The card of a model from elsewhere: what its KerasHub backbone says of itself, and the `image_size` that was asked for."""
    steps, guidance_scale = USUAL.get(of_known(name), (28, 7.0))
    parts = {
        "vae": backbone.vae,
        "mmdit": backbone.diffuser,
        **{part: getattr(backbone, part) for part in ("clip_l", "clip_g", "t5")},
    }
    return {
        "name": name, "kind": "text-to-image", "title": f"Words: {name}", "short": name, "order": 99,
        "latent_shape": list(backbone.latent_shape[1:]), "image_shape": list(backbone.image_shape), "image_size": image_size,
        "parameters": {part: network.count_params() for part, network in parts.items() if network is not None}, "bytes": 0,
        "data": "see its page", "licence": "Stability AI's, see its page" if of_known(name) else "see its page",
        "source": "Esser et al. 2024, by KerasHub", "metrics": {}, "recipe": {}, "views": ["text-to-image"], "known_failures": [],
        "sampling": {"steps": steps, "guidance_scale": guidance_scale}, "prompts": list(PROMPTS), "examples": [], "batch": 1,
        "knows": "hundreds of millions of pictures from the web",
    }  # fmt: skip


def memory():
    """Bytes of memory that may be taken on this machine, caches that make room and a container's limit counted; endless where it
    does not say."""
    return free.available()


def _gigabytes(size):
    return f"{size / 1e9:.1f} GB"
