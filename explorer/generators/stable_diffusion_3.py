"""A Stable Diffusion 3 of any size, untrained: KerasHub's own parts and a tokenizer for the words that it is to know.

Esser et al. 2024 (arXiv:2403.03206); *Deep Learning with Python*, 3rd ed., ch. 17. Sizes come from a recipe, which is data.
"""

import re
from collections import Counter

from keras import ops
from keras_hub.src.models.vae.vae_backbone import VAEBackbone  # exported nowhere else

from explorer.generators.kerashub import keras_hub

START, END = "<|startoftext|>", "<|endoftext|>"
# CLIP's own split of a text into what it merges letters within, for ASCII
_PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")


def build_vae(filters, blocks, latent_channels, scale=1.0, shift=0.0):
    """The autoencoder of the latents, (n, h, w, 3) in [-1, 1] -> (n, h/8, w/8, latent_channels): four `filters`, from the
    highest resolution down, multiples of 32; `blocks`: residual blocks at each, in the encoder and in the decoder.
    """
    encoder_blocks, decoder_blocks = blocks
    return VAEBackbone(
        encoder_num_filters=list(filters), encoder_num_blocks=list(encoder_blocks), decoder_num_filters=list(filters[::-1]),
        decoder_num_blocks=list(decoder_blocks), sampler_method="mode", sample_channels=2 * latent_channels, scale=scale,
        shift=shift, name="vae",
    )  # fmt: skip


def build(recipe, words, vae=None):
    """The whole: a `keras_hub.models.StableDiffusion3TextToImage` with a `vae` or an untrained one.

    `recipe`: `image_shape` and the parts' sizes `vae`, `text`, `mmdit`; `words`: what its tokenizer knows as one token each.
    """
    vae = vae or build_vae(**recipe["vae"])
    text, mmdit = recipe["text"], recipe["mmdit"]
    tokenizer = build_tokenizer(words)
    encoders = {
        name: keras_hub.models.CLIPTextEncoder(
            vocabulary_size=tokenizer.vocabulary_size(), embedding_dim=text["width"], hidden_dim=text["width"],
            num_layers=text["layers"], num_heads=text["heads"], intermediate_dim=4 * text["width"], intermediate_output_index=-2,
            max_sequence_length=text["length"], name=name,
        )
        for name in ("clip_l", "clip_g")
    }  # fmt: skip
    backbone = keras_hub.models.StableDiffusion3Backbone(
        mmdit_patch_size=1, mmdit_hidden_dim=mmdit["width"], mmdit_num_layers=mmdit["layers"], mmdit_num_heads=mmdit["heads"],
        mmdit_position_size=16, mmdit_qk_norm="rms_norm", mmdit_dual_attention_indices=None, vae=vae, **encoders,
        latent_channels=recipe["vae"]["latent_channels"], shift=1.0, image_shape=tuple(recipe["image_shape"]),
    )  # fmt: skip
    start_at_zero(backbone.diffuser)
    preprocess = [
        keras_hub.models.CLIPPreprocessor(build_tokenizer(words), sequence_length=text["length"], to_lower=False)
        for _ in encoders  # the tokenizer itself makes letters small
    ]
    return keras_hub.models.StableDiffusion3TextToImage(
        backbone, keras_hub.models.StableDiffusion3TextToImagePreprocessor(*preprocess)
    )


def start_at_zero(diffuser):
    """Zero what scales each block's share and the output, as Peebles and Xie 2023 (section 3.2) do; KerasHub draws them."""
    for layer in diffuser._flatten_layers():
        if layer.name == "output_dense" or layer.name.endswith("ada_layer_norm"):
            dense = getattr(layer, "dense", layer)
            for weight in dense.weights:
                weight.assign(ops.zeros_like(weight))


def build_tokenizer(words):
    """CLIP's tokenizer with a vocabulary of its own: every byte, and merges by which each of `words` becomes one token."""
    letters = list(_bytes_as_letters().values())
    merges = learn_merges(_PIECES.findall(" ".join(words).lower()))
    tokens = dict.fromkeys([*letters, *(letter + "</w>" for letter in letters), *(a + b for a, b in merges), START, END])
    return keras_hub.models.CLIPTokenizer(  # the end token comes last: CLIP finds it as the highest id
        {token: i for i, token in enumerate(tokens)}, [f"{a} {b}" for a, b in merges], pad_with_end_token=True
    )


def learn_merges(words):
    """Byte-pair encoding (Sennrich et al. 2016) until every word is one token: the pairs in the order in which they merge."""
    counts = Counter(words)
    spelled = {word: (*word[:-1], word[-1] + "</w>") for word in sorted(counts)}
    merges = []
    while pairs := Counter(pair for parts in spelled.values() for pair in zip(parts, parts[1:], strict=False)):
        best = max(sorted(pairs), key=pairs.get)
        merges.append(best)
        spelled = {word: _merged(parts, best) for word, parts in spelled.items()}
    return merges


def _merged(parts, pair):
    out = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return tuple(out)


def _bytes_as_letters():
    """GPT-2's printable letter for every byte (Radford et al. 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(rest)}
