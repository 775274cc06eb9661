"""Jobs: they take turns by what they have had, can be stopped, and end when nobody asks any more."""

import threading
import time

import pytest

from explorer.errors import TooMany
from explorer.serving import jobs as module
from explorer.serving.jobs import Jobs, Turns


@pytest.fixture
def jobs():
    return Jobs()


def all_events(jobs, name):
    seen = []
    while True:
        events, done = jobs.since(name, len(seen))
        seen += events
        if done:
            return seen


def wait_until(true, seconds=5):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_events_come_in_order_and_once(jobs):
    def work(job):
        for i in range(50):
            with job.turn():
                time.sleep(0.001)
            job.report(i)

    assert all_events(jobs, jobs.start(work)) == list(range(50))
    assert jobs.running() == 0


def test_a_question_waits_for_news_but_not_for_ever(jobs, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    go = threading.Event()
    name = jobs.start(lambda job: (go.wait(), job.report("late")))
    assert jobs.since(name, 0) == ([], False)
    threading.Timer(0.01, go.set).start()
    assert all_events(jobs, name) == ["late"]


def test_two_visitors_share_by_time_not_by_steps(jobs):
    """One whose steps take four times as long gets a fourth of the steps."""
    counts, end = {"short": 0, "long": 0}, threading.Event()

    def work(job, name, seconds):
        while not end.is_set():
            with job.turn():
                time.sleep(seconds)
            counts[name] += 1
            job.report()

    for name, seconds in (("short", 0.004), ("long", 0.016)):
        jobs.start(lambda job, name=name, seconds=seconds: work(job, name, seconds))
    time.sleep(1.2)
    end.set()
    wait_until(lambda: jobs.running() == 0)
    assert 2.5 < counts["short"] / counts["long"] < 6


def test_only_one_computes_at_a_time(jobs):
    inside, most = [], []

    def work(job):
        for _ in range(20):
            with job.turn():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()
            job.report(None)

    names = [jobs.start(work) for _ in range(4)]
    for name in names:
        all_events(jobs, name)
    assert max(most) == 1
    assert len(most) == 80


def test_a_newcomer_is_neither_first_for_long_nor_last():
    turns, order = Turns(), []
    turns.join("old")
    with turns.take("old"):
        time.sleep(0.05)
    turns.join("new")  # starts with what the old one has had
    for name in ("new", "old", "new", "old"):
        with turns.take(name):
            order.append(name)
            time.sleep(0.002)
    used = turns._used
    assert used["new"] >= 0.05
    turns.leave("old")
    turns.leave("new")
    assert used == {}


def test_stopping_ends_the_work_at_its_next_step(jobs):
    steps = []

    def work(job):
        for i in range(10_000):
            with job.turn():
                time.sleep(0.002)
            steps.append(i)
            job.report(i)

    name = jobs.start(work)
    wait_until(lambda: len(steps) > 3)
    jobs.stop(name)
    wait_until(lambda: jobs.running() == 0)
    assert len(steps) < 5000
    jobs.stop(name)  # twice does no harm, nor does a name that nobody has
    jobs.stop("nobody")


def test_who_leaves_leaves_nothing_running(jobs, monkeypatch):
    monkeypatch.setattr(module, "LEFT_AFTER", 0.15)

    def work(job):
        while True:
            with job.turn():
                time.sleep(0.002)
            job.report("on")

    name = jobs.start(work)
    for _ in range(6):  # as long as somebody asks, it goes on
        time.sleep(0.05)
        jobs.since(name, 0)
    assert jobs.running() == 1
    wait_until(lambda: jobs.running() == 0, 2)


def test_what_the_work_raises_is_raised_where_it_is_asked_for(jobs):
    def work(job):
        job.report("first")
        raise ValueError("no such thing")

    name = jobs.start(work)
    wait_until(lambda: jobs.running() == 0)
    with pytest.raises(ValueError, match="no such thing"):
        jobs.since(name, 0)
    with pytest.raises(KeyError, match="This run has ended"):
        jobs.since("nobody", 0)


def test_the_number_of_jobs_is_bounded(jobs, monkeypatch):
    monkeypatch.setattr(module, "MOST_JOBS", 3)
    end = threading.Event()
    for _ in range(3):
        jobs.start(lambda job: end.wait())
    with pytest.raises(TooMany, match="Try again"):
        jobs.start(lambda job: None)
    end.set()
    wait_until(lambda: jobs.running() == 0)
    jobs.start(lambda job: None)


def test_who_left_counts_until_the_work_has_ended(jobs, monkeypatch):
    monkeypatch.setattr(module, "MOST_JOBS", 1)
    monkeypatch.setattr(module, "LEFT_AFTER", 0.0)
    end = threading.Event()
    jobs.start(lambda job: end.wait())
    time.sleep(0.01)
    with pytest.raises(TooMany):
        jobs.start(lambda job: None)
    end.set()
    wait_until(lambda: jobs.running() == 0)
    jobs.start(lambda job: None)
