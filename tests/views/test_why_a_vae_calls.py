"""The server functions of "Why a VAE?", called as a script would call them."""

import base64
import time

import numpy as np
import pytest

from explorer import checkpoints
from explorer.serving import calls as serving
from explorer.state import parse_strictly
from explorer.views.why_a_vae import calls
from explorer.views.why_a_vae import pictures as why


def picture(text, shape=(28, 28, 1)):
    return np.frombuffer(base64.b64decode(text), "uint8").reshape(shape)


def test_rows_are_the_pictures_of_the_state():
    answer = calls.family_rows("view=why-a-vae&chapter=deeper&seed=4")
    rows = why.rows(why.complete(parse_strictly("chapter=deeper&seed=4")))
    assert [row["title"] for row in answer["rows"]] == [row["title"] for row in rows]
    for shown, row in zip(answer["rows"], rows, strict=True):
        for text, image in zip(shown["pictures"], row["images"], strict=True):
            assert np.abs(picture(text) / 255 - image).max() <= 0.51 / 255


def test_the_figures_under_a_row_are_its_cards():
    words = {row["title"]: row["words"] for row in calls.family_rows("chapter=deeper")["rows"]}
    card = checkpoints.card("fashion-tied-ae")
    assert words["A stacked autoencoder with tied weights"] == (
        f"30 codes · 82,414 parameters · test MSE {card['metrics']['mse_before_clipping']:.4f}"
    )


def test_a_slider_is_answered_as_the_rows_are():
    state = why.complete(parse_strictly("chapter=denoising&noise=gaussian&amount=0.7&seed=9"))
    image = (255 * why.garments(state)[2:3]).round().astype("uint8")
    request = {"noise": "gaussian", "amount": 0.7, "seed": 9, "pixels": base64.b64encode(image.tobytes()).decode()}
    answer = calls.repaired_picture(request)
    noisy = why.corrupted(image.astype("float32") / 255, "gaussian", 0.7, 9)
    np.testing.assert_array_equal(picture(answer["noisy"]), np.floor(np.clip(noisy[0], 0, 1) * 255 + 0.5))
    repaired = why.reconstructed("fashion-denoising-gaussian-ae", noisy)[0]
    assert np.abs(picture(answer["repaired"]) / 255 - repaired).max() <= 0.51 / 255
    assert np.abs(picture(answer["pca"]) / 255 - why.by_pca(noisy)[0]).max() <= 0.51 / 255


@pytest.mark.parametrize(
    ("change", "words"),
    [({"amount": 2}, "amount must be"), ({"noise": "rain"}, "noise must be"), ({"pixels": "AAAA"}, "28 x 28"), ({"seed": "x"}, "seed must be")],
)  # fmt: skip
def test_bad_requests_of_the_slider_are_told_what_they_may_be(change, words):
    request = {"noise": "dropout", "amount": 0.5, "seed": 0, "pixels": base64.b64encode(bytes(784)).decode()} | change
    assert words in calls.repaired_picture(request)["error"]


def test_the_histograms_are_of_all_codes():
    for fact in calls.facts("holes").values():
        for shares, inside in zip(fact["histograms"], fact["inside"], strict=True):
            assert sum(shares) == pytest.approx(inside, abs=0.003)
    vae = calls.facts("holes")["fashion-vae-10d"]
    middles = (calls.BINS[1:] + calls.BINS[:-1]) / 2
    for shares in vae["histograms"]:  # sampled, each is nearly a standard normal
        assert np.dot(shares, middles**2) == pytest.approx(1, abs=0.25)
    for fact in calls.facts("sparse").values():
        assert sum(fact["activations"]) == pytest.approx(1, abs=0.01)
        assert sum(fact["units"]) == pytest.approx(1, abs=0.01)


def test_a_point_of_the_map_is_a_code_that_is_decoded():
    codes = checkpoints.encodings("fashion-stacked-ae")
    answer = calls.coded_picture(["fashion-stacked-ae", 17])
    image = checkpoints.load("fashion-stacked-ae").decode(codes.z_mean[17:18])[0]
    assert np.abs(picture(answer["pixels"]) / 255 - image).max() <= 0.51 / 255
    assert answer["label"] == codes.labels[17]
    assert "has the encodings 0 to" in calls.coded_picture(["fashion-stacked-ae", 10**7])["error"]
    assert "on attributes, not on classes" in calls.coded_picture(["celeba-vae", 0])["error"]


def test_a_map_is_computed_anew_with_progress(follow):
    job = calls.start_map({"model": "fashion-stacked-ae", "perplexity": 10, "points": 200})["job"]
    events = follow(job)
    iterations = [event["iteration"] for event in events if "iteration" in event]
    assert iterations == sorted(iterations)
    assert iterations[:2] == [50, 100]
    points = np.frombuffer(base64.b64decode(events[-1]["points"]), "<i2").reshape(-1, 2) * events[-1]["step"]
    labels = np.frombuffer(base64.b64decode(events[-1]["labels"]), "uint8")
    assert points.shape == (200, 2)
    distances = np.square(points[:, None] - points[None]).sum(2) + 9 * np.eye(200)
    assert (labels[distances.argmin(1)] == labels).mean() > 0.5  # by chance a tenth
    assert serving.JOBS.running() == 0


def test_a_map_that_nobody_wants_any_more_is_given_up():
    job = calls.start_map({"model": "fashion-stacked-ae", "perplexity": 30, "points": 5000})["job"]
    serving.run_news([job, 0])
    serving.stop_run(job)
    until = time.monotonic() + 60
    while serving.JOBS.running() and time.monotonic() < until:
        time.sleep(0.1)
    assert serving.JOBS.running() == 0


def test_one_map_is_computed_at_a_time():
    with calls._mapping:
        job = calls.start_map({"model": "fashion-stacked-ae", "perplexity": 10, "points": 200})["job"]
        time.sleep(1)
        news = serving.run_news([job, 0])
        assert (news["events"], news["done"]) == ([], False)
        serving.stop_run(job)  # and who waits may go
        until = time.monotonic() + 60
        while serving.JOBS.running() and time.monotonic() < until:
            time.sleep(0.05)
        assert serving.JOBS.running() == 0


@pytest.mark.parametrize(
    ("request_", "words"),
    [({"model": "fashion-stacked-ae", "perplexity": 500, "points": 1000}, "perplexity must be from 5 to 100"),
     ({"model": "fashion-stacked-ae", "perplexity": 30, "points": 100}, "points must be from 120"),
     ({"model": "fashion-stacked-ae", "perplexity": 30, "points": 10**6}, "to 5000"),
     ({"model": "nobody", "perplexity": 30, "points": 1000}, "no checkpoint 'nobody'")],
)  # fmt: skip
def test_a_map_beyond_bounds_is_not_begun(request_, words):
    assert words in calls.start_map(request_)["error"]
    assert serving.JOBS.running() == 0


def test_a_drawing_is_framed_and_nothing_else_is_taken():
    assert "not a picture" in calls.framed_garment("data:image/png;base64,AAAA")["error"]


def test_the_toy_figure_has_a_step_for_each_epoch():
    figure, stored = calls.toy_figure(), checkpoints.arrays(why.LINEAR, checkpoints.PCA)
    assert len(figure.data) == 2 + len(stored["toy_epochs"])
    points = stored["toy_autoencoder"][-1]
    strokes = np.stack([figure.data[-1].x, figure.data[-1].y, figure.data[-1].z], 1).reshape(len(points), -1, 3, 3)
    assert np.isnan(strokes[:, :, 2]).all()  # a gap after each stroke
    np.testing.assert_allclose(strokes[:, :, :2].mean(2), np.broadcast_to(points[:, None], strokes[:, :, 0].shape), atol=1e-5)
    assert [step.label for step in figure.layout.sliders[0].steps] == [str(epoch) for epoch in stored["toy_epochs"]]
