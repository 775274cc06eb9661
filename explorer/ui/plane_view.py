"""The latent plane view: your picture, the plane, the decoded picture, the walk. The page's half is `plane_view.js`."""

import base64

import numpy as np

from explorer import checkpoints, imaging, places, rendering
from explorer.state import DECIMALS, KEYS, parse, text
from explorer.ui import latent_plane
from explorer.ui.latent_plane import answered, in_turn, pixels, shipped, state_of
from explorer.ui.views import component, for_page

SCRIPTS = ("live.js", "view.js", "pictures.js", "latent_plane.js", "plane_view.js", "plane_controls.js", "plane_shelves.js",
           "drawing_pad.js", "your_picture.js", "plane_walk.js")  # fmt: skip
POSTERIOR_SAMPLES = 6
ROW = 20  # cards of lower order have a button of their own, the others share a list
LIVE_FUNCTIONS = [latent_plane.decode_point]  # what a drag asks for


@answered
def open_view(query):
    """What the page needs to show a query string: the state, what was wrong with it, the model, and the other models."""
    (state, problems), models = parse(str(query)), _models()
    try:
        full = _completed(state, problems)
    except checkpoints.CheckpointError as error:
        return {"problems": [*problems, str(error)], "models": models, "model": None, "state": None}
    shown = for_page(full) | ({"corners": KEYS["corners"].write(full["corners"])} if "corners" in full else {})
    return {"problems": problems, "models": models, "model": describe(full["model"]), "state": shown, "through": through(full)}


def through(state):
    """Of a plane through three places: how the page finds its points, where the places are on it, and its window; else None."""
    if "corners" not in state:
        return None
    plane, center, extent = places.plane_through(state["model"], state["corners"])
    points = np.stack([places.at(state["model"], place) for place in state["corners"]])
    basis = {part: np.round(getattr(plane, part), 7).tolist() for part in ("origin", "u", "v")}
    return basis | {"pins": plane.coordinates(points).round(DECIMALS).tolist(), "center": center, "extent": extent}


def _completed(state, problems):
    """The complete state; what does not fit the model is said in `problems`, and its default shown."""
    homes = {card["name"]: card["views"][0] for card in checkpoints.models() if "views" in card}
    if state.get("model") in homes:
        if state.get("view") != "models":  # which shows that model itself, and the plane behind it something of its own
            problems.append(f"{state['model']} has no plane to drag across: it is shown with view={homes[state['model']]}")
        return rendering.complete({})
    try:
        return rendering.complete(state)
    except KeyError as error:
        problems.append(str(error.args[0]))
        return rendering.complete({})
    except ValueError as error:
        problems.append(str(error))
        return rendering.complete({"model": state["model"]} if "model" in state else {})


def describe(name):
    """What the page needs of a model's card."""
    card = checkpoints.card(name)
    keys = ("name", "title", "kind", "image_shape", "latent_shape", "classes", "view", "family", "series")
    return {key: card[key] for key in keys} | {
        **{key: card.get(key, []) for key in ("examples", "walks", "dead_axes")},
        "conditional": bool(card.get("conditional")),
        "encodings": places.has_encodings(card),
        "beside": card["recipe"].get("beside"),
        "kl_weight": card["recipe"].get("loss", {}).get("kl_weight"),
        "code": code(card),
    }


def _models():
    """Names, titles and series of all models whose card is whole, `apart` those of the list, and the damaged ones' names."""
    cards = [card for card in checkpoints.models() if "views" not in card]
    keys = ("name", "title", "short", "family", "series", "kind")
    known = [{key: card[key] for key in keys} | {"apart": card.get("order", 0) >= ROW} for card in cards]
    damaged = sorted(set(checkpoints.names()) - {card["name"] for card in checkpoints.models()})
    unknown = {"family": None, "series": None, "kind": None, "apart": False}
    return known + [{"name": name, "title": f"{name} is damaged", "short": name, **unknown} for name in damaged]


def code(card):
    """The few lines of Keras that make the picture; the page puts the point in place of `{z}`, the class in place of `{label}`."""
    recipe, told, more = card["recipe"], "z", ""
    module = "gan" if card["kind"] == "gan" else "autoencoder_variants" if recipe.get("net") == "family" else "autoencoder"
    if card.get("conditional"):
        told, more = "model.told(z, [{label}])", ", label={label}"
    decoded = f"model.{'generator' if module == 'gan' else 'decoder'}.predict({told})[0]"
    if "filters" in recipe.get("generator", {}):  # tanh
        decoded = f"({decoded} + 1) / 2"
    return f"""import keras
import numpy as np
import explorer.generators.{module}  # the classes that the file names

model = keras.saving.load_model("checkpoints/{card["name"]}/model.keras")
z = np.array([[{{z}}]], "float32")
picture = {decoded}  # float32 {tuple(card["image_shape"])} in [0, 1]

# the same by this project's own names
import explorer
picture = explorer.load("{card["name"]}").decode(z{more})[0]
"""


@answered
def draw_prior(request):
    """A point drawn from the model's prior: {"model", "seed"} -> {"z"}."""
    z = shipped(request["model"]).prior(1, seed=int(request["seed"]) % 2**32)[0]
    return {"z": np.round(z, DECIMALS).tolist()}


@answered
def encode_picture(request):
    """{"model", "picture": base64 of a file} -> what the model sees, z_mean, its spread, reconstruction, posterior samples.

    The picture lives in this call only: nothing of it is written anywhere.
    """
    generator = shipped(request["model"])
    if not places.has_encodings(generator.card):
        generator.encode(())  # which says that there is no encoder
    file = imaging.of_data_url(request["picture"])
    framing = "mnist" if generator.card["recipe"]["data"] == "mnist" else "fashion"
    seen = imaging.framed(file, generator.image_shape, framing)
    z_mean, z_log_var = generator.encode(seen[None])
    z = np.round(z_mean, DECIMALS)
    answer = {
        "seen": pixels(seen),
        "z": z[0].tolist(),
        "reconstruction": pixels(generator.decode(z)[0]),
        "sigma": None,
        "samples": [],
    }
    answer["lost"] = round(float(np.sqrt(np.square(generator.decode(z)[0] - seen).mean())), 3)
    if z_log_var is not None:
        sigma = np.exp(0.5 * z_log_var)
        noise = np.random.default_rng(0).standard_normal((POSTERIOR_SAMPLES, z.shape[1]), dtype="float32")
        samples = generator.decode(z_mean + sigma * noise)
        answer |= {"sigma": np.round(sigma[0], DECIMALS).tolist(), "samples": [pixels(image) for image in samples]}
    return answer


@answered
@in_turn
def walk_frames(query):
    """The frames of the state's walk, their points and positions."""
    frames, z, ts = rendering.walk(state_of(query))
    return {"frames": [pixels(frame) for frame in frames], "z": z.tolist(), "t": np.round(ts, 3).tolist()}


@answered
@in_turn
def export_file(request):
    """{"query", "ending"} -> the file that `python -m explorer render` writes for the same string: base64 and a name."""
    state, problems = parse(str(request["query"]))
    if problems:
        raise ValueError(problems[0])
    ending = str(request["ending"])
    data = rendering.render(state, ending)
    full = rendering.complete_for_view(state)
    return {
        "file": base64.b64encode(data).decode(),
        "name": f"{full.get('model', full['view'])}-{full.get('chapter', full['what'])}.{ending}",
        "state": text(state),
    }


def build():
    """The view as one component."""
    functions = [*latent_plane.SERVER_FUNCTIONS, open_view, draw_prior, encode_picture, walk_frames, export_file]
    return component("latent-plane", "plane_view.html", SCRIPTS, functions, palette=list(rendering.PALETTE))
