"""Every shipped model on TensorFlow, PyTorch and JAX: the same pictures as plain Keras makes, and training works.

PyTorch and JAX as if TensorFlow were not installed.
"""

import numpy as np
import pytest

from explorer import checkpoints

BACKENDS = ("tensorflow", "torch", "jax")
WITHOUT_TENSORFLOW = """
import sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in ("tensorflow", "tensorflow_text") else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""

DECODE = """
import sys
import keras, numpy as np
import explorer
from explorer import checkpoints

out = {}
for name in checkpoints.names():
    generator = explorer.load(name)
    if "refines" in generator.card:
        noise, given = generator.prior(2, seed=7), np.linspace(0, 1, 2 * 64 * 64 * 3, dtype="float32").reshape(2, 64, 64, 3)
        plain = keras.saving.load_model(checkpoints.root() / name / "model.keras", compile=False)
        told = np.full((2, 1, 1, 1), generator.schedule.told(0.5), "float32")
        noise_rate, signal_rate = map(float, generator.schedule(0.5))
        velocity = keras.ops.convert_to_numpy(plain.network([noise, told, 4 * given - 2], training=False))
        out[name + "/ours"] = generator.predict_noise(noise, 0.5, 4 * given - 2)
        out[name + "/plain"] = signal_rate * velocity + noise_rate * noise
        out[name + "/sample"] = generator.decode(noise, given=given, steps=4)
        continue
    if generator.card["kind"] == "diffusion":
        noise = generator.prior(2, seed=7)
        plain = keras.saving.load_model(checkpoints.root() / name / "model.keras", compile=False)
        knows = generator.model.classes
        out[name + "/ours"] = generator.predict_noise(noise, 0.5, **({"label": [3, 8]} if knows else {}))
        told = np.full((2, 1, 1, 1), generator.schedule.told(0.5), "float32")
        named = [np.eye(knows, dtype="float32")[[3, 8]]] if knows else []
        out[name + "/plain"] = keras.ops.convert_to_numpy(plain.network([noise, told, *named], training=False))
        out[name + "/sample"] = generator.decode(noise, steps=4, sampler="ddim", start=0.9)
        continue
    if generator.card["kind"] == "text-to-image":
        import keras_hub
        noise, prompts, scale = generator.prior(2, seed=7), generator.card["prompts"][:2], generator.card["sampling"]["guidance_scale"]
        out[name + "/ours"] = out[name + "/sample"] = generator.decode(noise, prompts, steps=4)
        task = keras_hub.models.TextToImage.from_preset(str(checkpoints.root() / name))
        task.backbone.configure_scheduler(4)
        ids = [task.preprocessor.generate_preprocess(texts) for texts in (prompts, ["", ""])]
        latents, embeddings = keras.ops.convert_to_tensor(noise), task.backbone.encode_text_step(*ids)
        for step in range(4):
            latents = task.backbone.denoise_step(latents, embeddings, step, 4, scale)
        out[name + "/plain"] = np.clip(keras.ops.convert_to_numpy(task.backbone.decode_step(latents)) / 2 + 0.5, 0, 1)
        continue
    z = np.random.default_rng(7).standard_normal((16, *generator.latent_shape)).astype("float32") * 1.5
    if generator.card["kind"] == "gan":
        plain = keras.saving.load_model(checkpoints.root() / name / "model.keras", compile=False)
        label = 3 if generator.card["conditional"] else None
        told = [z, np.eye(10, dtype="float32")[[3] * 16]] if generator.card["conditional"] else z
        images = keras.ops.convert_to_numpy(plain.generator(told, training=False))
        out[name + "/ours"] = out[name + "/sample"] = generator.decode(z, label=label)
        out[name + "/plain"] = (images + 1) / 2 if plain.centred else images
        continue
    plain = keras.saving.load_model(checkpoints.root() / name / "model.keras", compile=False)
    out[name + "/ours"] = generator.decode(z)
    out[name + "/plain"] = keras.ops.convert_to_numpy(plain.decoder(z, training=False))
    images = np.clip(out[name + "/ours"], 0, 1)
    codes = plain.encoder(images, training=False)
    codes = codes if isinstance(codes, (list, tuple)) else [codes]
    out[name + "/codes_ours"] = np.stack([code for code in generator.encode(images) if code is not None])
    out[name + "/codes_plain"] = np.stack([keras.ops.convert_to_numpy(code) for code in codes])
out["backend"] = np.array(keras.backend.backend())
np.savez(sys.argv[1], **out)
"""

TRAIN = """
import io, sys
import keras, numpy as np
from explorer.generators.autoencoder import build
from explorer.training import building, recipes, runs

assert keras.backend.backend() == sys.argv[1]
images = np.random.default_rng(0).random((8, 8, 8, 1)).astype("float32")
loss = {"reconstruction_weight": 64.0, "kl_weight": 1.0}
model = build((8, 8, 1), 2, {"filters": [4], "dense": [8]}, {"filters": [4]}, loss, seed=0)
model.compile(optimizer=keras.optimizers.Adam(0.01))
before = [keras.ops.convert_to_numpy(w).copy() for w in model.trainable_variables]
history = model.fit(images, batch_size=8, epochs=1, verbose=0).history
after = [keras.ops.convert_to_numpy(w) for w in model.trainable_variables]
assert sorted(history) == ["kl", "loss", "reconstruction"], history
assert 20 < history["loss"][0] < 200, history
assert np.isclose(history["loss"][0], 64 * history["reconstruction"][0] + history["kl"][0], rtol=1e-4), history
assert all(np.isfinite(w).all() for w in after)
kernels = [(a, b) for a, b in zip(before, after) if a.ndim > 1]
assert all(not np.array_equal(a, b) for a, b in kernels), "a part of the model was not trained"

# a recipe, with its warm-up, its snapshots and a stop between
recipe = recipes.recipe("mnist-vae") | {"encoder": {"dense": [16]}, "decoder": {"dense": [16]}}
recipe |= {"kl_warmup_epochs": 2, "snapshots": [0, 1]}
recipe["loss"]["kl_weight"] = 2.0
raised = []
for epochs in (1, 3):
    model, history = runs.fit(recipe | {"epochs": epochs}, sys.argv[3], sys.argv[2], out=io.StringIO(),
                              preview=lambda m, _: raised.append(float(keras.ops.convert_to_numpy(m.kl_weight_now))))
assert np.allclose(raised, [1, 2, 2]), raised
assert len(history["loss"]) == 3 and history["loss"][2] < history["loss"][0], history
assert sys.argv[1] in history["device"]

# a GAN told the class, whose generator and discriminator both move, and an autoencoder with tied weights
recipe = recipes.recipe("fashion-cgan") | {"batch_size": 100, "epochs": 2}
recipe |= {"generator": {"filters": [4, 4]}, "discriminator": {"filters": [4, 4]}}
untrained = [keras.ops.convert_to_numpy(w) for w in building.build(recipe).trainable_variables]
model, history = runs.fit(recipe, sys.argv[3] + "/gan", sys.argv[2], out=io.StringIO())
assert len(history["generator_loss"]) == len(history["discriminator_loss"]) == 2, history
kernels = [(a, keras.ops.convert_to_numpy(b)) for a, b in zip(untrained, model.trainable_variables, strict=True) if a.ndim > 1]
assert all(np.abs(a - b).max() > 1e-5 for a, b in kernels), "a part of the GAN was not trained"
recipe = recipes.recipe("fashion-tied-ae") | {"epochs": 2, "validation": 100}
model, history = runs.fit(recipe, sys.argv[3] + "/tied", sys.argv[2], out=io.StringIO())
assert history["loss"][1] < history["loss"][0], history

# a diffusion model, with its moving average, a stop between, and another loss in its last epoch
recipe = recipes.recipe("fashion-ddpm") | {"batch_size": 100, "squared": 1, "learning_rate": {"name": "inverse", "initial": 3e-3, "decay": 0.1, "steps": 10}}
recipe["network"] = {"widths": [4, 8], "depth": [1, 1], "time_encoding": 8, "patch": 2}
recipe["optimizer"] |= {"ema_momentum": 0.5}  # averages over hundreds of steps would hardly leave where these few began
for epochs in (1, 3):
    model, history = runs.fit(recipe | {"epochs": epochs}, sys.argv[3] + "/ddpm", sys.argv[2], out=io.StringIO())
first, hubers, last = history["loss"]
assert last < 0.98 * first and hubers < 0.5 * first, history  # half of a squared error is never less than Huber's
assert all(np.isfinite(keras.ops.convert_to_numpy(w)).all() for w in model.weights)

# shifts of codes, learned through a decoder and a critic that stay as they are, and an encoder that learns to encode as it is told
from explorer.judges import classifier as judge
from explorer.training import critic_finetuning
rng = np.random.default_rng(0)
images, groups = rng.random((64, 16, 16, 3)).astype("float32"), np.arange(64) % 4
critic = judge.build((16, 16, 3), [4, 8], 12, 5, multi_label=True, stride=2)
parts = {"filters": [8, 8], "batch_norm": True}
vae = build((16, 16, 3), 4, parts, parts, {"reconstruction_loss": "mse", "reconstruction_weight": 200.0, "kl_weight": 0.5}, seed=0)
before = critic.get_weights() + vae.decoder.get_weights()
codes = np.stack(vae.encoder.predict(images, verbose=0), 1)
by = critic_finetuning.learn(vae.decoder, critic, codes[:, 0], groups, [0, 1], [1] * 5, [0.0] * 4, steps=4)
assert by.shape == (4, 4) and np.isfinite(by).all() and (np.abs(by).max(1) > 0.01).all(), by
assert all(np.array_equal(a, b) for a, b in zip(before, critic.get_weights() + vae.decoder.get_weights(), strict=True))
codes[:, 0] += by[groups]
told = critic_finetuning.Told(vae.encoder)
runs.settle(told, ())
told.compile(optimizer=keras.optimizers.Adam(3e-3))
lost = told.fit(critic_finetuning.Mirrored(images, np.stack([codes, codes]), 32, 0, np.ones(64)), epochs=8, verbose=0).history["loss"]
assert lost[-1] < 0.9 * lost[0], lost

# a StyleGAN, grown once: both sides move, and it draws what kernels of each sample's own would
from explorer import data
from explorer.training import progressive_growing
recipe = recipes.recipe("celeba-stylegan") | {"latent_size": 8, "mapping": 1, "widths": [6, 4], "discriminator": [6, 4], "epoch_images": 16,
                                             "image_shape": [8, 8, 3], "batch_size": 8, "stages": {"4": {"epochs": 1}, "8": {"epochs": 2}}}
recipe["learning_rate"] = {"name": "inverse", "initial": 2e-3, "decay": 0.0, "steps": 1}
data.load = lambda *arguments: (images[:, ::2, ::2], None)
grown, history = progressive_growing.fit(recipe, sys.argv[3] + "/stylegan", out=io.StringIO())
assert len(history["loss"]) == 3 and np.isfinite(history["loss"]).all() and np.isfinite(history["slope"]).all(), history
trainer = progressive_growing.build(progressive_growing.stage_of(recipe, "8"))
trainer.load_weights(sys.argv[3] + "/stylegan/8/last.weights.h5")
assert float(keras.ops.convert_to_numpy(trainer.fade())) == 1
kernel = keras.ops.convert_to_numpy(grown.synthesis.get_layer("up_8").kernel) / np.sqrt(9 * 6)
x, style = rng.normal(size=(1, 4, 4, 6)), rng.normal(size=(1, 6))
own = kernel * style[0, :, None]
large = np.pad(x[0].repeat(2, 0).repeat(2, 1), ((1, 1), (1, 1), (0, 0)))
drawn = sum(large[i:i + 8, j:j + 8] @ own[i, j] for i in range(3) for j in range(3)) / np.sqrt(np.square(own).sum((0, 1, 2)))
from explorer.generators.stylegan import modulated
found = modulated(*(keras.ops.convert_to_tensor(a.astype("float32")) for a in (x, kernel, style)), up=True)
assert np.allclose(keras.ops.convert_to_numpy(found)[0], drawn, atol=1e-4)
print("trained")
"""


DRAW = """
import sys
import keras, numpy as np
import explorer

g = explorer.load("words")
noise, out = g.prior(2, seed=5), {}
for turn, steps in enumerate((5, 2, 5)):
    out[f"{turn}"] = g.decode(noise, ["a rose", "glasses"], "a bag", steps=steps)
task, ids = g.model, [g.model.preprocessor.generate_preprocess(texts) for texts in (["a rose", "glasses"], ["a bag"] * 2)]
task.backbone.configure_scheduler(5)
latents, embeddings = keras.ops.convert_to_tensor(noise), task.backbone.encode_text_step(*ids)
for step in range(5):
    latents = task.backbone.denoise_step(latents, embeddings, step, 5, 3.0)
out["plain"] = np.clip(keras.ops.convert_to_numpy(task.backbone.decode_step(latents)) / 2 + 0.5, 0, 1)
out["backend"] = np.array(keras.backend.backend())
np.savez(sys.argv[1], **out)
"""


@pytest.fixture(scope="module")
def on(fresh_python):
    """`fresh_python` on a backend, with nothing of TensorFlow to be imported on the others."""

    def run(backend, code, *arguments, **environment):
        code = code if backend == "tensorflow" else WITHOUT_TENSORFLOW + code
        return fresh_python(code, *arguments, KERAS_BACKEND=backend, **environment)

    return run


@pytest.mark.parametrize("backend", BACKENDS)
def test_prompts_are_drawn_as_kerashub_draws_them_in_any_number_of_steps(backend, text_root, tmp_path, on):
    finished = on(backend, DRAW, tmp_path / "drawn.npz", EXPLORER_CHECKPOINTS=str(text_root))
    assert finished.returncode == 0, finished.stderr
    with np.load(tmp_path / "drawn.npz") as found:
        assert str(found["backend"]) == backend
        assert 255 * np.abs(found["0"] - found["plain"]).max() < 1
        np.testing.assert_array_equal(found["0"], found["2"])
        assert np.abs(found["0"] - found["1"]).max() > 0.01


@pytest.fixture(scope="module")
def decoded(tmp_path_factory, on):
    """backend -> what `DECODE` found there."""
    folder, found = tmp_path_factory.mktemp("decoded"), {}
    for backend in BACKENDS:
        finished = on(backend, DECODE, folder / f"{backend}.npz")
        assert finished.returncode == 0, finished.stderr
        with np.load(folder / f"{backend}.npz") as arrays:
            found[backend] = dict(arrays)
        assert str(found[backend].pop("backend")) == backend
    return found


@pytest.mark.parametrize("backend", BACKENDS)
def test_pictures_and_codes_are_those_of_plain_keras(decoded, backend):
    assert {key.split("/")[0] for key in decoded[backend]} == set(checkpoints.names()) > {"mnist-vae"}
    for name in checkpoints.names():
        arrays = decoded[backend]
        assert arrays[f"{name}/ours"].std() > 1e-4
        if f"{name}/sample" in arrays:
            np.testing.assert_allclose(arrays[f"{name}/ours"], arrays[f"{name}/plain"], atol=1e-4, rtol=0, err_msg=name)
            continue
        np.testing.assert_allclose(arrays[f"{name}/ours"], np.clip(arrays[f"{name}/plain"], 0, 1), atol=1e-5, rtol=0, err_msg=name)
        np.testing.assert_allclose(arrays[f"{name}/codes_ours"], arrays[f"{name}/codes_plain"], atol=1e-4, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_the_backends_agree(decoded, backend):
    for name in checkpoints.names():
        key = f"{name}/sample" if f"{name}/sample" in decoded[backend] else f"{name}/ours"
        # rounding is divided by what is left of the signal in the first steps, which is why these start at 0.9
        close = 1e-4 if key.endswith("ours") else 5e-3
        np.testing.assert_allclose(decoded[backend][key], decoded["tensorflow"][key], atol=close, rtol=0, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_works(backend, small_data, tmp_path, on):
    finished = on(backend, TRAIN, backend, small_data, tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip().endswith("trained")
