"""What `import explorer` offers and costs."""

import warnings

import pytest

import explorer

NAMES = ["load", "models", "judge", "CheckpointError", "Generator", "Plane", "Path", "slerp", "lerp", "show", "launch"]
HEAVY = ("keras", "gradio", "tensorflow", "torch", "jax")


def test_the_public_names_are_all_there():
    assert sorted(dir(explorer)) == sorted(explorer.__all__) == sorted(NAMES)
    assert all(callable(getattr(explorer, name)) for name in NAMES)
    assert explorer.__version__.count(".") == 2
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
    ("missing", "asked", "backend"),
    [
        ((), {}, None),
        (("tensorflow",), {}, "torch"),
        (("tensorflow", "torch"), {}, "jax"),
        (("tensorflow",), {"KERAS_BACKEND": "jax"}, "jax"),
        (HEAVY, {}, None),
    ],
)
def test_without_tensorflow_keras_takes_the_backend_that_is_there(fresh_python, monkeypatch, missing, asked, backend):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    code = """
import os, sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
import explorer
print(os.environ.get("KERAS_BACKEND"))
"""
    finished = fresh_python(code, *missing, **asked)
    assert finished.stdout == f"{backend}\n", finished.stderr


@pytest.mark.parametrize("module", ["explorer", "explorer.geometry", "explorer.generators.autoencoder", "app"])
def test_a_warning_of_ours_is_an_error_in_these_tests(module):
    with pytest.raises(RuntimeWarning, match="ours"):
        warnings.warn_explicit("ours", RuntimeWarning, "file.py", 1, module=module)


@pytest.mark.parametrize("module", ["explorers", "apport.report", "appdirs", "keras.src"])
def test_a_warning_of_others_is_none(module):
    with pytest.warns(RuntimeWarning, match="theirs"):
        warnings.warn_explicit("theirs", RuntimeWarning, "file.py", 1, module=module)
