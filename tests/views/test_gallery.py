"""The gallery of models: each has a figure that its card holds, and a group of its kind; lists are drawn."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints
from explorer.views.models import calls, gallery

NAMES = [card["name"] for card in checkpoints.models() if not card["series"]]


@pytest.mark.parametrize("name", [*NAMES, *(key for key in calls.cards() if key.startswith("judges/"))])
def test_each_has_a_figure_of_its_card_and_a_group(name):
    card = calls.cards()[name]
    value, yardstick, words, its_words, _ = gallery.figure(card)
    assert value in card["metrics"].values()
    assert words
    assert (yardstick is None) == (its_words is None) == (card["kind"] == "judge")
    if yardstick is not None:
        assert yardstick in card["metrics"].values()
    assert re.match(r"[A-Z]", gallery.group(card))


def test_the_page_holds_each_once_and_a_series_not():
    page = gallery.page(calls.cards(), "mnist-vae")
    found = re.findall(r'data-model="([^"]+)"', page)
    assert sorted(found) == sorted([*NAMES, *(key for key in calls.cards() if key.startswith("judges/"))])
    assert page.count('aria-current="true"') == 1
    assert "13 of a series" in page
    assert "<details" in page
    assert " open>" not in page
    assert " open>" in gallery.page(calls.cards())
    shares = [float(share) for share in re.findall(r"width: ([\d.]+)%", page)]
    assert max(shares) == 100
    assert min(shares) >= 0


def test_bars_in_a_group_have_one_scale():
    cards = {key: card for key, card in calls.cards().items() if gallery.group(card) == "Autoencoders of clothes"}
    page = gallery.page(cards)
    shares = {key: float(share) for key, share in re.findall(r'data-model="([^"]+)".*?em style="width: ([\d.]+)%', page, re.DOTALL)}
    errors = {key: card["metrics"]["mse_at_z_mean"] for key, card in cards.items()}
    assert len(shares) == len(errors) == 10
    factors = [shares[key] / errors[key] for key in shares]
    assert max(factors) == pytest.approx(min(factors), rel=0.01)


def test_lists_of_figures_are_drawn():
    card = calls.page("mnist-vae")
    by_class = checkpoints.card("mnist-vae")["metrics"]["prior_samples_by_class"]
    for name, number in by_class.items():
        assert f"<span>{name}</span>" in card
        assert f"<b>{number:,g}</b>" in card
    assert "0 0.1" not in card, "no list in words"
    assert card.count("<rect") == 0
    assert calls.page("celeba-vae").count("<rect") == 200, "more numbers than rows have room for"
    assert 'class="lx-inner"' in calls.page("celeba-vae")


def test_a_card_stands_beside_others_of_its_kind():
    card = calls.page("fashion-conv-ae")
    assert "Beside others of its kind" in card
    section = card.split("Beside others of its kind")[1].split("</section>")[0]
    assert section.count("class='lx-this'") == section.count("<ul")
    assert "Beside others" not in calls.page("mnist-vae"), "the only one of its kind"


def test_layers_are_named_by_what_they_are():
    card = calls.page("mnist-vae")
    assert "<td>convolution, 3 × 3, stride 2, ReLU</td><td>14 × 14 × 32</td><td>320</td>" in card
    assert not re.search(r"conv2d|dense_\d", card)


@pytest.mark.parametrize("name", ["mnist-vae", "fashion-cgan"])
def test_samples_are_drawn(name):
    assert calls.model_samples(name)["url"].startswith("data:image/jpeg;base64,")
    assert "error" in calls.model_samples("judges/digits")


def tiles(url, side):
    """The pictures that stand side by side in a data URL: float (n, side, side, 3) in [0, 1]."""
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")) / 255
    assert sheet.shape[0] == side
    return sheet.reshape(side, -1, side, 3).swapaxes(0, 1)


DRAWN = {"mnist-vae": {}, "fashion-conv-ae": {}, "fashion-dcgan": {}, "fashion-cgan": {"label": np.arange(6)}, "celeba-vae": {}}


def test_what_stands_on_a_card_was_drawn_by_its_model():
    shown, own = {}, {}
    for name, asked in DRAWN.items():
        assert calls.page(name).count(f'data-samples="{name}"') == 1
        generator = explorer.load(name)
        own[name] = np.asarray(generator.decode(generator.prior(6), **asked))
        shown[name] = tiles(gallery.samples(name), generator.image_shape[0])
    for name, pictures in shown.items():
        off = {other: np.abs(pictures - theirs).mean() for other, theirs in own.items() if theirs.shape[:3] == pictures.shape[:3]}
        assert off.pop(name) < 0.03, f"{name}: what a JPEG loses"
        assert min(off.values(), default=1) > 0.05, f"{name}: as another model draws them"


@pytest.mark.parametrize("name", ["fashion-ddpm", "flowers-diffusion", "celeba-refiner", "stable_diffusion_3_tiny"])
def test_a_slow_model_is_asked_for_what_its_card_says(name, monkeypatch):
    card, asked = checkpoints.card(name), {}
    noise = np.random.default_rng(0).random((6, 8, 8, 3), "float32")

    def decode(z, **settings):
        asked.update(settings, z=z)
        return np.kron(z, np.ones((1, 8, 8, 1), "float32"))

    stand_in = SimpleNamespace(card=card, prior=lambda n: noise[:n], decode=decode, image_shape=(64, 64, 3))
    monkeypatch.setattr(gallery, "shipped", {name: stand_in}.get)
    seen = tiles(gallery.samples.__wrapped__(name), 64)
    np.testing.assert_array_equal(asked.pop("z"), noise[: len(seen)])
    assert np.abs(seen.reshape(-1, 8, 8, 8, 8, 3).mean((2, 4)) - noise[: len(seen)]).mean() < 0.05
    assert asked.pop("steps") == min(card["sampling"]["steps"], 12)
    if "refines" in card:
        vae = explorer.load(card["refines"])
        np.testing.assert_allclose(asked.pop("given"), vae.decode(vae.prior(6)), atol=1e-5)
    if card["kind"] == "text-to-image":
        assert asked.pop("prompt") == card["prompts"][: len(seen)]
    if card.get("conditional"):
        assert asked.pop("label").tolist() == list(range(6))
    assert asked == {}
