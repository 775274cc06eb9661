"""From a state of "Why a VAE?" to its pictures: what each row is, by NumPy, and what bad states are told."""

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints, data, imaging, views
from explorer.state import CHAPTERS, StateError, parse_strictly
from explorer.views.why_a_vae import pictures as why


def complete(query):
    return why.complete(parse_strictly(query))


def test_the_chapters_of_links_and_of_the_view_are_the_same():
    assert tuple(why.CHAPTERS) == CHAPTERS == tuple(why.MEMBERS)


@pytest.mark.parametrize(
    ("query", "words"),
    [("chapter=dinner", "chapter must be one of linear"), ("chapter=gans&model=fashion-vae", "model must be one of fashion-gan"),
     ("chapter=gans&model=fashion-cgan&label=12", "garment from 0 to 9"), ("chapter=denoising&amount=0.97", "at most 0.95"),
     ("chapter=denoising&amount=7", "from 0 to 1"), ("chapter=denoising&noise=rain", "dropout, gaussian"),
     ("chapter=linear&z=1,1", "z means nothing in chapter linear"), ("chapter=holes&z=1,1", "4 numbers"), ("chapter=codings&z=1", "2 numbers"),
     ("chapter=holes&hidden=1", "only codings has a map"), ("chapter=linear&extent=1", "only codings has a map"),
     ("chapter=codings&hidden=3,12", "garments from 0 to 9, got 3,12"),
     ("chapter=sparse&epoch=3", "epoch needs a GAN"), ("chapter=gans&epoch=9999", "from 1 to"), ("source=photographs", "drawn, test"), ("seed=-1", "seed must be")],
)  # fmt: skip
def test_a_bad_state_is_told_what_it_may_be(query, words):
    with pytest.raises(StateError, match=words):
        complete(query)


def test_test_images_that_are_not_here_are_not_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    with pytest.raises(StateError, match="fashion_mnist.npz in EXPLORER_DATA"):
        complete("source=test")


def test_test_images_that_are_here_are_shown_one_of_each_class(monkeypatch, small_data):
    monkeypatch.setenv("EXPLORER_DATA", str(small_data))
    images, labels = data.load("fashion", "test")
    for label, image in enumerate(why.garments(complete("source=test&seed=3"))):
        which = [i for i in range(len(images)) if np.array_equal(images[i], image)]
        assert which
        assert all(labels[i] == label for i in which)


@pytest.mark.parametrize("amount", [0.2, 0.9])
def test_noise(amount):
    images = np.full((100, 28, 28, 1), 0.5, "float32")
    lost = why.corrupted(images, "dropout", amount)
    assert (lost == 0).mean() == pytest.approx(amount, abs=0.01)
    assert lost[lost > 0] == pytest.approx(0.5 / (1 - amount))
    noisy = why.corrupted(images, "gaussian", amount)
    assert (noisy.mean(), noisy.std()) == (pytest.approx(0.5, abs=0.01), pytest.approx(amount, rel=0.01))
    np.testing.assert_array_equal(noisy, why.corrupted(images, "gaussian", amount))
    assert np.abs(noisy - why.corrupted(images, "gaussian", amount, seed=1)).max() > 0.1


def test_thirty_components_leave_what_they_span():
    stored = checkpoints.arrays(why.LINEAR, checkpoints.PCA)
    components = stored["components"].astype("float64")
    image = stored["mean"] + 0.3 * components[0] - 0.2 * components[7]
    found = why.by_pca(image.reshape(1, 28, 28, 1).astype("float32"))
    np.testing.assert_allclose(found.ravel(), np.clip(image, 0, 1), atol=2e-3)


def test_the_first_layer_alone_is_better_than_both():
    """The second layer can only lose of what the first kept."""
    images = why.garments(complete(""))
    alone, both = explorer.load(why.GREEDY).first_layer_only(images), why.reconstructed(why.GREEDY, images)
    assert np.square(alone - images).mean() < np.square(both - images).mean() < 0.05


def test_a_model_of_larger_pictures_is_given_its_margin_and_cropped():
    images = why.garments(complete(""))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    whole = explorer.load("fashion-ae").reconstruct(padded)
    np.testing.assert_array_equal(why.reconstructed("fashion-ae", images), whole[:, 2:-2, 2:-2])


def test_noisy_pictures_can_be_reconstructed_and_others_cannot():
    model = explorer.load("fashion-denoising-ae")
    noisy = np.full((1, 28, 28, 1), 1.8)
    codes = model.model.encoder.predict_on_batch(noisy.astype("float32"))
    np.testing.assert_array_equal(model.reconstruct(noisy), model.decode(codes))
    with pytest.raises(ValueError, match="finite"):
        model.reconstruct(noisy * np.nan)
    with pytest.raises(ValueError, match="28, 28, 1"):
        model.reconstruct(np.zeros((1, 8, 8, 1)))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_has_its_rows(chapter):
    state = complete(f"chapter={chapter}")
    rows = why.rows(state)
    assert all("error" not in row for row in rows)
    expected = {"gans": 1, "arithmetic": 4, "linear": 3, "deeper": 7, "denoising": 4}
    assert len(rows) == expected.get(chapter, 1 + len(why.MEMBERS[chapter]))
    for row in rows:
        assert 0 <= row["images"].min() <= row["images"].max() <= 1
        assert row["images"].std() > 0.02


def test_a_missing_model_leaves_its_row_out_and_no_other(monkeypatch, tmp_path):
    names = ("fashion-cgan", "fashion-linear-ae", "fashion-stacked-ae", "fashion-greedy-ae", "fashion-conv-ae")
    for name in names:
        (tmp_path / name).symlink_to(checkpoints.root() / name)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    rows = why.rows(complete("chapter=deeper"))
    assert [row["title"] for row in rows if "error" in row] == ["fashion-tied-ae"]
    assert "checkpoints/fashion-tied-ae is not here" in next(row["error"] for row in rows if "error" in row)


def test_the_sum_is_a_minus_b_plus_c():
    parts, seen = why.arithmetic(complete("chapter=arithmetic&seed=5"))
    model, judge = explorer.load("celeba-vae"), explorer.judge("faces_second")
    assert [len(images) for _, images in parts] == [4, 4, 4, 9]
    gallery = checkpoints.encodings("celeba-vae")
    decoded = model.decode(gallery.z_mean)
    means = []
    for _, images in parts[:3]:  # which faces of the gallery they are, found by their pictures
        which = [int(np.abs(decoded - image).mean((1, 2, 3)).argmin()) for image in images[:3]]
        means.append(gallery.z_mean[which].mean(0))
        np.testing.assert_allclose(images[3], model.decode(means[-1][None])[0], atol=1e-4)
    total = model.decode((means[0] - means[1] + means[2])[None])
    np.testing.assert_allclose(parts[3][1][4], total[0], atol=1e-3)
    names = checkpoints.card("celeba-vae")["attributes"]
    judged = judge(total)[0]
    assert seen["glasses"] == pytest.approx(judged[names.index("Eyeglasses")], abs=0.02)
    assert seen["woman"] == pytest.approx(1 - judged[names.index("Male")], abs=0.02)


def test_a_gans_row_is_of_the_garment_that_was_asked_for():
    state = complete("chapter=gans&model=fashion-cgan&label=8&seed=2")
    images, artist = why.drawn(state), explorer.load("fashion-cgan")
    np.testing.assert_array_equal(images, artist.decode(artist.prior(10, 2), label=8))
    assert (explorer.judge("fashion")(images).argmax(1) == 8).mean() > 0.7
    np.testing.assert_allclose(why.verdicts(state, images), artist.verdict(images, 8))


@pytest.mark.parametrize(
    ("query", "rows", "columns"), [("chapter=linear", 3, 10), ("chapter=gans", 1, 10), ("chapter=arithmetic", 3, 7)]
)
def test_a_link_becomes_a_file(query, rows, columns, tmp_path):
    file = tmp_path / "rows.png"
    file.write_bytes(views.render(parse_strictly(f"view=why-a-vae&{query}&size=56"), "png"))
    assert parse_strictly(imaging.state_of(file.read_bytes())) == parse_strictly(f"view=why-a-vae&{query}&size=56")
    with Image.open(file) as picture:
        assert picture.size == (56 * columns + 4 * (columns - 1), 56 * rows + 4 * (rows - 1))


def test_a_chapter_without_pictures_says_so():
    with pytest.raises(StateError, match="no pictures"):
        views.render(parse_strictly("view=why-a-vae&chapter=labels"), "png")
