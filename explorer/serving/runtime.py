"""Where the browser's ONNX Runtime lies, an npm package that others wrote and `python -m explorer runtime` fetches: which version,
which of its files, in which folder. The standard library alone: the wheel's build asks it too.
"""

import json
import os
import sys
from pathlib import Path

LOCK = json.loads(Path(__file__).with_name("runtime.json").read_text("utf-8"))
VERSION, FILES = LOCK["version"], tuple(path.rpartition("/")[2] for path in LOCK["files"])
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}
SHIPPED = Path(__file__).parent.parent / "runtime" / VERSION  # of an installed package, and of a Space


def folder():
    """The folder that holds all `FILES`, or None: the one that EXPLORER_RUNTIME names, else what came along, else `cached()`."""
    named = os.environ.get("EXPLORER_RUNTIME")
    places = [Path(named)] if named else [SHIPPED, cached()]
    return next((place for place in places if all((place / file).is_file() for file in FILES)), None)


def cached():
    """Where it is fetched to: EXPLORER_RUNTIME, or a folder where this platform keeps what can be fetched again."""
    if named := os.environ.get("EXPLORER_RUNTIME"):
        return Path(named)
    home = Path.home() / {"darwin": "Library/Caches", "win32": "AppData/Local"}.get(sys.platform, ".cache")
    return Path(os.environ.get("XDG_CACHE_HOME") or home, "latent-explorer", f"{LOCK['name']}-{VERSION}")
