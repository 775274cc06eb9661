"""The latent plane through three points, and GANs on it, whose layers are known: the oracle is NumPy."""

import numpy as np
import pytest
from driver import App
from playwright.sync_api import expect

from explorer import geometry, state, views
from explorer.views.latent_plane import pictures as plane_pictures


@pytest.fixture(scope="session")
def gan_app(tmp_path_factory, gan_root):
    app = App(tmp_path_factory.mktemp("gan_app") / "folder", gan_root.root)
    yield app.wait()
    app.stop()


@pytest.fixture
def view(gan_app, page_of, gans):
    return page_of(gan_app)


def seeded(seed, d=6):
    return np.round(np.random.default_rng(seed).standard_normal(d, dtype="float32").astype("float64"), 4)


def by_hand(a, b, c):
    """The plane through three points as its definition says: `z(x, y)`, and the window that shows them, (center, extent)."""
    u = (b - a) / np.sqrt(((b - a) ** 2).sum())
    v = (c - a) - ((c - a) @ u) * u
    v /= np.sqrt((v**2).sum())
    places = np.array([[(p - a) @ u, (p - a) @ v] for p in (a, b, c)])
    center = places.mean(0)
    return lambda x, y: a + x * u + y * v, (center, 1.25 * np.abs(places - center).max())


def figure(view, query):
    """The plane as `render` draws it, as large as the one on screen."""
    return plane_pictures.figure(views.complete(state.parse_strictly(query)), len(view.base())).astype(int)


def apart(one, other, n=45):
    """Root mean square of the differences between the means of n x n blocks, those at the edges left out, in 1/255."""
    k = len(one) // n
    means = [part[: k * n, : k * n].reshape(n, k, n, k, 3).mean((1, 3))[3:-3, 3:-3] for part in (one, other)]
    return float(np.sqrt(np.square(means[0] - means[1]).mean()))


def same(view, toy, z, label=None):
    """Whether the picture on screen is the one at z, but for rounding at the edge of a byte."""
    picture = toy.picture_bytes(z)[0] if label is None else rounded(toy, z, label)
    return np.abs(view.shown(8).astype(int) - picture).max() <= 1


def rounded(toy, z, label):
    logits = np.asarray(z) @ toy.kernel + toy.garments[label] + toy.bias
    return np.floor(255 / (1 + np.exp(-logits)) + 0.5).reshape(8, 8)


def test_a_gan_opens_on_the_plane_through_its_three_seeds(view, gan_root):
    view.open("model=gan")
    assert same(view, gan_root.gan, seeded(0))
    at, window = by_hand(*map(seeded, (0, 1, 2)))
    place = view.at(1.5, -0.5, *window)
    view.page.mouse.click(*place)
    view.until_z(at(*view.under(*place, *window)), 2e-3)
    assert same(view, gan_root.gan, view.z)
    assert view.link("corners") is None
    assert view.link("axes") is None
    expect(view.page.locator(".lx-near")).to_have_text(
        f"The discriminator: {round(100 * gan_root.gan.real(gan_root.gan.pictures(view.z))[0])} % real"
    )
    assert view.marks().any(), "1, 2 and 3 are marked"
    for gone in (".lx-pad", ".lx-legend", ".lx-scale"):
        expect(view.page.locator(gone)).to_be_hidden()
    expect(view.page.get_by_text("no way from a picture back to its noise").first).to_be_visible()


def test_other_three_points_make_another_plane_with_a_link_of_its_own(view, gan_root):
    view.open("model=gan")
    view.page.get_by_role("button", name="Other three points").click()
    view.until("link.has('corners')")
    view.rest()
    seeds = [int(seed) for seed in view.link("corners").split(";")]
    at, window = by_hand(*map(seeded, seeds))
    assert view.z == pytest.approx(seeded(seeds[0]), abs=1e-9)
    place = view.at(window[0][0] + 0.5, window[0][1] + 0.5, *window)
    view.page.mouse.click(*place)
    query = view.until_z(at(*view.under(*place, *window)), 2e-3)
    assert same(view, gan_root.gan, view.z)
    expected = figure(view, query)
    view.eventually(lambda: apart(view.base(), expected) < 4)
    assert apart(expected, figure(view, "model=gan")) > 8, "another plane is another picture"
    view.do("undo")  # the click
    view.until_z(seeded(seeds[0]))
    view.do("undo")
    view.until("!link.has('corners')")


def test_a_surprise_on_a_plane_through_three_points_is_truncated(view, gan_root):
    view.open("model=gan")
    view.page.locator("#latent-plane [data-truncation]").fill("0.5")
    view.do("dice")
    view.until("link.has('corners')")
    view.rest()
    point, second, third = view.link("corners").split(";")
    assert [second, third] == ["1", "2"]
    half = seeded(view.calls("draw_prior")[0]["seed"]) / 2
    assert [float(number) for number in point.split(",")] == pytest.approx(half, abs=1e-4)
    assert view.z == pytest.approx(half, abs=1e-4)
    assert same(view, gan_root.gan, view.z)


def test_an_axis_leaves_the_plane_and_the_button_comes_back(view, gan_root):
    view.open("model=gan")
    view.page.get_by_label("across").select_option("3")
    view.until("link.get('axes') === '3,1'")
    place = view.at(1, -1)
    view.page.mouse.click(*place)
    expected = seeded(0)
    expected[[3, 1]] = view.under(*place)
    view.until_z(expected, 1e-4)
    assert same(view, gan_root.gan, view.z)
    view.page.get_by_role("button", name="Three random points").click()
    view.until("link.has('corners') && !link.has('axes')")
    view.rest()


def test_the_sliders_of_the_plane_and_of_all_dimensions(view, gan_root):
    view.open("model=gan")
    at, _ = by_hand(*map(seeded, (0, 1, 2)))
    view.page.get_by_label("y on the plane").fill("1")
    y = float(view.page.get_by_label("y on the plane").input_value())
    view.until_z(at(0, y), 0.02)
    view.page.get_by_text("all 6 dimensions").click()
    view.page.get_by_label("z4", exact=True).fill("2")
    view.until("+link.get('z').split(',')[4] === 2")
    view.rest()
    assert same(view, gan_root.gan, view.z)


def test_a_conditional_gan_draws_the_garment_that_it_is_asked_for(view, gan_root):
    view.open("model=garments")
    garment = view.page.locator("#latent-plane").get_by_label("which garment")
    assert garment.locator("option").all_inner_texts() == ["a", "b", "c"]
    assert same(view, gan_root.garments, seeded(0), 0)
    garment.select_option("2")
    view.until("link.get('label') === '2'")
    view.eventually(lambda: same(view, gan_root.garments, seeded(0), 2))
    again = view.open(view.query())
    assert "label=2" in again
    assert same(view, gan_root.garments, seeded(0), 2)


def test_the_row_has_radios_and_a_list_for_the_rest(view):
    view.open("model=mnist-vae")
    row, more = view.page.locator("#latent-plane").get_by_role("radio"), view.page.get_by_label("more models")
    assert sorted(row.all_inner_texts()) == ["deep", "gan", "holes", "mnist-vae"]
    assert more.locator("option:not([hidden])").all_inner_texts() == ["garments"]
    more.select_option("garments")
    view.until("link.get('model') === 'garments'")
    view.rest()
    expect(more).to_have_value("garments")
    expect(view.page.locator("#latent-plane [role=radio][aria-checked=true]")).to_have_count(0)
    view.page.get_by_role("radio", name="deep").click()
    view.until("link.get('model') === 'deep'")
    view.rest()
    expect(more).to_have_value("")
    expect(view.page.locator(".lx-pad")).to_be_visible()


def test_three_points_of_a_model_with_encodings(view, gan_root):
    view.open("model=deep&corners=0,0,0,0;1,1,0,0;0,0,0,3")
    plane = geometry.Plane([0, 0, 0, 0], np.array([1, 1, 0, 0]) / np.sqrt(2), [0, 0, 0, 1])
    center, extent = (np.sqrt(2) / 3, 1), 2.5
    place = view.at(1, 2, center, extent)
    view.page.mouse.click(*place)
    view.until_z(plane.at(*view.under(*place, center, extent)).tolist(), 1e-3)
    assert same(view, gan_root.deep, view.z)
    view.page.get_by_role("button", name="hide points").click()
    view.until("link.get('points') === '0'")
    expected = figure(view, view.query())
    view.eventually(lambda: apart(view.base(), expected) < 4)
    expect(view.page.locator(".lx-near")).to_contain_text("Nearest encodings")
