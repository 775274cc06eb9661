"""The faces view: a face, its attribute sliders with their receipts, strip, attribute plane, arithmetic, your own photo.

The page's half is `view.js` and the modules beside it: `sliders.js`, `judge.js`, where faces come from (`gallery.js`, `photo.js`),
and below the face `sheets.js` (strip, plane) and `sum.js`.
"""

from contextlib import suppress
from functools import lru_cache

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from explorer import checkpoints, imaging, views
from explorer.errors import ExplorerError, InputError, NotSupported
from explorer.generators import has_encoder
from explorer.generators.base import Generator
from explorer.serving import questions
from explorer.serving.calls import answered, for_page, in_squares, in_turn, jpeg, packed, pixels, shipped
from explorer.state import DECIMALS, MOST_LIKE, MOST_SEED, StateError, place_text
from explorer.views import calls as common
from explorer.views import points, refined
from explorer.views.faces import pictures, receipts

GALLERY_COLUMNS, MOST_GALLERY = 20, 1000
HISTOGRAMS = 50
DRAWS = 8
RANDOM = 40  # faces of the prior in the gallery


def state_of(query):
    """The complete state of a query string of this view."""
    return views.state_of(query, "faces")


@answered
def open_faces(query: questions.Query):
    """What the page needs to show a query string: state, problems, the model, and what a link need not say."""
    full, problems = views.opened(query, "faces")
    usual = pictures.complete({"model": full["model"]})
    usual = {key: value for key, value in usual.items() if key not in ("model", "face")}  # these a link always says
    told = for_page(full) | {key: [place_text(place) for place in full[key]] for key in ("more", "less") if key in full}
    return {"problems": problems, "model": describe(full["model"]), "state": told, "defaults": for_page(usual)}


def describe(name):
    """What the page needs of a face model's card, and its receipts; one's own has none."""
    card = checkpoints.card(name)
    tables = checkpoints.receipts(name)
    return {
        "name": name, "title": card["title"], "image_shape": card["image_shape"], "attributes": card["attributes"],
        "six": [attribute for attribute in pictures.SIX if attribute in card["attributes"]] or card["attributes"][:6],
        "receipts": {how: np.round(table, 3).tolist() for how, table in tables.items()}, "ranges": card.get("ranges", {}),
        "gallery": min(len(checkpoints.encodings(name).z_mean), MOST_GALLERY), "gallery_columns": GALLERY_COLUMNS,
        "refiner": refined.refiner_of(card),
        "truncation": card.get("truncation", 1.0), "examples": card.get("face_examples", []), "sums": card.get("sums", []),
        "licence": card["licence"], "most_like": MOST_LIKE, "encodes": has_encoder(card), "code": code(card),
    }  # fmt: skip


def code(card):
    """The few lines that make the picture; the page puts in the face and its attributes."""
    return f"""import numpy as np
import explorer

model = explorer.load("{card["name"]}")  # a Keras model behind it: model.model.decoder
{{face}}
{{attributes}}picture = model.decode(z[None])[0]  # float32 {tuple(card["image_shape"])} in [0, 1]
"""


@answered
def decode_face(query: questions.Query):
    """The face of a state with its attributes: its pixels."""
    return common.decoded(state_of(query), pictures.picture)[1]


@answered
def judge_face(query: questions.Query):
    """What a judge that took no part sees in the face before and after its attributes, and what the one sees in it after that the
    directions were learned against (`learned_against`; empty where that is the same): lists of probabilities; the face before."""
    state = state_of(query)
    generator = checkpoints.load(state["model"])
    both = generator.decode(np.stack([pictures.base(state), pictures.point(state)]))
    witness, other = checkpoints.witness(generator.card), generator.card["recipe"].get("judge")
    before, after = checkpoints.judge(witness)(both) if witness else np.empty((2, 0))
    against = checkpoints.judge(other)(both[1:])[0] if other != witness else np.empty(0)
    told = {"before": before, "after": after, "learned_against": against}
    return {key: np.round(values, 3).tolist() for key, values in told.items()} | {"pixels": pixels(both[0])}


@answered
@in_turn
def invented(query: questions.Query):
    """What the model says of a state's face, that refined, and for want of a photograph the same face from other noise, with what
    the model says of its code: four lots of pixels."""
    state = {**state_of(query), "what": "picture"}
    if "noise_seed" not in state:
        raise NotSupported(f"there is no refiner for {state['model']}: nothing is invented")
    generator, said = checkpoints.load(state["model"]), pictures.said(state)
    painted, like = (refined.painted({**state, "noise_seed": (state["noise_seed"] + i) % MOST_SEED}, said) for i in (0, 1))
    again = generator.decode(generator.encode(like)[0])
    return {"pictures": [pixels(image[0]) for image in (said, painted, like, again)]}


@answered
def face_point(query: questions.Query):
    """The coordinates of a state's face with its attributes."""
    return {"z": np.round(pictures.point(state_of(query)), DECIMALS).tolist()}


@answered
def face_directions(query: questions.Query):
    """What one unit of each attribute, and of the state's own direction, adds while its held ones keep still: {"names", "vectors":
    float32 (k, d)}, without those of which nothing is left then."""
    state, found = state_of(query), {}
    for name in (*checkpoints.card(state["model"])["attributes"], *filter(None, [pictures.own(state)])):
        with suppress(InputError):
            found[name] = pictures.direction(state, name).astype("<f4")
    return {"names": list(found), "vectors": packed(np.stack([*found.values()]) if found else np.empty(0, "<f4"))}


@answered
@in_turn
def direction_receipt(query: questions.Query):
    """What the judge says of a state's own direction, see `receipts.receipt`."""
    return receipts.receipt(state_of(query))


@answered
def handfuls(query: questions.Query):
    """The pictures of the faces in a state's handfuls: {"more": [pixels], "less": [pixels]}."""
    state = state_of(query)
    places = {key: state.get(key, ()) for key in ("more", "less")}
    z = [points.at(state["model"], place, key) for key in places for place in places[key]]
    shown = [pixels(image) for image in points.decode(state, np.stack(z))] if z else []
    return {"more": shown[: len(places["more"])], "less": shown[len(places["more"]) :]}


@answered
@in_turn
def face_gallery(name: questions.Name):
    """All faces of the gallery in one JPEG, and which attributes the judge sees in each: data URL, {attribute: indices}."""
    if not checkpoints.card(name).get("attributes"):
        raise NotSupported(f"{name} is no model of faces: it has no gallery")
    return _gallery(checkpoints.files(checkpoints.card(name)["name"]))


@lru_cache(maxsize=4)
def _gallery(files):
    generator = checkpoints.load(files.name)
    codes, names = checkpoints.encodings(files.name), generator.card["attributes"]
    labels = codes.labels if codes.attributes is None else codes.attributes
    z = codes.z_mean[:MOST_GALLERY]
    found = np.concatenate([generator.decode(z[i : i + 60]) for i in range(0, len(z), 60)])
    having = {attribute: np.flatnonzero(labels[: len(z), i]).tolist() for i, attribute in enumerate(names)}
    return {"url": jpeg(found, GALLERY_COLUMNS, 85), "having": having}


@answered
@in_turn
def face_draws(query: questions.Query):
    """Faces drawn at random, of the state's seed and those after it, as one JPEG."""
    state = state_of(query)
    if "seed" not in state:
        raise StateError("faces are drawn from a seed on: name one", "seed")
    z = pictures.draws(state, RANDOM)
    return {"url": jpeg(checkpoints.load(state["model"]).decode(z), GALLERY_COLUMNS, 85), "count": RANDOM}


@answered
@in_turn
def face_strip(query: questions.Query):
    """One attribute from -3 to 3, or A, B, C and their sum: frames, amounts, and the sum's point."""
    state = state_of(query)
    if "corners" in state:
        frames, total = pictures.arithmetic(state)
        judge = checkpoints.witness(checkpoints.card(state["model"]))
        verdict = checkpoints.judge(judge)(frames) if judge else np.empty((4, 0))
        return {"frames": [pixels(frame) for frame in frames], "z": total.tolist(), "judged": np.round(verdict, 3).tolist()}
    frames, amounts = pictures.strip(state)
    return {"frames": [pixels(frame) for frame in frames], "amounts": np.round(amounts, 3).tolist()}


@answered
@in_turn
def face_sheet(query: questions.Query):
    """The attribute plane as one JPEG."""
    state = state_of(query)
    return {"url": jpeg(in_squares(pictures.plane(state)), state["n"], 88)}


@answered
@in_turn
def encode_photo(request: questions.Photo):
    """{"model", "picture": base64 of a file, "crop": null or {x, y, side, angle}} -> the crop, what the encoder sees, z.

    A crop is in pixels of the picture as it was read, `width` x `height`: a large one is reduced. The picture lives in this call
    only: nothing of it is written anywhere, and no other visitor's call sees it.
    """
    generator = shipped(request["model"])
    rgba = imaging.read_picture(imaging.of_data_url(request["picture"]), imaging.LONGEST)
    crop, found = request.get("crop"), {}
    if not crop:
        try:
            place = checkpoints.judge("framing").find(rgba)
            crop = {"x": place.center_x, "y": place.center_y, "side": place.side, "angle": place.angle}
            found = {"certainty": round(place.certainty, 3), "note": place.note}
        except (imaging.PictureError, KeyError, checkpoints.CheckpointError) as error:
            height, width = rgba.shape[:2]
            crop = {"x": width / 2, "y": height / 2, "side": 0.8 * min(height, width), "angle": 0.0}
            found = {"problem": str(error.args[0])}
    seen = imaging.cut(
        rgba, (float(crop["x"]), float(crop["y"])), float(crop["side"]), float(crop["angle"]), generator.image_shape[0]
    )
    z = np.round(generator.encode(seen[None])[0], DECIMALS)
    rebuilt = generator.decode(z)[0]
    return {"crop": crop, **found, "width": rgba.shape[1], "height": rgba.shape[0], "seen": pixels(seen), "z": z[0].tolist(),
            "reconstruction": pixels(rebuilt), "lost": round(float(np.sqrt(np.square(rebuilt - seen).mean())), 3),
            "ssim": round(float(imaging.ssim(seen[None], rebuilt[None])[0]), 2)}  # fmt: skip


def histograms(name):
    """The first 50 dimensions of z, sampled for the validation faces, against N(0, 1), as a Plotly figure."""
    counts = checkpoints.histograms(name)[:HISTOGRAMS].astype("float64")
    edges = np.linspace(-4, 4, counts.shape[1] + 1)
    middles, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    normal = np.exp(-0.5 * middles**2) / np.sqrt(2 * np.pi)
    figure = go.Figure()
    columns, rows = 10, -(-len(counts) // 10)
    for i, row in enumerate(counts / counts.sum(1, keepdims=True) / width):
        left, top = (i % columns) * 9.0, -(i // columns) * 0.62
        figure.add_scatter(x=middles + left, y=row + top, mode="lines", fill=None, line={"color": "#6366f1", "width": 1.5},
                           name=f"z{i}", showlegend=False, hovertemplate=f"z{i}<extra></extra>")  # fmt: skip
        figure.add_scatter(x=middles + left, y=normal + top, mode="lines", line={"color": "#d9822b", "width": 1, "dash": "dot"},
                           hoverinfo="skip", showlegend=False)  # fmt: skip
        figure.add_annotation(x=left - 3.2, y=top + 0.4, text=f"z{i}", showarrow=False, font={"size": 10})
    figure.update_layout(height=110 * rows, margin={"l": 4, "r": 4, "t": 4, "b": 4}, paper_bgcolor="rgba(0,0,0,0)",
                         plot_bgcolor="rgba(0,0,0,0)", font={"color": "#8891a5"}, xaxis={"visible": False},
                         yaxis={"visible": False})  # fmt: skip
    return figure


def draws(name):
    """Eight faces drawn from N(0, I), and below them what the same numbers are in what the model's `prior` draws from: HTML."""
    generator = shipped(name)
    z = np.concatenate([Generator.prior(generator, DRAWS), generator.prior(DRAWS)])
    said = f"{DRAWS} faces drawn from N(0, I), and below them {DRAWS} from the mixture"
    return f'<img src="{jpeg(generator.decode(z), DRAWS, 92)}" alt="{said}" style="width: min(100%, 1024px); border-radius: 8px">'


SERVER_FUNCTIONS = [
    open_faces,
    decode_face,
    judge_face,
    invented,
    face_point,
    face_directions,
    direction_receipt,
    handfuls,
    face_gallery,
    face_draws,
    face_strip,
    face_sheet,
    encode_photo,
]
LIVE_FUNCTIONS = [decode_face]


def below(blocks, tab):
    """What the latent space looks like, drawn when the tab is first chosen."""
    with gr.Accordion("What the latent space looks like", open=False, elem_id="faces-space"):
        gr.Markdown(
            "The first 50 of its dimensions: z drawn from the posteriors of the validation faces (line) against N(0, 1) (dots). "
            "Each dimension alone is close to N(0, 1); which go together, such curves do not show."
        )
        plot = gr.Plot(show_label=False)
        gr.Markdown(
            "**Above**, eight faces drawn from N(0, I), towards which a VAE is pressed. **Below**, the same random numbers, drawn "
            "from a mixture of Gaussians that was fitted to the codes of training faces afterwards (Ghosh et al. 2020): "
            "a cheek goes with the other again, hair with its shade. *Surprise me* draws from the mixture, as `prior` does."
        )
        drawn = gr.HTML()

    def draw():
        try:
            return histograms(pictures.DEFAULT_MODEL), draws(pictures.DEFAULT_MODEL)
        except ExplorerError as error:
            raise gr.Error(str(error)) from None

    tab.select(draw, outputs=[plot, drawn], show_progress="hidden", api_visibility="private")
