"""What `import explorer` offers and costs, and that no floor of the house knows the floors above it."""

import ast
import warnings
from pathlib import Path

import pytest

import explorer

PACKAGE = Path(explorer.__file__).parent
NAMES = ["load", "models", "judge", "CheckpointError", "Generator", "Plane", "Path", "slerp", "lerp"]
FLOORS = [
    ["errors", "geometry", "state", "imaging", "data"],
    ["generators", "judges"],
    ["checkpoints", "presets"],
    ["training"],
    ["serving"],
    ["views"],
    ["page"],
]
UPSTAIRS = 4  # where the page is
HEAVY = ("keras", "gradio", "tensorflow", "torch", "jax")


def modules():
    """Every module of the package by its dotted name, with its source."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path.read_text("utf-8")


def imports(source, everywhere):
    """The dotted names that a module imports: at its top, or `everywhere`, functions included."""
    tree = ast.parse(source)
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(name):
    """The number of the floor on which a module stands; None for the doors, `explorer` and `explorer.__main__`."""
    room = (name.split(".") + [""])[1]
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), None)


def test_the_public_names_are_all_there():
    assert sorted(dir(explorer)) == sorted(explorer.__all__) == sorted(NAMES)
    assert all(callable(getattr(explorer, name)) for name in NAMES)
    with pytest.raises(AttributeError, match="'walk'"):
        explorer.walk  # noqa: B018


def test_importing_explorer_and_listing_its_models_imports_nothing_heavy(fresh_python, toy_root):
    code = """
import sys, explorer
first = [name for name in sys.argv[1:] if name in sys.modules]
cards = explorer.models()
explorer.Plane, explorer.Path, explorer.slerp, explorer.lerp, explorer.Generator, explorer.CheckpointError
import explorer.views, explorer.data, explorer.__main__
print(len(cards), first, [name for name in sys.argv[1:] if name in sys.modules])
"""
    finished = fresh_python(code, *HEAVY, EXPLORER_CHECKPOINTS=str(toy_root.root))
    assert finished.stdout.split(maxsplit=1) == ["3", "[] []\n"], finished.stderr


@pytest.mark.parametrize(
    "module",
    [
        "geometry",
        "state",
        "imaging",
        "data",
        "checkpoints",
        "views",
        "views.drawn",
        "views.latent_plane.pictures",
        "views.diffusion.pictures",
        "views.text_to_image.pictures",
        "presets",
        "generators.base",
        "generators.schedules",
        "generators.samplers",
        "generators.autoencoder",
        "generators.judge",
        "generators.text_to_image",
    ],
)
def test_importing_a_floor_wakes_none_above_it(fresh_python, module):
    code = f"import sys, explorer.{module}; print(*(name for name in sys.modules if name.startswith('explorer.')))"
    finished = fresh_python(code)
    awake = finished.stdout.split()
    assert f"explorer.{module}" in awake, finished.stderr
    assert [name for name in awake if floor(name) > floor(f"explorer.{module}")] == []
    if module in ("geometry", "state", "imaging"):  # which know nothing of each other either
        assert set(awake) <= {f"explorer.{module}", "explorer.errors"}


def test_no_import_runs_up():
    found = list(modules())
    assert len(found) > 12
    for name, source in found:
        for imported in imports(source, everywhere=True):
            if imported.startswith("explorer") and floor(name) is not None:
                target = floor(imported)
                assert target is None or target <= floor(name), f"{name} imports {imported}"


def test_the_interface_asks_generators_and_never_keras():
    for name, source in modules():
        if floor(name) is not None and floor(name) >= UPSTAIRS:
            heavy = [i for i in imports(source, everywhere=True) if i.split(".")[0] in ("keras", "tensorflow", "torch", "jax")]
            assert heavy == [], name


def test_gradio_stays_upstairs():
    for name, source in modules():
        if floor(name) is None or floor(name) < UPSTAIRS or name.endswith(".pictures"):
            assert not [i for i in imports(source, everywhere=True) if i.split(".")[0] == "gradio"], name


@pytest.mark.parametrize("module", ["explorer", "explorer.geometry", "explorer.generators.autoencoder", "app"])
def test_a_warning_of_ours_is_an_error_in_these_tests(module):
    with pytest.raises(RuntimeWarning, match="ours"):
        warnings.warn_explicit("ours", RuntimeWarning, "file.py", 1, module=module)


@pytest.mark.parametrize("module", ["explorers", "apport.report", "appdirs", "keras.src"])
def test_a_warning_of_others_is_none(module):
    with pytest.warns(RuntimeWarning, match="theirs"):
        warnings.warn_explicit("theirs", RuntimeWarning, "file.py", 1, module=module)
