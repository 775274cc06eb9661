"""What generated pictures are measured by, and what finds faces in photographs: they are no generators, and make no pictures.

As of generators, a class is imported when it is first asked for.
"""

from explorer.generators import Kind
from explorer.generators import kind_of as _kind_of

KINDS = {
    "judge": Kind("explorer.judges.classifier", "Judge"),
    "net: framing": Kind("explorer.judges.framing", "Framer"),
}


def kind_of(card):
    """The `Kind` of a judge's card or recipe (dict); None for what is no judge."""
    return _kind_of(card, KINDS)
