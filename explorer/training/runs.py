"""One training run: from a recipe to the best weights, with progress, previews, resumption and Ctrl-C.

A run keeps its state in a folder: `history.json`, `last.weights.h5` (with the optimizer's state), `best.weights.h5`, and
`epoch-NNN.weights.h5` where the recipe wants snapshots. Training again with the same folder goes on where it stopped.
In the last `settled` epochs of a recipe that flips batch normalization keeps its statistics; in the last `squared` ones the
loss of a diffusion model is the squared error, whose best answer is the mean that a step of DDIM wants, not the median. In the
last `composed` ones it dwells on the times where pictures are composed (`Diffusion.composing`).
"""

import json
import os
import platform
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from explorer import data, judges
from explorer.training import framing_windows
from explorer.training.building import build, trained
from explorer.training.feeding import feed
from explorer.training.muon import Muon

MEASURED = 80  # batches that tell `settle` the statistics
HISTORY, LAST, BEST = "history.json", "last.weights.h5", "best.weights.h5"


def learning_rate(schedule, steps_per_epoch, epochs):
    """A number, or a Keras schedule over the whole run; "plateau" starts as a number that the `Journal` lowers."""
    if schedule["name"] == "plateau":
        return schedule["initial"]
    if schedule["name"] == "inverse":
        return keras.optimizers.schedules.InverseTimeDecay(schedule["initial"], schedule["steps"], schedule["decay"])
    warmup = schedule["warmup_epochs"] * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, schedule.get("epochs", epochs) * steps_per_epoch - warmup), alpha=schedule["final_fraction"],
        warmup_target=schedule["initial"], warmup_steps=warmup,
    )  # fmt: skip


def fit(recipe, folder, data_folder=None, preview=None, out=None):
    """Train by `recipe` in `folder`, resuming what is there; returns (uncompiled model with the best weights, history dict).

    `preview(model, epoch)` is called after each epoch. Ctrl-C ends the run with what the last whole epoch left; with no
    whole epoch KeyboardInterrupt goes on to the caller.
    """
    keras.utils.set_random_seed(recipe["seed"])
    model = build(recipe)
    batches, watched = feed(recipe, data_folder)
    if hasattr(model, "adapt"):  # a diffusion model, to what its images have in common
        flip = recipe.get("flip", False)
        model.adapt(batches["x"].arrays[0] if flip else batches["x"], mirrored=flip)
    history = run(recipe, folder, model, batches, watched, preview, out)
    return trained(recipe, Path(folder, BEST)), history


def run(recipe, folder, model, batches, watched=None, preview=None, out=None):
    """`fit` of a model that is built, on what `model.fit` is fed with; returns the history."""
    folder, out = Path(folder), out or sys.stderr
    folder.mkdir(parents=True, exist_ok=True)
    count = len(keras.tree.flatten(batches["x"])[0])
    steps = int(np.ceil(count / recipe["batch_size"])) if "batch_size" in batches else count
    settings = recipe["optimizer"] if isinstance(recipe["optimizer"], dict) else {"name": recipe["optimizer"]}
    config = {key: settings[key] for key in settings if key != "name"}
    optimizer = (
        Muon(**config) if settings["name"] == "muon" else keras.optimizers.get({"class_name": settings["name"], "config": config})
    )
    optimizer.learning_rate = learning_rate(recipe["learning_rate"], steps, recipe["epochs"])
    model.compile(optimizer=optimizer, **losses(recipe))
    optimizer.build(model.trainable_variables)

    journal = Journal(recipe, folder, steps, preview, out)
    if journal.history["loss"]:
        model.load_weights(folder / LAST)
    elif 0 in recipe.get("snapshots", ()):
        model.save_weights(journal.snapshot(0))
    settled, squared, composed = (recipe["epochs"] - recipe.get(last, 0) for last in ("settled", "squared", "composed"))
    try:
        for until in sorted({settled, squared, composed, recipe["epochs"]}):
            done = len(journal.history["loss"])
            if journal.finished or done >= until:
                continue
            if until > settled:
                settle(model, batches["x"] if done == settled else ())
            if until > squared:
                model.loss_name, model.composing = "mse", until > composed
                model.make_train_function(force=True)
            for variable in model.optimizer.variables:
                # on JAX the weights that `fit` ends with are their averages' own arrays, which a second `fit` cannot donate twice
                variable.assign(np.array(keras.ops.convert_to_numpy(variable)))
            model.fit(
                **batches, epochs=until, initial_epoch=done, callbacks=[journal], verbose=0,
                validation_data=watched, validation_batch_size=recipe["batch_size"],
            )  # fmt: skip
    except KeyboardInterrupt:
        if not journal.history["loss"]:
            raise
        print(f"\nstopped: keeping what {len(journal.history['loss'])} epochs learned", file=out)
    return journal.history


def done(folder):
    """How many epochs a run has behind it in `folder`."""
    path = Path(folder, HISTORY)
    return len(json.loads(path.read_text())["loss"]) if path.is_file() else 0


def settle(model, batches):
    """Fix batch normalization: its statistics become those of the first of `batches`, with the weights as they are, for good.

    Otherwise they sway with the weights, never are those of the weights' moving average, and in training differ from batch to
    batch: too coarse for a diffusion network where hardly any signal is left. Once is enough: weights that were trained with
    settled statistics do not fit those that are measured later.
    """
    normalizations = [layer for layer in _within(model) if isinstance(layer, keras.layers.BatchNormalization)]
    for k in range(min(MEASURED, len(batches))):
        for layer in normalizations:
            layer.momentum = k / (k + 1)  # so that what moves is the mean of all batches until now
        model(batches[k][0], training=True)
    for layer in normalizations:
        layer.trainable = False
    model.make_train_function(force=True)


def _within(model):
    """The layers of a model and of the models that it is made of."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _within(layer)


def losses(recipe):
    """What `compile` gets: all but judges bring their own loss."""
    if not judges.kind_of(recipe):
        return {}
    if recipe.get("textures"):
        return {"loss": framing_windows.loss}
    if recipe.get("multi_label"):
        return {"loss": weighted_crossentropy(emphases(recipe["data"], recipe)), "metrics": ["binary_accuracy"]}
    return {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


def emphases(dataset, recipe):
    """The weight of each attribute in a judge's recipe, or in what a critic adds to a loss."""
    return [recipe.get("emphasis", {}).get(name, 1.0) for name in data.classes(dataset)]


def weighted_crossentropy(weights):
    """Binary cross-entropy of many labels, their mean by `weights`: a rare one is lost among forty otherwise."""
    shares = (np.array(weights) / np.sum(weights)).astype("float32")

    def loss(y_true, y_pred):
        crossentropy = keras.ops.binary_crossentropy(keras.ops.cast(y_true, y_pred.dtype), y_pred)
        return keras.ops.sum(crossentropy * keras.ops.convert_to_tensor(shares), axis=-1)

    return loss


class Journal(keras.callbacks.Callback):
    """Writes a run's history and weights after each epoch, lowers the rate and stops on a plateau, shows time left."""

    def __init__(self, recipe, folder, steps, preview, out):
        super().__init__()
        self.recipe, self.folder, self.steps, self.preview, self.out = recipe, folder, steps, preview, out
        path = folder / HISTORY
        self.history = json.loads(path.read_text()) if path.is_file() else {"loss": [], "seconds": [], "device": device()}
        self.watched = "val_loss" if recipe.get("validation") else "loss"

    @property
    def best_epoch(self):
        """Index of the epoch whose weights are kept: the best on the validation images, or the last."""
        if self.recipe.get("validation"):
            return int(np.argmin(self.history["val_loss"]))
        return len(self.history["loss"]) - 1

    @property
    def finished(self):
        done, patience = len(self.history["loss"]), self.recipe.get("patience")
        if done >= self.recipe["epochs"]:
            return True
        falling = self.recipe["learning_rate"].get("epochs", 0)  # a cosine that ends before the run does
        return bool(patience and done > falling and done - 1 - max(self.best_epoch, falling - 1) >= patience)

    def snapshot(self, epoch):
        return self.folder / snapshot_file(epoch)

    def on_epoch_begin(self, epoch, logs=None):
        self._began, self._epoch, self._shown = time.perf_counter(), epoch, 0.0

    def on_train_batch_begin(self, batch, logs=None):
        warmup = self.recipe.get("kl_warmup_epochs")
        if warmup:
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()  # its trainer keeps the variables to itself between batches
            raised = min(1.0, (self._epoch + (batch + 1) / self.steps) / warmup)
            self.model.kl_weight_now.assign(raised * self.recipe["loss"]["kl_weight"])

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if now - self._shown < 0.5 or not self.out.isatty():
            return
        self._shown = now
        done = (batch + 1) / self.steps
        left = (now - self._began) / done * (self.recipe["epochs"] - self._epoch - done)
        bar = "#" * int(24 * done) + "." * (24 - int(24 * done))
        line = f"\repoch {self._epoch + 1}/{self.recipe['epochs']} [{bar}] loss {logs['loss']:.4g}, {clock(left)} left "
        print(line, end="", file=self.out, flush=True)

    def on_epoch_end(self, epoch, logs=None):
        for key, value in {**logs, "seconds": time.perf_counter() - self._began}.items():
            self.history.setdefault(key, []).append(round(float(value), 6))
        if self.best_epoch == epoch:
            with averaged(self.model):
                self.model.save_weights(self.folder / BEST)
                if self.preview:
                    self.preview(self.model, epoch + 1)
        if epoch + 1 in self.recipe.get("snapshots", ()):
            self.model.save_weights(self.snapshot(epoch + 1))
        schedule, stale = self.recipe["learning_rate"], epoch - self.best_epoch
        if schedule["name"] == "plateau" and stale and stale % schedule["after"] == 0:
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * schedule["factor"]
        part = self.folder / f"part.{LAST}"  # so that who ends it while it writes keeps the epoch before
        self.model.save_weights(part)  # with the rate that the next epoch begins with
        part.replace(self.folder / LAST)
        written = self.folder / (HISTORY + ".part")  # so that Ctrl-C never leaves half a file
        written.write_text(json.dumps(self.history))
        written.replace(self.folder / HISTORY)
        if self.preview and self.best_epoch != epoch:
            self.preview(self.model, epoch + 1)
        numbers = ", ".join(f"{key} {values[-1]:.5g}" for key, values in self.history.items() if key != "device")
        left = np.mean(self.history["seconds"][-3:]) * (self.recipe["epochs"] - epoch - 1)
        numbers += f", {clock(left)} left" if left and not self.finished else ""
        over = "\r" if self.out.isatty() else ""  # the bar
        print(f"{over}epoch {epoch + 1}/{self.recipe['epochs']}: {numbers}", file=self.out, flush=True)
        self.model.stop_training = self.finished


@contextmanager
def averaged(model):
    """The optimizer's moving average of the weights in their place, if it keeps one."""
    optimizer = getattr(model, "optimizer", None)
    if not getattr(optimizer, "use_ema", False):
        yield
        return
    weights, means = optimizer._trainable_variables, optimizer._model_variables_moving_average  # as SwapEMAWeights does
    now = [keras.ops.convert_to_numpy(weight).copy() for weight in weights]
    for weight, mean in zip(weights, means, strict=True):
        weight.assign(mean)
    yield
    for weight, value in zip(weights, now, strict=True):
        weight.assign(value)


def snapshot_file(epoch):
    """The name of the weights after so many epochs."""
    return f"epoch-{epoch:03d}.weights.h5"


def cut(history, epochs):
    """The history of a run's first epochs."""
    return {key: values[:epochs] if isinstance(values, list) else values for key, values in history.items()}


def clock(seconds):
    """Seconds as h:mm:ss or m:ss."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def device():
    """What trains, in words: the backend and its processor."""
    backend = keras.backend.backend()
    try:
        accelerators = [d for d in keras.distribution.list_devices() if not d.startswith("cpu")]
    except Exception:  # a backend without such a list has none that we could name
        accelerators = []
    return f"{backend}, " + (", ".join(accelerators) or f"{os.cpu_count()} CPU cores ({platform.machine()})")
