"""Trains a Stable Diffusion 3 from scratch: first the autoencoder of its latents, then the flow from noise to them, in as many
stages as the recipe has, each going on from the weights of the one before with an optimizer and emphasis of its own.

Rectified flow: Esser et al. 2024 (arXiv:2403.03206), section 2. Captions are made from labels, anew for every epoch.
"""

from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image

from explorer import checkpoints, data, imaging
from explorer.generators import stable_diffusion_3
from explorer.generators.text_to_image import TextToImageGenerator
from explorer.training import captions, feeding, runs
from explorer.training.feeding import Mixture

SIDE = 64
MIRRORED = ("celeba", "flowers")  # a digit or a shoe turned round is another
LATENTS = "latents.npz"
SHOWN = ("a handwritten digit seven", "a photo of an ankle boot", "a photo of a sunflower", "a photo of a rose in a garden",
         "a portrait of a smiling young woman with blond hair", "a portrait of a man with glasses")  # fmt: skip


def fit(recipe, folder, data_folder=None, preview=None, out=None):
    """Train the stages in `folder`, resuming what is there; returns (the KerasHub task, {stage: history}).

    It shows what it has learned by previews of its own in `folder`.
    """
    folder, histories = Path(folder), {}
    images, labels = {}, {}
    for name in recipe["data"]:
        images[name], labels[name] = pictures(name, recipe["most"], data_folder)

    def pools(stage):
        return {name: pool(name, labels[name], stage["emphasis"]) for name in labels}

    stage = {**recipe, **recipe["stages"]["vae"]}
    keras.utils.set_random_seed(stage["seed"])
    vae = stable_diffusion_3.build_vae(**recipe["vae"])
    if "start" in stage:
        vae.set_weights(checkpoints.load(stage["start"]).backbone.vae.get_weights())
    trainer = LatentTrainer(vae, stage["kl_weight"], stage.get("edges", 0.0))
    noise_shape = (recipe["image_shape"][0] // 8, recipe["image_shape"][1] // 8, recipe["vae"]["latent_channels"])

    def some(name, which, rng):
        return (*_some(images, name, which, rng), rng.standard_normal((len(which), *noise_shape), "float32"))

    mixture = Mixture(pools(stage), stage["quotas"], stage["batch_size"], stage["seed"], some, runs.done(folder / "vae"))
    first = mixture[0][0][0][:16]

    def preview_vae(model, _):
        shown = np.concatenate([first / 255, decoded(model.vae, latents(model.vae, first))])
        imaging.to_pillow(imaging.grid(shown, 8)).save(folder / "vae.png")

    histories["vae"] = runs.run(stage, folder / "vae", trainer, _fed(mixture), preview=preview_vae, out=out)
    trainer.load_weights(folder / "vae" / runs.BEST)

    keras.utils.set_random_seed(recipe["seed"])
    known = encoded(trainer.vae, images, folder)
    colours = captions.colours(images["flowers"]) if "flowers" in images else ()
    with computing(recipe.get("dtype_policy", "float32")):
        task = build(recipe, trainer.vae, known)
    tokenize = task.preprocessor.clip_l_preprocessor
    card = {"name": "preview", "sampling": recipe["sampling"], "image_shape": recipe["image_shape"],
            "latent_shape": task.backbone.latent_shape[1:]}  # fmt: skip

    def preview_flow(model, _):
        generator = TextToImageGenerator(card, task)
        noise = generator.prior(4)
        rows = [generator.decode(noise, text) for text in SHOWN]
        imaging.to_pillow(imaging.grid(np.concatenate(rows), 8)).save(folder / "flow.png")

    for i, (name, settings) in enumerate(list(recipe["stages"].items())[1:]):
        stage = {**recipe, **settings, "seed": recipe["seed"] + i}

        def rows(name, which, rng, dropout=stage["caption_dropout"]):
            shown = [colours[i] for i in which] if name == "flowers" else [""] * len(which)
            texts = [captions.caption(name, label, rng, colour) for label, colour in zip(labels[name][which], shown, strict=True)]
            texts = ["" if rng.random() < dropout else text for text in texts]
            mirrored = f"{name}_mirrored"
            side = mirrored if mirrored in known and rng.random() < 0.5 else name
            ids = tokenize({"prompts": texts, "images": None})["token_ids"] if texts else np.zeros((0, recipe["text"]["length"]))
            return known[side][which], np.asarray(ids, "int32"), *noise(known[side][which].shape, rng)

        flow = FlowTrainer(task.backbone)
        done = runs.done(folder / name)
        mixture = Mixture(pools(stage), stage["quotas"], stage["batch_size"], stage["seed"], rows, done)
        histories[name] = runs.run(stage, folder / name, flow, _fed(mixture), preview=preview_flow, out=out)
        flow.load_weights(folder / name / runs.BEST)
    plain = build(recipe, trainer.vae, known)
    plain.backbone.set_weights(task.backbone.get_weights())
    return plain, histories


@contextmanager
def computing(policy):
    """Networks built within compute by this policy of Keras, "mixed_bfloat16" say: a third faster where the processor has
    bfloat16 (AVX512-BF16); the weights are float32 nevertheless."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _fed(mixture):
    return {"x": mixture, "shuffle": False}  # its own order, which a run that is resumed finds again


def noise(shape, rng):
    """(noise, sigma) of a batch of latents of that shape, sigma logit-normal (n, 1, 1, 1); float32."""
    return rng.standard_normal(shape, "float32"), 1 / (1 + np.exp(-rng.standard_normal((shape[0], 1, 1, 1), "float32")))


def build(recipe, vae, known):
    """The task around a trained autoencoder, rebuilt with the scale and shift that bring its latents to N(0, 1)."""
    whole = stable_diffusion_3.build_vae(**recipe["vae"], scale=float(known["scale"]), shift=float(known["shift"]))
    whole.set_weights(vae.get_weights())
    return stable_diffusion_3.build(recipe, captions.vocabulary(), whole)


def encoded(vae, images, folder):
    """The scaled latents of all pictures, float16, of flowers the mirrored ones too, with `scale` and `shift`; kept in `folder`."""
    path, weights = folder / LATENTS, folder / "vae" / runs.BEST
    if not path.is_file() or path.stat().st_mtime < weights.stat().st_mtime:
        found = {name: latents(vae, some) for name, some in images.items()}
        if "flowers" in images:  # few, and seen often
            found["flowers_mirrored"] = latents(vae, images["flowers"][:, :, ::-1])
        shift = np.mean([z.mean() for z in found.values()])
        scale = 1 / np.sqrt(np.mean([np.square(z - shift).mean() for z in found.values()]))
        found = {name: ((z - shift) * scale).astype("float16") for name, z in found.items()}
        np.savez(path, scale=scale, shift=shift, **found)
    with np.load(path) as arrays:
        return {key: arrays[key] for key in arrays.files}


def pool(name, labels, emphasis):
    """Indices to draw from, faces so many times as `emphasis` says at most: {"attribute": times}, or {"attribute -another": times}
    of faces that have the one and not the other."""
    times = np.ones(len(labels), int)
    if name == "celeba":
        for attributes, factor in emphasis.items():
            has = [labels[:, data.ATTRIBUTES.index(key.lstrip("-"))] == (key[0] != "-") for key in attributes.split()]
            times = np.where(np.all(has, 0), np.maximum(times, factor), times)
    return np.repeat(np.arange(len(labels)), times)


def _some(images, name, which, rng):
    some = images[name][which]
    if name in MIRRORED:
        feeding.mirror(some, rng)
    return (some,)


def pictures(name, most=None, folder=None, split="train"):
    """The first `most` pictures, uint8 (n, 64, 64, 3), and labels of a data set; digits and clothes are enlarged from 32 pixels, a
    margin of 2 around them included."""
    if name in MIRRORED:
        images, labels = data.load(name, split, SIDE, folder)
        return (255 * images[:most]).round().astype("uint8"), labels[:most]
    images, labels = data.load(name, split, SIDE // 2, folder)
    grey = (255 * images[:most, ..., 0]).round().astype("uint8")
    large = np.stack([np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for image in grey])
    return np.repeat(large[..., None], 3, -1), labels[:most]


class LatentTrainer(keras.Model):
    """Trains the autoencoder of the latents: mean absolute error, and `kl_weight` times the KL of a latent's dimensions, in
    nats, mean over them (Rombach et al. 2022, appendix G: a slight penalty only); `edges` times that of the differences of
    neighbouring pixels, which blur costs most (Mathieu et al. 2016, arXiv:1511.05440, section 3.2)."""

    def __init__(self, vae, kl_weight, edges=0.0):
        super().__init__(name="latents")
        self.vae, self.kl_weight, self.edges = vae, kl_weight, edges
        self.reconstruction_tracker, self.kl_tracker = keras.metrics.Mean("reconstruction"), keras.metrics.Mean("kl")
        self.built = True

    def call(self, batch, training=False):
        """(uint8 (n, 64, 64, 3), noise (n, 8, 8, c)) -> (images in [-1, 1], decoded, KL by image and dimension)."""
        images, noise = batch
        images = ops.cast(images, "float32") / 127.5 - 1.0
        z_mean, z_log_var = ops.split(self.vae.encoder(images, training=training), 2, axis=-1)
        z_log_var = ops.clip(z_log_var, -20.0, 10.0)
        decoded = self.vae.decoder(z_mean + ops.exp(0.5 * z_log_var) * noise, training=training)
        return images, decoded, 0.5 * (ops.square(z_mean) + ops.exp(z_log_var) - z_log_var - 1.0)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        images, decoded, kl = y_pred
        reconstruction, kl = ops.mean(ops.abs(decoded - images)), ops.mean(kl)
        self.reconstruction_tracker.update_state(reconstruction)
        self.kl_tracker.update_state(kl)
        loss = reconstruction + self.kl_weight * kl
        if self.edges:
            wrong = decoded - images
            loss += self.edges * sum(ops.mean(ops.abs(step)) for step in (wrong[:, 1:] - wrong[:, :-1],
                                                                          wrong[:, :, 1:] - wrong[:, :, :-1]))  # fmt: skip
        return loss


class FlowTrainer(keras.Model):
    """Trains MMDiT and both text encoders by rectified flow: x_t = (1 - s) x_0 + s noise, the network predicts noise - x_0.

    The latents of a batch come as float (n, h, w, c), the captions as token ids (n, length), noise and s as of `noise`.
    """

    def __init__(self, backbone):
        super().__init__(name="flow", dtype="float32")  # whatever the network computes in
        backbone.vae.trainable = False
        self.backbone = backbone
        self.built = True

    def call(self, batch, training=False):
        """(latents, token ids, noise, s) -> (what was to be predicted, what was)."""
        latents, ids, noise, sigma = batch
        latents = ops.cast(latents, "float32")
        ids = {"clip_l": ids, "clip_g": ids}
        context, _, pooled, _ = self.backbone.encode_text_step(ids, ids)
        velocity = self.backbone.diffuser(
            {"latent": (1 - sigma) * latents + sigma * noise, "context": context, "pooled_projection": pooled,
             "timestep": 1000.0 * sigma[:, :, 0, 0]}, training=training,
        )  # fmt: skip
        return noise - latents, ops.cast(velocity, "float32")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(y_pred[0] - y_pred[1]))


def latents(vae, images):
    """z_mean of pictures uint8 (n, h, w, 3): float32 (n, h/8, w/8, c)."""
    moments = _in_batches(vae.encoder, images, lambda some: some.astype("float32") / 127.5 - 1.0)
    return np.split(moments, 2, -1)[0]


def decoded(vae, z):
    """Pictures of latents, float32 (n, h, w, 3) in [0, 1]."""
    return np.clip(_in_batches(vae.decoder, z, np.asarray) / 2 + 0.5, 0, 1)


def _in_batches(layer, array, prepare, batch=100):
    inputs = keras.Input(array.shape[1:])
    network = keras.Model(inputs, layer(inputs))
    parts = [network.predict_on_batch(prepare(array[i : i + batch])) for i in range(0, len(array), batch)]
    return np.concatenate([np.asarray(part, "float32") for part in parts])
