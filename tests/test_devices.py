"""Which backend is chosen and what is said of it; ZeroGPU with a stand-in for its package, which forks as that one does."""

from pathlib import Path

import pytest

from explorer import devices

SPACES = Path(__file__).parent / "stand_ins"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """`machine(gpus, backend, found)`: so many GPUs here, of which the backend finds so many."""
    monkeypatch.setattr(devices, "CARDS", (str(tmp_path / "nvidia[0-9]*"),))

    def make(gpus, backend="tensorflow", found=0):
        for number in range(gpus):
            (tmp_path / f"nvidia{number}").touch()
        monkeypatch.setattr(devices, "_backend", lambda: backend)
        monkeypatch.setattr(devices, "gpus", lambda: found)

    return make


def test_a_machine_without_a_gpu_keeps_the_default(machine, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.delenv("KERAS_BACKEND")
    machine(0)
    devices.choose()
    assert "KERAS_BACKEND" not in devices.os.environ
    assert devices.in_words() == f"Computed by TensorFlow on the CPU ({devices.os.cpu_count()} cores)."


@pytest.mark.parametrize(("torch", "chosen"), [(True, "torch"), (False, "")])
def test_with_a_gpu_the_backend_that_finds_it_is_chosen_where_it_is_installed(machine, monkeypatch, torch, chosen):
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setattr(devices, "find_spec", lambda name: torch or None)
    machine(1)
    devices.choose()
    assert devices.os.environ.get("KERAS_BACKEND", "") == chosen
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # whoever chose is not overruled
    devices.choose()
    assert devices.os.environ["KERAS_BACKEND"] == "jax"


def test_a_gpu_that_lies_idle_is_said_and_what_to_do(machine):
    machine(2)
    assert "A GPU lies idle: TensorFlow finds none" in devices.in_words()
    assert "KERAS_BACKEND=torch" in devices.in_words()
    machine(2, "torch")
    assert "PyTorch finds none, though this machine has one. Install a build of it with CUDA." in devices.in_words()
    machine(2, "torch", found=2)
    assert devices.in_words() == "Computed by PyTorch on 2 GPUs."


def test_the_gpus_of_this_machine_are_counted_with_each_backend(fresh_python):
    count = "for backend in devices.NAMES: devices._backend = lambda: backend; print(backend, devices.gpus())"
    ran = fresh_python(f"from explorer import devices\n{count}")
    found = dict(line.split() for line in ran.stdout.splitlines())
    assert set(found) == set(devices.NAMES), ran.stderr
    assert all(int(number) <= devices.cards() for number in found.values())


ON_ZERO = """
import contextvars, os, sys, threading
sys.path.insert(0, sys.argv[1])
from explorer import devices
devices.choose()
assert "gradio" not in sys.modules and "keras" not in sys.modules, "spaces comes first"
import numpy as np
from gradio.context import LocalContext
from types import SimpleNamespace
import spaces
from explorer import checkpoints, presets
from explorer.serving.calls import JOBS
from explorer.views.text_to_image import calls
name = str(checkpoints.root() / "stable_diffusion_3_tiny")
drawn = presets.load(name)
import keras
print("backend", keras.backend.backend(), keras.src.backend.torch.core.get_device())

small = checkpoints.load("mnist-vae")
small.decode(small.prior(1))
print("borrowed by small models", len(spaces.asked))

def visitor():
    LocalContext.request.set(SimpleNamespace(headers={"x-ip-token": "of-a-visitor"}))
    return calls.start_drawing(f"model={name}&prompt=a rose&steps=3&seed=1")
job = contextvars.copy_context().run(visitor)["job"]
seen, done = [], False
while not done:
    events, done = JOBS.since(job, len(seen))
    seen += events
print("steps", sum("noise_rate" in event for event in seen), "drawn", sum("drawn" in event for event in seen))
print("asked", *spaces.asked)

noise = drawn.prior(2, seed=3)
here = presets._loaded[name, None].decode(noise, "a rose", steps=2)
print("same", bool(np.abs(drawn.decode(noise, "a rose", steps=2) - here).max() < 1e-4))
def enough(step):
    raise KeyError(f"after step {step.index}")
try:
    drawn.decode(noise, "a rose", steps=40, callback=enough)
except KeyError as error:
    print("left", error.args[0])
spaces.quota = "You have exceeded your quota (31s requested vs. 0s left)."
try:
    drawn.decode(noise, "a rose", steps=2)
except presets.PresetError as error:
    print("told", error)
"""


def test_on_zero_gpu_only_large_presets_borrow_it_on_the_visitor_s_quota(fresh_python):
    ran = fresh_python(ON_ZERO, SPACES, SPACES_ZERO_GPU="true", KERAS_BACKEND="tensorflow", TOKENIZERS_PARALLELISM="false")
    said = dict(line.split(" ", 1) for line in ran.stdout.splitlines() if " " in line)
    assert said["backend"] == "torch cpu", ran.stderr
    assert said["borrowed"] == "by small models 0"
    assert said["steps"] == "3 drawn 1", ran.stderr
    assert said["asked"] == "of-a-visitor:22s"
    assert said["same"] == "True"
    assert said["left"] == "after step 0"
    assert said["told"].endswith(
        "could not be drawn on a GPU of ZeroGPU: You have exceeded your quota (31s requested vs. 0s left)."
    )


def test_elsewhere_nothing_of_it_is_imported(fresh_python):
    ran = fresh_python(
        "import sys; from explorer import devices; devices.choose(); import explorer.presets; print('spaces' in sys.modules)"
    )
    assert ran.stdout == "False\n", ran.stderr
