"""`python -m explorer site OUT`: the latent plane as a folder of files that any static host serves, since the browser decodes.

The page is the app's own modules; `static/server.js` stands in for the app's server. What it tells of a model is written here.
"""

import hashlib
import json
import shutil
from pathlib import Path

from explorer import checkpoints
from explorer.errors import ExplorerError, InputError
from explorer.generators import kind_of
from explorer.publishing import model_card
from explorer.serving import decoders, runtime
from explorer.state import schema

HERE = Path(__file__).parent.parent
STATIC = HERE / "publishing" / "static"
MARK = "lx/decoders.json"  # of a folder that was written here


def arguments(parser):
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder; an earlier site in it is written anew")


def run(options):
    """write the latent plane as a static site, whose visitors' browsers decode"""
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

    folder = runtime.folder()
    if folder is None:
        raise SiteError("a site decodes in the browser, for which the runtime is missing: run `python -m explorer runtime`")
    shelf = decoders.shelf()
    names = [card["name"] for card in checkpoints.models() if has_plane(card) and card["name"] in shelf["models"]]
    if not names:
        raise SiteError("no model here has a decoder.onnx: run `python -m explorer export --all`")
    names.sort(key=lambda name: name != DEFAULT_MODEL)  # the first is what a bare address shows
    shelf["models"] = {name: shelf["models"][name] | {"encoder": None} for name in names}
    found = {f"lx/{path.relative_to(HERE).as_posix()}": path.read_bytes() for path in _modules()}
    found |= {f"{decoders.RUNTIME}{file}": (folder / file).read_bytes() for file in runtime.FILES}
    found["lx/publishing/static/server.js"] = (STATIC / "server.js").read_bytes()
    found[MARK] = _json(shelf)
    for name in names:
        found[shelf["models"][name]["decoder"].partition("?")[0]] = checkpoints.read(name, "decoder.onnx")
        found |= _told(name)
        found[f"cards/{name}.md"] = model_card.markdown(name).encode()
    found["cards/index.html"] = _listed(names)
    found["LICENSE.md"] = (checkpoints.root() / "LICENSE.md").read_bytes()
    found["favicon.svg"] = (HERE / "serving" / "favicon.svg").read_bytes()
    found["index.html"] = _page(names)
    return dict(sorted((found | {"offline.js": _worker(found, shelf)}).items()))


def _modules():
    """The browser's modules of what all views share, and of the plane's."""
    return [path for part in ("serving", "views/latent_plane") for path in sorted((HERE / part).glob("*.js"))]


def _told(name):
    """What the page is told of a model."""
    from explorer.views.latent_plane import calls

    told = {"open": _answer(calls.open_view(f"model={name}")), "sheet": _answer(calls.plane_sheet(name)),
            "prior": kind_of(checkpoints.card(name)).has_prior}  # fmt: skip
    told["open"].pop("models")
    return {f"lx/static/{name}.json": _json(told), f"lx/static/{name}.points.json": _json(_answer(calls.plane_points(name)))}


def _answer(answer):
    if answer.get("error") or answer.get("problems"):
        raise SiteError(answer.get("error") or answer["problems"][0])
    return answer


def _page(names):
    from explorer import page  # which brings Gradio
    from explorer.views.latent_plane import calls
    from explorer.views.latent_plane.pictures import TITLE

    models = [model for model in _answer(calls.open_view(f"model={names[0]}"))["models"] if model["name"] in names]
    models.sort(key=lambda model: names.index(model["name"]))
    props = calls.PROPS | {"schema": schema(), "live": [], "films": [], "models": models,
                           "titles": {"latent-plane": TITLE}}  # fmt: skip
    view = (HERE / "views/latent_plane/view.html").read_text("utf-8")
    text = (STATIC / "index.html").read_text("utf-8")
    for mark, part in (("/*STYLES*/", page.styles()), ("/*PROPS*/", json.dumps(props).replace("<", "\\u003c")),
                       ("<!--VIEW-->", view)):  # fmt: skip
        text = text.replace(mark, part)
    return text.encode()


def _worker(found, shelf):
    """The service worker, which fetches at the first visit what each visit needs; other models are kept once they were seen."""
    first = next(iter(shelf["models"].values()))["decoder"]
    needed = ["./", *(path for path in found if path.endswith((".js", ".mjs", ".wasm"))), MARK, first, "favicon.svg"]
    name = next(iter(shelf["models"]))
    needed += [f"lx/static/{name}.json", f"lx/static/{name}.points.json"]
    version = hashlib.sha256(b"".join(hashlib.sha256(found[path]).digest() for path in sorted(found))).hexdigest()
    text = (STATIC / "offline.js").read_text("utf-8").replace("/*VERSION*/", f"latent-explorer-{version[:12]}")
    return text.replace("/*FILES*/", json.dumps(needed)[1:-1]).encode()


def _listed(names):
    rows = "".join(f'<li><a href="{name}.md">{name}</a></li>' for name in names)
    return f'<!doctype html><meta charset="utf-8"><title>Cards</title><h1>The models\' cards</h1><ul>{rows}</ul>'.encode()


def _json(what):
    return json.dumps(what, separators=(",", ":"), ensure_ascii=False).encode()
