"""Sampling by a real Ray Serve deployment on this machine: the same steps and pictures, told and stopped as here."""

import base64
import threading
import time

import numpy as np
import pytest

import explorer
from explorer import views
from explorer.errors import InputError
from explorer.serving import remote
from explorer.serving.calls import JOBS, run_news
from explorer.views.diffusion import calls

QUERY = "model=fashion-ddpm&seed=3&steps=4"


@pytest.fixture(scope="module")
def ray():
    """Ray, which is shut down afterwards; what a visitor asks is sent there."""
    ray = pytest.importorskip("ray", reason="pip install 'latent-explorer[ray]'")
    serve = pytest.importorskip("ray.serve")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(remote.REMOTE, "ray")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_raylet_start_wait_time_s", "120")  # a busy machine
        remote.application()
        yield ray
    serve.shutdown()
    ray.shutdown()
    remote._connected.cache_clear()


def news(answer):
    """The events of a run until it is done."""
    events, until = [], time.monotonic() + 150
    while time.monotonic() < until:
        told = run_news([answer["job"], len(events)])
        assert "error" not in told, told
        events += told["events"]
        if told["done"]:
            return events
    raise AssertionError("the run did not end")


def test_the_same_states_and_pictures_as_here(ray, monkeypatch):
    there = news(calls.start_run(QUERY))
    monkeypatch.delenv(remote.REMOTE)
    here = news(calls.start_run(QUERY))
    assert len(there) == len(here) == 5
    for mine, other in zip(here, there, strict=True):
        assert {key: value for key, value in mine.items() if key not in ("x_0", "x_t")} == {
            key: value for key, value in other.items() if key not in ("x_0", "x_t")
        }
    last = [np.frombuffer(base64.b64decode(run[-1]["x_0"][0]), "uint8").astype(int) for run in (here, there)]
    assert np.abs(last[0] - last[1]).max() <= 1


def test_several_at_once_get_their_own(ray):
    generator = explorer.load("fashion-ddpm")
    found = [None] * 4

    def draw(i):
        found[i] = remote.sampler(generator).decode(generator.prior(1, seed=i), steps=3, seed=i)

    threads = [threading.Thread(target=draw, args=[i]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for i, picture in enumerate(found):
        np.testing.assert_allclose(picture, generator.decode(generator.prior(1, seed=i), steps=3, seed=i), atol=1 / 255)


def test_what_is_stopped_ends_there_too(ray):
    name = calls.start_run("model=fashion-ddpm&seed=3&steps=2000")["job"]
    while len(run_news([name, 0])["events"]) < 3:
        pass
    under_way = remote.application().under_way
    assert under_way.remote().result() == 1
    JOBS.stop(name)
    until = time.monotonic() + 20
    while under_way.remote().result() and time.monotonic() < until:
        time.sleep(0.05)
    assert under_way.remote().result() == 0


def test_what_is_asked_wrongly_is_told_as_here(ray):
    generator = explorer.load("fashion-ddpm")
    with pytest.raises(InputError, match="eta must be a number from 0 to 1"):
        remote.sampler(generator).decode(generator.prior(1), steps=2, sampler="ddim", eta=3)


def test_an_engine_that_is_none(monkeypatch):
    monkeypatch.setenv(remote.REMOTE, "spark")
    with pytest.raises(InputError, match="EXPLORER_REMOTE must be ray"):
        remote.sampler(None)
    monkeypatch.delenv(remote.REMOTE)
    assert remote.sampler(views) is views
