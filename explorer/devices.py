"""What computes: Keras' backend and its device, chosen before Keras is imported; a GPU that lies idle; one that is borrowed.

ZeroGPU, where a Space borrows a GPU for single calls, knows torch alone, and lets only what runs in a borrowed process touch it.
"""

import os
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

CARDS = ("/proc/driver/nvidia/gpus/*", "/dev/nvidia[0-9]*")  # where Linux shows NVIDIA's
NAMES = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}


def on_zero_gpu():
    """Whether this is a Space on ZeroGPU."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def choose():
    """Choose the backend, unless KERAS_BACKEND does: the one that finds the GPU. To be called before anything else is imported."""
    if on_zero_gpu():
        import_module("spaces")  # first, since it puts itself before CUDA
        os.environ |= {"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": "cpu"}  # small models cost no visitor's quota
    elif cards() and find_spec("torch"):  # whose wheels bring CUDA with them; TensorFlow's do not
        os.environ.setdefault("KERAS_BACKEND", "torch")


def cards():
    """How many of NVIDIA's GPUs this machine has, whether or not a backend finds them."""
    return max(len(list(Path("/").glob(pattern.lstrip("/")))) for pattern in CARDS)


def gpus():
    """How many GPUs Keras' backend finds; imports it."""
    backend = _backend()
    if backend == "torch":
        if os.environ.get("KERAS_TORCH_DEVICE") == "cpu":
            return 0
        torch = import_module("torch")
        return torch.cuda.device_count() or int(torch.backends.mps.is_available())
    if backend == "jax":
        return sum(device.platform != "cpu" for device in import_module("jax").devices())
    return len(import_module("tensorflow").config.list_physical_devices("GPU"))


def in_words():
    """The backend and its device, and whether a GPU lies idle, in a sentence or two; imports Keras."""
    backend, found = _backend(), gpus()
    name = NAMES.get(backend, backend)
    if on_zero_gpu():
        return f"Computed by {name} on the CPU; larger models borrow a GPU of ZeroGPU while they draw."
    if found:
        return f"Computed by {name} on {'a GPU' if found == 1 else f'{found} GPUs'}."
    words = f"Computed by {name} on the CPU ({os.cpu_count()} cores)."
    if not cards():
        return words
    remedy = "a build of it with CUDA" if backend == "torch" else "torch, and start with KERAS_BACKEND=torch"
    return f"{words} A GPU lies idle: {name} finds none, though this machine has one. Install {remedy}."


def borrowing(duration):
    """A decorator: on ZeroGPU the function, a generator whose arguments and events can be pickled, runs in a process that has a
    GPU, for at most `duration(*arguments)` seconds; elsewhere it stays as it is."""
    return import_module("spaces").GPU(duration=duration) if on_zero_gpu() else lambda function: function


@contextmanager
def borrowed(model):
    """Within such a process: a Keras model on the GPU, where there is one."""
    import keras

    torch = import_module("torch")
    torch.set_num_threads(1)  # those of the process that this one was forked from are not here
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)
    with keras.device(device):
        yield


def _backend():
    import keras

    return keras.backend.backend()
