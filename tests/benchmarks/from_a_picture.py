"""Image to image, judged: a woman becomes a man with glasses, and what lies around her stays.

`python -m tests.benchmarks.from_a_picture [MODEL]`: 50 women without glasses of celeba-vae's gallery, as it decodes them, are drawn
over with "a portrait of a man with glasses" at each strength; which share a judge of faces says to be men, with glasses, both (bar at
0.6: 0.85), and which share of the pixels around the face stays within 16 of 255 in every colour (bar: 0.8), beside what the
autoencoder alone changes there. Then the same with a mask over the face. JSON, and a sheet of the first eight in `OUT`, if it is named.
"""

import json
import os
import sys

import numpy as np

import explorer
from explorer import checkpoints, imaging

FACES, PROMPT, NEAR = 50, "a portrait of a man with glasses", 16 / 255
STRENGTHS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
JUDGES = ("faces", "faces_second")
MIDDLE, RADII = (34, 31.5), (27, 22)  # of the ellipse of face and hair in CelebA's framing, in pixels of 64: rows, columns


def women():
    """Faces of the gallery that the first judge takes for women without glasses: float32 (50, 64, 64, 3)."""
    generator, judge = explorer.load("celeba-vae"), explorer.judge("faces")
    images = generator.decode(checkpoints.encodings("celeba-vae").z_mean[:400].astype("float32"))
    seen = judge(images)
    male, glasses = (seen[:, judge.classes.index(name)] for name in ("Male", "Eyeglasses"))
    return images[(male < 0.2) & (glasses < 0.2)][:FACES]


def main(name="stable_diffusion_3_tiny"):
    generator, images = explorer.load(name), women()
    judges = [explorer.judge(judge) for judge in JUDGES if (checkpoints.root() / "judges" / judge).is_dir()]
    y, x = np.mgrid[:64, :64]
    face = ((y - MIDDLE[0]) / RADII[0]) ** 2 + ((x - MIDDLE[1]) / RADII[1]) ** 2 <= 1
    noise = np.concatenate([generator.prior(1, seed) for seed in range(len(images))])
    rows, found = [images[:8]], {}

    def told(drawn):
        near = (np.abs(drawn - images) <= NEAR).all(-1)
        says = {"around": round(float(near[:, ~face].mean()), 3), "everywhere": round(float(near.mean()), 3)}
        for judge in judges:
            seen = judge(drawn)
            male, glasses = (seen[:, judge.classes.index(name)] > 0.5 for name in ("Male", "Eyeglasses"))
            shares = {"man": male, "glasses": glasses, "both": male & glasses}
            says[judge.card["name"]] = {key: round(float(share.mean()), 2) for key, share in shares.items()}
        rows.append(drawn[:8])
        return says

    found["autoencoder"] = told(generator.decode(noise, PROMPT, image=images, strength=0))
    for strength in STRENGTHS:
        found[f"{strength}"] = told(generator.decode(noise, PROMPT, image=images, strength=strength))
        mask = face[None, ..., None].astype("float32")
        found[f"{strength}, face masked"] = told(generator.decode(noise, PROMPT, image=images, strength=strength, mask=mask))
    print(json.dumps({"faces": len(images), "pixels around": round(float((~face).mean()), 3), **found}, indent=1))
    if out := os.environ.get("OUT"):
        imaging.to_pillow(imaging.grid(imaging.to_bytes(np.concatenate(rows)), 8)).save(out)


if __name__ == "__main__":
    main(*sys.argv[1:2])
