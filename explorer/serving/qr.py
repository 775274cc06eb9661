"""QR codes, as SVG in the browser's own black on white."""

from explorer.errors import InputError

MOST = 1200  # letters: what a phone still reads from the last row, and a decoder from a print


def svg(text):
    """The QR code of a text of at most `MOST` letters, as an SVG without a size of its own; InputError for a longer one."""
    if len(text) > MOST:
        raise InputError(f"This link has {len(text):,} characters, too many for a QR code that can be read: copy the link instead.")
    import segno

    return segno.make(text, error="l", micro=False).svg_inline(border=4, light="#fff", omitsize=True)
