"""Recipes as data: every number by which a shipped model came to be. `python -m explorer train NAME` follows them.

`loss`: what multiplies the mean over pixels of the reconstruction loss, and the KL term summed over latent dimensions.
`validation`: so many of the last training images are kept out of training and watched, or the data's own split of that
name; 0 trains on all of them. `flip`: half of the images are mirrored, anew in each epoch.
`kl_warmup_epochs`: the KL weight rises linearly from 0 over so many epochs, so that both dimensions come into use (Bowman et
al. 2016). `learning_rate`: "cosine" rises to its peak over the warm-up and falls over all epochs, or over as many as it names,
then stays; "plateau" falls by `factor` after so many stale epochs.
`times`: a diffusion model's times t are drawn in training with the density times * t^(times - 1): evenly for 1.
`settled`: in so many last epochs batch normalization keeps the statistics that the images have when they begin.
`squared`: in so many last epochs a diffusion model's loss is the squared error; `composed`: in so many it also dwells on the times
where pictures are composed. `terminal`: of so many frequencies along a side its noise has what pictures leave in it.
`refines`: the VAE whose pictures a diffusion model is told. `epoch_images`: of how many images, drawn anew, one of its epochs is.
`emphasis`: weights of attributes in a judge's loss, 1 where none is named.
`reduced`: from, to, share: so many of the images are replaced by what so many principal components say of them, each epoch anew.
`shifted`: how a trained VAE's encoder learns to say more of two `attributes` (`critic_finetuning.py`): the recipe of the critic,
the `emphasis` of what else it says, what lengths of the four shifts cost, by which factors pictures with attributes are drawn
`oftener`, and in what else this `stage` differs from the recipe.
`stages`: what differs in the parts of a run that follow one another. `faded`: over which part of its stage a StyleGAN's new level
fades in; `mixing`: how many of its pictures have two styles; `penalty`: times the pixels, what R1 is weighed by; `augmentation`:
how pictures are varied before its discriminator sees them (`differentiable_augmentation.py`), none by [].
`patience`: stop after so many epochs without a better validation loss, and keep the best; None runs all `epochs`. While a
cosine still falls nothing is stale: the loss at a high rate says little of the loss at a low one.
"""

import inspect
import json
import re
from copy import deepcopy
from pathlib import Path

from explorer import generators
from explorer.errors import InputError, UnknownName

_DLWP = "Deep Learning with Python, 3rd ed., ch. 17"
_GDL = "Generative Deep Learning, 2nd ed., ch. 3"
_HOML = "Hands-On Machine Learning, 3rd ed., ch. 17"
_COSINE = {"name": "cosine", "initial": 1e-3, "warmup_epochs": 1, "final_fraction": 0.01}

_FACES = {"Eyeglasses": 8.0, "Smiling": 4.0, "Male": 4.0, "Young": 4.0, "Blond_Hair": 4.0, "Black_Hair": 4.0}
_CRITIC = {  # of the judge's kind but smaller, drawn anew, and never used to measure
    "kind": "judge", "data": "celeba", "image_shape": [64, 64, 3], "filters": [16, 32, 64, 128], "dense": 128, "multi_label": True,
    "stride": 2, "flip": True, "augment": 0.0, "reduced": [60, 200, 0.3], "dropout": 0.2, "emphasis": _FACES,
    "optimizer": "adam", "learning_rate": {**_COSINE, "initial": 2e-3, "warmup_epochs": 0.2}, "batch_size": 64,
    "epochs": 8, "seed": 1,
}  # fmt: skip

# where a first look pays: a class's place, or the walk between two
_DIGITS = [["0"], ["7"], ["0", "6"], ["1", "7"], ["6", "8"], ["4", "9"]]  # of a 3 in two dimensions no judge is sure
_CLOTHES = [["Trouser"], ["Bag"], ["T-shirt/top", "Dress"], ["Pullover", "Bag"], ["Sneaker", "Ankle boot"]]

RECIPES = {
    "mnist-vae": {
        "kind": "vae", "order": 0, "title": "Digits: a VAE with a plane for a latent space", "source": _DLWP,
        "short": "Digits · VAE", "family": "mnist-vae", "beside": "mnist-vae-kl-0",
        "examples": _DIGITS,
        "data": "mnist", "judge": "digits", "image_shape": [28, 28, 1], "latent_size": 2,
        "encoder": {"filters": [32, 64], "dense": [16]},
        "decoder": {"filters": [64, 32], "projection": "relu"},
        "loss": {"reconstruction_loss": "binary_crossentropy", "reconstruction_weight": 784.0, "kl_weight": 1.0},
        "known_failures": [
            "Two dimensions are too few for ten digits: 4, 7 and 9 share one region, 3, 5 and 8 another, and between them it blurs",
            "Of the judge's verdicts on samples, 8 and 9 get far more than their tenth, 3, 4 and 7 hardly any",
        ],
        "optimizer": "adam", "learning_rate": _COSINE, "batch_size": 128, "epochs": 45, "kl_warmup_epochs": 2,
        "validation": 0, "patience": None, "seed": 1, "snapshots": [0, 1, 2, 3, 5, 8, 13, 21, 34],
    },
    "fashion-vae": {
        "kind": "vae", "order": 1, "title": "Clothes: a VAE with a plane for a latent space", "source": _GDL,
        "short": "Clothes · VAE", "beside": "fashion-ae",
        "examples": _CLOTHES,
        "data": "fashion", "judge": "fashion", "image_shape": [32, 32, 1], "latent_size": 2,
        "encoder": {"filters": [32, 64, 128]},
        "decoder": {"filters": [128, 64, 32]},
        "loss": {"reconstruction_loss": "binary_crossentropy", "reconstruction_weight": 500.0, "kl_weight": 1.0},
        "known_failures": [
            "Two dimensions hold the outline and not the fabric: prints, straps and laces are gone",
            "Shirt, pullover and coat lie on top of each other",
        ],
        "optimizer": "adam", "learning_rate": {"name": "plateau", "initial": 1e-3, "factor": 0.3, "after": 3},
        "batch_size": 100, "epochs": 60, "validation": 5000, "patience": 5, "seed": 0,
    },
    "fashion-ae": {
        "kind": "ae", "order": 2, "title": "Clothes: a plain autoencoder, with holes", "source": _GDL,
        "short": "Clothes · AE", "beside": "fashion-vae",
        "examples": _CLOTHES,
        "data": "fashion", "judge": "fashion", "image_shape": [32, 32, 1], "latent_size": 2,
        "encoder": {"filters": [32, 64, 128]},
        "decoder": {"filters": [128, 64, 32]},
        "loss": {"reconstruction_loss": "binary_crossentropy", "reconstruction_weight": 1.0},
        "known_failures": [
            "It has no prior: between its codes lie holes where the decoder draws what nobody ever wore",
            "Distances in its plane mean little: some classes are squeezed into slivers",
        ],
        "optimizer": "adam",
        "learning_rate": {"name": "cosine", "initial": 2e-3, "warmup_epochs": 1, "final_fraction": 0.01, "epochs": 36},
        "batch_size": 100, "epochs": 60, "validation": 5000, "patience": 5, "seed": 2,
    },
    "fashion-vae-10d": {
        "kind": "vae", "order": 3, "title": "Clothes: a dense VAE with ten dimensions", "source": _HOML,
        "short": "Clothes · VAE, 10 dimensions",
        "examples": _CLOTHES,
        "data": "fashion", "judge": "fashion", "image_shape": [28, 28, 1], "latent_size": 10,
        "encoder": {"dense": [150, 100]},
        "decoder": {"dense": [100, 150], "output": "linear"},
        "loss": {"reconstruction_loss": "mse", "reconstruction_weight": 1.0, "kl_weight": 1 / 784},
        "known_failures": [
            "Half of its axes are dead: the KL term switched them off, and turning them changes nothing",
            "Squared error blurs; the linear output leaves [0, 1] and is clipped",
        ],
        "optimizer": "nadam", "learning_rate": {"name": "plateau", "initial": 1e-3, "factor": 0.3, "after": 5},
        "batch_size": 128, "epochs": 200, "validation": 5000, "patience": 10, "seed": 42,
    },
    "celeba-vae": {
        "kind": "vae", "order": 4, "title": "Faces: a VAE with 200 dimensions", "source": _GDL,
        "short": "Faces · VAE",
        "data": "celeba", "judge": "faces", "held_out_judge": "faces_second", "image_shape": [64, 64, 3], "latent_size": 200,
        "encoder": {"filters": [128] * 4, "batch_norm": True},
        "decoder": {"filters": [128] * 4, "batch_norm": True},
        "loss": {"reconstruction_loss": "mse", "reconstruction_weight": 40_000.0, "kl_weight": 1.0},
        "known_failures": [
            "Blurred: squared error averages what 200 numbers cannot say, such as strands of hair, teeth, jewellery, backgrounds",
            "The people of CelebA are mostly young, made up and photographed for the press, and so are its faces; its attributes "
            "are strangers' opinions, and directions carry along what goes with them there, such as make-up with smiles",
            "It still improved when its time was over: eighteen epochs on two cores",
            "The learned directions were found through one judge and are measured by another: what both take for turned the eye "
            "may not, and where black hair is taken away it may leave a pale cap",
            "Glasses come back dark: thin frames are lost between 64 pixels, and who wears some may get sunglasses",
            "By the judge that took no part, blond hair is added to 0.58 of those who lack it, where the one that it was learned "
            "against says 0.90 (bar: push); of the six, those that are not asked for change by 0.11 in the mean (bar: leak); and "
            "man with glasses − man + woman is a woman with glasses in 0.71 of triples (bar: sum)",
            "Draws from N(0, I) are 2.6 times as far from faces as reconstructions are: the codes do not go together like "
            "independent numbers. Random faces are therefore drawn from a mixture of Gaussians that was fitted to them "
            "afterwards, and are still 1.4 times as far",
        ],
        "optimizer": "adam", "learning_rate": {**_COSINE, "initial": 8e-4, "warmup_epochs": 0.3, "epochs": 7}, "batch_size": 64,
        "epochs": 18, "kl_warmup_epochs": 1, "validation": "validation", "flip": True, "patience": None, "seed": 0,
        "shifted": {
            "attributes": ["Eyeglasses", "Male"], "costs": [0.01, 0.01, 0.04, 0.04], "critic": _CRITIC,
            "emphasis": dict.fromkeys(_FACES, 4.0), "oftener": {"Eyeglasses": 2.5},
            "stage": {"learning_rate": {**_COSINE, "initial": 4e-4, "warmup_epochs": 0.1, "epochs": 8}, "epochs": 13,
                      "validation": 0, "kl_warmup_epochs": 0, "seed": 3},
        },
        "mixture": 20, "start_face": 24, "start_corners": ["g6", "g25"], "refined_by": "celeba-refiner",
        "truncation": 0.7,  # of faces drawn in the page, as usual for faces (Karras et al. 2019, arXiv:1812.04948)
        "note": "the first 5 epochs at weight 10,000 under a cosine of their own, up to 0.001; then 6 at 40,000 up to 0.0005, "
        "with a fresh optimizer; in these 11 its batch normalization was not told that it was being trained, and "
        "normalized nothing. What it should have known was then measured and folded in, without changing what the network"
        " computes, and 7 epochs followed under the cosine given here (for the first 2 laid out for 8). The losses of the"
        " first 5 are given at the new weight. At weight 2,000 (64 filters, 32 x 32, 5 epochs) the KL was 13.9 nats and "
        "the error 0.0231, more than a quarter of the mean image's; at 10,000 53.8 nats and 0.0105, glasses and men's "
        "features mostly lost. After 18 epochs the encoder alone was told to say more of glasses: for 4 epochs by shifts that "
        "were a seventh to a third shorter, for 1 by some a fifth longer than those of the last 8, all from one search but the "
        "first, which weighed what else the critic said a little otherwise. It made A - B + C a woman with glasses 90 times of "
        "100, before 15, and the error at z_mean a quarter larger",
    },
    "flowers-diffusion": {
        "kind": "diffusion", "order": 5, "title": "Flowers: a diffusion model", "source": _DLWP,
        "short": "Flowers · diffusion",
        "data": "flowers", "judge": "flowers", "image_shape": [64, 64, 3],
        "network": {"widths": [32, 64, 96, 128], "depth": 2},
        "schedule": {"name": "cosine", "most": 0.95, "least": 0.02},
        "terminal": 8,
        "loss": "mae", "sampling": {"sampler": "ddim", "steps": 20, "epsilon_scale": 0.996}, "start_seed": 10,
        "known_failures": [
            "Eighty-three epochs on two cores, of the hundred that it should have: petals often run into one another or end in "
            "streaks, and few samples are of a kind that one could name",
        ],
        "optimizer": {"name": "muon", "weight_decay": 0.004, "use_ema": True, "ema_momentum": 0.998},
        "learning_rate": {"name": "cosine", "initial": 2e-3, "warmup_epochs": 0.5, "final_fraction": 0.01},
        "batch_size": 32, "epochs": 100, "flip": True, "patience": None, "seed": 0, "times": 2, "settled": 61,
        "squared": 40, "composed": 19,
        "note": "the first 53 epochs by AdamW, 11 of them from 0.001 with inverse decay (0.1 in 1000 steps); the moving average "
        "of the first 6 had momentum 0.999, too slow for so few steps; 0.99, the book's, in the next 5. Four more "
        "began with a fresh optimizer at 0.001, falling faster (decay 0.1 in 50 steps), average 0.998. From the "
        "sixteenth on the rate followed a cosine that began at 0.0005 and was laid out for 25 epochs, then for 24, 4 of them "
        "past. Times were drawn evenly in the first 18, with the density 3 t^2 in the next 14; batch normalization "
        "settled after 22. In the thirty-third the density was 1.3 t^0.3, at 0.00008 and with an average of 0.99, since low "
        "noise had been forgotten and left grain: by 160 samples the kernel distance was 46 before it and 50 after. Ten more "
        "began with a fresh optimizer at 0.0003, falling by a cosine to a hundredth, density 2 t, average 0.998; and ten more by "
        "squared error (whose losses they are), another fresh one at 0.0004, its cosine laid out for 12. The next 11 by Muon, by "
        "squared error too, under a cosine from 0.0004: in two epochs it lowered the error at low noise by 0.3 percent of what "
        "it was, where AdamW at the same rate lowered it by 0.04. The last 19, by Muon, dwelt on the times where "
        "pictures are composed: real flowers noised to t = 0.6 and denoised come out with a kernel distance of 5, of 13 from "
        "t = 0.8; 7 from 0.0005, 12 from 0.0006, each under a cosine of its own. The weights are the mean of those after 64, 71 "
        "and 83 epochs in shares of 0.2, 0.4 and 0.4 (Wortsman et al. 2022): those after 83 alone have lower errors at every time, "
        "but too little power in large shapes. Shares and the scale of the noise were chosen by distances to training images "
        "from samples of other seeds",
    },
    "celeba-refiner": {
        "kind": "diffusion", "order": 7, "title": "Faces: a diffusion model that paints out what a VAE says",
        "short": "Faces · refiner", "source": "DiffuseVAE (Pandey, Mukherjee, Rai and Kumar 2022, arXiv:2201.00308)",
        "data": "celeba", "judge": "faces_second", "refines": "celeba-vae", "image_shape": [64, 64, 3],
        "network": {"widths": [48, 96, 160], "depth": [2, 2, 2], "time_encoding": 64, "patch": 2},
        "schedule": {"name": "cosine", "most": 0.999, "least": 0.02},
        "variance": 0.009,  # of a training face minus what the VAE makes of it
        "loss": "mse", "sampling": {"sampler": "ddim", "steps": 1, "coarse": 0.75},
        "known_failures": [
            "In turned, dark or half covered faces, and in draws that are like nobody's code, mouths may be smeared, hair may end "
            "in stripes and one eye may be unlike the other",
            "What it adds is invented: strands, teeth and wrinkles that go with the VAE's picture, not those of the person; of a "
            "face that it paints out the judge sometimes says another age or hair colour (see the verdicts)",
        ],
        "optimizer": {"name": "muon", "weight_decay": 0.004, "use_ema": True, "ema_momentum": 0.999},
        "learning_rate": {"name": "cosine", "initial": 2e-3, "warmup_epochs": 1, "final_fraction": 0.01},
        "batch_size": 32, "epoch_images": 8192, "epochs": 40, "patience": None, "seed": 0,
        "distilled": {
            "critic": "faces", "loss": {"adversarial": 0.4, "pixels": 48, "coarse": 0.6}, "codes_drawn": 0.25,
            "optimizer": {"name": "adam", "beta_1": 0.0, "beta_2": 0.99, "use_ema": True, "ema_momentum": 0.999},
            "learning_rate": {**_COSINE, "initial": 2e-4, "warmup_epochs": 0.1, "final_fraction": 0.02}, "epochs": 15, "seed": 1,
        },
        "note": "the cosine of the distillation was laid out for 26 epochs in the first five, for 21 until the tenth; `coarse` was "
        "0.6 while it was trained, and is what holds the mean difference from the VAE's picture below 0.03",
    },
    "fashion-ddpm": {
        "kind": "diffusion", "order": 6, "title": "Clothes: a diffusion model with 4,000 steps", "source": _HOML,
        "short": "Clothes · diffusion",
        "data": "fashion", "judge": "fashion", "image_shape": [28, 28, 1],
        "network": {"widths": [64, 128], "depth": [2, 2], "time_encoding": 64, "patch": 2},
        "schedule": {"name": "variance", "steps": 4000, "offset": 0.008, "most": 0.999},
        "mean": 0.5, "variance": 0.25,  # [-1, 1]
        "loss": "huber", "conditional": True, "sampling": {"sampler": "ddpm", "steps": 50, "guidance_scale": 2.0},
        "known_failures": [
            "Of fabric, prints and laces it draws what suits the outline, not what anybody made",
            "The judge is as sure of its samples as of real clothes because guidance makes them plain ones of their kind: without "
            "it (guidance 1), or with nothing asked for (0), it is sure of fewer",
        ],
        "optimizer": {"name": "nadam", "use_ema": True, "ema_momentum": 0.999},
        "learning_rate": _COSINE,
        "batch_size": 64, "epochs": 18, "patience": None, "seed": 0,
        "note": "it was told no names in its first eleven epochs, under a cosine of their own; from the twelfth on it is told "
        "them, with a fresh optimizer, under one up to 0.0006 that was laid out for ten epochs in the first three, then for seven",
    },
    "stable_diffusion_3_tiny": {  # its stages, each with what is its own: training/rectified_flow.py
        "kind": "text-to-image", "order": 7, "title": "Words: a small Stable Diffusion 3", "source": _DLWP,
        "short": "Words · Stable Diffusion 3",
        "data": ["mnist", "fashion", "celeba", "flowers"], "most": 33_000, "image_shape": [64, 64, 3],
        "emphasis": {"Eyeglasses": 3, "Wearing_Hat": 2, "Gray_Hair": 2, "Blond_Hair": 2, "Black_Hair": 2},
        "vae": {"filters": [32, 32, 96, 96], "blocks": [[1, 1, 1, 1], [1, 1, 1, 1]], "latent_channels": 12},
        "text": {"width": 64, "layers": 3, "heads": 4, "length": 24},
        "mmdit": {"width": 192, "layers": 4, "heads": 4},
        "sampling": {"steps": 28, "guidance_scale": 5.0},
        "knows": "faces, flowers, handwritten digits and clothes",
        "prompts": ["a portrait of a smiling woman", "a photo of a sunflower", "a handwritten digit seven",
                    "a photo of an ankle boot"],
        "examples": [
            ["a portrait of a woman with black hair", "a portrait of a smiling woman with blond hair"],
            ["a photo of a rose", "a photo of a sunflower"],
            ["a photo of a sneaker", "a photo of an ankle boot"],
            ["a portrait of an old man", "a portrait of a young woman"],
            ["a handwritten digit seven", "a photo of a dress"],
        ],
        "known_failures": [
            "It still improved when its time was over: six epochs of the autoencoder and twenty-three of the flow, on two cores",
            "It draws one thing a picture, as its four data sets show it: no scenes, no numbers of things, no writing",
            "Of CelebA's faces: mostly young, made up and photographed for the press; the words for them are strangers' opinions",
        ],
        "start_seed": 10,
        "note": "the flow's cosine was laid out for 12 epochs until the fifth, its refinement's for 10",
        "patience": None, "seed": 0,
        "stages": {
            "vae": {
                "kl_weight": 3e-4, "quotas": {"mnist": 1000, "fashion": 1000, "celeba": 6000, "flowers": 4000},
                "optimizer": {"name": "adam", "use_ema": True, "ema_momentum": 0.99},
                "learning_rate": {**_COSINE, "warmup_epochs": 0.5}, "batch_size": 16, "epochs": 6,
            },
            "flow": {
                "caption_dropout": 0.1, "quotas": {"mnist": 3000, "fashion": 3000, "celeba": 8000, "flowers": 4000},
                "optimizer": {"name": "adamw", "weight_decay": 0.01, "use_ema": True, "ema_momentum": 0.998},
                "learning_rate": {**_COSINE, "warmup_epochs": 0.5, "final_fraction": 0.02}, "batch_size": 32, "epochs": 10,
            },
            "refinement": {
                "caption_dropout": 0.1, "quotas": {"mnist": 4500, "fashion": 3500, "celeba": 7500, "flowers": 4500},
                "emphasis": {"Eyeglasses": 10, "Wearing_Hat": 2, "Gray_Hair": 2, "Blond_Hair": 2, "Black_Hair": 2},
                "optimizer": {"name": "adamw", "weight_decay": 0.01, "use_ema": True, "ema_momentum": 0.998},
                "learning_rate": {**_COSINE, "initial": 8e-4, "warmup_epochs": 0.5, "final_fraction": 0.01},
                "batch_size": 32, "epochs": 9,
            },
            "glasses": {
                "caption_dropout": 0.1, "quotas": {"mnist": 3000, "fashion": 3500, "celeba": 8000, "flowers": 5500},
                "emphasis": {"Eyeglasses": 5, "Eyeglasses -Male": 20, "Wearing_Hat": 2, "Gray_Hair": 2, "Blond_Hair": 2,
                             "Black_Hair": 2},
                "optimizer": {"name": "adamw", "weight_decay": 0.01, "use_ema": True, "ema_momentum": 0.998},
                "learning_rate": {**_COSINE, "initial": 6e-4, "warmup_epochs": 0.3, "final_fraction": 0.01},
                "batch_size": 32, "epochs": 4,
            },
        },
    },
}  # fmt: skip

RECIPES["stable_diffusion_3_small"] = deepcopy(RECIPES["stable_diffusion_3_tiny"]) | {
    "mmdit": {"width": 192, "layers": 5, "heads": 4},
    "dtype_policy": "mixed_bfloat16",  # of the flow while it learns: 0.76 s a step instead of 1.03
    "known_failures": RECIPES["stable_diffusion_3_tiny"]["known_failures"][1:],
    "note": "not shipped: its autoencoder goes on from that of stable_diffusion_3_tiny",
    "stages": {
        "vae": {
            "start": "stable_diffusion_3_tiny", "kl_weight": 3e-4, "edges": 0.5,
            "quotas": {"mnist": 1000, "fashion": 1000, "celeba": 6000, "flowers": 4000},
            "optimizer": {"name": "adam", "use_ema": True, "ema_momentum": 0.999, "global_clipnorm": 1.0},
            "learning_rate": {**_COSINE, "initial": 4e-4, "warmup_epochs": 0.5}, "batch_size": 16, "epochs": 8,
        },
        "flow": {  # 2.25 million pictures, five times what stable_diffusion_3_tiny saw
            "caption_dropout": 0.1, "quotas": {"mnist": 3000, "fashion": 3000, "celeba": 11_000, "flowers": 8000},
            "emphasis": {"Eyeglasses": 5, "Eyeglasses -Male": 12, "Wearing_Hat": 2, "Gray_Hair": 2, "Blond_Hair": 2,
                         "Black_Hair": 2},
            "optimizer": {"name": "adamw", "weight_decay": 0.01, "use_ema": True, "ema_momentum": 0.9995, "global_clipnorm": 1.0},
            "learning_rate": {**_COSINE, "final_fraction": 0.01}, "batch_size": 64, "epochs": 90,
        },
    },
}  # fmt: skip
del RECIPES["stable_diffusion_3_small"]["start_seed"]


def _grown(epochs, **own):
    """A stage of a StyleGAN: so many epochs, at one rate all the while, since its averages settle what it sways by."""
    return {"epochs": epochs, "learning_rate": {**_COSINE, "initial": 2e-3, "warmup_epochs": 0.02, "final_fraction": 1.0}} | own


RECIPES["celeba-stylegan"] = {
    "kind": "gan", "net": "stylegan", "order": 8, "title": "Faces: a StyleGAN, grown from 4 to 64 pixels",
    "short": "Faces · StyleGAN", "source": f"{_HOML}; Karras et al. 2018, 2019, 2020",
    "data": "celeba", "judge": "faces_second", "beside_reconstructions": "celeba-vae", "image_shape": [64, 64, 3],
    "latent_size": 128, "mapping": 4, "widths": [128, 128, 96, 64, 32], "discriminator": [128, 128, 96, 64, 32],
    "mixing": 0.9, "faded": 0.3, "penalty": 5e-5, "augmentation": ["colour", "translation"], "flip": True,
    "optimizer": {"name": "adam", "beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8, "use_ema": True, "ema_momentum": 0.998},
    "batch_size": 32, "epoch_images": 8000, "patience": None, "seed": 0, "truncation": 0.7,
    "stages": {"4": _grown(8, batch_size=64), "8": _grown(16, batch_size=64), "16": _grown(24), "32": _grown(36), "64": _grown(80)},
    "known_failures": [], "note": "not shipped",
}  # fmt: skip

_STACKED = {"encoder": {"dense": [100], "code": "relu"}, "decoder": {"dense": [100], "output": "linear"}}


def _member(order, title, short, **own):
    """A member of the autoencoder family of Hands-On Machine Learning, ch. 17, all trained alike but for what is its `own`."""
    return {
        "kind": "ae", "net": "family", "order": order, "title": title, "short": short, "source": _HOML,
        "data": "fashion", "judge": "fashion", "image_shape": [28, 28, 1], "latent_size": 30, **_STACKED,
        "loss": {"reconstruction_loss": "mse", "reconstruction_weight": 1.0}, "examples": _CLOTHES,
        "optimizer": "nadam", "learning_rate": {**_COSINE, "epochs": 80}, "batch_size": 64, "epochs": 80,
        "validation": 5000, "patience": None, "seed": 42, **own,
    }  # fmt: skip


_BLURRED = "Squared error blurs; the linear output leaves [0, 1] and is clipped"
RECIPES |= {
    "fashion-linear-ae": _member(
        20, "Clothes: a linear autoencoder, which is PCA", "Clothes · linear", encoder={}, decoder={"output": "linear"},
        learning_rate={**_COSINE, "initial": 2e-3}, epochs=40, batch_size=256, known_failures=[
            "It can do what PCA does and no more: garments become sums of the same thirty ghosts", _BLURRED]),
    "fashion-stacked-ae": _member(21, "Clothes: a stacked autoencoder", "Clothes · stacked", tsne=5000, known_failures=[_BLURRED]),
    "fashion-tied-ae": _member(
        22, "Clothes: a stacked autoencoder with tied weights", "Clothes · tied", decoder={**_STACKED["decoder"], "tied": True},
        known_failures=[_BLURRED]),
    "fashion-greedy-ae": _member(
        23, "Clothes: a stacked autoencoder trained one layer at a time", "Clothes · layer by layer", layer_by_layer=True,
        encoder={**_STACKED["encoder"], "code_bias": 5.0}, decoder={**_STACKED["decoder"], "output": "sigmoid"},
        learning_rate={**_COSINE, "initial": 4e-3, "epochs": 80}, batch_size=256,
        known_failures=["The second layer never saw a picture: it reconstructs the first one's codes, not what matters on screen, "
                        "and its test error is above that of the same layers trained together", "Squared error blurs"],
        note="with the linear output that its sisters have, codes of codes can do what PCA does at best: 0.0161, against 0.0156"),
    "fashion-conv-ae": _member(
        24, "Clothes: a convolutional autoencoder", "Clothes · convolutional", encoder={"pooled": [16, 32, 64], "code": "relu"},
        decoder={"transposed": [32, 16], "output": "linear"}, epochs=24,
        learning_rate={**_COSINE, "initial": 2e-3, "warmup_epochs": 0.5}, known_failures=[
            "Its thirty codes are averages over the whole map, so that where things are must be told by how much there is of them",
            _BLURRED]),
    "fashion-denoising-ae": _member(
        25, "Clothes: an autoencoder that repairs pictures with holes", "Clothes · denoising, dropout",
        encoder={**_STACKED["encoder"], "noise": ["dropout", 0.5]}, pretraining=500, known_failures=[
            "It repairs what it was shown to repair: half of the pixels lost; other damage it meets with less skill", _BLURRED]),
    "fashion-denoising-gaussian-ae": _member(
        26, "Clothes: an autoencoder that cleans noisy pictures", "Clothes · denoising, noise",
        encoder={**_STACKED["encoder"], "noise": ["gaussian", 0.5]}, known_failures=[
            "It knows noise with standard deviation 0.5: of clean pictures it loses more than its sisters do", _BLURRED]),
    "fashion-sparse-l1-ae": _member(
        27, "Clothes: a sparse autoencoder, by l1", "Clothes · sparse, l1", latent_size=300,
        encoder={"dense": [100], "code": "sigmoid", "sparsity": ["l1", 1e-4]}, known_failures=[
            "Many of its 300 units are never on for any garment", _BLURRED]),
    "fashion-sparse-kl-ae": _member(
        28, "Clothes: a sparse autoencoder, by KL divergence", "Clothes · sparse, KL", latent_size=300, batch_size=256,
        encoder={"dense": [100], "code": "sigmoid", "sparsity": ["kl", 5e-3]}, known_failures=[_BLURRED]),
    "fashion-gan": {
        "kind": "gan", "order": 30, "title": "Clothes: the simple GAN, with its trouble", "short": "Clothes · simple GAN",
        "source": _HOML, "data": "fashion", "judge": "fashion", "image_shape": [28, 28, 1], "latent_size": 30,
        "generator": {"dense": [100, 150]}, "discriminator": {"dense": [150, 100]},
        "known_failures": ["It collapses, as simple GANs do: two outlines for all noises at first, later one, the rest forgotten",
                           "Its pictures are speckled: no layer of it knows which pixels are neighbours"],
        "optimizer": "rmsprop", "learning_rate": {"name": "plateau", "initial": 1e-4, "factor": 1.0, "after": 1},
        "batch_size": 32, "epochs": 50, "patience": None, "seed": 42, "drawn": 12,
        "note": "at Keras' own rate of 0.001 it collapsed to one picture in the first epoch, and never drew a garment",
    },
    "fashion-dcgan": {
        "kind": "gan", "order": 31, "title": "Clothes: a deep convolutional GAN", "short": "Clothes · DCGAN",
        "source": _HOML, "data": "fashion", "judge": "fashion", "image_shape": [28, 28, 1], "latent_size": 100,
        "generator": {"filters": [128, 64]}, "discriminator": {"filters": [64, 128], "names": 10},
        "known_failures": ["Nothing says which noise gives which garment, and there is no way from a picture to its noise",
                           "Straps, laces and prints are hinted at, not drawn",
                           "Between the kinds of garments it still draws what is none: of seven samples in ten the judge is sure, "
                           "of real ones of eight"],
        "optimizer": {"name": "adam", "beta_1": 0.5, "use_ema": True, "ema_momentum": 0.998},
        "learning_rate": {**_COSINE, "initial": 4e-4, "warmup_epochs": 0.5, "final_fraction": 0.05},
        "batch_size": 64, "epochs": 45, "patience": None, "seed": 42, "drawn": 12,
        "note": "its discriminator learns names only from the nineteenth epoch on; classes were to come equally often from "
        "the 25th, each picture to have one from the 43rd; the cosine was laid out for 9 epochs in the first 9, for 34 until the "
        "eighteenth, for 44 until the 24th, for 38 until the 33rd, for 42 until the 42nd, for 60 from there",
    },
    "fashion-cgan": {
        "kind": "gan", "order": 32, "title": "Clothes: a GAN that draws what it is asked for", "short": "Clothes · conditional GAN",
        "source": _HOML, "data": "fashion", "judge": "fashion", "image_shape": [28, 28, 1], "latent_size": 100, "conditional": True,
        "generator": {"filters": [128, 64]}, "discriminator": {"filters": [64, 128]},
        "known_failures": ["Shirts are drawn as what the judge itself takes for T-shirts, pullovers and coats"],
        "optimizer": {"name": "adam", "beta_1": 0.5, "use_ema": True, "ema_momentum": 0.998},
        "learning_rate": {**_COSINE, "initial": 4e-4, "warmup_epochs": 0.5, "final_fraction": 0.05},
        "batch_size": 64, "epochs": 12, "patience": None, "seed": 42, "drawn": 10,
        "truncation": 0.7,  # of what the plane draws by chance, as of faces
        "note": "the cosine was laid out for 14 epochs in the first 2, for 9 until the ninth, for 12 from there",
    },
}  # fmt: skip

JUDGES = {
    "digits": {
        "title": "Judge of digits", "data": "mnist", "image_shape": [28, 28, 1], "filters": [16, 32], "dense": 96,
        "optimizer": "adam", "learning_rate": _COSINE, "batch_size": 128, "epochs": 6, "seed": 0,
    },
    "fashion": {
        "title": "Judge of clothes", "data": "fashion", "image_shape": [28, 28, 1], "filters": [24, 48], "dense": 128,
        "optimizer": "adam", "learning_rate": _COSINE, "batch_size": 128, "epochs": 10, "seed": 0,
    },
    "faces": {
        "title": "Judge of faces", "data": "celeba", "image_shape": [64, 64, 3], "filters": [32, 64, 128, 256], "dense": 128,
        "multi_label": True, "stride": 2, "flip": True, "augment": 0.0, "reduced": [60, 200, 0.3], "dropout": 0.2,
        "emphasis": _FACES,
        "optimizer": "adam", "learning_rate": {**_COSINE, "initial": 2e-3, "warmup_epochs": 0.2, "epochs": 6}, "batch_size": 64,
        "epochs": 16, "seed": 0,
        "note": "of the 10 epochs before the last 6, at rates up to 0.001, half of the images were reduced and half blurred, all "
        "shifted a little, and 8 weighed all attributes alike: so glasses were hardly learned",
        "known_failures": [
            "Young and Attractive are opinions, and it takes most faces for young",
            "Of reconstructed faces it sees a third of the glasses: the rest is mostly blurred away",
        ],
    },
    "faces_second": {  # the witness: gives no gradient, chooses nothing, measures what `faces` helped to find
        "title": "Second judge of faces", "data": "celeba", "image_shape": [64, 64, 3], "filters": [32, 64, 128, 192], "dense": 96,
        "multi_label": True, "residual": 1, "flip": True, "augment": 0.04, "reduced": [40, 200, 0.3], "dropout": 0.3, "half": 1,
        "emphasis": {"Eyeglasses": 4.0, "Smiling": 2.0, "Male": 2.0, "Young": 2.0, "Blond_Hair": 2.0, "Black_Hair": 2.0},
        "optimizer": "adam", "learning_rate": {**_COSINE, "initial": 2e-3, "warmup_epochs": 0.5}, "batch_size": 64,
        "epochs": 16, "seed": 1,
        "known_failures": ["It learned from half of the training faces: of rare attributes it has seen a few hundred"],
    },
    "flowers": {
        "title": "Judge of flowers", "data": "flowers", "image_shape": [64, 64, 3], "filters": [32, 64, 128, 256], "dense": 128,
        "stride": 2, "flip": True, "augment": 0.1, "dropout": 0.4,
        "optimizer": "adam", "learning_rate": _COSINE, "batch_size": 64, "epochs": 40, "seed": 0,
    },
    "framing": {  # no classifier: finds the square of a face in a photograph (judges/framing.py)
        "title": "Framing of faces", "data": "celeba", "image_shape": [48, 48, 1], "filters": [16, 32, 64, 96], "dense": 80,
        "net": "framing", "textures": 600,
        "optimizer": "adam", "learning_rate": {**_COSINE, "initial": 2e-3}, "batch_size": 128, "epochs": 9, "seed": 0,
    },
}  # fmt: skip

KL_WEIGHTS = (0.0, 0.5, 1.0, 4.0)


def _with_kl_weight(weight):
    """`mnist-vae` but for the KL weight (and the epochs, the same for all four): what the slider over the KL term shows."""
    recipe = deepcopy(RECIPES["mnist-vae"])
    recipe.update(title=f"Digits: KL weight {weight:g}", epochs=6, snapshots=[], order=10, series=["KL weight", weight])
    recipe["loss"]["kl_weight"] = weight
    recipe["beside"] = None
    recipe["examples"] = recipe["known_failures"] = []
    return recipe


def recipe_names():
    """Every recipe, judges first, since the others are measured by them."""
    return [f"judges/{name}" for name in JUDGES] + list(RECIPES)


def recipe(name):
    """A copy of the recipe of a model, or of `judges/NAME`; KeyError naming the known ones."""
    if name not in recipe_names():
        raise UnknownName(f"no recipe {name!r}; there are {', '.join(recipe_names())}")
    if name.startswith("judges/"):
        return {"kind": "judge", **deepcopy(JUDGES[name.removeprefix("judges/")])}
    return deepcopy(RECIPES[name])


_JUDGES = {"mnist": "digits", "fashion": "fashion", "celeba": "faces", "flowers": "flowers"}
_USUAL = {"optimizer": "adam", "learning_rate": _COSINE, "batch_size": 128, "epochs": 10, "seed": 0, "validation": 0,
          "patience": None, "drawn": 10, "order": 15, "source": "one's own"}  # fmt: skip
_OF_ITS_OWN = ("name", "like", "title", "short", "order", "family", "series", "beside", "note", "snapshots", "known_failures",
               "examples")  # fmt: skip


def own(path):
    """(name, recipe) of one's own recipe, a JSON file: as `RECIPES` has them, or `like` one of these but for what it says.

    Its `name`, or else its file's, or the folder's of a recipe.json, is that of the checkpoint. Raises FileNotFoundError, or
    InputError naming what is missing or cannot be.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no recipe {path}")
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON that can be read: {error}") from None
    if not isinstance(said, dict):
        raise InputError(f'{path} must hold one object, as in {{"like": "mnist-vae", "latent_size": 3}}')
    name = str(said.get("name", path.resolve().parent.name if path.stem == "recipe" else path.stem))
    if not re.fullmatch(r"\w[\w.-]{0,79}", name, re.ASCII) or name in RECIPES or name == "judges":
        raise InputError(f'{path}: give it a name of its own of letters, digits, - and _, as in "name": "my-vae", got {name!r}')
    model = recipe(said["like"]) if isinstance(said.get("like"), str) else {}
    begun = {key: value for key, value in model.items() if key not in _OF_ITS_OWN}
    made = {
        "title": name,
        "known_failures": [],
        **_USUAL,
        **begun,
        **{key: said[key] for key in said if key not in ("name", "like")},
    }
    kind = generators.kind_of({"kind": None, **made})
    if kind is None or made["kind"] not in generators.KINDS:
        raise InputError(f'{path} does not say its kind: write "kind": "vae" (or ae, gan, diffusion), or "like": "mnist-vae"')
    if made.get("data") not in _JUDGES:
        raise InputError(f'{path}: data must be one of {", ".join(_JUDGES)}, as in "data": "fashion", got {made.get("data")!r}')
    made.setdefault("judge", _JUDGES[made["data"]])
    given = made.keys() | {"variational", "classes"}
    wanted = inspect.signature(kind.network.build).parameters.values()
    missing = [part.name for part in wanted if part.default is part.empty and part.name not in given]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}: write them as checkpoints/*/card.json has them under recipe")
    for key in ("epochs", "batch_size", "latent_size"):
        if key in made and not (isinstance(made[key], int) and made[key] > 0):
            raise InputError(f"{path}: {key} must be a whole number above 0, got {made[key]!r}")
    return name, made


def snapshot_recipe(recipe, epoch):
    """The recipe of the same run, cut after `epoch` epochs."""
    title = "Digits: before training" if epoch == 0 else f"Digits: after {epoch} epoch{'s' * (epoch > 1)}"
    return {
        **recipe,
        "title": title,
        "series": ["epoch", epoch],
        "order": 11,
        "snapshots": [],
        "examples": [],
        "known_failures": [],
    }


RECIPES |= {f"mnist-vae-kl-{weight:g}": _with_kl_weight(weight) for weight in KL_WEIGHTS}

RECIPES["celeba-vae-32"] = deepcopy(RECIPES["celeba-vae"]) | {  # the book's own size and weight; not shipped
    "title": "Faces at 32 x 32: a VAE with 200 dimensions", "short": "Faces · VAE, 32 x 32", "order": 12,
    "image_shape": [32, 32, 3], "known_failures": [], "learning_rate": _COSINE, "batch_size": 128, "epochs": 5,
    "note": "not shipped",
}  # fmt: skip
RECIPES["celeba-vae-32"]["loss"]["reconstruction_weight"] = 2000.0
del RECIPES["celeba-vae-32"]["shifted"]
