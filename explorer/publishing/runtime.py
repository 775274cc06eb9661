"""`python -m explorer runtime`: fetches the browser's ONNX Runtime, an npm package that is no part of this project, and checks it
against the lock file `serving/runtime.json`. With it a page decodes in the visitor's browser; without, the server does.
"""

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from explorer.errors import ExplorerError
from explorer.serving.runtime import FILES, LOCK, VERSION, cached, folder

__all__ = ["FILES", "RuntimeFetchError", "VERSION", "fetch", "folder", "registry"]

PACKAGE = f"{LOCK['name']}@{VERSION}"
NPM = "https://registry.npmjs.org/"
_PATIENCE = 600  # seconds for npm


class RuntimeFetchError(ExplorerError, RuntimeError):
    """The runtime cannot be fetched, or is not what the lock file names; the message says why and what to do."""


def arguments(parser):
    pass


def run(options):
    """fetch what the browser decodes with, ONNX Runtime, from npm into a cache folder"""
    fetch()


def fetch():
    """The folder of the runtime's files, which are fetched if they are not there; prints what it did.

    By `npm pack` where there is npm, else from the registry that npm's configuration names. Raises RuntimeFetchError where it
    cannot be had or its SHA-512 is another; then nothing is left behind.
    """
    if found := folder():
        print(f"{PACKAGE} is in {found}")
        return found
    return fetch_package(LOCK, cached(), f" EXPLORER_RUNTIME may name a folder that has {', '.join(FILES)}")


def fetch_package(lock, place, instead=""):
    """`place`, a folder with the `files` of the npm package that a lock names by `name`, `version` and `integrity`, fetched anew.

    Raises RuntimeFetchError as `fetch` does; `instead`: what else may be done where there is no network.
    """
    package = f"{lock['name']}@{lock['version']}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as work:
            data, source = (_packed(package, work), "npm") if shutil.which("npm") else _downloaded(lock)
            _check(lock, data)
            made = Path(work, "files")
            made.mkdir()
            _unpack(lock, data, made)
            shutil.rmtree(place, ignore_errors=True)  # half of one
            os.replace(made, place)
    except OSError as error:
        raise RuntimeFetchError(f"{package} cannot be fetched to {place}: {error}. Is there a network?{instead}") from error
    sizes = [file.stat().st_size for file in place.iterdir()]
    print(f"{package} from {source}, SHA-512 as in the lock file: {len(sizes)} files, {sum(sizes):,} bytes, in {place}")
    return place


def _packed(package, work):
    """The package as npm packs it, by npm's own configuration of registry, proxy and cache."""
    command = ["npm", "pack", package, "--ignore-scripts", "--pack-destination", work]
    try:
        ran = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise OSError("npm did not answer") from error
    found = list(Path(work).glob("*.tgz"))
    if ran.returncode or len(found) != 1:
        said = [line for line in ran.stderr.splitlines() if line.strip()]
        raise OSError(f"npm said {said[0].strip()!r}" if said else "npm failed")
    return found[0].read_bytes()


def registry():
    """The registry that npm's configuration names, with a slash at its end."""
    for key in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if os.environ.get(key):
            return os.environ[key].rstrip("/") + "/"
    try:
        named = re.findall(r"^\s*registry\s*=\s*(\S+)", Path("~/.npmrc").expanduser().read_text("utf-8"), re.M)
    except OSError:
        named = []
    return named[-1].strip("\"'").rstrip("/") + "/" if named else NPM


def _downloaded(lock):
    """The package as the registry has it, and where from."""
    where = registry()
    try:
        about = json.loads(_get(f"{where}{lock['name']}/{lock['version']}"))
        return _get(about["dist"]["tarball"]), where
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(f"{where} does not answer as npm's registry does") from error


def _get(address):
    if not address.startswith(("https://", "http://")):
        raise OSError(f"{address} is no address of a registry")
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()


def _check(lock, data):
    found = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != lock["integrity"]:
        raise RuntimeFetchError(f"{lock['name']}@{lock['version']} is not the package of the lock file: expected "
                                f"{lock['integrity']}, found {found}; nothing of it was kept. Ask who "
                                "runs the registry")  # fmt: skip


def _unpack(lock, data, place):
    """Write the files that are needed, by name, and no others."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for path in lock["files"]:
            content = archive.extractfile(f"package/{path}")
            (place / Path(path).name).write_bytes(content.read())
