"""What is found on photographed pages, by judges that were trained on the data sets alone; `benchmarks/paper.py` has larger numbers."""

import io

import numpy as np
import pages
import pytest
from PIL import Image, ImageDraw

import explorer
from explorer import paper
from explorer.imaging import PictureError

N = 20  # pictures of a kind


@pytest.fixture(scope="module")
def digits():
    return explorer.judge("digits")


@pytest.fixture
def mnist(real_data):
    """Test digits and their labels, in a random order."""
    with np.load(real_data / "mnist.npz") as arrays:
        order = np.random.default_rng(7).permutation(10_000)[:200]
        return arrays["x_test"][order], arrays["y_test"][order]


def of(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def written(random, at=((200, 240),), side=90):
    """A page with sevens, 400 x 480, noisy: uint8."""
    page = Image.new("L", (400, 480), 225)
    for x, y in at:
        line = [(x - side // 3, y - side // 2), (x + side // 3, y - side // 2), (x - side // 6, y + side // 2)]
        ImageDraw.Draw(page).line(line, fill=40, width=side // 9, joint="curve")
    return np.clip(np.asarray(page) + random.normal(0, 3, (480, 400)), 0, 255).astype("uint8")


@pytest.mark.data
@pytest.mark.parametrize("kind", pages.DIGIT_PAGES)
def test_a_photographed_digit_is_read_as_written(kind, mnist, digits):
    x, y = mnist[0][:N], mnist[1][:N]
    seen = np.stack([paper.framed(pages.digits_page(kind, x[[i]], i), (28, 28, 1), "mnist") for i in range(N)])
    assert (digits(seen).argmax(1) == y).sum() >= (digits(x[..., None] / np.float32(255)).argmax(1) == y).sum() - 2


@pytest.mark.data
@pytest.mark.parametrize("kind", pages.BACKGROUNDS)
def test_a_garment_is_told_from_what_it_lies_on(kind, real_data):
    with np.load(real_data / "fashion_mnist.npz") as arrays:
        x, y = arrays["x_test"][:N], arrays["y_test"][:N]
    judge = explorer.judge("fashion")
    seen = np.stack([paper.framed(pages.garment_page(kind, x[i], i), (28, 28, 1), "fashion") for i in range(N)])
    assert (judge(seen).argmax(1) == y).mean() >= 0.7 * (judge(x[..., None] / np.float32(255)).argmax(1) == y).mean()


@pytest.mark.parametrize("kind", pages.DIGIT_PAGES)
def test_a_page_with_nothing_on_it_says_so(kind):
    with pytest.raises(PictureError, match="nothing to see"):
        paper.read(pages.digits_page(kind, np.empty((0, 28, 28), "uint8"), 0), "mnist")


EMPTY = {
    "half shadow": (41, 111, 5045),
    "ruled": (18, 5006, 5015),
    "squared": (14, 17, 42, 67, 94, 104, 5005, 5017, 5057),
    "thumb": (94, 5009),
}


@pytest.mark.parametrize(("kind", "seed"), [(kind, seed) for kind, seeds in EMPTY.items() for seed in seeds])
def test_what_is_printed_or_cast_on_a_page_is_nothing(kind, seed):
    """A shadow on paper of one value, a rule that leaves the page, rules hardly darker than noise, a finger's own shade."""
    with pytest.raises(PictureError, match="nothing to see"):
        paper.read(pages.digits_page(kind, np.empty((0, 28, 28), "uint8"), seed), "mnist")


def test_a_clean_drawing_may_reach_the_edge():
    page = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(page).line([(140, 0), (140, 279)], fill=0, width=100)  # wider than any stroke on paper
    assert paper.framed(of(np.asarray(page)), (28, 28, 1), "mnist").max() > 0.9


@pytest.mark.data
@pytest.mark.parametrize("kind", ["even", "frame", "chalk"])
def test_five_digits_are_offered_each_as_it_was_written(kind, mnist, digits):
    x, y = mnist[0][:5], mnist[1][:5]
    file = pages.digits_page(kind, x, 3)
    page = paper.read(file, "mnist")
    assert len(page.things) == 5
    seen = []
    for left, top, width, height in sorted(page.things):
        square = {"x": left + width / 2, "y": top + height / 2, "side": 1.2 * max(width, height)}
        seen.append(paper.framed(file, (28, 28, 1), "mnist", square))
    assert (digits(np.stack(seen)).argmax(1) == y).sum() >= 4


def test_the_square_chooses_what_is_framed():
    file = of(written(np.random.default_rng(0), [(100, 240), (300, 240)]))
    page = paper.read(file, "mnist")
    assert len(page.things) == 2
    for x in (100, 300):
        page = paper.read(file, "mnist", {"x": x, "y": 240, "side": 120})
        columns = np.flatnonzero(page.kept.any(0)) / page.kept.shape[1] * 400
        assert columns.min() > x - 45
        assert columns.max() < x + 45
    assert len(paper.read(file, "mnist", {"x": 200, "y": 240, "side": 390}).chosen) == 2
    with pytest.raises(PictureError, match="nothing within the square"):
        paper.read(file, "mnist", {"x": 200, "y": 60, "side": 50})


def test_where_it_was_found_is_said_in_pixels_of_the_picture_as_it_was_read():
    large = Image.fromarray(written(np.random.default_rng(0), side=150)).resize((1200, 1440))
    page = paper.read(of(np.asarray(large)), "mnist")
    box = np.array(page.things[0]) * 400 / page.size[0]
    assert box == pytest.approx([150, 165 - 8, 106, 158], abs=6)


def test_light_does_not_change_what_is_seen():
    page = written(np.random.default_rng(0)).astype(float)
    expected = paper.framed(of(page.astype("uint8")), (28, 28, 1), "mnist")
    falling = page * np.linspace(0.4, 1, 400)
    seen = paper.framed(of(falling.astype("uint8")), (28, 28, 1), "mnist")
    assert np.corrcoef(expected.ravel(), seen.ravel())[0, 1] > 0.97
