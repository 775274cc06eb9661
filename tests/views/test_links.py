"""Links of version 0.1.0, one of each kind: which view opens, and what of it means another thing than it did.

Rendered by both versions, they were the same pixels but for what the changelog says.
"""

import pytest

from explorer import state, views

LINKS = {  # link -> what its state becomes, of the keys that decide
    "model=mnist-vae&z=0.5,-1": {"view": "latent-plane", "what": "picture", "z": (0.5, -1.0), "center": (0.0, 0.0)},
    "z=0.5,-1": {"view": "latent-plane", "model": "mnist-vae", "z": (0.5, -1.0)},
    "model=mnist-vae&what=grid&scale=p": {"center": (0.5, 0.5), "extent": 0.5, "n": 30},
    "model=mnist-vae&what=plane&veil=data&hidden=0,3": {"veil": "data", "hidden": (0, 3), "points": True, "n": 30},
    "model=mnist-vae&what=strip&from=-1,-1&to=1,1": {"kind": "linear", "even": False, "closed": False, "start": 0.0, "stop": 1.0,
                                                     "frames": 9},
    "model=fashion-vae-10d": {"view": "latent-plane", "axes": (5, 7), "extent": 3.0},
    "model=fashion-vae-10d&axes=3,1": {"axes": (3, 1)},
    "model=fashion-cgan&label=7": {"view": "latent-plane", "label": 7},
    "model=celeba-vae&face=3": {"view": "faces", "face": 3, "attributes": (), "how": "whitened"},
    "view=faces&face=3&attributes=Smiling:1.5&hold=Young&how=plain": {"attributes": (("Smiling", 1.5),), "hold": ("Young",)},
    "view=faces&what=strip": {"along": "Smiling", "frames": 9},
    "view=faces&what=grid": {"pair": ("Smiling", "Male"), "n": 7},
    "view=morph": {"model": "celeba-vae", "corners": ("g6", "g25"), "t": (0.5,), "kind": "linear"},
    "view=morph&corners=g3;g12;7;9": {"t": (0.0, 0.0), "n": 7},
    "view=morph&model=fashion-vae-10d": {"corners": (0, 1)},
    "view=diffusion": {"model": "flowers-diffusion", "sampler": "ddim", "steps": 20, "eta": 0.0, "epsilon_scale": 0.996, "n": 18},
    "view=diffusion&what=forward": {"time": 0.5},
    "model=flowers-diffusion&what=trajectory": {"view": "diffusion", "sampler": "ddim", "steps": 20, "frames": 20},
    "view=text-to-image": {"model": "stable_diffusion_3_tiny", "what": "picture", "negative_prompt": "", "kind": "slerp", "n": 4},
    "view=text-to-image&what=strip": {"frames": 9, "start": 0.0, "stop": 1.0, "closed": False},
    "view=why-a-vae&chapter=gans": {"model": "fashion-dcgan", "seed": 0, "label": 0},
    "view=why-a-vae&chapter=arithmetic": {"seed": 0},
    "view=why-a-vae&chapter=holes": {"source": "drawn"},
    "view=models": {"what": "picture"},
    # what means another thing
    "view=faces": {"face": 24, "refined": True},  # what begins with another face, painted out
    "view=why-a-vae": {"chapter": "linear", "what": "grid", "seed": 1, "amount": 0.5},  # other garments
    "view=why-a-vae&chapter=denoising": {"seed": 1, "label": 8, "noise": "dropout"},
}  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
def test_a_link_of_the_first_version_opens(link):
    full = views.complete(state.parse_strictly(link))
    assert {key: full[key] for key in LINKS[link]} == LINKS[link]
    assert state.parse_strictly(link).items() <= full.items()  # all that it says is kept
    assert state.parse(state.text(full)) == (full, [])


def test_on_a_plane_a_seed_is_its_point_which_was_passed_over_then():
    drawn = views.complete(state.parse_strictly("model=fashion-cgan&label=8&seed=2"))
    assert len(drawn["z"]) == 100
    assert drawn["z"] != views.complete(state.parse_strictly("model=fashion-cgan&label=8&seed=3"))["z"]
    assert drawn["label"] == 8
