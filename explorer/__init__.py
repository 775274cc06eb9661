"""Latent Explorer: see, touch and steer the latent spaces of image generators.

The public names are loaded when first used, so that importing `explorer` imports neither Keras nor Gradio.
"""

import os
from importlib import import_module
from importlib.util import find_spec

__version__ = "0.1.0"

_HOMES = {
    "load": "explorer.own_models",
    "models": "explorer.checkpoints",
    "judge": "explorer.checkpoints",
    "CheckpointError": "explorer.checkpoints",
    "Generator": "explorer.generators.base",
    "Plane": "explorer.geometry",
    "Path": "explorer.geometry",
    "slerp": "explorer.geometry",
    "lerp": "explorer.geometry",
    "show": "explorer.notebook",
    "launch": "explorer.page",
}
__all__ = list(_HOMES)

if "KERAS_BACKEND" not in os.environ and not find_spec("tensorflow"):  # which Keras would take
    for _backend in ("torch", "jax"):
        if find_spec(_backend):
            os.environ["KERAS_BACKEND"] = _backend
            break


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__():
    return __all__
