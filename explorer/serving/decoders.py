"""What the browser decodes with, below /lx: `decoders.json` (which models, by address), `models/` (their ONNX files) and `runtime/`
(ONNX Runtime, where it was fetched). An address of a file holds its sum or version, so that it may be kept for ever.
"""

import gzip
from functools import lru_cache

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from explorer import checkpoints
from explorer.errors import ExplorerError
from explorer.serving import runtime

PARTS = ("decoder", "encoder")
RUNTIME = f"lx/runtime/{runtime.VERSION}/"
FOR_EVER, ASK_ANEW = "public, max-age=31536000, immutable", "no-cache"
_DIGITS = 12  # of a file's SHA-256, in its address


def shelf():
    """What `decoders.json` says: {"runtime": address or None, "models": {name: {"decoder", "encoder": address or None,
    "latent_shape", "image_shape", "conditional"}}}, of the models whose decoder was exported."""
    models = {}
    for card in checkpoints.models():
        sums = _sums(card["name"])
        if "decoder.onnx" in sums:
            models[card["name"]] = {
                **{part: _address(card["name"], f"{part}.onnx", sums) for part in PARTS},
                "latent_shape": card["latent_shape"],
                "image_shape": card["image_shape"],
                "conditional": bool(card.get("conditional")),
            }
    return {"runtime": RUNTIME if runtime.folder() else None, "models": models}


def routes():
    """Routes below /lx."""
    return [
        Route("/decoders.json", lambda request: JSONResponse(shelf(), headers={"Cache-Control": ASK_ANEW})),
        Route("/models/{name}/{file}", _model),
        Route(f"/runtime/{runtime.VERSION}/{{file}}", _runtime),
    ]


def _sums(name):
    """{file: SHA-256} of a sealed checkpoint; of another, nothing."""
    files = checkpoints.files(name)
    return files.sums() if isinstance(files, checkpoints.Sealed) else {}


def _address(name, file, sums):
    return f"lx/models/{name}/{file}?v={sums[file][:_DIGITS]}" if file in sums else None


def _model(request):
    name, file = request.path_params["name"], request.path_params["file"]
    try:
        found = _sums(name).get(file) if file in [f"{part}.onnx" for part in PARTS] else None
        if found:
            kept = FOR_EVER if request.query_params.get("v") == found[:_DIGITS] else ASK_ANEW
            return _answer(request, "application/octet-stream", kept, _packed(name, file, found), _read, name, file)
    except ExplorerError:  # no such model, or a damaged file: the server decodes
        pass
    return _missing()


def _runtime(request):
    file, folder = request.path_params["file"], runtime.folder()
    if folder is None or file not in runtime.FILES:
        return _missing()
    path = folder / file
    packed = _packed_runtime(path, path.stat().st_mtime_ns)
    return _answer(request, runtime.TYPES[path.suffix], FOR_EVER, packed, path.read_bytes)


def _answer(request, kind, kept, packed, read, *what):
    """A file, packed for whoever takes it so."""
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=kind, headers=headers | {"Content-Encoding": "gzip"})
    return Response(read(*what), media_type=kind, headers=headers)


def _missing():
    return PlainTextResponse("Not found", 404)


def _read(name, file):
    return checkpoints.read(name, file)


@lru_cache(maxsize=64)  # some 10 MB of the models that ship
def _packed(name, file, digest):
    """A model's file as gzip; `digest`: which version of it."""
    return gzip.compress(_read(name, file))


@lru_cache(maxsize=len(runtime.FILES))
def _packed_runtime(path, changed):
    """A file of the runtime as gzip, of the time when it was written."""
    return gzip.compress(path.read_bytes(), compresslevel=6)
