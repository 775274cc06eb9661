"""The files of a model, as its generator is handed them, and how Keras and KerasHub load what lies in them."""

import io
from pathlib import Path

import numpy as np

MODEL, PRESET = "model.keras", "config.json"
CARD, ENCODINGS = "card.json", "encodings.npz"


class Files:
    """The files of a folder, as they are; `checkpoints` hands out such as are checked against their sums."""

    def __init__(self, path):
        self.path = Path(path)

    def names(self):
        """All of them, with `/` between folders."""
        return sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())

    def read(self, file):
        """The bytes of one; raises OSError where it is missing."""
        return (self.path / file).read_bytes()

    def arrays(self, file):
        """The arrays of a NumPy file (dict)."""
        with np.load(io.BytesIO(self.read(file))) as stored:
            return {key: stored[key] for key in stored.files}


class KerasFile:
    """For classes whose model is one Keras file."""

    file, library = MODEL, ("Keras", "keras")

    @staticmethod
    def load_model(files):
        """The Keras model among `Files`, without an optimizer; safe loading only."""
        import keras

        files.read(MODEL)  # for the check; Keras wants a path
        return keras.saving.load_model(files.path / MODEL, compile=False, safe_mode=True)


class KerasHubPreset:
    """For classes whose model is a KerasHub preset of several files."""

    file, library = PRESET, ("KerasHub", "keras_hub")

    @staticmethod
    def load_model(files):
        """The KerasHub text-to-image task whose preset the `Files` are."""
        from explorer.generators.kerashub import keras_hub

        for file in files.names():
            files.read(file)  # for the check
        return keras_hub.models.TextToImage.from_preset(str(files.path))
