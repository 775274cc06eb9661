"""The view "Why a VAE?": the autoencoder family and the GANs, chapter by chapter. The page's half is `view.js`."""

import base64
import functools
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from explorer import checkpoints, data, imaging, paper, views
from explorer.errors import ExplorerError, InputError
from explorer.serving import questions
from explorer.serving.calls import JOBS, answered, for_page, in_turn, packed, pixels
from explorer.training import tsne
from explorer.views.latent_plane import calls as plane
from explorer.views.latent_plane.pictures import PALETTE
from explorer.views.why_a_vae import pictures

PROPS = {"palette": list(PALETTE)}
BINS = np.linspace(-4, 4, 41)
TOY_TITLE = "Sixty points in space, and their plane"
_mapping = threading.Lock()  # one map at a time: scikit-learn takes all cores
MOST_MAPPED = 5000  # codes in a map that is computed while someone waits


def state_of(query):
    """The complete state of a query string of this view."""
    return views.state_of(query, "why-a-vae")


@answered
def open_family(query: questions.Query):
    """What a page needs to show a query string: state, problems, and the facts of the chapter's models."""
    full, problems = views.opened(query, "why-a-vae")
    usual = pictures.complete({"chapter": full["chapter"]})
    usual = {key: value for key, value in usual.items() if key != "chapter"}  # which a link always says
    return {"problems": problems, "state": for_page(full), "defaults": for_page(usual), "facts": facts(full["chapter"]),
            "classes": data.GARMENTS, "test_images": data.at_hand("fashion"), "whats": pictures.CHAPTERS}  # fmt: skip


def facts(chapter):
    """What the cards and files of a chapter's models say, as its charts take it; a damaged one has "error", until it is mended."""
    found = {}
    for name in pictures.MEMBERS[chapter]:
        try:
            found[name] = _facts(name, chapter)
        except ExplorerError as error:
            found[name] = {"error": pictures.missing(name, error)}
    return found


@functools.lru_cache(maxsize=32)
def _facts(name, chapter):
    card = checkpoints.card(name)
    found = {"title": card["title"], "short": card["short"], "parameters": sum(card["parameters"].values()),
             "parts": card["parameters"], "latent_shape": card["latent_shape"], "metrics": card["metrics"],
             "failures": card["known_failures"]}  # fmt: skip
    return found | EXTRAS.get(chapter, lambda name, card: {})(name, card)


def _explained(name, card):
    stored = checkpoints.arrays(name, checkpoints.PCA)
    return {"explained": np.round(stored["explained_variance_ratio"], 5).tolist()}


def _activations(name, card):
    """How often the codes of the test images take which value, and how often each unit's mean does: of sigmoids from 0 to 1."""
    codes = checkpoints.encodings(name).z_mean
    top = 1.0 if codes.max() <= 1 else float(np.ceil(np.quantile(codes, 0.999)))
    bins = np.linspace(0, top, 21)
    share = lambda values: np.round(np.histogram(np.clip(values, 0, top), bins)[0] / values.size, 4).tolist()  # noqa: E731
    return {"top": top, "activations": share(codes), "units": share(codes.mean(0)), "mean": round(float(codes.mean()), 4)}


def _dimensions(name, card):
    """Each dimension's histogram over -4 to 4: of a VAE z is sampled, as training sees it."""
    codes = checkpoints.encodings(name)
    z = codes.z_mean
    if codes.z_log_var is not None:
        z = z + np.exp(0.5 * codes.z_log_var) * np.random.default_rng(0).standard_normal(z.shape, dtype="float32")
    counts = [np.histogram(z[:, i], BINS)[0] for i in range(z.shape[1])]
    inside = [round(float(np.mean(np.abs(z[:, i]) <= BINS[-1])), 3) for i in range(z.shape[1])]
    return {"histograms": [(count / len(z)).round(4).tolist() for count in counts], "inside": inside,
            # of a dead axis the mean code does not move at all: the Gaussian fitted to the means says nothing then
            "kl": None if card["dead_axes"] else card["metrics"].get("fitted_gaussian_kl"), "view": card["view"]}  # fmt: skip


def _epochs(name, card):
    return {"drawn": card.get("drawn"), "conditional": card["conditional"], "epochs": card["recipe"].get("epochs_run", 0)}


EXTRAS = {"linear": _explained, "sparse": _activations, "holes": _dimensions, "gans": _epochs}


@answered
@in_turn
def family_rows(query: questions.Query):
    """The rows of a state's chapter: [{"title", "words", "pictures" or "error", "shape", "verdicts"?}], and of arithmetic what
    the judge sees in the sum."""
    state = state_of(query)
    if state["chapter"] == "arithmetic":
        parts, seen = pictures.arithmetic(state)
        return {"rows": [{"title": title, "words": "", **_shown(images)} for title, images in parts], "seen": seen}
    rows = []
    for row in pictures.rows(state):
        shown = {"error": row["error"]} if "error" in row else _shown(row["images"])
        rows.append({"title": row["title"], "words": row["words"], **shown})
        if state["chapter"] == "gans" and "images" in row:
            rows[-1]["verdicts"] = np.round(pictures.verdicts(state, row["images"]), 3).tolist()
    return {"rows": rows}


def _shown(images):
    return {"pictures": [pixels(image) for image in images], "shape": list(images.shape[1:])}


@answered
@in_turn
def framed_garment(picture: questions.File):
    """A drawing or photograph (base64 of a file) as the models know garments: {"pixels"}. It lives in this call only."""
    return {"pixels": pixels(paper.framed(imaging.of_data_url(picture), (28, 28, 1), "fashion"))}


@answered
def repaired_picture(request: questions.Spoiled):
    """{"noise", "amount", "seed", "pixels": base64 of 28 x 28 bytes} -> {"noisy", "repaired", "pca"}: what a slider asks for."""
    images = np.frombuffer(imaging.of_data_url(request["pixels"]), "uint8")
    if images.size != 28 * 28:
        raise InputError(f"pixels must be 28 x 28 bytes, got {images.size}")
    settings = {key: request[key] for key in ("noise", "amount", "seed")}
    query = "&".join(f"{key}={value}" for key, value in {"chapter": "denoising", **settings}.items())
    state = state_of(query)
    noisy = pictures.corrupted(images.reshape(1, 28, 28, 1).astype("float32") / 255, state["noise"], state["amount"], state["seed"])
    repaired = pictures.reconstructed(pictures.REPAIRERS[state["noise"]], noisy)
    return {"noisy": pixels(np.clip(noisy[0], 0, 1)), "repaired": pixels(repaired[0]), "pca": pixels(pictures.by_pca(noisy)[0])}


@answered
def code_map(name: questions.Name):
    """The map of a model's codes that was computed when it was trained: points int16 (n, 2) in units of `step`, labels."""
    points = checkpoints.arrays(name, checkpoints.MAP)["map"].astype("float32")
    return _mapped(points, checkpoints.encodings(name).labels[: len(points)])


def _mapped(points, labels):
    return {"points": packed(np.rint(points * 32767).astype("<i2")), "step": 1 / 32767, "labels": packed(labels), "d": 2}


@answered
def coded_picture(request: questions.Encoding):
    """[model, index of an encoding] -> the picture that it decodes to, and its class."""
    name, index = request
    codes = checkpoints.encodings(name)
    if codes.labels.ndim != 1:
        raise InputError(f"{name} was trained on attributes, not on classes: name a model of digits or clothes")
    if not 0 <= int(index) < len(codes.z_mean):
        raise InputError(f"{name} has the encodings 0 to {len(codes.z_mean) - 1}, not {index}")
    image = checkpoints.load(name).decode(codes.z_mean[int(index)][None])[0]
    return {"pixels": pixels(image), "label": int(codes.labels[int(index)])}


@answered
def start_map(request: questions.Mapped):
    """{"model", "perplexity", "points"} -> {"job"}: computes the map anew, with progress; see `training.tsne`."""
    perplexity, count = float(request["perplexity"]), int(request["points"])
    low, high = tsne.PERPLEXITIES
    if not low <= perplexity <= high:
        raise InputError(f"perplexity must be from {low} to {high}, got {perplexity:g}")
    if not 4 * perplexity <= count <= MOST_MAPPED:
        raise InputError(f"points must be from {4 * perplexity:g} (four times the perplexity) to {MOST_MAPPED}, got {count}")
    codes = checkpoints.encodings(str(request["model"]))
    work = functools.partial(_map, codes=codes, perplexity=perplexity, count=min(count, len(codes.labels)))
    return {"job": JOBS.start(work, long=True)}


def _map(job, codes, perplexity, count):
    while not _mapping.acquire(timeout=0.5):
        job.report()
    try:
        _mapped_apart(job, codes, perplexity, count)
    finally:
        _mapping.release()


def _mapped_apart(job, codes, perplexity, count):
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "codes.npy"), Path(folder, "map.npy")
        np.save(source, codes.z_mean[:count])
        command = [sys.executable, "-u", "-m", "explorer.training.tsne", source, target, f"{perplexity:g}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=Path(__file__).parents[3]) as process:  # fmt: skip
            try:
                for line in process.stdout:
                    iteration = line.partition("Iteration ")[2].partition(":")[0]
                    job.report({"iteration": int(iteration), "of": tsne.ITERATIONS} if iteration.isdecimal() else None)
            except BaseException:
                process.kill()  # whoever watched has stopped it, or left
                raise
        if process.returncode:
            raise RuntimeError(f"t-SNE ended with code {process.returncode}")
        job.report(_mapped(np.load(target), codes.labels[:count]))


@answered
def epoch_sheet(name: questions.Name):
    """What a GAN drew after each epoch, one row each: a data URL, rows and columns."""
    card = checkpoints.card(name)
    if not card.get("drawn"):
        return {}
    sheet = base64.b64encode(checkpoints.read(name, checkpoints.EPOCHS)).decode()
    return {"url": f"data:image/webp;base64,{sheet}", "rows": card["drawn"]["epochs"], "columns": card["drawn"]["columns"]}


def toy_figure():
    """The book's toy set, what PCA makes of it, and a linear autoencoder after more and more epochs: a Plotly scatter."""
    try:
        stored = checkpoints.arrays(pictures.LINEAR, checkpoints.PCA)
    except ExplorerError:
        return None
    points, epochs = stored["toy"], stored["toy_epochs"].tolist()
    figure = go.Figure()

    def scatter(xyz, name, color, arms, width=4, visible=True):
        """Strokes through each point: Plotly draws a marker in space as a letter, which a browser's fonts may lack."""
        strokes = np.full((len(xyz), len(arms), 3, 3), np.nan)  # each ends with a gap
        strokes[:, :, :2] = xyz[:, None, None] + 0.014 * np.ptp(points) * np.stack([arms, -arms], 1)
        x, y, z = strokes.reshape(-1, 3).astype("float32").T
        figure.add_scatter3d(x=x, y=y, z=z, mode="lines", name=name, visible=visible, hoverinfo="skip",
                             line={"width": width, "color": color})  # fmt: skip

    upright, aslant = np.eye(3), np.array([[1, 1, 0.3], [1, -1, -0.3]]) / np.sqrt(2)
    scatter(points, "the 60 points", "#8891a5", 0.5 * upright, width=7)
    scatter(stored["toy_pca"], "PCA's plane", "#2fd6a3", upright)
    for i in range(len(epochs)):
        scatter(stored["toy_autoencoder"][i], "linear autoencoder", "#e69f00", aslant, visible=i == len(epochs) - 1)
    steps = [{"label": str(epoch), "method": "restyle", "args": [{"visible": [True, True] + [epoch == other for other in epochs]}]}
             for epoch in epochs]  # fmt: skip
    axis = {"showticklabels": False, "title": "", "gridcolor": "#8891a560", "showbackground": False, "zeroline": False}
    figure.update_layout(
        height=460, margin={"l": 20, "r": 20, "t": 44, "b": 40}, paper_bgcolor="rgba(0,0,0,0)", font={"color": "#8891a5"},
        title={"text": TOY_TITLE, "font": {"size": 15}, "x": 0.02, "y": 0.98},
        scene={"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data",
               "camera": {"eye": {"x": 0.75, "y": -0.95, "z": 0.5}}},
        legend={"orientation": "h", "y": 1.04, "itemsizing": "constant"},
        sliders=[{"active": len(epochs) - 1, "steps": steps, "currentvalue": {"prefix": "epochs of training: "}, "pad": {"t": 6}}],
    )  # fmt: skip
    return figure


SERVER_FUNCTIONS = [
    open_family, family_rows, framed_garment, repaired_picture, code_map, coded_picture, start_map, epoch_sheet,
    plane.decode_point, plane.plane_points, plane.plane_backdrop,
]  # fmt: skip
LIVE_FUNCTIONS = [repaired_picture, coded_picture]


def below(blocks, tab):
    """The toy set's scatter, which the page shows in its chapter."""
    gr.Plot(toy_figure(), show_label=False, elem_id="family-toy")
