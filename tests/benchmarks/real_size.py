"""KerasHub's Stable Diffusion 3 at its true size, with random weights: what it takes on this machine.

`python -m tests.benchmarks.real_size [stable_diffusion_3_medium] [--size 256] [--steps 2] [--page]` builds the model in place of the
download (sizes as KerasHub's own conversion script has them; its count of parameters must be the preset's), loads it by
`explorer.load`, and prints seconds and peak memory of a picture, of a step, of a walk of two frames, of image to image, and, with
`--page`, of the same picture in Chromium. Its tokenizer is a small one: the real one's words are no part of KerasHub.
"""

import argparse
import os
import resource
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "browser")]

import numpy as np  # noqa: E402
from driver import chromium  # noqa: E402

import explorer  # noqa: E402
from explorer import geometry, page, presets  # noqa: E402
from explorer.generators.kerashub import keras_hub  # noqa: E402
from explorer.generators.stable_diffusion_3 import VAEBackbone, build_tokenizer  # noqa: E402

# width, layers (heads as many), positions along a side, normalization of queries and keys, how many blocks attend twice
MMDIT = {
    "stable_diffusion_3_medium": (1536, 24, 192, None, 0),
    "stable_diffusion_3.5_medium": (1536, 24, 384, "rms_norm", 13),
    "stable_diffusion_3.5_large": (2432, 38, 192, "rms_norm", 0),
}
PROMPTS = ("a cat", "a dog in a field of flowers")


def build(name, image_shape, dtype=None):
    """A `StableDiffusion3TextToImage` of a preset's sizes, untrained."""
    width, layers, positions, qk_norm, twice = MMDIT[name]
    vae = VAEBackbone([128, 256, 512, 512], [2] * 4, [512, 512, 256, 128], [3] * 4, name="vae")
    clip_l = keras_hub.models.CLIPTextEncoder(49408, 768, 768, 12, 12, 3072, "quick_gelu", -2, name="clip_l")
    clip_g = keras_hub.models.CLIPTextEncoder(49408, 1280, 1280, 32, 20, 5120, "gelu", -2, name="clip_g")
    backbone = keras_hub.models.StableDiffusion3Backbone(
        2, width, layers, layers, positions, qk_norm, tuple(range(twice)) or None, vae, clip_l, clip_g,
        image_shape=image_shape, dtype=dtype,
    )  # fmt: skip
    preprocessors = [keras_hub.models.CLIPPreprocessor(build_tokenizer(PROMPTS), to_lower=False) for _ in range(2)]
    return keras_hub.models.StableDiffusion3TextToImage(
        backbone, keras_hub.models.StableDiffusion3TextToImagePreprocessor(*preprocessors)
    )


def peak():
    """The most memory that this process has taken, in GB."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


def timed(what, make):
    began = time.perf_counter()
    found = make()
    print(f"{what:34} {time.perf_counter() - began:7.1f} s   peak {peak():5.1f} GB", flush=True)
    return found


def in_page(name, size, steps):
    """Seconds until Chromium shows a picture of the loaded model."""
    os.environ[presets.PERMISSION] = "any"
    address = page.launch(block=False)[1]
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        began = time.perf_counter()
        tab.goto(f"{address}?view=text-to-image&model={name}&image_size={size}&steps={steps}&seed=1&prompt=a+dog")
        tab.locator(".lx-text[data-done]").wait_for(state="attached", timeout=1_800_000)
        took = time.perf_counter() - began
        if out := os.environ.get("OUT"):
            tab.screenshot(path=out)
    return took


def main():
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("name", nargs="?", default="stable_diffusion_3_medium", choices=MMDIT)
    given.add_argument("--size", type=int, default=256)
    given.add_argument("--steps", type=int, default=2)
    given.add_argument("--page", action="store_true")
    told = given.parse_args()
    fetched = keras_hub.models.TextToImage.from_preset
    keras_hub.models.TextToImage.from_preset = lambda name, **told: (build if name in MMDIT else fetched)(name, **told)
    g = timed("built and loaded", lambda: explorer.load(told.name, image_size=told.size))
    assert g.backbone.count_params() == presets.KNOWN[told.name], (g.backbone.count_params(), presets.KNOWN[told.name])
    print({part: str(count) for part, count in g.card["parameters"].items()}, g.backbone.diffuser.joint_blocks[0].compute_dtype)
    ends = [timed("a prompt read" + " again" * i, lambda prompt=prompt: g.embed(prompt)) for i, prompt in enumerate(PROMPTS)]
    first = timed(f"{told.steps} steps, the first time", lambda: g.decode(g.prior(1), ends[0], steps=told.steps))
    assert np.isfinite(first).all()
    assert first.shape == (1, told.size, told.size, 3)
    timed(f"{told.steps} steps", lambda: g.decode(g.prior(1), ends[0], steps=told.steps))
    walk = geometry.Path(*ends, "slerp").points(2)
    frames = timed("a walk of two frames", lambda: g.decode(np.repeat(g.prior(1), 2, 0), walk, steps=told.steps))
    assert len(frames) == 2
    from_one = timed(
        "image to image, strength 0.6", lambda: g.decode(g.prior(1), ends[1], steps=told.steps, image=first, strength=0.6)
    )
    assert np.isfinite(from_one).all()
    if told.page:
        print(f"{'in the page, from the address on':34} {in_page(told.name, told.size, told.steps):7.1f} s   peak {peak():5.1f} GB")


if __name__ == "__main__":
    main()
