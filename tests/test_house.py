"""The floors of the house, read off the imports: nobody knows the floors above, and no files import each other in a circle."""

import ast
import re
from pathlib import Path

import pytest

import explorer
from explorer import generators, judges
from explorer.training import kinds

PACKAGE = Path(explorer.__file__).parent
FLOORS = [  # from the ground up
    ["errors", "geometry", "state", "imaging", "notebook", "data", "devices", "memory", "paper"],
    ["generators", "judges"],
    ["checkpoints", "presets", "own_models"],
    ["training"],
    ["serving"],
    ["views"],
    ["page", "api"],
    ["publishing"],
    ["", "__main__", "quiet"],
]
VIEWS = next(number for number, rooms in enumerate(FLOORS) if "views" in rooms)
HEAVY = ("keras", "tensorflow", "torch", "jax")
LONGEST = 132  # letters of a line
LONGEST_OF_HTML = 160  # some values of attributes are sentences
MOST_COMPARISONS = 8  # of a model's kind, outside of KINDS


def files(package=PACKAGE):
    """{dotted name: (source, whether it is a package's own file)} of a package's files."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path.read_text("utf-8"), parts[-1] == "__init__"
    return found


def imported(source):
    """The dotted names that a file imports, inside functions too, each as `module` or `module.name`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(sources):
    """{file: the files of `sources` that it imports}: a name that is no file is one in the package that it is imported from."""
    found = {}
    for name, (source, _) in sources.items():
        targets = set()
        for target in imported(source):
            while target and target not in sources:
                target = target.rpartition(".")[0]
            targets.add(target)
        found[name] = targets - {"", name}
    return found


def circles(edges):
    """Sets of files each of which imports, by way of others, itself: the strongly connected parts (Tarjan 1972)."""
    number, lowest, waiting, found = {}, {}, [], []

    def visit(name):
        number[name] = lowest[name] = len(number)
        waiting.append(name)
        for target in sorted(edges.get(name, ())):
            if target not in number:
                visit(target)
                lowest[name] = min(lowest[name], lowest[target])
            elif target in waiting:
                lowest[name] = min(lowest[name], number[target])
        if lowest[name] == number[name]:
            part = waiting[waiting.index(name) :]
            del waiting[-len(part) :]
            if len(part) > 1:
                found.append(set(part))

    for name in edges:
        if name not in number:
            visit(name)
    return found


def floor(name):
    """The number of the floor on which a file stands."""
    room = (name.split(".") + [""])[1]
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def upwards(edges):
    """The imports that run up: [(file, the file above)]."""
    return sorted((name, target) for name, targets in edges.items() for target in targets if floor(target) > floor(name))


def comparisons(source):
    """Lines on which a card's or a recipe's `kind` is compared."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                of = side.value if isinstance(side, ast.Subscript) else None
                key = getattr(getattr(side, "slice", None), "value", None)
                if isinstance(side, ast.Call) and getattr(side.func, "attr", "") == "get" and side.args:
                    of, key = side.func.value, getattr(side.args[0], "value", None)
                if key == "kind" and (
                    getattr(of, "id", "") in ("card", "recipe", "c") or getattr(of, "attr", "") in ("card", "recipe")
                ):
                    yield node.lineno


def test_every_file_stands_on_a_floor():
    assert len(files()) > 40
    assert all(floor(name) >= 0 for name in files())


def test_no_files_import_each_other_in_a_circle():
    assert circles(graph(files())) == []


def test_no_import_runs_up():
    assert upwards(graph(files())) == []


def test_a_circle_and_an_import_upwards_are_seen(tmp_path):
    package = tmp_path / "explorer"
    sources = {
        "__init__.py": "",
        "data.py": "import math",
        "generators/__init__.py": "",
        "generators/one.py": "from explorer import data\nfrom explorer.generators.two import build",
        "generators/two.py": "def build():\n    from explorer.generators import three\n",
        "generators/three.py": "import explorer.generators.one\n",
        "views/__init__.py": "",
        "views/faces/pictures.py": "from explorer import page\nfrom explorer.serving.calls import answered",
        "serving/calls.py": "def answered():\n    from explorer.views.faces.pictures import complete",
        "page.py": "from explorer.generators import one",
    }
    for file, source in sources.items():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text(source)
    edges = graph(files(package))
    assert edges["explorer.generators.one"] == {"explorer.data", "explorer.generators.two"}
    assert circles(edges) == [
        {"explorer.generators.one", "explorer.generators.two", "explorer.generators.three"},
        {"explorer.views.faces.pictures", "explorer.serving.calls"},
    ]
    assert upwards(edges) == [
        ("explorer.serving.calls", "explorer.views.faces.pictures"),
        ("explorer.views.faces.pictures", "explorer.page"),
    ]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


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
        "generators",
        "judges",
        "generators.base",
        "generators.schedules",
        "generators.samplers",
        "generators.autoencoder",
        "judges.classifier",
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


def test_views_and_page_ask_generators_and_never_keras():
    for name, (source, _) in files().items():
        if floor(name) >= VIEWS:
            assert [i for i in imported(source) if i.split(".")[0] in HEAVY] == [], name


def test_gradio_stays_upstairs():
    for name, (source, _) in files().items():
        if floor(name) < VIEWS or name.endswith(".pictures"):
            assert "gradio" not in {i.split(".")[0] for i in imported(source)}, name


def test_the_browsers_modules_have_no_globals_and_lines_as_short_as_pythons():
    for path in sorted(PACKAGE.rglob("*.js")):
        source = path.read_text("utf-8")
        assert "// @ts-check" in source.splitlines()[:3], path.name
        assert [line for line in source.splitlines() if len(line) > LONGEST] == [], path.name
        assert re.findall(r"\b(?:window|globalThis)\.\w+\s*=[^=].*|\bfunction query\(.*", source) == [], path.name


def test_lines_of_html_can_be_read():
    for path in sorted((PACKAGE / "views").rglob("*.html")):
        assert [line for line in path.read_text("utf-8").splitlines() if len(line) > LONGEST_OF_HTML] == [], path.parent.name


def test_kinds_are_compared_in_one_place():
    found = {name: list(comparisons(source)) for name, (source, _) in files().items()}
    found.pop("explorer.generators")  # the place
    assert {name: lines for name, lines in found.items() if lines and floor(name) < VIEWS} == {}
    assert sum(map(len, found.values())) <= MOST_COMPARISONS, {name: lines for name, lines in found.items() if lines}


def test_a_comparison_of_kinds_is_seen():
    source = 'a = card["kind"] == "vae" or "gan" != self.card["kind"]\nb = recipe.get("kind") in ("ae", "vae")\nc = state["kind"] == "slerp"'
    assert sorted(comparisons(source)) == [1, 1, 2]


@pytest.mark.parametrize(
    "module", ["generators", "judges", "generators.base", "generators.directions", "checkpoints", "training.kinds"]
)
def test_kinds_are_known_before_keras_is(fresh_python, module):
    finished = fresh_python(f"import sys, explorer.{module}; print([name for name in sys.argv[1:] if name in sys.modules])", *HEAVY)
    assert finished.stdout == "[]\n", finished.stderr


@pytest.mark.parametrize("kind", [*generators.KINDS.values(), *judges.KINDS.values()], ids=lambda kind: kind.name)
def test_every_kind_has_its_room_in_training(kind):
    name = f"explorer.training.{kind.module.split('.')[-1]}_measures"
    defined = {node.name for node in ast.parse(files()[name][0]).body if isinstance(node, ast.FunctionDef)}
    taken = {i.split(".")[-1] for i in imported(files()[name][0])}
    assert {"describe", "keep", "measure"} <= defined | taken or {"ship", "measure"} <= defined


def test_a_recipe_and_a_card_are_of_the_same_kind():
    assert kinds.kind_of({"kind": "diffusion", "refines": "celeba-vae"}).name == "RefinerGenerator"
    assert kinds.kind_of({"kind": "diffusion", "recipe": {"kind": "diffusion", "refines": "celeba-vae"}}).name == "RefinerGenerator"
    assert kinds.kind_of({"kind": "diffusion", "recipe": {}}).name == "DiffusionGenerator"
    assert kinds.kind_of({"kind": "judge", "net": "framing"}).name == "Framer"
    assert generators.kind_of({"kind": "judge"}) is generators.kind_of({"kind": "flow", "net": "family"}) is None
    assert generators.has_encodings({"kind": "ae"})
    assert not generators.has_encodings({"kind": "judge"})


def test_helpers_of_tests_and_benchmarks_have_names_of_their_own():
    """They meet on one `sys.path` (a test drives a benchmark's clients), where the first of a name hides the other."""
    tests = Path(__file__).parent
    named = [path.stem for path in tests.rglob("*.py") if not path.stem.startswith("test_") and path.stem != "conftest"]
    assert sorted(named) == sorted(set(named))
