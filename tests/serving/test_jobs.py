"""Jobs: they take turns by what they have had, can be stopped, and end when nobody asks any more."""

import threading
import time
from types import SimpleNamespace

import pytest

from explorer.errors import TooMany
from explorer.serving import jobs as module
from explorer.serving import visitors
from explorer.serving.jobs import Jobs
from explorer.serving.turns import Places, Turns


@pytest.fixture
def jobs():
    yield Jobs()
    visitors.keep(visitors.Asker())


def all_events(jobs, name):
    seen = []
    while True:
        events, done = jobs.since(name, len(seen))
        seen += events
        if done:
            return seen


def wait_until(true, seconds=60):
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


def worked(job, seconds, took, end):
    """The steps of a job; `took` gets how long each was, as it was: a busy machine sleeps longer."""
    while not end.is_set():
        with job.turn():
            began = time.perf_counter()
            time.sleep(seconds)
            took.append(time.perf_counter() - began)
        job.report()


def is_fair(some, others):
    """Whether two had as much of the time, but for the steps under way at the end."""
    return abs(sum(some) - sum(others)) < 0.2 * sum(some + others) + 2 * max(some + others)


def test_two_visitors_share_by_time_not_by_steps(jobs):
    """One whose steps take four times as long gets a fourth of the steps."""
    took, end = {"short": [], "long": []}, threading.Event()
    for name, seconds in (("short", 0.004), ("long", 0.016)):
        jobs.start(lambda job, name=name, seconds=seconds: worked(job, seconds, took[name], end))
    time.sleep(1.2)
    end.set()
    wait_until(lambda: jobs.running() == 0)
    assert is_fair(took["short"], took["long"])


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
    now, seen = [0.0], 0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def work(job):
        while True:
            with job.turn():
                time.sleep(0.002)
            job.report("on")

    name = jobs.start(work)
    for _ in range(6):  # as long as somebody asks, it goes on
        now[0] += 0.9 * module.LEFT_AFTER
        events, done = jobs.since(name, seen)
        seen += len(events)
        assert not done
    assert jobs.running() == 1
    now[0] += 1.1 * module.LEFT_AFTER
    wait_until(lambda: jobs.running() == 0)


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


def of(name, address="a school"):
    """Work is started as this visitor from now on."""
    visitors.keep(visitors.Asker(name, address))


def test_nobody_who_waits_is_refused_and_each_is_told_his_place(jobs, monkeypatch):
    jobs.places = Places(3, 2)
    end, order = threading.Event(), []
    names = {}
    for name in ("greedy",) * 4 + ("b", "c", "d"):
        of(name)
        work = lambda job, name=name: (order.append(name), end.wait())  # noqa: E731
        names.setdefault(name, []).append(jobs.start(work))
    wait_until(lambda: len(order) == 3)
    assert sorted(order) == ["b", "greedy", "greedy"], "of one visitor no more than two at once"
    assert [jobs.place(job) and jobs.place(job)[0] for job in (names["b"][0], names["c"][0], names["d"][0])] == [None, 1, 2]
    assert [jobs.place(job)[0] for job in names["greedy"][2:]] == [3, 4], "who asks for four waits behind himself"
    assert jobs.place(names["d"][0])[1] >= 1
    end.set()
    wait_until(lambda: jobs.running() == 0)
    assert sorted(order[3:]) == ["c", "d", "greedy", "greedy"], "all finish"
    assert all(jobs.place(job) is None for found in names.values() for job in found)


def test_one_visitor_may_ask_for_so_much_and_no_more(jobs):
    jobs.places = Places(1, 1, waiting=3)
    end = threading.Event()
    of("greedy")
    for _ in range(3):
        jobs.start(lambda job: end.wait())
    with pytest.raises(TooMany, match="You have 3"):
        jobs.start(lambda job: None)
    of("another")
    name = jobs.start(lambda job: job.report("in"))
    end.set()
    assert all_events(jobs, name) == ["in"]
    wait_until(lambda: jobs.running() == 0)


def test_who_stops_while_waiting_gives_the_claim_back(jobs):
    jobs.places = Places(1, 1)
    end, began = threading.Event(), []
    of("first")
    jobs.start(lambda job: end.wait())
    of("second")
    name = jobs.start(lambda job: began.append("second"))
    assert jobs.place(name)[0] == 1
    jobs.stop(name)
    wait_until(lambda: jobs.place(name) is None)
    end.set()
    wait_until(lambda: jobs.running() == 0)
    assert began == []


def test_long_work_leaves_places_to_short_work(jobs):
    jobs.places = Places(3, 3, kept=1)
    end, began = threading.Event(), []
    for name in ("a", "b", "c"):
        of(name)
        jobs.start(lambda job, name=name: (began.append(name), end.wait()), long=True)
    of("d")
    assert all_events(jobs, jobs.start(lambda job: job.report("short"))) == ["short"]
    wait_until(lambda: len(began) >= 2)
    assert len(began) == 2
    end.set()
    wait_until(lambda: jobs.running() == 0)
    assert sorted(began) == ["a", "b", "c"]


def test_the_processor_is_shared_over_visitors_not_over_their_jobs(jobs):
    took, end = {"one": [], "four": []}, threading.Event()
    for name in ("four", "four", "four", "four", "one"):
        of(name)
        jobs.start(lambda job, name=name: worked(job, 0.003, took[name], end))
    time.sleep(0.8)
    end.set()
    wait_until(lambda: jobs.running() == 0)
    assert is_fair(took["one"], took["four"])
