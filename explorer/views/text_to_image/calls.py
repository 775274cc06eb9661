"""The text-to-image view: pictures and walks of prompts, drawn step by step. The page's half is `view.js`."""

import base64
import copy
import dataclasses
import functools
import threading

import numpy as np

from explorer import checkpoints, imaging, presets, views
from explorer.errors import InputError
from explorer.serving import questions, remote
from explorer.serving.calls import JOBS, LONG, answered, for_page, in_turn, pixels, shown_with
from explorer.state import MASK_SIDE
from explorer.views import costs, drawn
from explorer.views.text_to_image import pictures, starts


def state_of(query):
    """The complete state of a query string of this view."""
    return views.state_of(query, "text-to-image")


@answered
def open_prompts(query: questions.Query):
    """What a page needs to show a query string: state, problems, the model, the names of all text-to-image models; `wanted` if
    the query names one that does not ship and has not been loaded: its name, and the picture size that was asked for."""
    wanted = {}

    def complete(state):
        try:
            return views.checked(state)
        except presets.PresetError:
            wanted.update({key: state.get(key) for key in ("model", "image_size")})
            return views.checked({key: value for key, value in state.items() if key not in wanted})

    full, problems = views.opened(query, "text-to-image", complete)
    usual = pictures.complete({key: full[key] for key in ("model", "image_size") if key in full})
    said = ("what", "model", "image_size", "seed", *pictures.PROMPTS)  # these a link always says
    usual = {key: value for key, value in usual.items() if key not in said}
    return {"problems": problems, "model": describe(full), "models": shown_with(pictures.reads), "others": list(presets.KNOWN),
            "state": for_page(full), "defaults": for_page(usual), "wanted": wanted or None, "sources": starts.sources(),
            "mask_side": MASK_SIDE}  # fmt: skip


def describe(state):
    """What the page needs of the card of a state's model."""
    card = pictures.card_of(state)
    keys = ("name", "image_shape", "sampling", "knows", "examples")
    return {key: card[key] for key in keys} | {"whole": bool(card.get("vocabulary")), "code": code(card)}


@answered
def ask_preset(name: questions.Name):
    """What a model that does not ship needs, in words, and whether a visitor may have it loaded here: {"needs", "permitted"}."""
    name = str(name).strip()
    if not presets.known(name):
        raise InputError(
            f"{name!r} is no preset that can be loaded here: it must be one of {', '.join(presets.KNOWN)}, a kaggle:// or hf:// "
            "handle, or, where whoever runs this page lets visitors, a folder with a task.json"
        )
    return {"needs": presets.needs(name), "permitted": presets.permitted(name)}


@answered
def load_preset(request: questions.Preset):
    """{"name", "image_size"} -> {"job"}, which tells the bytes fetched so far, and that it is loaded."""
    name, image_size = str(request["name"]).strip(), request.get("image_size")
    if not presets.permitted(name):
        raise presets.PresetError(
            f"Visitors of this page may not have {name} loaded. Whoever runs it may let them, with {presets.PERMISSION}."
        )
    work = functools.partial(_load, name=name, image_size=image_size and int(image_size))
    return {"job": JOBS.start(work, long=True)}


def _load(job, name, image_size):
    """Loads beside the job, which may be left while the download goes on: it is not lost."""
    found, before = {}, presets.fetched()

    def work():
        try:
            presets.load(name, image_size)
        except Exception as error:
            found["error"] = error

    thread = threading.Thread(target=work, name=f"load-{name}", daemon=True)
    thread.start()
    while thread.is_alive():
        job.report({"fetched": presets.fetched() - before})
        thread.join(1.0)
    if "error" in found:
        raise found["error"]
    job.report({"loaded": True})


def code(card):
    """The few lines that make the pictures; the page puts in prompts, noise and settings."""
    size = f", image_size={card['image_size']}" if card.get("image_size") else ""
    return f"""import explorer

model = explorer.load("{card["name"]}"{size})  # a KerasHub task behind it: model.model
{{prompt}}
{{noise}}
pictures = model.decode(noise, prompt, {{settings}})  # float32 (n, {", ".join(map(str, card["image_shape"]))}) in [0, 1]
"""


@answered
def start_drawing(request: questions.Query | questions.Run):
    """Begin to draw what a query asks for, or {"query", "picture": base64 of a file to be drawn over instead of the query's image}
    -> {"job", "strange": {key of a prompt: words that the model never saw}}. The picture lives in this run only."""
    query, file = (request["query"], request.get("picture")) if isinstance(request, dict) else (request, None)
    state = state_of(query)
    shape = tuple(pictures.card_of(state)["image_shape"])
    brought = _brought(file, shape) if file and "image" in state else None
    vocabulary = pictures.card_of(state).get("vocabulary")
    texts = {**pictures.prompts_of(state), "negative_prompt": state["negative_prompt"]}
    strange = {key: pictures.strange(text, vocabulary) if vocabulary else [] for key, text in texts.items()}
    long = pictures.evaluations(state) > 2 * LONG
    return {"job": JOBS.start(functools.partial(_draw, state=state, brought=brought), long), "strange": strange}


@in_turn
def _brought(file, shape):
    """A visitor's picture, of which the middle is taken where it is no square: float32 (h, w, 3)."""
    return imaging.fitted(imaging.of_data_url(file), shape)


@answered
@in_turn
def frame_picture(request: questions.Framed):
    """{"query", "picture": base64 of a file, "crop": null or {x, y, side, angle}} -> {"seen": what is drawn over, "crop", "width",
    "height", "face": whether one was found}. Without a crop a face is framed as faces are in what the model learned; else it is the
    middle.

    A crop is in pixels of the picture as it was read, `width` x `height`. Nothing of it is written anywhere.
    """
    side = pictures.card_of(state_of(request["query"]))["image_shape"][0]
    rgba = imaging.read_picture(imaging.of_data_url(request["picture"]), imaging.LONGEST)
    height, width = rgba.shape[:2]
    crop, face = request.get("crop"), False
    if not crop:
        crop = {"x": width / 2, "y": height / 2, "side": float(min(height, width)), "angle": 0.0}
        try:
            place = checkpoints.judge("framing").find(rgba)
            crop, face = {"x": place.center_x, "y": place.center_y, "side": place.side, "angle": place.angle}, True
        except (imaging.PictureError, KeyError, checkpoints.CheckpointError):
            pass  # no face, or nobody who finds one
    seen = imaging.cut(rgba, (float(crop["x"]), float(crop["y"])), float(crop["side"]), float(crop["angle"]), side)
    return {"crop": crop, "face": face, "width": width, "height": height, "seen": pixels(seen)}


@answered
@in_turn(long=True)
def file_over(request: questions.Over):
    """{"query", "picture": base64 of a file to be drawn over, or else the query's image is, "mask": of one that is white where} ->
    {"file": base64 of a PNG, which says nothing of how it was made, "name"}."""
    full = state_of(request["query"])
    if "image" not in full or full["what"] != "picture":
        raise InputError("a picture or a mask of yours needs what=picture, and a strength")
    cost = costs.Cost("png")
    cost.judge(full, pictures.pictures(full))
    shape = tuple(pictures.card_of(full)["image_shape"])
    given = {key: imaging.fitted(imaging.of_data_url(request[key]), shape) for key in ("picture", "mask") if request.get(key)}
    start = starts.of(full, shape, given.get("picture"))
    if "mask" in given:
        marked = imaging.grey(given["mask"])[None, ..., None].clip(0, 1)
        start = dataclasses.replace(start, mask=marked if start.mask is None else np.maximum(marked, start.mask))
    data = drawn.file(pictures.pictures(full, start=start), full.get("size"), "png", "")
    cost.learn()
    return {"file": base64.b64encode(data).decode(), "name": f"{full['model']}-over.png"}


def _draw(job, state, brought=None):
    generator = embedding_in_turn(pictures.generator_of(state), job.turn)
    drawing = remote.sampler(generator)
    start = starts.of(state, generator.image_shape, brought) if "image" in state else None
    found = pictures.batches(generator, state, start)
    norms, angle = pictures.norms(generator, state)
    side = {"plane": state["n"], "grid": state["n"], "steps": len(pictures.COMPARED), "strengths": len(pictures.STRENGTHS)}
    job.report({
        "titles": [title for batch in found for title in batch.titles], "side": side.get(state["what"]),
        "norms": norms, "angle": angle,
        "cut": pictures.cut_off(generator, state),
        "total": sum(batch.gone for batch in found), "steps": found[0].gone,
        **({"start": pixels(start.image[0]), "mask": None if start.mask is None else pixels(start.mask[0])} if start else {}),
    })  # fmt: skip
    before = 0
    for batch in found:

        def callback(step, batch=batch, before=before):
            shown = [pixels(image) for image in generator.preview(step.x_0)]
            job.report(
                {"first": batch.first, "at": before + step.index + 1, "noise_rate": round(step.noise_rate, 3), "pictures": shown}
            )

        images = drawing.decode(batch.noise, batch.embeddings, steps=batch.steps, callback=callback, **batch.over,
                                **pictures.guidance(state))  # fmt: skip
        before += batch.gone
        job.report({"first": batch.first, "at": before, "drawn": True, "pictures": [pixels(image) for image in images]})


def embedding_in_turn(generator, turn):
    """The generator, its prompts read within `turn()` only; its other networks are asked in turns as those of any job."""
    shared = copy.copy(generator)

    def embed(*arguments):
        with turn():
            return generator.embed(*arguments)

    shared.embed = embed
    return shared


SERVER_FUNCTIONS = [open_prompts, start_drawing, frame_picture, ask_preset, load_preset]
