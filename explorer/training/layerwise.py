"""Trains a stacked autoencoder one layer at a time: each layer as an autoencoder of its own, on the codes of the one before.

*Hands-On Machine Learning*, 3rd ed., ch. 17; the greedy training of Hinton and Salakhutdinov 2006.
"""

from pathlib import Path

import keras
import numpy as np

from explorer.training import building, feeding, runs


def fit(recipe, folder, data_folder=None, preview=None, out=None):
    """As `runs.fit`; the last layer's history, with those before as `layer 1 loss` and so on, their seconds before its own."""
    training, watched = (some and some[0] for some in feeding.split(recipe, data_folder))
    widths = [*recipe["encoder"]["dense"], recipe["latent_size"]]
    histories, layers = [], []
    for i, width in enumerate(widths):
        stage = layer_recipe(recipe, i)
        keras.utils.set_random_seed(stage["seed"])
        model = building.build(stage)
        batches = {"x": training, "batch_size": recipe["batch_size"]}
        histories.append(runs.run(stage, Path(folder, f"layer-{i + 1}"), model, batches, (watched,), out=out))
        model = balanced(building.trained(stage, Path(folder, f"layer-{i + 1}", runs.BEST)))
        layers.append(model)
        training, watched = (
            model.encoder.predict(images, batch_size=1000, verbose=0).reshape(len(images), 1, 1, width)
            for images in (training, watched)
        )  # fmt: skip
    whole = nested(recipe, layers)
    if preview:
        preview(whole, len(histories[-1]["loss"]))
    history = dict(histories[-1])
    for i, before in enumerate(histories[:-1]):
        history |= {f"layer {i + 1} loss": before["loss"], f"val_layer {i + 1} loss": before["val_loss"]}
    history["seconds"] = [second for some in histories for second in some["seconds"]]
    return whole, history


def layer_recipe(recipe, i):
    """The recipe of the autoencoder that trains layer i: of pictures if i is 0, else of the codes before, as pictures of one pixel.

    The first one's output is the recipe's; of codes it is linear: in the whole a ReLU follows, which can only bring it nearer to
    codes that a ReLU gave.
    """
    widths = [*recipe["encoder"]["dense"], recipe["latent_size"]]
    shape = recipe["image_shape"] if i == 0 else [1, 1, widths[i - 1]]
    encoder = {"code": "relu", "code_bias": recipe["encoder"].get("code_bias", 0.0) if i else 0.0}
    decoder = {"output": "linear" if i else recipe["decoder"]["output"]}
    return recipe | {"image_shape": shape, "latent_size": widths[i], "encoder": encoder, "decoder": decoder,
                     "layer_by_layer": False, "seed": recipe["seed"] + i}  # fmt: skip


def balanced(model):
    """The same function with decoder rows of equal length, each ReLU code multiplied by what its row is divided by; in place.

    So the next layer's squared error weighs a code by how far it reaches in what this layer decodes.
    """
    *before, kernel, bias = model.encoder.get_weights()
    rows, *after = model.decoder.get_weights()
    lengths = np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
    factors = lengths / lengths.mean()
    model.encoder.set_weights([*before, kernel * factors, bias * factors])
    model.decoder.set_weights([rows / factors[:, None], *after])
    return model


def nested(recipe, layers):
    """The stacked autoencoder of what the layers learned: encoders from the first to the last, then decoders back."""
    whole = building.build(recipe | {"layer_by_layer": False})
    whole.encoder.set_weights([weight for model in layers for weight in model.encoder.get_weights()])
    whole.decoder.set_weights([weight for model in reversed(layers) for weight in model.decoder.get_weights()])
    return whole
