"""The diffusion view's server functions, called as a script would call them."""

import time

import numpy as np
import pytest

from explorer import imaging
from explorer.serving import calls as serving
from explorer.views.diffusion import calls


@pytest.fixture(autouse=True)
def _registry(diffusion_registry):
    yield
    assert serving.JOBS.running() == 0, "nothing is left running"


@pytest.mark.parametrize(
    ("request_", "words"),
    [("view=diffusion&steps=0", "steps must be"), ("view=diffusion&steps=-3", "steps must be"), ("view=diffusion&steps=1000000", "steps must be"),
     ("view=diffusion&steps=abc", "steps must be"), ("view=diffusion&what=grid&n=50", "1 to 18"), (7, "a state is a string"),
     ({"query": None}, "a state is a string"), ("view=diffusion&model=nobody", "no checkpoint 'nobody'"),
     ({"query": "view=diffusion&what=forward", "picture": "data:image/png;base64,AAAA"}, "not a picture")],
)  # fmt: skip
def test_bad_requests_are_answered_and_nothing_begins(request_, words):
    answer = calls.start_run(request_)
    assert words in answer["error"]
    assert serving.JOBS.running() == 0


def test_a_run_tells_its_lanes_then_every_step(follow):
    first, *steps = follow(calls.start_run("view=diffusion&steps=6&seed=2")["job"])
    assert first["lanes"] == [{"title": "DDIM, η 0", "steps": 6, "count": 1, "kept": 6, "start": 1.0}]
    assert [step["step"] for step in steps] == list(range(6))
    assert [step["time"] for step in steps] == pytest.approx(1 - np.arange(6) / 6, abs=1e-4)
    assert all(len(step["x_0"]) == 1 and step["x_t"] for step in steps)


def test_of_4000_steps_a_hundred_are_sent(follow):
    first, *steps = follow(calls.start_run("view=diffusion&model=specks&steps=4000&sampler=ddpm")["job"])
    assert first["lanes"][0]["kept"] == len(steps) == 100
    assert (steps[0]["step"], steps[-1]["step"]) == (0, 3999)


def test_a_stopped_run_ends_soon():
    name = calls.start_run("view=diffusion&model=specks&steps=4000")["job"]
    assert not serving.run_news([name, 0])["done"]
    serving.stop_run(name)
    end = time.monotonic() + 60  # the step under way may be the first of its kind, which is compiled
    while serving.JOBS.running():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_picture_lives_in_its_run_only(tmp_path, follow):
    wide = np.zeros((20, 40, 3), "float32")
    wide[:, 5:35] = 0.5  # the square in the middle and a little more; x = 0
    request = {"query": "view=diffusion&what=forward&time=0.4&steps=2", "picture": imaging_url(wide)}
    first, *steps = follow(calls.start_run(request)["job"])
    assert set(imaging.of_data_url(first["picture"])) == {128}
    answer = calls.noised_picture(request)
    assert answer["x_t"] == steps[0]["x_t"]
    assert answer["noise_rate"] == steps[0]["noise_rate"]
    again, *_ = follow(calls.start_run(request["query"])["job"])
    assert again["picture"] != first["picture"]


def imaging_url(picture):
    import base64

    return "data:image/png;base64," + base64.b64encode(imaging.png(picture)).decode()


def test_an_unknown_run_is_said():
    assert "This run has ended" in serving.run_news(["nobody", 0])["error"]
