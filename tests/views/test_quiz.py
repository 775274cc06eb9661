"""The quiz on the plane: the same questions for a whole class, each of which has an answer, by the judge."""

import numpy as np
import pytest

import explorer
from explorer import checkpoints
from explorer.views.latent_plane import calls, quiz


@pytest.mark.parametrize("name", ["mnist-vae", "fashion-ae"])
def test_questions_of_a_seed_have_answers(name):
    asked = quiz.questions(name, 7)
    assert asked == quiz.questions(name, 7)
    assert asked != quiz.questions(name, 8)
    assert len(asked) == quiz.QUESTIONS
    points, labels = [one["z"] for one in asked[::2]], [one["label"] for one in asked[1::2]]
    judge = explorer.judge(checkpoints.witness(checkpoints.card(name)))
    chances = judge(explorer.load(name).decode(np.array(points, "float32")))
    assert chances.max(1).min() >= quiz.SURE - 0.01
    assert len(set(chances.argmax(1).tolist())) == len(points), "each of another kind"
    assert len(set(labels)) == len(labels)


def test_the_judge_says_what_is_at_a_point_and_where_a_kind_lies():
    codes = checkpoints.encodings("mnist-vae")
    told = calls.quiz_verdict({"model": "mnist-vae", "z": [0.5, -1], "label": 0})
    expected = explorer.judge("digits")(explorer.load("mnist-vae").decode(np.array([[0.5, -1]], "float32")))[0]
    assert told["label"] == expected.argmax()
    assert told["sure"] == pytest.approx(expected.max(), abs=0.01)
    median = np.median(codes.z_mean[codes.labels == 0], 0)
    assert np.abs(median - told["middle"]).max() < 0.3
    assert "middle" not in calls.quiz_verdict({"model": "mnist-vae", "z": [0.5, -1], "label": None})


@pytest.mark.parametrize("name", ["fashion-vae-10d", "fashion-gan", "celeba-vae", "fashion-ddpm"])
def test_a_model_that_cannot_be_asked_about_says_so(name):
    assert not quiz.can_ask(checkpoints.card(name))
    assert "has no quiz" in calls.quiz_questions({"model": name, "seed": 1})["error"]


def test_a_kind_that_is_not_there():
    assert "label must be" in calls.quiz_verdict({"model": "mnist-vae", "z": [0, 0], "label": 200})["error"]
    assert "z" in calls.quiz_verdict({"model": "mnist-vae", "z": [0], "label": None})["error"]
