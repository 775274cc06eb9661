"""What is malformed is told in a sentence before a function sees it, and so is a full disk."""

import errno
import json

import pytest

from explorer.errors import InputError
from explorer.serving import calls, questions
from explorer.state import MOST_QUERY


@pytest.mark.parametrize(
    ("annotation", "asked", "words"),
    [
        (questions.Query, 7, "a state is a string"), (questions.Query, "x" * (MOST_QUERY + 1), "at most 200,000 characters"),
        (questions.Query, "prompt=\ud800", "this is no text"), (questions.Name, "x" * 1001, "at most 1000 characters"),
        (questions.Drawn, {"model": "a"}, "seed is missing"), (questions.Drawn, {"model": "a", "seed": "x"}, "seed must be a valid integer"),
        (questions.Drawn, {"model": "a", "seed": 10**400}, "seed must be"), (questions.Photo, {"model": "a", "picture": ""}, None),
        (questions.Photo, {"model": "a", "picture": "", "crop": {"x": float("nan"), "y": 0, "side": 1, "angle": 0}}, "crop.x must be a finite"),
        (questions.News, ["job", -1], "1 must be greater than or equal to 0"), (questions.News, [1], "0 must be a valid string"),
        (questions.Query | questions.Run, {"query": "x", "picture": None}, None),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_and_the_function_is_not_called(annotation, asked, words):
    seen = []

    def function(request: annotation):
        seen.append(request)
        return {}

    answer = calls.answered(function)(asked)
    if words:
        assert words in answer["error"]
        assert len(answer["error"]) < 200
        assert not seen
    else:
        assert seen == [asked]


def test_what_nobody_asked_for_is_left_out():
    def function(request: questions.Drawn):
        return request

    assert questions.checked(function)({"model": "a", "seed": "5", "other": [1]}) == {"model": "a", "seed": 5}


def test_an_answer_can_always_be_sent():
    def refuses(request):
        raise InputError(f"there is no {request}")

    answer = calls.answered(refuses)("\ud800")
    assert json.dumps(answer, ensure_ascii=False).encode()


def test_a_full_disk_is_said_to_be_full(caplog):
    def writes(request):
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/place")

    answer = calls.answered(writes)(None)
    assert "disk is full" in answer["error"]
    assert "secret" not in answer["error"]
    assert "secret" in caplog.text, "whoever runs it must know where"
