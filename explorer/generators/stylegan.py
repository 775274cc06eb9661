"""StyleGAN: a picture drawn level by level, each told its style, and the generator that explores it.

*Hands-On Machine Learning*, 3rd ed., ch. 17. Mapping network, learned constant, styles, noise and mixing: Karras, Laine and Aila
2019 (arXiv:1812.04948); equalized rates: Karras et al. 2018 (arXiv:1710.10196); weight demodulation and sums of colours instead of
normalized maps: Karras et al. 2020 (arXiv:1912.04958). A level is what is drawn at one resolution: 4, 8, 16 and so on pixels.
"""

from functools import lru_cache

import keras
import numpy as np
from keras import layers, ops

from explorer.errors import InputError, NotSupported
from explorer.generators.base import Generator, answers, check_latents, drawn_by
from explorer.generators.samplers import check_places

SMALLEST = 4
SLOPE, GAIN = 0.2, 2**0.5  # of leaky ReLU, and what keeps the size of what goes through it
RATE = 0.01  # of the mapping network's learning rate, since styles must not run away
AVERAGED = 10_000  # draws whose styles are averaged


def sides_of(side):
    """The resolutions of the levels of pictures so many pixels wide: 4, 8, ... `side`. InputError for no such power of 2."""
    if side < SMALLEST or side & (side - 1):
        raise InputError(f"a StyleGAN's pictures must be 4, 8, 16 or another power of 2 pixels wide, got {side}")
    return [SMALLEST << i for i in range((side // SMALLEST).bit_length())]


def noise_size(side):
    """How many numbers of noise a picture takes: a map at the first level, two at each other one."""
    return 2 * sum(s * s for s in sides_of(side)) - SMALLEST**2


def summed(kernel):
    """A kernel and itself a pixel further along both sides, added: (h, w, ...) -> (h + 1, w + 1, ...).

    What a convolution of it makes of pictures whose pixels are doubled, or averages two by two, is one with steps of 2.
    """
    for axis in (0, 1):
        before, after = ([[0, 0] for _ in kernel.shape] for _ in range(2))
        before[axis], after[axis] = [1, 0], [0, 1]
        kernel = ops.pad(kernel, before) + ops.pad(kernel, after)
    return kernel


def modulated(x, kernel, style, demodulate=True, up=False, gain=1.0):
    """A convolution of maps (n, h, w, i) by a `kernel` (k, k, i, o) of each sample's own: times its `style` (n, i), then, if
    demodulated, over the root of the sum of its squares by output, times `gain`; `up`: of pixels that are doubled first.

    (Karras et al. 2020, equations 1 and 3.) No such kernel is made: inputs are scaled, and outputs.
    """
    x = x * style[:, None, None, :]
    if up:
        turned = ops.transpose(summed(ops.flip(kernel, (0, 1))), (0, 1, 3, 2))
        x = ops.conv_transpose(x, turned, strides=2, padding="same")
    else:
        x = ops.conv(x, kernel, padding="same")
    if demodulate:
        squares = ops.matmul(ops.square(style), ops.sum(ops.square(kernel), (0, 1)))
        x = x * (gain * ops.rsqrt(squares + 1e-8))[:, None, None, :]
    return x


class Equalized(layers.Layer):
    """For layers whose kernels are N(0, 1) and scaled as they are used, so that all learn at one rate, or at `rate` times it."""

    def equalized(self, shape, gain=1.0, rate=1.0, name="kernel"):
        drawn = keras.initializers.RandomNormal(stddev=1.0 / rate)
        kernel = self.add_weight(shape=shape, initializer=drawn, name=name)
        return kernel, float(gain * rate / np.sqrt(np.prod(shape[:-1])))


@keras.saving.register_keras_serializable(package="explorer")
class EqualizedDense(Equalized):
    """A dense layer with an equalized rate, `rate` times the others'; with leaky ReLU unless `linear`."""

    def __init__(self, units, rate=1.0, linear=False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate, self.linear = units, rate, linear

    def build(self, shape):
        self.kernel, self.scale = self.equalized((shape[-1], self.units), 1.0 if self.linear else GAIN, self.rate)
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x):
        x = ops.matmul(x, self.scale * self.kernel) + self.rate * self.bias
        return x if self.linear else ops.leaky_relu(x, SLOPE)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)

    def get_config(self):
        return super().get_config() | {"units": self.units, "rate": self.rate, "linear": self.linear}


@keras.saving.register_keras_serializable(package="explorer")
class Constant(layers.Layer):
    """The learned map (side, side, width) that every picture begins with."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width

    def build(self, shape):
        self.map = self.add_weight(shape=(SMALLEST, SMALLEST, self.width), initializer=keras.initializers.RandomNormal(stddev=1.0),
                                   name="map")  # fmt: skip

    def call(self, styles):
        return ops.broadcast_to(self.map[None], (ops.shape(styles)[0], SMALLEST, SMALLEST, self.width))

    def get_config(self):
        return super().get_config() | {"width": self.width}


class Styled(Equalized):
    """For layers told the style of a `level`: which of styles (n, levels, d), and an affine map of it to a scale by channel."""

    def affine(self, styles, channels):
        self.to_style, self.style_scale = self.equalized((styles[-1], channels), name="to_style")
        self.style_bias = self.add_weight(shape=(channels,), initializer="ones", name="style_bias")

    def style(self, styles):
        return ops.matmul(styles[:, self.level], self.style_scale * self.to_style) + self.style_bias


@keras.saving.register_keras_serializable(package="explorer")
class StyledConv(Styled):
    """A convolution modulated by the style of a `level`, noise by pixel (from number `start` of it on), leaky ReLU; `up`: of
    doubled pixels."""

    def __init__(self, width, level, start, up=False, **kwargs):
        super().__init__(**kwargs)
        self.width, self.level, self.start, self.up = width, level, start, up

    def build(self, shapes):
        x, styles, _ = shapes
        self.side = x[1] * (2 if self.up else 1)
        self.kernel, self.scale = self.equalized((3, 3, x[-1], self.width))
        self.affine(styles, x[-1])
        self.strength = self.add_weight(shape=(), initializer="zeros", name="strength")
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def call(self, inputs):
        x, styles, noise = inputs
        x = modulated(x, self.scale * self.kernel, self.style(styles), up=self.up, gain=GAIN)
        noise = ops.reshape(noise[:, self.start : self.start + self.side**2], (-1, self.side, self.side, 1))
        return ops.leaky_relu(x + self.strength * noise + self.bias, SLOPE)

    def compute_output_shape(self, shapes):
        side = shapes[0][1] * (2 if self.up else 1)
        return (shapes[0][0], side, side, self.width)

    def get_config(self):
        return super().get_config() | {"width": self.width, "level": self.level, "start": self.start, "up": self.up}


@keras.saving.register_keras_serializable(package="explorer")
class ToColours(Styled):
    """What a level adds to the picture: a modulated convolution of single pixels, not demodulated."""

    def __init__(self, channels, level, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.level = channels, level

    def build(self, shapes):
        x, styles = shapes
        self.kernel, self.scale = self.equalized((1, 1, x[-1], self.channels))
        self.affine(styles, x[-1])
        self.bias = self.add_weight(shape=(self.channels,), initializer="zeros", name="bias")

    def call(self, inputs):
        x, styles = inputs
        return modulated(x, self.scale * self.kernel, self.style(styles), demodulate=False) + self.bias

    def compute_output_shape(self, shapes):
        return (*shapes[0][:-1], self.channels)

    def get_config(self):
        return super().get_config() | {"channels": self.channels, "level": self.level}


@keras.saving.register_keras_serializable(package="explorer")
class StyleGAN(keras.Model):
    """`mapping`, z (n, d) -> style (n, d), and `synthesis`, styles (n, levels, d) and noise (n, `noise_size`) -> pictures
    (n, h, w, c), about [-1, 1]; `mean_style` (d,) as of `settle`, to which truncation draws styles nearer."""

    def __init__(self, mapping, synthesis, **kwargs):
        super().__init__(**kwargs)
        self.mapping, self.synthesis = mapping, synthesis
        self.mean_style = self.add_weight(shape=mapping.output_shape[1:], initializer="zeros", trainable=False, name="mean_style")
        self.built = True

    def call(self, inputs, training=False):
        z, noise = inputs
        return self.synthesis([self.spread(self.mapping(z)), noise])

    def spread(self, style):
        """One style (n, d) for all levels: (n, levels, d)."""
        return ops.repeat(style[:, None], self.synthesis.inputs[0].shape[1], axis=1)

    def settle(self, seed=0):
        """Find the mean style, that of so many draws from N(0, I)."""
        z = np.random.default_rng(seed).standard_normal((AVERAGED, self.mapping.input_shape[-1]), dtype="float32")
        self.mean_style.assign(ops.mean(self.mapping(ops.convert_to_tensor(z)), axis=0))

    def get_config(self):
        parts = {"mapping": self.mapping, "synthesis": self.synthesis}
        return {"name": self.name, **{name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {k: keras.saving.deserialize_keras_object(config[k], custom_objects) for k in ("mapping", "synthesis")}
        return cls(**{**config, **parts})


def build(image_shape, latent_size, widths, mapping):
    """An untrained StyleGAN: `widths` of the maps, from 4 x 4 up, as many as are needed, and so many `mapping` layers."""
    return StyleGAN(build_mapping(latent_size, mapping), build_synthesis(image_shape, latent_size, widths))


def build_mapping(latent_size, count):
    """z, whose length is made that of a usual one, to a style: dense layers that learn slowly."""
    z = keras.Input((latent_size,), name="z")
    x = layers.Rescaling(latent_size**0.5)(layers.UnitNormalization()(z))
    for i in range(count):
        x = EqualizedDense(latent_size, RATE, name=f"mapping_{i}")(x)
    return keras.Model(z, x, name="mapping")


def build_synthesis(image_shape, latent_size, widths, fading=False):
    """Styles and noise to a picture: what all levels add to it, the lower ones enlarged. `fading`: times a third input (n, 1), 0
    to 1, what the last one adds."""
    side, _, channels = image_shape
    sides = sides_of(side)
    styles, noise = keras.Input((len(sides), latent_size), name="styles"), keras.Input((noise_size(side),), name="noise")
    fade = [keras.Input((1,), name="fade")] if fading else []
    x, colours, start = Constant(widths[0], name="constant")(styles), None, 0
    for level, (size, width) in enumerate(zip(sides, widths, strict=False)):
        for name in ("up", "conv") if level else ("conv",):
            x = StyledConv(width, level, start, up=name == "up", name=f"{name}_{size}")([x, styles, noise])
            start += size * size
        added = ToColours(channels, level, name=f"colours_{size}")([x, styles])
        if fading and size == side:
            added = layers.Multiply()([added, layers.Reshape((1, 1, 1))(fade[0])])
        larger = colours is not None and layers.UpSampling2D(interpolation="bilinear", name=f"enlarged_{size}")(colours)
        colours = layers.Add(name=f"picture_{size}")([larger, added]) if level else added
    return keras.Model([styles, noise, *fade], colours, name="synthesis")


class StyleganGenerator(Generator):
    """A trained StyleGAN as a `Generator`: latents z become styles, which may be mixed, moved and truncated, and these pictures."""

    def __init__(self, card, model, files=None):
        super().__init__(card, model, files)
        self.levels, self.style_size = model.synthesis.inputs[0].shape[1:]
        self.sides = sides_of(self.image_shape[0])
        self.grown = lru_cache(maxsize=None)(self._grown)

    def decode(self, z, label=None, truncation=1.0):
        """float (n, d) -> float32 (n, h, w, c) in [0, 1], all with the same noise, that of seed 0, so that what moves is z.

        `truncation` as of `styles`. Raises InputError for another shape, numbers that are not finite, and a label.
        """
        if label is not None:
            raise InputError(f"{self.card['name']} was trained without classes: leave label out")
        return self.decode_styles(self.styles(z, truncation))

    def styles(self, z, truncation=1.0):
        """The styles of latents: float (n, d) -> float32 (n, levels, d), at first the same for each level.

        `truncation`: how much of their difference from the mean style is left, 1 all, 0 none; below 0, the other way. Raises
        InputError for another shape, and numbers that are not finite.
        """
        if not np.isscalar(truncation) or not np.isfinite(truncation):
            raise InputError(f"truncation must be a number, as in truncation=0.7, got {truncation!r}")
        style = answers(self.model.mapping, check_latents(z, self.latent_shape))
        style = self.mean_style + np.float32(truncation) * (style - self.mean_style)
        return np.repeat(style[:, None], self.levels, axis=1)

    @property
    def mean_style(self):
        """The mean of styles: float32 (d,)."""
        return np.asarray(ops.convert_to_numpy(self.model.mean_style), "float32")

    def mix(self, coarse, fine, level):
        """Styles (n, levels, d) that are `coarse` below a level, 0 to as many as there are, and `fine` from it on.

        Raises InputError for other shapes and levels.
        """
        coarse, fine = (check_latents(styles, (self.levels, self.style_size)) for styles in (coarse, fine))
        if isinstance(level, bool) or not isinstance(level, int | np.integer) or not 0 <= level <= self.levels:
            raise InputError(f"level must be a whole number from 0 to {self.levels}, got {level!r}")
        if len(coarse) != len(fine):
            raise InputError(f"there must be as many fine styles as coarse ones, {len(coarse)}, got {len(fine)}")
        return np.concatenate([coarse[:, :level], fine[:, level:]], axis=1)

    def decode_styles(self, styles, noise_seed=0, places=None, noise_levels=None):
        """Styles, float (n, levels, d) -> float32 (n, h, w, c) in [0, 1].

        Noise, which moves strands and grain, belongs to a seed and a place, int (n,), by default 0 for all, so that a picture does
        not depend on its batch. `noise_levels`: the levels that get any, by default all. Raises InputError for another shape, and
        what are no such seeds, places or levels.
        """
        styles = check_latents(styles, (self.levels, self.style_size))
        noise = self.noise(len(styles), noise_seed, places, noise_levels)
        return np.clip((answers(self.model.synthesis, [styles, noise]) + 1) / 2, 0.0, 1.0)

    def noise(self, n, seed=0, places=None, levels=None):
        """The noise of n pictures as `decode_styles` draws it: float32 (n, `noise_size`)."""
        size = noise_size(self.image_shape[0])
        places = check_places(np.zeros(n, int) if places is None else places, n)
        rows = {place: drawn_by(seed, place).standard_normal(size, dtype="float32") for place in {0, *places.tolist()}}
        noise = np.stack([rows[place] for place in places.tolist()]) if n else np.zeros((0, size), "float32")
        if levels is not None:
            noise = noise * self._heard(levels)
        return noise

    def _heard(self, levels):
        levels = set(levels)
        if not levels <= set(range(self.levels)):
            raise InputError(f"noise_levels must be among 0 to {self.levels - 1}, got {sorted(levels, key=str)}")
        sizes = [side * side * (2 if level else 1) for level, side in enumerate(self.sides)]
        return np.repeat([np.float32(level in levels) for level in range(self.levels)], sizes)

    def _grown(self, side):
        """It as it was when its pictures were so many pixels wide, before it grew: a `StyleganGenerator`, of the same latents.

        Raises InputError for a width at which nothing was kept.
        """
        kept = self.card.get("grown", []) if self.files else []
        if side == self.image_shape[0]:
            return self
        if side not in kept:
            known = ", ".join(map(str, [*kept, self.image_shape[0]]))
            raise InputError(f"{self.card['name']} was kept at a width of {known} pixels, not at {side}")
        card = self.card | {"image_shape": [side, side, self.image_shape[2]], "grown": []}
        self.files.read(grown_file(side))  # for the check
        return StyleganGenerator(card, keras.saving.load_model(self.files.path / grown_file(side), compile=False, safe_mode=True))

    def networks(self):
        """`decode` as a Keras model, "decoder", of `z`."""
        z = keras.Input(self.latent_shape, name="z")
        styles = self.model.spread(self.model.mapping(z))
        noise = ops.convert_to_tensor(self.noise(1)) + 0 * styles[:, 0, :1]
        return {"decoder": keras.Model(z, ops.clip((self.model.synthesis([styles, noise]) + 1) / 2, 0.0, 1.0))}

    def encode(self, images):
        """Not offered: raises NotSupported."""
        raise NotSupported(f"{self.card['name']} has no encoder: it draws faces, and does not find pictures among them.")


def grown_file(side):
    """The name of the model that drew pictures so many pixels wide."""
    return f"grown-{side:02d}.keras"
