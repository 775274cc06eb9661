"""What turns latents into pictures: which kinds of models there are, and what can be said of one before anything is loaded.

Importing this imports no Keras; a kind's class is imported when it is first asked for.
"""

from dataclasses import dataclass, replace
from importlib import import_module


@dataclass(frozen=True)
class Kind:
    """A kind of model: the module that holds its network and its class, as dotted names, and what its models can do.

    `encodes`: they have an encoder, and encodings of pictures lie beside them; `has_prior`: what they draw from, N(0, I) for most,
    is part of how they were trained, not fitted afterwards.
    """

    module: str
    name: str
    encodes: bool = False
    has_prior: bool = True

    @property
    def network(self):
        """The module, imported: its `build` makes an untrained network from a recipe's data."""
        return import_module(self.module)

    @property
    def made(self):
        """The class, imported: made of (card, model, files), it knows how its model is loaded from its files."""
        return getattr(self.network, self.name)


# by a card's kind, and below by what makes a model another than its kind says
KINDS = {
    "ae": Kind("explorer.generators.autoencoder", "AutoencoderGenerator", encodes=True, has_prior=False),
    "vae": Kind("explorer.generators.autoencoder", "AutoencoderGenerator", encodes=True),
    "gan": Kind("explorer.generators.gan", "GanGenerator"),
    "diffusion": Kind("explorer.generators.diffusion", "DiffusionGenerator"),
    "text-to-image": Kind("explorer.generators.text_to_image", "TextToImageGenerator"),
    "net: family": Kind("explorer.generators.autoencoder_variants", "VariantGenerator", encodes=True, has_prior=False),
    "net: stylegan": Kind("explorer.generators.stylegan", "StyleganGenerator"),
    "refines": Kind("explorer.generators.refiner", "RefinerGenerator"),
}
OWN = Kind("explorer.generators.own", "OwnGenerator")  # networks that others made; their cards say `own`


def kind_of(card, kinds=KINDS):
    """The `Kind` of a card or a recipe (dict); None for one that this version does not know, and for judges.

    A recipe's `net`, or what its model `refines`, says more than its kind does. One's own model has what its card says it has.
    """
    if card.get("own") and kinds is KINDS:
        return replace(OWN, encodes=card["encodings"], has_prior=KINDS[card["kind"]].has_prior)
    recipe = card.get("recipe") or card
    keys = (f"net: {recipe.get('net')}", *(key for key in ("refines",) if recipe.get(key)), card.get("kind"))
    return next((kinds[key] for key in keys if key in kinds), None) if card.get("kind") in kinds else None


def has_encodings(card):
    """Whether encodings of pictures lie beside a card's model, so that places of its latent space can be found among them."""
    kind = kind_of(card)
    return kind is not None and kind.encodes


def has_encoder(card):
    """Whether a card's model can be asked where a picture lies in its latent space."""
    return bool(card["encoder"]) if card.get("own") else has_encodings(card)
