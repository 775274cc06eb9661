"""What visitors ask of one network is computed together, faults stay with who caused them, and work that nobody waits for ends."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from explorer import checkpoints
from explorer.generators.base import run_by
from explorer.serving import turns as module
from explorer.serving.turns import HELD, TRIED, Cancelled, Places, Turns, _Network, running
from explorer.serving.visitors import Asker


class Network:
    """Twice what it is given; remembers how many rows came together; NaN breaks it."""

    def __init__(self, seconds=0.0):
        self.seen, self.seconds = [], seconds

    def ask(self, x):
        self.seen.append(len(x))
        time.sleep(self.seconds)
        if np.isnan(x).any():
            raise ValueError("a number is missing")
        return 2 * x

    def ask_two(self, parts):
        self.seen.append(len(parts[0]))
        return [parts[0] + parts[1], parts[0] - parts[1]]


def at_once(turns, asks, times=4):
    """The answers to (who, function, inputs), asked from a thread each; an exception for an answer that was raised."""
    found, barrier = [None] * len(asks), threading.Barrier(len(asks))

    def ask(i, who, function, inputs):
        turns.join(who)
        barrier.wait()
        for _ in range(times):
            try:
                found[i] = turns.run(who, function, inputs)
            except ValueError as error:
                found[i] = error
        turns.leave(who)

    threads = [threading.Thread(target=ask, args=(i, *one)) for i, one in enumerate(asks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return found


def test_each_gets_his_own_rows_of_what_was_computed_together():
    network, rng = Network(0.002), np.random.default_rng(0)
    inputs = [rng.normal(size=(rows, 3)) for rows in (1, 2, 1, 4)]
    asks = [(name, network.ask, x) for name, x in zip("abcd", inputs, strict=True)]
    found = at_once(Turns(8, 16, closing=0.3), asks, 12)
    for x, answer in zip(inputs, found, strict=True):
        np.testing.assert_array_equal(answer, 2 * x)
    assert max(network.seen) == 8, "all four came together"
    assert sum(network.seen) == 12 * 8


class Paced(Network):
    """One that takes a time for each batch and each row, and more where rows come together: by a clock of its own, `now`, since a
    busy machine takes longer for anything."""

    def __init__(self, batch, row, crowded):
        super().__init__(0.001)
        self.batch, self.row, self.crowded, self.now = batch, row, crowded, 0.0

    def ask(self, x):
        self.now += self.batch + len(x) * (self.row * self.crowded if len(x) > 1 else self.row)
        return super().ask(x)


@pytest.mark.parametrize(("batch", "row", "crowded", "together"), [(0.004, 0.0, 1, True), (0.0, 0.002, 2.5, False)])
def test_what_is_slower_together_is_asked_one_after_the_other(batch, row, crowded, together, monkeypatch):
    network, x = Paced(batch, row, crowded), np.zeros((1, 2))
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: network.now, monotonic=time.monotonic))
    turns = Turns(4, 16, closing=0.05)
    for _ in range(6):
        at_once(turns, [(name, network.ask, x) for name in "abcd"])
    settled = network.seen[24:]  # both ways were tried by now
    assert sum(network.seen) == 6 * 4 * 4
    if together:
        assert np.mean(np.array(settled) > 1) > 0.6
    else:
        assert sum(rows > 1 for rows in settled) <= 4, "but for those that are measured anew"


def test_it_is_measured_anew_now_and_then():
    network, decided = _Network(), []
    for at in range(3 * (2 * TRIED + HELD)):
        together = network.is_faster_together()
        faster = at >= 2 * TRIED + HELD  # the machine has other work by then
        network.took([1, 2, 1] if together else [1 + at % 2], 1.0 if not together else 2.5 if faster else 5.0)
        decided.append(together)
    first, *later = np.reshape(decided, (3, -1)).tolist()
    trial = [True] * TRIED + [False] * TRIED
    assert first == trial + [False] * HELD
    assert later == [trial + [True] * HELD] * 2


def test_several_inputs_and_outputs():
    network, rng = Network(), np.random.default_rng(0)
    inputs = [[rng.normal(size=(2, 3)), rng.normal(size=(2, 1))] for _ in range(3)]
    found = at_once(Turns(8, closing=0.3), [(name, network.ask_two, x) for name, x in zip("abc", inputs, strict=True)])
    for (a, b), (total, difference) in zip(inputs, found, strict=True):
        np.testing.assert_array_equal(total, a + b)
        np.testing.assert_array_equal(difference, a - b)
    assert max(network.seen) > 2


def test_what_does_not_fit_is_computed_apart():
    network, other = Network(), Network()
    asks = [("a", network.ask, np.zeros((1, 3))), ("b", network.ask, np.zeros((1, 4))), ("c", other.ask, np.zeros((1, 3))),
            ("d", network.ask, np.zeros((15, 3))), ("e", network.ask, np.zeros((15, 3)))]  # fmt: skip
    found = at_once(Turns(8, 16, closing=0.02), asks)
    assert [answer.shape for answer in found] == [x.shape for _, _, x in asks]
    assert max(network.seen) <= 16
    assert max(other.seen) == 1


def test_a_fault_is_told_to_who_caused_it_alone():
    network = Network()
    found = at_once(Turns(8, closing=0.05), [("a", network.ask, np.ones((1, 2))), ("b", network.ask, np.full((1, 2), np.nan)),
                                             ("c", network.ask, np.ones((1, 2)))])  # fmt: skip
    assert isinstance(found[1], ValueError)
    for answer in (found[0], found[2]):
        np.testing.assert_array_equal(answer, [[2, 2]])


def test_one_visitor_alone_waits_for_nobody():
    network, turns = Network(), Turns(8, closing=5.0)
    began = time.monotonic()
    for _ in range(3):
        turns.run("a", network.ask, np.zeros((1, 2)))
    assert time.monotonic() - began < 5


def test_of_one_visitor_one_question_is_in_a_batch():
    network, turns = Network(), Turns(8, closing=0.05)
    for who in ("a1", "a2", "b"):
        turns.join(who, who[0])
    inputs = np.zeros((1, 2))
    threads = [threading.Thread(target=turns.run, args=(who, network.ask, inputs)) for who in ("a1", "a2", "b")]
    with turns.take("b"):  # until all three wait
        for thread in threads:
            thread.start()
        while len(turns._waiting) < len(threads):
            time.sleep(0.01)
    for thread in threads:
        thread.join(20)
    assert sorted(network.seen) == [1, 2]


def test_a_network_is_not_asked_for_who_has_left():
    from explorer.generators.base import answers

    class Model:
        asked = 0

        def predict_on_batch(self, x):
            self.asked += 1
            if self.asked == 3:
                asker.gone.set()
            return x

    asker, model = Asker("a"), Model()

    def check():
        if asker.gone.is_set():
            raise Cancelled

    def work():
        with running(Turns(), "a", "a", check):
            for _ in range(4000):
                answers(model, np.zeros((1, 2), "float32"))

    with pytest.raises(Cancelled):
        work()
    assert model.asked == 3
    answers(model, np.zeros((1, 2), "float32"))  # outside nobody is asked whether he waits
    assert model.asked == 4


def test_places_are_given_round_by_round():
    places, order = Places(1, 1), []

    def enter(name):
        return places.enter(Asker(name), then=lambda: order.append(name))

    tickets = [enter(name) for name in ("a", "a", "a", "b", "c", "b")]
    assert [places.place(ticket) and places.place(ticket)[0] for ticket in tickets] == [None, 3, 5, 1, 2, 4]
    for _ in range(6):
        inside = next(ticket for ticket in tickets if ticket.inside)
        places.leave(inside)
        places.leave(inside)  # twice does no harm
        tickets.remove(inside)
    assert order == ["a", "b", "c", "a", "b", "a"]


def test_who_leaves_while_he_waits_gives_up_his_claim():
    places, gone = Places(1, 1), threading.Event()
    inside = places.enter(Asker("a"))

    def check():
        if gone.is_set():
            raise Cancelled

    ticket = places.enter(Asker("b"))
    threading.Timer(0.05, gone.set).start()
    with pytest.raises(Cancelled), places.held(ticket, check):
        pytest.fail("there was no place")
    places.leave(inside)
    assert places.enter(Asker("c")).inside


def test_what_is_sampled_beside_others_is_what_one_gets_alone(diffusion_registry):
    generator, turns, found = checkpoints.load("kinds"), Turns(4, closing=0.3), {}

    def sample(seed):
        return generator.decode(generator.prior(2, seed), label=seed % 3, steps=6 + seed, sampler="ddpm", seed=seed)

    def work(seed):
        with running(turns, seed, seed, lambda: None):
            found[seed] = sample(seed)

    seen, network = [], generator.model.network.predict_on_batch
    generator.model.network.predict_on_batch = lambda parts: (seen.append(len(parts[0])), network(parts))[-1]
    threads = [threading.Thread(target=work, args=[seed]) for seed in range(3)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        del generator.model.network.predict_on_batch
    assert max(seen) > 4, "two visitors' steps in one batch: two pictures each, with their label and without"
    for seed in range(3):
        np.testing.assert_allclose(found[seed], sample(seed), atol=1 / 255)


def test_who_asks_for_a_thousand_things_at_once_waits_behind_himself():
    turns, order = Turns(), []

    def work(name):
        with running(turns, object(), name, lambda: None):
            run_by.get()(lambda x: (order.append(name), time.sleep(0.002), x)[-1], np.zeros((1, 2)))

    threads = [threading.Thread(target=work, args=["greedy"]) for _ in range(100)]
    threads.append(threading.Thread(target=work, args=["other"]))
    with turns.take("somebody"):
        for thread in threads:
            thread.start()
        while len(turns._waiting) < len(threads):
            time.sleep(0.01)
    for thread in threads:
        thread.join(20)
    assert len(order) == 101
    assert order.index("other") <= 1, "he came last"
