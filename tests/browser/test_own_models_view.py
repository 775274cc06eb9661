"""The app with models of one's own beside those of the registry: named on the command line, dragged in the page."""

import numpy as np
import pytest
from driver import App

from explorer import state


def save(path, d, shape):
    """A decoder sigmoid(z W) as a file; returns what it draws at a point, by NumPy: uint8 shape."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(d)
    decoder = keras.Sequential(
        [
            keras.Input((d,)),
            layers.Dense(int(np.prod(shape)), kernel_initializer="normal", activation="sigmoid"),
            layers.Reshape(shape),
        ]
    )
    decoder.layers[0].set_weights([40 * decoder.layers[0].get_weights()[0], decoder.layers[0].get_weights()[1]])
    decoder.save(path)
    kernel, bias = decoder.get_weights()
    return lambda z: np.rint(255 / (1 + np.exp(-(np.array(z) @ kernel + bias)))).reshape(shape)


def painted(view, shape):
    """The picture on screen at its own size, from the middles of its enlarged pixels: int (h, w, 3)."""
    large = view.canvas(".lx-picture")[..., :3].astype(int)
    rows, columns = (((np.arange(count) + 0.5) * side / count).astype(int) for count, side in zip(shape, large.shape, strict=False))
    return large[np.ix_(rows, columns)]


def test_two_models_of_ones_own_are_shown_and_dragged(tmp_path, page_of, gan_root):
    grey, colour = save(tmp_path / "grey.keras", 2, (20, 20, 1)), save(tmp_path / "colour.keras", 8, (32, 32, 3))
    options = [part for name in ("grey", "colour") for part in ("--model", tmp_path / f"{name}.keras")]
    app = App(tmp_path / "folder", gan_root.root, options)
    try:
        view = page_of(app.wait())
        view.open("model=grey")
        view.page.locator(".lx-models [data-model=colour]").wait_for(state="visible")
        view.until_z(view.drag((0, 0), (1, -1)), 0.01)
        view.eventually(lambda: np.abs(painted(view, (20, 20)) - grey(view.z)).max() <= 1)
        view.page.locator(".lx-models [data-model=colour]").click()
        view.until("link.get('model') === 'colour'")
        view.rest()
        before = view.z
        view.drag((0, 0), (0.5, 0.5))  # of the plane through three points
        view.until("link.get('z') !== argument", ",".join(map(state.number_text, before)))
        view.rest()
        assert painted(view, (32, 32)).std() > 0
        assert len(view.z) == 8
        assert not np.array_equal(colour(before), colour(view.z))
    finally:
        app.stop()


def test_a_picture_that_is_no_square_keeps_its_proportions(tmp_path, page_of, gan_root):
    tall = save(tmp_path / "tall.keras", 2, (24, 12, 3))
    app = App(tmp_path / "folder", gan_root.root, ["--model", tmp_path / "tall.keras"])
    try:
        view = page_of(app.wait())
        view.open("model=tall")
        middle = np.zeros((24, 24, 3), int)
        view.eventually(lambda: painted(view, (24, 24))[:, 6:18].any())
        middle[:, 6:18] = tall(view.z)
        view.eventually(lambda: np.abs(painted(view, (24, 24)) - middle).max() <= 1)
        view.page.goto(f"{app.url}/?view=morph&model=tall&corners=1;2;3;4&n=2&t=-1,1")
        view.page.locator(".lx-morph[data-ready=yes]").wait_for(state="attached")
        corner = view.page.locator(".lx-morph .lx-corners canvas").first
        view.eventually(lambda: corner.evaluate("canvas => [canvas.width, canvas.height]") == [12, 24])
        sheet = ".lx-morph .lx-plane canvas:not([role])"

        def backdrop():
            large = view.canvas(sheet)[..., :3].astype(int)
            at = ((np.arange(48) + 0.5) * len(large) / 48).astype(int)
            return large[np.ix_(at, at)]

        view.eventually(lambda: backdrop()[4:20, 8:16].std() > 5)
        assert backdrop()[2:22, 1:5].max() < 40, "black beside the picture of a cell"
    finally:
        app.stop()


def test_a_model_that_cannot_be_loaded_is_said_before_anything_is_served(tmp_path):
    (tmp_path / "bad.keras").write_bytes(b"no network")
    app = App(tmp_path / "folder", tmp_path, ["--model", tmp_path / "bad.keras"])
    with pytest.raises(RuntimeError, match="status 2:(?s:.*)no whole .keras file"):
        app.wait()
    app.process.stdout.close()
