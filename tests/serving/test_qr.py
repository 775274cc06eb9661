"""QR codes of links are read back by another library's decoder."""

import re

import cv2
import numpy as np
import pytest

from explorer.errors import InputError
from explorer.serving import qr

STEP = re.compile(r"([Mmh])(-?[\d.]+)(?: ?(-?[\d.]+))?")


def raster(svg, scale=8):
    """The pixels that the SVG's path covers: uint8 (h, w), black on white."""
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])
    cells, x, y = np.full((side, side), 255, "uint8"), 0.0, 0.0
    for step, first, second in STEP.findall(re.search(r'class="qrline"[^>]* d="([^"]+)"', svg)[1]):
        if step == "h":
            cells[int(y), int(x) : int(x + float(first))] = 0
            x += float(first)
        else:
            x, y = (float(first), float(second)) if step == "M" else (x + float(first), y + float(second))
    return cells.repeat(scale, 0).repeat(scale, 1)


@pytest.mark.parametrize(
    "state", ["model=mnist-vae&z=0.5,-1", "view=text-to-image&prompt=a%20rose%20%26%20a%20d%C3%A9%21&seed=4294967295"]
)
def test_a_link_is_read_back(state):
    link = f"https://there.example/explorer/?{state}"
    assert cv2.QRCodeDetector().detectAndDecode(raster(qr.svg(link)))[0] == link


def test_what_cannot_be_read_from_the_last_row_is_refused():
    assert qr.svg("x" * qr.MOST).startswith("<svg")
    with pytest.raises(InputError, match="1,201 characters"):
        qr.svg("x" * (qr.MOST + 1))
