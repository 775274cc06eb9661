"""The latent plane view: your picture, the plane, the decoded picture, the walk. The page's half is `view.js`."""

import base64

import numpy as np

from explorer import checkpoints, geometry, imaging, paper, views
from explorer.errors import InputError
from explorer.generators import has_encoder, has_encodings, kind_of
from explorer.serving import questions
from explorer.serving.calls import answered, for_page, in_squares, in_turn, jpeg, packed, pixels, shipped
from explorer.state import DECIMALS
from explorer.views import calls as common
from explorer.views import inside, points
from explorer.views.latent_plane import pictures, quiz

NEIGHBOURS = 20
POSTERIOR_SAMPLES = 6
KEPT = 256  # pixels of the longer side of what shows what was thrown away
ROW = 20  # cards of lower order have a button of their own, the others share a list
PROPS = {"palette": list(pictures.PALETTE), "neighbours": NEIGHBOURS}


def state_of(query):
    """The complete state of a query string of the latent plane."""
    return views.state_of(query, "latent-plane")


@answered
def open_view(query: questions.Query):
    """What the page needs to show a query string: the state, what was wrong with it, the model, and the other models."""
    models, problems = _models(), []
    try:
        state, problems = views.opened(query, "latent-plane")
    except checkpoints.CheckpointError as error:
        return {"problems": [*problems, str(error)], "models": models, "model": None, "state": None}
    return {"problems": problems, "models": models, "model": describe(state["model"]), "state": for_page(state),
            "defaults": for_page(pictures.complete({"model": state["model"]})), "through": through(state)}  # fmt: skip


def through(state):
    """Of a plane through three places: how the page finds its points, where the places are on it, and its window; else None."""
    if "corners" not in state:
        return None
    plane, center, extent = points.plane_through(state["model"], state["corners"])
    places = np.stack([points.at(state["model"], place) for place in state["corners"]])
    basis = {part: np.round(getattr(plane, part), 7).tolist() for part in ("origin", "u", "v")}
    return basis | {"pins": plane.coordinates(places).round(DECIMALS).tolist(), "center": center, "extent": extent}


def describe(name):
    """What the page needs of a model's card."""
    card = checkpoints.card(name)
    keys = ("name", "title", "kind", "image_shape", "latent_shape", "classes", "view", "family", "series")
    return {key: card[key] for key in keys} | {
        **{key: card.get(key, []) for key in ("examples", "walks", "dead_axes")},
        "conditional": bool(card.get("conditional")),
        "encodings": has_encodings(card),
        "encoder": has_encoder(card),
        "own": bool(card.get("own")),
        "beside": card["recipe"].get("beside"),
        "quiz": quiz.can_ask(card),
        "truncation": card.get("truncation", 1.0),
        "kl_weight": card["recipe"].get("loss", {}).get("kl_weight"),
        "code": code(card),
    }


def _models():
    """Names, titles and series of all models whose card is whole, `apart` those of the list, and the damaged ones' names."""
    cards = [card for card in checkpoints.models() if "views" not in card]
    keys = ("name", "title", "short", "family", "series", "kind")
    known = [{key: card[key] for key in keys} | {"apart": card["order"] >= ROW, "encodings": has_encodings(card)} for card in cards]
    damaged = sorted(set(checkpoints.names()) - {card["name"] for card in checkpoints.models()})
    unknown = {"family": None, "series": None, "kind": None, "apart": False, "encodings": False}
    return known + [{"name": name, "title": f"{name} is damaged", "short": name, **unknown} for name in damaged]


def code(card):
    """The few lines of Keras that make the picture; the page puts the point in place of `{z}`, the class in place of `{label}`."""
    if card.get("own"):
        return _own_code(card)
    recipe, told, more = card["recipe"], "z", ""
    if card.get("conditional"):
        told, more = "model.told(z, [{label}])", ", label={label}"
    decoded = f"model.{'decoder' if has_encodings(card) else 'generator'}.predict({told})[0]"
    if "filters" in recipe.get("generator", {}):  # tanh
        decoded = f"({decoded} + 1) / 2"
    return f"""import keras
import numpy as np
import {kind_of(card).module}  # the classes that the file names

model = keras.saving.load_model("checkpoints/{card["name"]}/model.keras")
z = np.array([[{{z}}]], "float32")
picture = {decoded}  # float32 {tuple(card["image_shape"])} in [0, 1]

# the same by this project's own names
import explorer
picture = explorer.load("{card["name"]}").decode(z{more})[0]
"""


def _own_code(card):
    """The same of one's own model, whose path is nobody's business."""
    shape, pixels = tuple(card["image_shape"]), card["pixels"]
    decoded = f"decoder.predict(z).reshape({shape})"
    if pixels == "logits":
        decoded = f"1 / (1 + np.exp(-{decoded}))"
    elif list(pixels) != [0, 1]:
        decoded = f"np.clip(({decoded} - {pixels[0]:g}) / {pixels[1] - pixels[0]:g}, 0, 1)".replace("- -", "+ ")
    return f"""import keras
import numpy as np

decoder = keras.saving.load_model("decoder.keras")  # the file of {card["name"]}
z = np.array([[{{z}}]], "float32")
picture = {decoded}  # float32 {shape} in [0, 1]

# the same by this project's own names
import explorer
picture = explorer.load("decoder.keras").decode(z)[0]
"""


@answered
def draw_prior(request: questions.Drawn):
    """A point drawn from the model's prior: {"model", "seed", "truncation": as `points.truncated` takes it, if not 1} -> {"z"}."""
    generator = shipped(request["model"])
    z = generator.prior(1, seed=int(request["seed"]) % 2**32)
    return {"z": np.round(points.truncated(generator, z, request.get("truncation", 1.0))[0], DECIMALS).tolist()}


@answered
@in_turn
def encode_picture(request: questions.Page):
    """{"model", "picture": base64 of a file, "square": null or {x, y, side}} -> what the model sees, z_mean, its spread,
    reconstruction, posterior samples; and where on the page that was found (`_page`), of one's own model not.

    The picture lives in this call only: nothing of it is written anywhere.
    """
    generator = shipped(request["model"])
    if not has_encoder(generator.card):
        generator.encode(())  # which says that there is no encoder
    file, page = imaging.of_data_url(request["picture"]), None
    if generator.card.get("own"):
        seen = imaging.fitted(file, generator.image_shape)
    else:
        framing = "mnist" if generator.card["recipe"].get("data") == "mnist" else "fashion"
        page = paper.read(file, framing, request.get("square"))
        seen = paper.centred(page, generator.image_shape, framing)
    z_mean, z_log_var = generator.encode(seen[None])
    z = np.round(z_mean, DECIMALS)
    answer = {
        "seen": pixels(seen),
        "z": z[0].tolist(),
        "reconstruction": pixels(generator.decode(z)[0]),
        "sigma": None,
        "samples": [],
        "page": page and _page(page),
    }
    answer["lost"] = round(float(np.sqrt(np.square(generator.decode(z)[0] - seen).mean())), 3)
    if z_log_var is not None:
        sigma = np.exp(0.5 * z_log_var)
        noise = np.random.default_rng(0).standard_normal((POSTERIOR_SAMPLES, z.shape[1]), dtype="float32")
        samples = generator.decode(z_mean + sigma * noise)
        answer |= {"sigma": np.round(sigma[0], DECIMALS).tolist(), "samples": [pixels(image) for image in samples]}
    return answer


def _page(page):
    """Of what was read from a picture, for the page: its size, the things, the square; `kept`, uint8 (height, width), 1 what is
    framed, small."""
    height, width = page.labels.shape
    step = max(1, -(-max(height, width) // KEPT))
    kept = page.kept[::step, ::step].astype("uint8")
    return {"width": page.size[0], "height": page.size[1], "things": np.round(page.things, 1).tolist(), "square": page.square,
            "plain": page.plain,
            "kept": packed(kept), "kept_width": kept.shape[1], "kept_height": kept.shape[0]}  # fmt: skip


@answered
@in_turn
def walk_frames(query: questions.Query):
    """The frames of the state's walk, their points and positions."""
    frames, z, ts = pictures.walk(state_of(query))
    return {"frames": [pixels(frame) for frame in frames], "z": z.tolist(), "t": np.round(ts, 3).tolist()}


@answered
def decode_point(query: questions.Query):
    """The picture at the state's point, and how many of the nearest encodings bear which label, or of a GAN, which has none, for
    how real its discriminator takes it."""
    state = state_of(query)
    generator = checkpoints.load(state["model"])
    image, answer = common.decoded(state, pictures.picture)
    if not has_encodings(generator.card):
        answer["nearest"] = []
        if hasattr(generator, "verdict"):
            answer["real"] = round(float(generator.verdict(image[None], state.get("label"))[0]), 4)
        return answer
    try:
        codes = checkpoints.encodings(state["model"])
    except checkpoints.CheckpointError:
        return answer | {"nearest": []}  # `plane_points` says which file is damaged; the picture does not need it
    labels = codes.labels[geometry.nearest(codes.z_mean, np.array(state["z"], "float32"), NEIGHBOURS)]
    counts = sorted(zip(*np.unique(labels, return_counts=True), strict=True), key=lambda pair: -pair[1])
    return answer | {"nearest": [[int(label), int(count)] for label, count in counts]}


@answered
@in_turn
def look_inside(request: questions.Looked):
    """{"query", "pixels": of the picture that goes in, or null for the one at the state's point} -> what each layer makes of it,
    the sample, the loss: see `inside.of_autoencoder`."""
    state, sent = state_of(request["query"]), request.get("pixels")
    return inside.of_autoencoder(state["model"], state["z"], state.get("label"), sent and _picture(sent, state["model"]),
                                 state.get("noise_seed", 0))  # fmt: skip


def _picture(sent, name):
    """Raw pixels in base64 as a picture of a model's shape, float32 in [0, 1]."""
    shape = checkpoints.card(name)["image_shape"]
    try:
        return np.frombuffer(base64.b64decode(sent, validate=True), "uint8").reshape(shape).astype("float32") / 255
    except ValueError:
        raise InputError(f"pixels must be base64 of {np.prod(shape)} bytes for {name}") from None


@answered
@in_turn
def quiz_questions(request: questions.Drawn):
    """{"model", "seed"} -> {"questions": see `quiz.questions`}."""
    return {"questions": quiz.questions(request["model"], int(request["seed"]) % 2**32)}


@answered
def quiz_verdict(request: questions.Answered):
    """{"model", "z", "label": of which the place was asked, or null} -> what the judge sees there, {"label", "sure"}, and "middle",
    where that kind lies."""
    state = pictures.complete({"model": request["model"], "z": tuple(request["z"])})
    if not quiz.can_ask(checkpoints.card(state["model"])):
        raise InputError(f"{state['model']} has no judge of what it draws")
    answer, label = quiz.verdict(state["model"], state["z"]), request.get("label")
    return answer | ({} if label is None else {"middle": quiz.middle(state["model"], label)})


@answered
def plane_points(name: questions.Name):
    """The encodings of a model's test set: z_mean as int16 (n, d) in units of `step`, and uint8 labels (n,); of a GAN none."""
    card = checkpoints.card(name)
    if not has_encodings(card):
        return {"points": "", "step": 1.0, "labels": "", "d": int(np.prod(card["latent_shape"]))}
    codes = checkpoints.encodings(name)
    step = max(float(np.abs(codes.z_mean).max()), 1e-6) / 32767
    fixed = np.rint(codes.z_mean / step).astype("<i2")
    return {"points": packed(fixed), "step": step, "labels": packed(codes.labels), "d": codes.z_mean.shape[1]}


@answered
def plane_sheet(name: questions.Name):
    """The decoded plane that was shipped with a 2-D model, for the time until its decoder is there: a data URL and its cells."""
    card = checkpoints.card(name)
    if len(card.get("view", {}).get("z", ())) != 2 or checkpoints.SHEET not in checkpoints.files(name).names():
        return {}
    data = base64.b64encode(checkpoints.read(name, checkpoints.SHEET)).decode()
    return {"url": f"data:image/webp;base64,{data}", "n": 30, **card["view"]}


@answered
@in_turn
def plane_backdrop(query: questions.Query):
    """What is visible of the plane, decoded: one grey or colour JPEG of n x n pictures as a data URL."""
    state = state_of(query)
    return {"url": jpeg(in_squares(pictures.manifold(state)), state["n"], 88)}


@answered
def plane_veil(query: questions.Query):
    """How dark the veil lies over what is visible: uint8 (side, side)."""
    shade = pictures.shade(pictures.veil(state_of(query)))
    return {"shade": packed((255 * shade).astype("uint8")), "side": len(shade)}


SERVER_FUNCTIONS = [
    open_view, decode_point, plane_points, plane_sheet, plane_backdrop, plane_veil, draw_prior, encode_picture, walk_frames,
    look_inside,
    quiz_questions, quiz_verdict,
]  # fmt: skip
LIVE_FUNCTIONS = [decode_point]  # what a drag asks for
