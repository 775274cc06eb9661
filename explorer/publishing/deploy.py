"""The app as a Space: which files go up, what the Hub would refuse of them, and the upload by `huggingface_hub`.

A Space is a git repository whose binaries must lie in LFS (or Xet, by the same attributes), which this project's own does not use:
the Space's `.gitattributes` is written here, and so is what its README and requirements say of its hardware.
"""

import json
import os
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

from explorer import checkpoints
from explorer.errors import ExplorerError, InputError
from explorer.publishing import site
from explorer.serving import runtime

ROOT = Path(__file__).parent.parent.parent
TOP = ("app.py", "README.md", "LICENSE", "requirements.txt")
SOURCES = (".py", ".js", ".css", ".html", ".svg", ".json")  # of the package
BINARIES = ("*.keras", "*.h5", "*.npz", "*.onnx", "*.wasm", "*.webp", "*.png")
ATTRIBUTES = "* text=auto eol=lf\n" + "".join(f"{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in BINARIES)
CPU, ZERO = ("cpu-basic", "cpu-upgrade"), "zero-a10g"
TORCH = "torch==2.13.0"  # from PyPI it brings CUDA with it, which TensorFlow does not
ZERO_PYTHON = "3.12"  # ZeroGPU has 3.10 and 3.12, and the project begins at 3.11
MOST_PLAIN = 10 * 2**20  # bytes of a file that is not in LFS
MOST_ALL = 2**30  # ... of a free Space
LONGEST = 60  # characters of short_description
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
_REPOSITORY = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}", re.ASCII)


def arguments(parser):
    parser.add_argument("space", metavar="USER/NAME", help="the Space; it is made if it is not there")
    parser.add_argument("--hardware", default=CPU[0], metavar="FLAVOUR", help="cpu-basic (default), zero-a10g, t4-small, ...")
    parser.add_argument("--presets", default="", metavar="NAMES", help="larger models that visitors may have loaded")
    parser.add_argument("--private", action="store_true", help="if it is made, only you see it")
    parser.add_argument("--static", action="store_true", help="the latent plane alone as a static Space: browsers decode")
    parser.add_argument("--dry-run", action="store_true", help="list the files and their sizes, and upload nothing")


def run(options):
    """put the app on the Hugging Face Hub as a Space"""
    deploy(options.space, options.hardware, options.presets, options.private, options.dry_run, options.static)


class DeployError(ExplorerError, RuntimeError):
    """The Space cannot be deployed; the message says why and what to do."""


def files(space, hardware=CPU[0], root=ROOT):
    """What goes up: {path in the Space: bytes}. Raises DeployError outside a checkout, CheckpointError for a damaged checkpoint."""
    root = Path(root)
    lacking = [name for name in TOP if not (root / name).is_file()]
    if lacking:
        raise DeployError(f"deploy needs a checkout of the project: {root} has no {', '.join(lacking)}")
    readme = (root / "README.md").read_text("utf-8")
    paths = [root / name for name in TOP]
    paths += [root / name for name in sorted(set(re.findall(r"\]\((\.github/[\w.-]+)\)", readme)))]
    paths += sorted(path for path in (root / "explorer").rglob("*") if path.suffix in SOURCES and path.is_file())
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    found |= {".gitattributes": ATTRIBUTES.encode(), "README.md": readme_of(readme, space, hardware).encode()}
    if hardware not in CPU:
        found["requirements.txt"] += f"{TORCH}\n{'spaces' * (hardware == ZERO)}\n".encode()
    return dict(sorted((found | _checkpoints() | _runtime()).items()))


def static_files(space, root=ROOT):
    """What goes up as a static Space: {path: bytes}. Raises DeployError outside a checkout, and as `site.files` does."""
    readme = Path(root, "README.md")
    if not readme.is_file():
        raise DeployError(f"deploy needs a checkout of the project: {root} has no README.md")
    front = front_matter(readme.read_text("utf-8")) | {"sdk": "static", "app_file": "index.html"}
    kept = ("title", "emoji", "colorFrom", "colorTo", "sdk", "app_file", "short_description", "license", "license_name")
    lines = [f"{key}: {json.dumps(front[key], ensure_ascii=False)}" for key in kept if key in front]
    lines += ["license_link: LICENSE.md"] if "license_name" in front else []
    about = f"# {front['title']}\n\nLatent planes, decoded in your browser. `python -m explorer deploy --static` wrote this.\n"
    text = "\n".join(["---", *lines, "---\n\n"]) + about
    return dict(sorted((site.files() | {"README.md": text.encode(), ".gitattributes": ATTRIBUTES.encode()}).items()))


def _runtime():
    """What visitors' browsers decode with, where it was fetched."""
    folder = runtime.folder()
    return {f"explorer/runtime/{runtime.VERSION}/{file}": (folder / file).read_bytes() for file in runtime.FILES} if folder else {}


def _checkpoints():
    """What is sealed, the terms, and the page about such folders."""
    found = {f"checkpoints/{paper}": (checkpoints.root() / paper).read_bytes() for paper in ("LICENSE.md", "README.md")}
    judges = sorted(path.parent.name for path in (checkpoints.root() / "judges").glob(f"*/{checkpoints.SUMS}"))
    for name in (*checkpoints.names(), *(f"judges/{judge}" for judge in judges)):
        sealed = checkpoints.files(name)
        found |= {f"checkpoints/{name}/{file}": sealed.read(file) for file in sealed.names()}
        found[f"checkpoints/{name}/{checkpoints.SUMS}"] = (sealed.path / checkpoints.SUMS).read_bytes()
    return found


def readme_of(readme, space, hardware):
    """The README with a front matter that says where the Space is and on what it runs."""
    _, front, text = readme.split("---\n", 2)
    thumbnail = rf"\1https://huggingface.co/spaces/{space}/resolve/main/\2"
    front = re.sub(r"^(thumbnail: )(?!https)(\S+)$", thumbnail, front, flags=re.M)
    front = re.sub(r"^(suggested_hardware: ).*$", rf"\g<1>{hardware}", front, flags=re.M)
    if hardware == ZERO:
        front = re.sub(r"^(python_version: ).*$", rf'\g<1>"{ZERO_PYTHON}"', front, flags=re.M)
    return f"---\n{front}---\n{text}"


def front_matter(readme):
    """The keys and values of a README's front matter: {key: text, or list of texts}."""
    found, key = {}, ""
    for line in readme.split("---\n", 2)[1].splitlines():
        if line.startswith("  - "):
            found[key] = [*(found[key] or []), line[4:].strip()]
        else:
            key, _, value = line.partition(":")
            found[key] = value.split(" #")[0].strip().strip('"')
    return found


def variables(hardware):
    """What the Space's environment says: {name: value}. A backend is always named, since the hardware may have been another."""
    return {"KERAS_BACKEND": "tensorflow" if hardware in CPU else "torch", "GRADIO_ANALYTICS_ENABLED": "False"}


def refused(found):
    """What the Hub would refuse of `files`: list of str, each a file and why."""
    problems = []
    for path, data in found.items():
        stored = any(fnmatch(path.rpartition("/")[2], kind) for kind in BINARIES)
        if not stored and b"\0" in data:
            problems.append(f"{path}: binary, but .gitattributes does not give it to LFS")
        if not stored and len(data) > MOST_PLAIN:
            problems.append(f"{path}: {len(data):,} bytes outside LFS, at most {MOST_PLAIN:,}")
        if not re.fullmatch(r"[\w./-]+", path, re.ASCII) or any(part in ("", ".", "..", ".git") for part in path.split("/")):
            problems.append(f"{path}: no name for a file there")
        if data.startswith(b"version https://git-lfs"):
            problems.append(f"{path}: a pointer to a file, not the file")
    if sum(map(len, found.values())) > MOST_ALL:
        problems.append(f"all files: more than {MOST_ALL:,} bytes")
    front = front_matter(found["README.md"].decode())
    if len(front.get("short_description", "")) > LONGEST:
        problems.append(f"README.md: short_description is longer than {LONGEST} characters")
    problems += [f"README.md: {key} must be one of {', '.join(COLOURS)}" for key in ("colorFrom", "colorTo")
                 if front.get(key) not in COLOURS]  # fmt: skip
    if front.get("license") == "other" and not {"license_name", "license_link"} <= set(front):
        problems.append("README.md: license other needs license_name and license_link")
    return problems


def deploy(space, hardware=CPU[0], presets="", private=False, dry_run=False, static=False):
    """Upload the app to the Space USER/NAME, made if it is not there; what else lay in it goes. Prints what it does.

    `hardware`: a flavour of the Hub ("cpu-basic", "zero-a10g", "t4-small", ...); `presets`: the text-to-image models from elsewhere
    that visitors may have loaded, as EXPLORER_PRESETS; `static`: what `site` writes, which has neither. Raises InputError for a bad
    name, DeployError for files that the Hub would refuse and for what it says.
    """
    if not _REPOSITORY.fullmatch(space):
        raise InputError(f"a Space is named USER/NAME, got {space!r}")
    if static and (presets or hardware != CPU[0]):
        raise InputError("a static Space has no hardware and no presets: leave --hardware and --presets out, or --static")
    found = static_files(space) if static else files(space, hardware)
    if problems := refused(found):
        raise DeployError(f"the Hub would refuse: {'; '.join(problems)}")
    settings = {} if static else variables(hardware) | ({"EXPLORER_PRESETS": presets} if presets else {})
    if not runtime.folder():
        told = "without the browser's runtime, so the Space's server decodes: `python -m explorer runtime` fetches it"
        print(told, file=sys.stderr)
    if dry_run:
        for path, data in found.items():
            print(f"{len(data):>10,}  {path}")
    where = "static" if static else f"on {hardware} with " + ", ".join(f"{key}={value}" for key, value in settings.items())
    print(f"{len(found)} files, {sum(map(len, found.values())):,} bytes, for {space} {where}")
    if not dry_run:
        _upload(space, found, None if static else hardware, settings, private)
        print(f"https://huggingface.co/spaces/{space}")


def _upload(space, found, hardware, settings, private):
    """`hardware` None: a static Space."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import huggingface_hub as hub
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
    except ImportError as error:
        raise DeployError('deploy needs huggingface_hub: pip install "latent-explorer[deploy]"') from error

    api = hub.HfApi()
    try:
        api.create_repo(space, repo_type="space", space_sdk="gradio" if hardware else "static", private=private, exist_ok=True)
        for key, value in settings.items():  # before the files, whose arrival starts it
            api.add_space_variable(space, key, value)
        there = set(api.list_repo_files(space, repo_type="space"))
        changes = [hub.CommitOperationDelete(path) for path in sorted(there - set(found))]
        changes += [hub.CommitOperationAdd(path, data) for path, data in found.items()]
        api.create_commit(space, changes, commit_message="Latent Explorer", repo_type="space")
        if hardware:
            api.request_space_hardware(space, hardware)
    except LocalTokenNotFoundError as error:
        raise DeployError("the Hub must know you: run `hf auth login`, or set HF_TOKEN to a token that may write") from error
    except (HfHubHTTPError, OSError) as error:
        raise DeployError(f"the Hub did not take it: {str(error).strip().splitlines()[0]}") from error
