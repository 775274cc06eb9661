"""What every generator is: a map from points of a latent space to pictures. NumPy only."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.errors import ExplorerError, InputError, NotSupported
from explorer.generators.directions import between
from explorer.generators.files import KerasFile
from explorer.geometry import check_count
from explorer.notebook import SAMPLES, described
from explorer.state import MOST_SEED

Card = dict[str, Any]  # what `card.json` says
Pictures = NDArray[np.float32]
# who runs networks in this context, as `run(function, inputs)`: a server has visitors take turns, and answers some together
run_by: ContextVar[Callable[[Callable, Any], Any] | None] = ContextVar("run_by", default=None)


class Generator(KerasFile):
    """Maps points of a latent space to pictures; made by `explorer.load(name)`.

    Attributes: `card` (dict), `latent_shape`, `image_shape` (h, w, c), `model` (the Keras model), `files` (the `Files` of its
    folder, where what was measured of its codes lies; None for a model that has no folder yet).
    """

    def __init__(self, card: Card, model: Any, files: Any = None):
        self.card, self.model, self.files = card, model, files
        self.latent_shape = tuple(card["latent_shape"])
        self.image_shape = tuple(card["image_shape"])

    def __repr__(self):
        return f"<Generator {self.card['name']}: {self.latent_shape} -> {self.image_shape}>"

    def _repr_html_(self):
        """A few lines of its card in a notebook, with a row of what it draws where that is a matter of one step."""
        card = self.card
        facts = [("kind", card["kind"]), ("latents → pictures", f"{self.latent_shape} → {self.image_shape}")]
        facts += [(key, card[key]) for key in ("data", "licence") if card.get(key)]
        return described(f"{card['name']}: {card.get('title', '')}", facts, self._samples())

    def _samples(self):
        """Some of what it draws, or None where that takes many steps or it has nothing to draw from."""
        if "sampling" in self.card or self.model is None:
            return None
        label = {"label": np.arange(SAMPLES) % len(self.card["classes"])} if self.card.get("conditional") else {}
        try:
            return self.decode(self.prior(SAMPLES), **label)
        except ExplorerError:
            return None

    def prior(self, n: int, seed: int = 0) -> Pictures:
        """Points drawn as the model was trained to be fed: float32 (n, *latent_shape), of which the first are those of a smaller n.

        Raises InputError for an n below 0, and a seed that is no whole number from 0 to 2**32 - 1.
        """
        return drawn_by(seed).standard_normal((check_count(n), *self.latent_shape), dtype="float32")

    def prior_mean(self) -> Pictures:
        """The mean of what `prior` draws, to which truncation draws it nearer: float32 (*latent_shape)."""
        return np.zeros(self.latent_shape, "float32")

    def decode(self, z: ArrayLike, label: ArrayLike | None = None) -> Pictures:
        """float (n, *latent_shape) -> float32 (n, h, w, c) in [0, 1].

        Raises InputError for another shape or numbers that are not finite.
        """
        return self._decode(check_latents(z, self.latent_shape), label)

    def _decode(self, z, label):
        raise NotImplementedError

    def encode(self, images: ArrayLike) -> tuple[Pictures, Pictures | None]:
        """float (n, h, w, c) in [0, 1] -> (z_mean, z_log_var); raises NotSupported without an encoder."""
        raise NotSupported(f"{self.card['name']} has no encoder: it only turns latents into pictures.")

    def networks(self) -> dict[str, Any]:
        """What `decode` and `encode` do after their checks, as Keras models with named inputs: {"decoder": ..., "encoder": ...}.

        Raises NotSupported for a model that is more than one network, asked once.
        """
        raise NotSupported(f"{self.card['name']} cannot be exported: it is not one network that is asked once")

    def examples(self, part: str, n: int) -> tuple[dict[str, Pictures], list[Pictures]]:
        """By what a part of `networks` is compared with this: n inputs of each name, from the prior or decoded from it, and what is
        answered to them."""
        z = self.prior(n, seed=1)
        label = {"label": np.arange(n, dtype="int32") % len(self.card["classes"])} if self.card.get("conditional") else {}
        pictures = self.decode(z, **label)
        if part == "decoder":
            return {"z": z} | label, [pictures]
        return {"images": pictures}, [codes for codes in self.encode(pictures) if codes is not None]

    def decoder_input(self, z: Pictures, label: ArrayLike | None = None) -> Any:
        """Points (n, *latent_shape), and their classes, as the network takes them."""
        return z

    @property
    def inside(self) -> dict[str, Any]:
        """The `activations.Activations` of its networks, by their part: "encoder", "decoder" or "unet".

        Raises NotSupported for a model whose layers cannot be looked at.
        """
        raise NotSupported(f"{self.card['name']} has no layers that could be looked at one by one.")

    def direction(self, attribute: str, hold: Sequence[str] = ()) -> Pictures:
        """The latent direction of a named attribute; raises NotSupported for models without attributes."""
        raise NotSupported(f"{self.card['name']} was trained without attributes, so it has no directions by name.")

    def direction_between(self, more: ArrayLike, less: ArrayLike, hold: Sequence[str] = (), how: str = "whitened") -> Pictures:
        """The direction that two handfuls of pictures tell, from `less` like this to `more` like that: the difference of their
        mean codes, float (n, *latent_shape) each, as `encode` gives them -> float32 (*latent_shape), at most 2.4 long.

        `hold`: attributes that keep still, of a model that has some, and `how`, as `direction` takes them. Raises ValueError for
        other shapes, a handful of none, and where nothing is left; NotSupported if it knows no attributes to hold.
        """
        v = between(*(check_latents(codes, self.latent_shape) for codes in (more, less)))
        if not hold:
            return v
        if not self.card.get("attributes"):
            raise NotSupported(
                f"{self.card['name']} was trained without attributes, so there are none to hold still: leave hold out."
            )
        return self.directions.held(v, hold, how)

    @property
    def directions(self) -> Any:
        """The `Directions` of a model with attributes."""
        raise NotSupported(f"{self.card['name']} was trained without attributes, so it has no directions by name.")


def drawn_by(seed, *stream, most=MOST_SEED):
    """NumPy's generator of random numbers for a seed, and within it for a `stream` of whole numbers; InputError for other seeds."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= most:
        raise InputError(f"seed must be a whole number from 0 to {MOST_SEED} (2**32 - 1), got {seed!r}")
    return np.random.default_rng([int(seed), *stream])


def answers(network, inputs, batch_size=None):
    """What a Keras network makes of a batch, an array or a list of them, at once or so many at a time: float32, a list if it has
    several outputs. Of nothing, which no backend takes, nothing of the right shapes."""
    if not len(inputs[0] if isinstance(inputs, list) else inputs):
        found = [np.zeros((0, *output.shape[1:])) for output in network.outputs]
    else:
        ask = partial(network.predict, batch_size=batch_size, verbose=0) if batch_size else network.predict_on_batch
        run = run_by.get()
        found = run(ask, inputs) if run else ask(inputs)
    arrays = [np.asarray(array, "float32") for array in (found if isinstance(found, list | tuple) else [found])]
    return arrays if len(arrays) > 1 else arrays[0]


def check_latents(z, latent_shape):
    """`z` as float32; InputError says what was expected and what came."""
    z = np.asarray(z, "float32")
    if z.shape[1:] != latent_shape or z.ndim != 1 + len(latent_shape):
        raise InputError(f"latents must have shape (n, {', '.join(map(str, latent_shape))}), got {z.shape}")
    if not np.isfinite(z).all():
        raise InputError(f"latents must be finite numbers, got {int((~np.isfinite(z)).sum())} that are NaN or infinite")
    return z


def check_labels(label, n, classes):
    """`label`, one class or n, as int (n,); InputError says what was expected of the names `classes` and what came."""
    labels = np.broadcast_to(np.asarray(-1 if label is None else label), n)
    if not np.isin(labels, range(len(classes))).all():
        raise InputError(f"label must be one of {', '.join(f'{i} {name}' for i, name in enumerate(classes))}, got {label}")
    return labels.astype(int)


def check_images(images, image_shape, named="images"):
    """`images` as float32; InputError says what was expected and what came."""
    images = np.asarray(images, "float32")
    if images.shape[1:] != image_shape:
        raise InputError(f"{named} must have shape (n, {', '.join(map(str, image_shape))}), got {images.shape}")
    if images.size and not (images.min() >= 0 and images.max() <= 1):  # so that NaN fails as well
        raise InputError(f"{named} must lie in [0, 1], got values from {images.min():g} to {images.max():g}")
    return images
