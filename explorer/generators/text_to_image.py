"""Text to image by any Stable Diffusion 3 that KerasHub loads: a small one that ships, or the real one.

Decomposed as in *Deep Learning with Python*, 3rd ed., listing 17.9: prompts to embeddings, embeddings and noise to latents
step by step, latents to pictures. KerasHub's own `generate` compiles the noise levels of its first number of steps in and draws
wrong pictures with another; here one compiled step takes them as inputs.
"""

import re
import warnings
from bisect import bisect_right
from collections import OrderedDict
from threading import RLock

import keras
import numpy as np
from keras import ops

from explorer.errors import InputError, PromptCut
from explorer.generators import samplers
from explorer.generators.base import Generator, answers, check_images, check_latents
from explorer.generators.files import KerasHubPreset
from explorer.geometry import Embeddings
from explorer.state import is_text

REMEMBERED = 64  # prompts
DECODED = 128  # pixels: so large are previews that are decoded
BLOCK = 4  # latents along a side of what the others' colours are fitted to


class TextToImageGenerator(KerasHubPreset, Generator):
    """A KerasHub `StableDiffusion3TextToImage` as a `Generator`: the latent is the noise, (h/8, w/8, channels).

    A prompt is a string, a list of n strings, or what `embed` returned.
    """

    def __init__(self, card, model, files=None):
        super().__init__(card, model, files)
        self.backbone = model.backbone
        self._encode, self._decoder = self._text_network(), self._decoder_network()
        self._steps, self._remembered, self._lock = {}, OrderedDict(), RLock()
        self._colours = self._encoder = None

    def embed(self, prompt, negative_prompt=""):
        """Prompts to `Embeddings`: a string or a list of n, and of negative prompts one for all or n.

        Raises ValueError for anything but strings; warns (`PromptCut`) of a prompt that is longer than the model reads.
        """
        prompts = prompt if isinstance(prompt, list | tuple) else [prompt]
        negatives = negative_prompt if isinstance(negative_prompt, list | tuple) else [negative_prompt] * len(prompts)
        if not prompts or not all(isinstance(text, str) for text in (*prompts, *negatives)):
            raise InputError("a prompt must be a string or a list of strings")
        if not all(map(is_text, (*prompts, *negatives))):
            raise InputError("a prompt must be text, got one with half a surrogate, which no UTF-8 has: write it anew")
        if len(negatives) != len(prompts):
            raise InputError(f"there must be as many negative prompts as prompts, or one: got {len(negatives)} for {len(prompts)}")
        for text in dict.fromkeys((*prompts, *negatives)):
            if (read := self.read_part(text)) != text:
                after = f"read up to “{read.split()[-1]}”" if read else "cut within its first word"
                said = f"{self.card['name']} reads at most {self._room()} tokens: a prompt is {after}, and"
                rest = _shortened(text[len(read) :].strip())
                warnings.warn(f"{said} “{rest}” is cut off: say it in fewer words", PromptCut, stacklevel=2)
        (sequences, pooled), (negative_sequences, negative_pooled) = (
            map(np.concatenate, zip(*map(self._embedded, texts), strict=True)) for texts in (prompts, negatives)
        )
        return Embeddings(sequences, negative_sequences, pooled, negative_pooled)

    def read_part(self, text):
        """The words of a text that the model reads to their end, from its beginning: the text itself if nothing is cut off.

        A model of several text encoders reads as far as the one that reads furthest.
        """
        return max((_read_part(text, *reader) for reader in self._readers()), key=len)

    def _readers(self):
        """(tokenizer, how many tokens of a text fit between those of its start and end) of each text encoder."""
        given = self.model.preprocessor
        for part in filter(None, (given.clip_l_preprocessor, given.clip_g_preprocessor, given.t5_preprocessor)):
            yield part.tokenizer, part.sequence_length - part.add_start_token - part.add_end_token

    def _room(self):
        return max(room for _, room in self._readers())

    def decode(
        self, z, prompt="", negative_prompt="", steps=None, guidance_scale=None, callback=None, label=None, guidance_rescale=None,
        guidance_interval=None, image=None, strength=None, mask=None,
    ):  # fmt: skip
        """Draw from noise: float (n, *latent_shape) -> float32 (n, h, w, 3) in [0, 1].

        `prompt`: one for all of the noises, or n; a `negative_prompt` goes with strings. `steps` and `guidance_scale` (1 and less:
        no guidance, and no negative prompt) default to the card's, and so do `guidance_rescale` and `guidance_interval` (as of
        `samplers.check_guidance`; 0 and all times where it names none); `callback(step)` gets a `samplers.Step` at every step,
        its x_0 a predicted latent (see `preview`).

        `image` (n or 1, h, w, 3) in [0, 1] is what to begin with, noised as far as `strength` in [0, 1] says (0.6): at 0 it comes
        back as the autoencoder has it, at 1 nothing of it is seen; so much of the steps is gone through, as of KerasHub's
        `StableDiffusion3ImageToImage`. `mask` (n or 1, h, w, 1) in [0, 1], 1 where it is to be drawn anew: the rest stays as it is
        to the pixel, between them both are mixed. Raises ValueError for other shapes or numbers.
        """
        z = check_latents(z, self.latent_shape)
        settings = self.card["sampling"]
        guidance_scale = float(settings["guidance_scale"] if guidance_scale is None else guidance_scale)
        if not np.isfinite(guidance_scale):
            raise InputError(f"guidance_scale must be a finite number, got {guidance_scale}")
        embeddings = prompt if isinstance(prompt, Embeddings) else self.embed(prompt, negative_prompt)
        rescale, interval = samplers.check_guidance(
            settings.get("guidance_rescale", 0.0) if guidance_rescale is None else guidance_rescale,
            settings.get("guidance_interval", (0.0, 1.0)) if guidance_interval is None else guidance_interval,
        )
        velocity = self.velocity(embeddings, len(z), guidance_scale, rescale, interval)
        sigmas = self.sigmas(settings["steps"] if steps is None else steps)
        if image is None:
            if strength is not None or mask is not None:
                raise InputError("strength and mask say what becomes of an image: give one, or leave them out")
            return self.pictures(samplers.euler(velocity, z, sigmas, callback))
        image = _for_each(check_images(image, self.image_shape), len(z), "images")
        sigmas = sigmas[samplers.first_step(len(sigmas) - 1, samplers.STRENGTH if strength is None else strength) :]
        known = np.broadcast_to(self.encode(image)[0], z.shape)
        if mask is None:
            return self.pictures(samplers.euler(velocity, z, sigmas, callback, known))
        mask = _for_each(check_images(mask, (*self.image_shape[:2], 1), "masks"), len(z), "masks")
        drawn = self.pictures(samplers.euler(velocity, z, sigmas, callback, known, self.latent_mask(mask)))
        return image + mask * (drawn - image)

    def encode(self, images):
        """Pictures, float (n, h, w, 3) in [0, 1] -> (z_mean, z_log_var) of the latents that `pictures` takes: both float32
        (n, *latent_shape). Raises ValueError for other shapes or numbers."""
        images = check_images(images, self.image_shape)
        with self._lock:
            if self._encoder is None:
                self._encoder = self._encoder_network()
        z_mean, z_log_var = np.split(answers(self._encoder, 2 * images - 1), 2, -1)
        scale, shift = float(self.backbone.vae.scale), float(self.backbone.vae.shift)
        return (z_mean - shift) * scale, z_log_var + 2 * np.log(scale, dtype="float32")

    def latent_mask(self, mask):
        """Which latents have a part in what is to be drawn anew: masks (n, h, w, 1) -> bool (n, h/8, w/8, 1)."""
        height, width = self.latent_shape[:2]
        n, across, down = len(mask), mask.shape[1] // height, mask.shape[2] // width
        return (mask.reshape(n, height, across, width, down, 1) > 0).any((2, 4))

    def sigmas(self, steps):
        """The noise rates of so many steps, from 1 to 0: float64 (steps + 1,). As KerasHub's scheduler has them."""
        scheduler = self.backbone.scheduler
        first, last = (float(ops.convert_to_numpy(sigma)) for sigma in (scheduler.sigma_max, scheduler.sigma_min))
        samplers.times(steps)  # complains
        sigmas = np.linspace(first, last, steps)
        return np.append(scheduler.shift * sigmas / (1 + (scheduler.shift - 1) * sigmas), 0.0)

    def pictures(self, latents):
        """Latents to pictures: float32 (n, h, w, 3) in [0, 1]."""
        return np.clip(answers(self._decoder, np.asarray(latents, "float32")) / 2 + 0.5, 0, 1)

    def preview(self, latents):
        """Latents to pictures, quickly: decoded where they are small, else by a linear map to colours, a pixel a latent."""
        if self.image_shape[0] <= DECODED:
            return self.pictures(latents)
        if self._colours is None:  # fitted to what the decoder makes of noise in flat blocks, which are as smooth as pictures
            height, width = self.latent_shape[:2]
            blocks = self.prior(1)[:, ::BLOCK, ::BLOCK].repeat(BLOCK, 1).repeat(BLOCK, 2)[:, :height, :width]
            images = self.pictures(blocks).reshape(height, 8, width, 8, 3).mean((1, 3))
            given = np.append(blocks, np.ones((1, height, width, 1)), -1)
            self._colours = np.linalg.lstsq(given.reshape(height * width, -1), images.reshape(-1, 3), rcond=None)[0]
        return np.clip(latents @ self._colours[:-1] + self._colours[-1], 0, 1).astype("float32")

    def _embedded(self, text):
        """(sequence (1, length, width), pooled (1, width)) of one prompt, remembered."""
        with self._lock:
            if text not in self._remembered:
                ids = [np.asarray(part) for part in self.model.preprocessor.generate_preprocess([text]).values()]
                found = tuple(np.asarray(part, "float32") for part in self._encode.predict_on_batch(ids))
                self._remembered[text] = found
                while len(self._remembered) > REMEMBERED:
                    self._remembered.popitem(last=False)
            self._remembered.move_to_end(text)
            return self._remembered[text]

    def velocity(self, embeddings, n, guidance_scale, guidance_rescale=0.0, guidance_interval=(0.0, 1.0)):
        """`predict_velocity` of `samplers.euler` for n latents."""
        given = {}
        for name, part in zip(Embeddings._fields, embeddings, strict=True):
            part = np.asarray(part, "float32")
            if len(part) not in (1, n) or not np.isfinite(part).all():
                raise InputError(f"embeddings must be finite and of 1 or {n} prompts, got {name} {part.shape}")
            given[name] = ops.convert_to_tensor(np.broadcast_to(part, (n, *part.shape[1:])), dtype="float32")

        def predict_velocity(x, sigma):
            if not n:
                return x  # its shape; the network's output does not know it
            guided = guidance_scale > 1 and guidance_interval[0] <= sigma <= guidance_interval[1]  # the former as KerasHub has it
            with self._lock:
                if guided not in self._steps:
                    self._steps[guided] = self._step_network(guided)
            numbers = [guidance_scale, guidance_rescale] if guided else []
            told = [x, np.full((n, 1), sigma), *(np.full((n, 1), number) for number in numbers)]
            told = [ops.convert_to_tensor(part, dtype="float32") for part in told]  # torch takes no mixture of arrays and tensors
            asked = [part for name, part in given.items() if guided or not name.startswith("negative")]
            return answers(self._steps[guided], [*told[:2], *asked, *told[2:]])

        return predict_velocity

    def _text_network(self):
        """Token ids -> (sequence, pooled)."""
        length = self.model.preprocessor.sequence_length
        ids = {name: keras.Input((length,), dtype="int32") for name in self.model.preprocessor.generate_preprocess([""])}
        sequence, _, pooled, _ = self.backbone.encode_text_step(ids, ids)
        return keras.Model(list(ids.values()), [sequence, pooled], name="text")

    def _decoder_network(self):
        latents = keras.Input(self.latent_shape)
        return keras.Model(latents, self.backbone.decode_step(latents), name="pictures")

    def _encoder_network(self):
        images = keras.Input(self.image_shape)
        return keras.Model(images, self.backbone.vae.encoder(images), name="moments")

    def _step_network(self, guided):
        """(x, sigma, sequence, [negative], pooled, [negative], [guidance_scale, guidance_rescale]) -> velocity."""
        (length, width), pooled_width = self._encode.outputs[0].shape[1:], self._encode.outputs[1].shape[-1]
        copies = 2 if guided else 1
        x, sigma = keras.Input(self.latent_shape), keras.Input((1,))
        sequences = [keras.Input((length, width)) for _ in range(copies)]
        pooled = [keras.Input((pooled_width,)) for _ in range(copies)]
        together = (lambda parts: ops.concatenate(parts, axis=0)) if guided else (lambda parts: parts[0])
        velocity = self.backbone.diffuser(
            {"latent": together([x] * copies), "context": together(sequences), "pooled_projection": together(pooled),
             "timestep": together([sigma * self.backbone.scheduler.num_train_timesteps] * copies)}
        )  # fmt: skip
        velocity = ops.cast(velocity, "float32")  # the network may compute in half precision
        if not guided:
            return keras.Model([x, sigma, *sequences, *pooled], velocity, name="step")
        scale, rescale = keras.Input((1,)), keras.Input((1,))
        positive, negative = ops.split(velocity, 2, axis=0)
        velocity = negative + ops.reshape(scale, (-1, 1, 1, 1)) * (positive - negative)
        wanted, found = (ops.std(part, axis=(1, 2, 3), keepdims=True) for part in (positive, velocity))
        velocity = velocity * (1 + ops.reshape(rescale, (-1, 1, 1, 1)) * (wanted / ops.maximum(found, 1e-6) - 1))
        return keras.Model([x, sigma, *sequences, *pooled, scale, rescale], velocity, name="guided_step")


def _for_each(pictures, n, named):
    """One picture for all of n, or n."""
    if len(pictures) not in (1, n):
        raise InputError(f"there must be as many {named} as noises, or one: got {len(pictures)} for {n}")
    return pictures


def _shortened(text, most=60):
    """A text as it is quoted: at most so many characters of it."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _read_part(text, tokenizer, room):
    """A text as far as the tokens of its whole words fit; no token here reaches over a space."""
    if len(tokenizer(text)) <= room:
        return text
    ends = [word.end() for word in re.finditer(r"\S+", text)]
    fitting = bisect_right(ends, room, key=lambda end: len(tokenizer(text[:end])))
    return text[: ends[fitting - 1]] if fitting else ""
