"""`python -m explorer site OUT`: latent plane, faces, morphs and most chapters of "Why a VAE?" as a folder of files that any static
host serves, since the browser decodes.

The page is the app's own modules; those of `static/` stand in for the app's server. What they tell of a model is written here.
"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from explorer import checkpoints, views
from explorer.errors import ExplorerError, InputError
from explorer.generators import kind_of
from explorer.publishing import model_card
from explorer.serving import decoders, runtime
from explorer.serving.calls import packed
from explorer.state import schema
from explorer.views import points, refined

HERE = Path(__file__).parent.parent
STATIC = HERE / "publishing" / "static"
MARK = "lx/decoders.json"  # of a folder that was written here
FAMILY = "why-a-vae"
PARTS = {"latent-plane": "views/latent_plane", "faces": "views/faces", "morph": "views/morph", FAMILY: "views/why_a_vae"}
WORKER = "offline.js"
SEEDS = 200  # of each model, whose points are written: a browser has no generator of NumPy's
OF_FAMILY = 16  # ... of each chapter of "Why a VAE?", whose rows are: most were made by encoders


def arguments(parser):
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder; an earlier site in it is written anew")


def run(options):
    """write latent plane, faces, morphs and "Why a VAE?" as a static site, whose visitors' browsers decode"""
    found = write(options.out)
    print(f"{len(found)} files, {sum(found.values()):,} bytes, in {options.out}: serve them with "
          f"`python -m http.server --directory {options.out}`, or put them on any static host")  # fmt: skip


class SiteError(ExplorerError, RuntimeError):
    """The site cannot be written; the message says why and what to do."""


def write(out):
    """Write the site into a folder; {path: bytes} of what it holds. Raises SiteError without the runtime, InputError for a
    folder that holds something else."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir()) and not (out / MARK).is_file()):
        raise InputError(f"{out} holds something else: name a new folder")
    found = files()
    if out.exists():
        shutil.rmtree(out)
    for path, data in found.items():
        place = out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return {path: len(data) for path, data in found.items()}


def files():
    """What the site holds: {path: bytes}."""
    from explorer.views.latent_plane.pictures import DEFAULT_MODEL, has_plane
    from explorer.views.morph.pictures import morphs

    folder = runtime.folder()
    if folder is None:
        raise SiteError("a site decodes in the browser, for which the runtime is missing: run `python -m explorer runtime`")
    shelf = decoders.shelf()
    cards = [card for card in checkpoints.models() if card["name"] in shelf["models"]]
    planes = [card["name"] for card in cards if has_plane(card)]
    if not planes:
        raise SiteError("no model here has a decoder.onnx: run `python -m explorer export --all`")
    planes.sort(key=lambda name: name != DEFAULT_MODEL)  # the first is what a bare address shows
    faces = [card["name"] for card in cards if card.get("attributes")]
    morphing = [card["name"] for card in cards if morphs(card) and not card["series"]]
    morphing.sort(key=lambda name: name not in faces)
    chapters = _chapters(shelf["models"], planes)
    refiners = {_refiner(name, shelf["models"]) for name in (*faces, *morphing)} - {None}
    names = list(dict.fromkeys([*planes, *faces, *morphing, *sorted(refiners), *_decoded(chapters)]))
    shelf["models"] = {name: shelf["models"][name] | {"encoder": None} for name in names}
    found = {f"lx/{path.relative_to(HERE).as_posix()}": path.read_bytes() for path in _modules()}
    found |= {f"lx/{path}": (HERE / path).read_bytes() for paths in _languages().values() for path in paths}
    found |= {f"{decoders.RUNTIME}{file}": (folder / file).read_bytes() for file in runtime.FILES}
    found |= {f"lx/publishing/static/{path.name}": path.read_bytes() for path in STATIC.glob("*.js") if path.name != WORKER}
    found[MARK] = _json(shelf)
    for name in names:
        found[shelf["models"][name]["decoder"].partition("?")[0]] = checkpoints.read(name, "decoder.onnx")
        found[f"cards/{name}.md"] = model_card.markdown(name).encode()
    told = {path: _json(what) for part in (*map(_plane, planes), *map(_faces, faces), *map(_morph, morphing))
            for path, what in _refined(part, refiners).items()}  # fmt: skip
    told |= {path: _json(what) for path, what in _family(chapters).items()}
    found |= {f"lx/static/{path}.json": data for path, data in told.items()}
    found["cards/index.html"] = _listed(names)
    found["LICENSE.md"] = (checkpoints.root() / "LICENSE.md").read_bytes()
    found["favicon.svg"] = (HERE / "serving" / "favicon.svg").read_bytes()
    found["index.html"] = _page(planes, faces, morphing, chapters)
    first = {planes[0], *faces[:1], *morphing[:1], *refiners, *_decoded(chapters, all_gans=False)}
    return dict(sorted((found | {WORKER: _worker(found, shelf, first)}).items()))


def _modules():
    """The browser's modules of what all views share, and of these."""
    return [path for part in ("serving", *PARTS.values()) for path in sorted((HERE / part).glob("*.js"))]


def _languages():
    """The catalogues of each language, of what all views share and of these."""
    from explorer import page  # which brings Gradio

    rooms = ("serving", *PARTS.values())
    return {language: [path for path in paths if path.rpartition("/")[0] in rooms] for language, paths in page.languages().items()}


def _plane(name):
    """What the plane's page is told of a model."""
    from explorer.views.latent_plane import calls

    told = {"open": _answer(calls.open_view(f"model={name}")), "sheet": _answer(calls.plane_sheet(name)),
            "prior": kind_of(checkpoints.card(name)).has_prior}  # fmt: skip
    told["open"].pop("models")
    return {name: told, f"{name}.points": _answer(calls.plane_points(name))}


def _faces(name):
    """What the page of faces is told of a model; there is no judge, and of attributes none or the six are held."""
    from explorer.views.faces import calls

    opened = _answer(calls.open_faces(f"model={name}"))
    six = ",".join(opened["model"]["six"])
    asked = {"free": "", **{how: f"&hold={six}&how={how}" for how in opened["model"]["receipts"] if how != "free"}}
    directions = {how: _answer(calls.face_directions(f"model={name}{held}&view=faces")) for how, held in asked.items()}
    gallery = _answer(calls.face_gallery(name))
    return {f"{name}.faces": {"open": opened, "directions": directions, "gallery": gallery}}


def _morph(name):
    """What the page of morphs is told of a model."""
    from explorer.views.morph import calls

    opened = _answer(calls.open_morph(f"model={name}&view=morph"))
    opened = {key: opened[key] for key in ("model", "state", "defaults")}
    size = int(np.prod(checkpoints.card(name)["latent_shape"]))
    seeds = np.stack([points.at(name, seed) for seed in range(SEEDS)])
    gallery = [points.at(name, f"g{i}") for i in range(opened["model"]["gallery"])]
    places = {"seeds": packed(seeds.astype("<f4")), "gallery": packed(np.array(gallery, "<f4"))}
    return {f"{name}.morph": {"open": opened, "d": size}, f"{name}.places": places}


def _chapters(shelf, planes):
    """The chapters of "Why a VAE?" that need no server, of whose models all are here; denoising corrupts and encodes what its
    visitor gives."""
    from explorer.views.why_a_vae import pictures

    if not pictures.is_here():
        return []
    dragged = {"holes": pictures.PLANES, "codings": pictures.MEMBERS["codings"]}
    return [chapter for chapter, members in pictures.MEMBERS.items()
            if chapter != "denoising" and set(members) <= set(shelf) and set(dragged.get(chapter, ())) <= set(planes)]  # fmt: skip


def _decoded(chapters, all_gans=True):
    """The models of those chapters that decode in the browser; of the GANs all, or the one with which one begins."""
    from explorer.views.why_a_vae import pictures

    gans = pictures.MEMBERS["gans"] if all_gans else [pictures.complete({"chapter": "gans"})["model"]]
    of = {"codings": pictures.MEMBERS["codings"], "holes": pictures.PLANES, "gans": gans,
          "arithmetic": pictures.MEMBERS["arithmetic"]}  # fmt: skip
    return [name for chapter in chapters for name in of.get(chapter, ())]


def _family(chapters):
    """What the page of "Why a VAE?" is told of its chapters, and the rows of each with each seed: pictures, or, of generators, the
    points that the browser decodes."""
    from explorer.views.why_a_vae import calls, pictures

    told = {}
    for chapter in chapters:
        opened = _answer(calls.open_family(f"view={FAMILY}&chapter={chapter}"))
        told[f"{FAMILY}.{chapter}"] = {"open": {key: opened[key] for key in ("state", "defaults", "facts", "classes")}}
        if chapter in ("linear", "deeper", "sparse"):
            for seed in range(OF_FAMILY):
                told[f"{FAMILY}.{chapter}.{seed}"] = _answer(calls.family_rows(f"chapter={chapter}&seed={seed}"))
    if "codings" in chapters:
        told |= {f"{name}.map": _answer(calls.code_map(name)) for name in pictures.MEMBERS["codings"]}
    if "gans" in chapters:
        for name in pictures.MEMBERS["gans"]:
            told[f"{name}.epochs"] = _answer(calls.epoch_sheet(name))
            told |= {f"{FAMILY}.gans.{seed}.{name}": _drawn(name, seed) for seed in range(OF_FAMILY)}
    if "arithmetic" in chapters:
        told |= {f"{FAMILY}.arithmetic.{seed}": _sum(seed) for seed in range(OF_FAMILY)}
    return told


def _drawn(name, seed):
    """What a GAN is given for its row, and what its discriminator says of that row, of each class."""
    from explorer.views.why_a_vae import calls, pictures

    gan = checkpoints.load(name)
    labels = range(len(gan.card["classes"]) if gan.card["conditional"] else 1)
    rows = [_answer(calls.family_rows(f"chapter=gans&model={name}&seed={seed}&label={label}"))["rows"][0] for label in labels]
    row = {key: rows[0][key] for key in ("title", "words", "shape")}
    points = [packed(z) for z in gan.prior(pictures.DRAWN, seed)]
    return {"rows": [row | {"model": name, "points": points, "verdicts": [row["verdicts"] for row in rows]}]}


def _sum(seed):
    """The codes of A - B + C, and what the judge sees in the sum."""
    from explorer.views.why_a_vae import calls, pictures

    query, (name,) = f"chapter=arithmetic&seed={seed}", pictures.MEMBERS["arithmetic"]
    answer = _answer(calls.family_rows(query))
    for row, (_, codes) in zip(answer["rows"], pictures.sums(calls.state_of(query)), strict=True):
        del row["pictures"]
        row |= {"model": name, "points": [packed(z) for z in codes]}
    return answer


def _refiner(name, shelf):
    """The refiner of a model, where a browser can run it."""
    refiner = refined.refiner_of(checkpoints.card(name))
    return refiner if refiner in shelf else None


def _refined(part, refiners):
    """What a page is told of a model, without a word of a refiner that is not here."""
    for opened in (what["open"] for what in part.values() if "open" in what):
        if (refiner := opened["model"].get("refiner")) and refiner not in refiners:
            opened["model"]["refiner"] = None
            for of in ("state", "defaults"):
                opened[of] = {key: value for key, value in opened[of].items() if key not in refined.KEYS}
    return part


def _answer(answer):
    if answer.get("error") or answer.get("problems"):
        raise SiteError(answer.get("error") or answer["problems"][0])
    return answer


def _page(planes, faces, morphing, chapters):
    from explorer import page  # which brings Gradio
    from explorer.views.latent_plane import calls
    from explorer.views.why_a_vae import calls as family
    from explorer.views.why_a_vae import pictures

    shorts = {card["name"]: card["short"] for card in checkpoints.models()}
    models = [model for model in _answer(calls.open_view(f"model={planes[0]}"))["models"] if model["name"] in planes]
    models.sort(key=lambda model: planes.index(model["name"]))
    here = [name for name in PARTS if {"faces": faces, FAMILY: chapters}.get(name, True)]
    common = {"schema": schema(), "live": [], "films": [], "titles": {name: views.of(name).TITLE for name in here}}
    own = {"latent-plane": calls.PROPS | {"models": models}, "faces": {"faces": faces},
           "morph": {"morphs": [{"name": name, "short": shorts[name]} for name in morphing]},
           FAMILY: family.PROPS | {"chapters": {name: pictures.CHAPTERS[name] for name in chapters}, "seeds": OF_FAMILY,
                                   "models": [{"name": name} for name in planes]}}  # fmt: skip
    first = {name: views.view_of({"model": name}) for name in shorts if name in faces}
    props = {"views": {name: common | own[name] for name in here}, "first": first, "languages": _languages()}
    tabs = "".join(f'<button type="button" role="tab" id="tab-{name}" data-tab-id="{name}" aria-controls="{name}" '
                   f'aria-selected="false" tabindex="-1">{title}</button>' for name, title in common["titles"].items())  # fmt: skip
    panels = "\n".join(f'<div id="{name}" role="tabpanel" aria-labelledby="tab-{name}" hidden>{_template(name)}</div>'
                       for name in here)  # fmt: skip
    text = (STATIC / "index.html").read_text("utf-8")
    for mark, part in (("/*STYLES*/", page.styles()), ("/*PROPS*/", json.dumps(props).replace("<", "\\u003c")),
                       ("<!--TABS-->", tabs), ("<!--VIEWS-->", panels), ("/*SEEDS*/", str(SEEDS)),
                       ("/*OF_FAMILY*/", str(OF_FAMILY))):  # fmt: skip
        text = text.replace(mark, part)
    return text.encode()


def _template(name):
    return (HERE / PARTS[name] / "view.html").read_text("utf-8")


def _worker(found, shelf, first):
    """The service worker, which fetches at the first visit what each visit needs, with the `first` model of each view; other models
    are kept once they were seen."""
    needed = ["./", *(path for path in found if path.endswith((".js", ".mjs", ".wasm"))), MARK, "favicon.svg"]
    needed += [shelf["models"][name]["decoder"] for name in sorted(first)]
    told = {path: path.removeprefix("lx/static/").split(".") for path in found if path.startswith("lx/static/")}
    needed += [path for path, (of, *_) in told.items() if of in first]
    needed += [path for path, (of, _, *seed) in told.items() if of == FAMILY and seed[0] in ("json", "0", "1")]  # as one begins
    version = hashlib.sha256(b"".join(hashlib.sha256(found[path]).digest() for path in sorted(found))).hexdigest()
    text = (STATIC / WORKER).read_text("utf-8").replace("/*VERSION*/", f"latent-explorer-{version[:12]}")
    return text.replace("/*FILES*/", json.dumps(needed)[1:-1]).encode()


def _listed(names):
    rows = "".join(f'<li><a href="{name}.md">{name}</a></li>' for name in names)
    return f'<!doctype html><meta charset="utf-8"><title>Cards</title><h1>The models\' cards</h1><ul>{rows}</ul>'.encode()


def _json(what):
    return json.dumps(what, separators=(",", ":"), ensure_ascii=False).encode()
