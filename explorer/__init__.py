"""Latent Explorer: see, touch and steer the latent spaces of image generators.

The public names are loaded when first used, so that importing `explorer` imports neither Keras nor Gradio.
"""

from importlib import import_module

_HOMES = {
    "load": "explorer.checkpoints",
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


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__():
    return __all__
