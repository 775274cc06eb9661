"""What a notebook displays: by Pillow and an HTML parser; and the notebook of the tour, run as Jupyter runs it."""

import base64
import io
import json
import os
import resource
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.errors import InputError
from explorer.generators.base import Generator

TOUR = Path(explorer.__file__).parent / "notebooks" / "tour.ipynb"


def noise(*shape):
    return np.random.default_rng(0).random(shape, dtype="float32")


def png_of(shown):
    return np.asarray(Image.open(io.BytesIO(shown._repr_png_())))


@pytest.mark.parametrize(("n", "columns", "rows"), [(3, None, 1), (10, None, 1), (12, None, 3), (7, 3, 3), (2, 9, 1)])
def test_pictures_stand_in_rows(n, columns, rows):
    images = noise(n, 20, 30, 3)
    sheet = png_of(explorer.show(images, columns))
    wide = -(-n // rows)
    factor = (sheet.shape[0] + 2) // rows // 20
    assert sheet.shape == (rows * (20 * factor + 2) - 2, wide * (30 * factor + 2) - 2, 3)
    for i, image in enumerate(images):
        top, left = i // wide * (20 * factor + 2), i % wide * (30 * factor + 2)
        seen = sheet[top : top + 20 * factor : factor, left : left + 30 * factor : factor]
        np.testing.assert_array_equal(seen, np.round(image * 255))


def test_one_picture_can_be_shown_and_saved(tmp_path):
    image = noise(28, 28, 1)
    shown = explorer.show(image)
    assert "1 picture of 28 x 28" in repr(shown)
    np.testing.assert_array_equal(png_of(shown)[::4, ::4], np.round(image[..., 0] * 255))  # 128 // 28 times as large
    shown.save(tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes() == shown._repr_png_()
    with pytest.raises(InputError, match="must end in .png, got 'one.gif'"):
        shown.save(tmp_path / "one.gif")


@pytest.mark.parametrize(
    ("pictures", "columns", "words"),
    [
        (noise(4, 4), None, r"shape \(n, h, w, c\) or \(h, w, c\), c 1 or 3, got \(4, 4\)"),
        (noise(2, 4, 4, 2), None, "c 1 or 3"),
        (noise(0, 4, 4, 1), None, r"got \(0, 4, 4, 1\)"),
        (noise(2, 4, 4, 1) + 1, None, r"must lie in \[0, 1\]"),
        (np.full((1, 2, 2, 1), np.nan), None, "must lie in"),
        (noise(2, 4, 4, 1), 0, "columns must be a whole number from 1, got 0"),
        (noise(2, 4, 4, 1), 1.5, "columns"),
        (np.broadcast_to(np.float32(0), (1000, 1024, 1024, 1)), None, "64 megapixels, got 1000 pictures of 1024 x 1024"),
    ],
)
def test_what_cannot_be_shown_is_said(pictures, columns, words):
    with pytest.raises(InputError, match=words):
        explorer.show(pictures, columns)


def test_pictures_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="must be of one shape"):
        explorer.show([np.zeros((8, 8, 1)), np.zeros((9, 8, 1))])


def test_showing_imports_nothing_heavy(fresh_python):
    code = """
import sys, numpy, explorer
shown = explorer.show(numpy.zeros((2, 4, 4, 1)))
explorer.Path([0], [1])._repr_html_(), explorer.Plane([0], [1], [2])._repr_html_()
print(shown, [name for name in ("keras", "gradio", "tensorflow", "IPython") if name in sys.modules])
"""
    assert fresh_python(code).stdout == "<2 pictures of 4 x 4: .save(path) writes it> []\n"


class Seen(HTMLParser):
    """The text, the tags and the pictures of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.text, self.tags, self.pictures = "", set(), []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "img":
            self.pictures.append(base64.b64decode(dict(attributes)["src"].removeprefix("data:image/png;base64,")))

    def handle_data(self, data):
        self.text += data


def test_a_generator_shows_its_card_and_what_it_draws(gans):
    seen = Seen(explorer.load("mnist-vae")._repr_html_())
    assert all(words in seen.text for words in ("mnist-vae", "vae", "(2,) → (8, 8, 1)", "licence"))
    sheet = np.asarray(Image.open(io.BytesIO(seen.pictures[0])))
    draws = gans.digits.picture_bytes(explorer.load("mnist-vae").prior(8))
    np.testing.assert_array_equal(sheet[0:128:16, 0:128:16], draws[0])
    asked = np.asarray(Image.open(io.BytesIO(Seen(explorer.load("garments")._repr_html_()).pictures[0])))
    assert len(np.unique(asked.reshape(128, -1), axis=1).T) > 3
    assert "Judge: faces" in Seen(explorer.judge("faces")._repr_html_()).text


def test_what_samples_in_many_steps_waits_to_be_asked(diffusion_registry):
    seen = Seen(explorer.load("specks")._repr_html_())
    assert "specks" in seen.text
    assert not seen.pictures


def test_text_of_a_card_is_text():
    card = {"name": "<img src=x onerror=alert(1)>", "kind": "<b>vae</b>", "title": "</strong><script>", "data": "a & b",
            "licence": '"><svg>', "latent_shape": [2], "image_shape": [8, 8, 1]}  # fmt: skip
    seen = Seen(Generator(card, None)._repr_html_())
    assert seen.tags == {"div", "strong", "table", "tr", "th", "td"}
    assert all(str(value) in seen.text for key, value in card.items() if "shape" not in key)


def test_paths_and_planes_say_what_they_are():
    assert (
        "slerp, closed, between two points of shape (3,)"
        in Seen(explorer.Path([1, 0, 0], [0, 1, 0], "slerp", True)._repr_html_()).text
    )
    assert "flat, of points of shape (2,)" in Seen(explorer.Plane([0, 0], [1, 0], [0, 1])._repr_html_()).text
    corners = np.eye(4)
    assert "linear, among four points of shape (4,)" in Seen(explorer.Plane.corners(*corners)._repr_html_()).text


def test_the_tour_is_kept_without_outputs():
    cells = json.loads(TOUR.read_text("utf-8"))["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_the_tour_runs(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    for name in ("TMPDIR", "GRADIO_TEMP_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOUR.parents[2]), os.environ.get("PYTHONPATH", "")]))
    before, notebook = resource.getrusage(resource.RUSAGE_CHILDREN), nbformat.read(TOUR, 4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)  # of the processor: others may have it for longer
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output["data"] for output in outputs if "data" in output]
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"])))) for data in shown if "image/png" in data]
    assert len(pictures) == 7
    assert all(picture.std() > 20 for picture in pictures)
    assert any("mnist-vae" in data.get("text/html", "") for data in shown)
    assert 'height="820"' in shown[-1]["text/html"]  # the page itself, below the last cell
    assert "http://127.0.0.1:" in shown[-1]["text/html"]
    assert took < 60, f"{took:.0f} s"
