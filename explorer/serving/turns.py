"""How the processor and the places are shared out: over visitors and not over what they ask for.

`Turns` has networks run one after the other, next for whoever has had the least, and runs what several ask of one network together.
`Places` bounds what is under way; who finds no place waits, and knows how many are before him.
"""

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explorer.errors import TooMany
from explorer.generators.base import run_by

RECENT = 0.5  # seconds for which somebody is expected to ask the same network again
NETWORKS = 8  # asked last, of which it is known who asked and how fast they are
TRIED, HELD = 3, 48  # batches each way that are measured, and asks for which what was faster then is done
OFTEN = 0.25  # seconds between two looks at whether somebody still waits
USUAL = 5.0  # seconds that a place is held, before any was left


class Cancelled(Exception):
    """Somebody pressed Stop, left the page, or asked for something else."""


@dataclass(eq=False)
class _Ask:
    """One wish for a turn; of a network `function` with `inputs`, arrays of as many rows each."""

    who: Any
    visitor: Any
    function: Any = None
    inputs: Any = None
    taken: bool = False
    done: bool = False
    found: Any = None
    error: Exception | None = None

    @property
    def arrays(self):
        return self.inputs if isinstance(self.inputs, list) else [self.inputs]

    @property
    def rows(self):
        return len(self.arrays[0])

    def fits(self, other):
        """Whether both can be asked of a network as one batch."""
        mine, others = self.arrays, other.arrays
        return (
            self.function == other.function
            and len(mine) == len(others)
            and all(a.shape[1:] == b.shape[1:] and len(a) == self.rows for a, b in zip(mine, others, strict=True))
        )


class _Network:
    """Who asked a network lately, and whether it is faster for several visitors together or for one after the other: a small one
    gains by a batch, a large one that fills the caches or cores alone may lose. Both are measured side by side, now and then anew,
    since it depends on the machine and on what else that does."""

    def __init__(self):
        self.recent, self._asks, self._together = {}, 0, True
        self._alone, self._batches = {}, []  # seconds by rows; of several (rows of each, seconds)

    def is_faster_together(self):
        """Asked before each batch that others could be part of: how to compute this one."""
        at, self._asks = self._asks % (2 * TRIED + HELD), self._asks + 1
        if at == 0:
            self._alone, self._batches = {}, []
        if at == 2 * TRIED:
            shares = [
                seconds / sum(self._alone[n] for n in rows) for rows, seconds in self._batches if self._alone.keys() >= set(rows)
            ]
            self._together = min(shares) < 1 if shares else self._together
        return at < TRIED or at >= 2 * TRIED and self._together

    def took(self, rows, seconds):
        """How long a batch took, of so many rows of each visitor."""
        if len(rows) > 1:
            self._batches = [*self._batches, (rows, seconds)][-TRIED:]
        else:  # the least: the first of a size may have been compiled
            self._alone[rows[0]] = min(seconds, self._alone.get(rows[0], seconds))


class Turns:
    """One at a time, and next whoever's visitor has had the least of the processor: `with turns.take(job)`.

    A newcomer starts with what the neediest of the others has had, so that it neither waits for all that was done before it
    came nor keeps them waiting. `run` asks a network, for up to `most` visitors in one batch of at most `rows` where that is
    faster: who leads it waits up to `closing` seconds for those who asked the same network just before.
    """

    def __init__(self, most=1, rows=16, closing=0.003):
        self.most, self.rows, self.closing = most, rows, closing
        self._ready, self._waiting, self._busy = threading.Condition(), [], False
        self._used, self._had, self._members, self._networks = {}, {}, {}, {}

    def join(self, who, visitor=None):
        visitor = who if visitor is None else visitor
        with self._ready:
            self._used.setdefault(visitor, min(self._used.values(), default=0.0))
            self._members[who], self._had[who] = visitor, 0.0

    def leave(self, who):
        with self._ready:
            visitor = self._members.pop(who, who)
            self._had.pop(who, None)
            if visitor not in self._members.values():
                self._used.pop(visitor, None)

    @contextmanager
    def take(self, who):
        """A context in which `who` alone computes."""
        ask = _Ask(who, self._members.get(who, who))
        with self._ready:
            self._waiting.append(ask)
            self._ready.wait_for(lambda: not self._busy and ask is self._next())
            self._begin(ask)
        began, token = time.perf_counter(), run_by.set(None)
        try:
            yield
        finally:
            run_by.reset(token)
            with self._ready:
                self._end([ask], time.perf_counter() - began)

    def run(self, who, function, inputs):
        """`function(inputs)`, which may be computed beside the same of others; raises what it raises."""
        ask = _Ask(who, self._members.get(who, who), function, inputs)
        with self._ready:
            self._waiting.append(ask)
            self._ready.notify_all()  # who leads may be waiting for it
            self._ready.wait_for(lambda: ask.done or not (ask.taken or self._busy) and ask is self._next())
            batch = [] if ask.done else self._gather(ask)
        if batch:
            began = time.perf_counter()
            try:
                _answer(batch)
            finally:
                with self._ready:
                    seconds = time.perf_counter() - began
                    self._end(batch, seconds)
                    if network := self._networks.get(_key(ask)):
                        network.took([one.rows for one in batch], seconds)
        if ask.error:
            raise ask.error
        return ask.found

    def _next(self):
        return min(self._waiting, key=self._need)

    def _need(self, ask):
        return self._used.get(ask.visitor, 0.0), self._had.get(ask.who, 0.0)

    def _begin(self, ask):
        self._waiting.remove(ask)
        self._busy = ask.taken = True

    def _gather(self, ask):
        """The asks that are answered together with one that leads them: one a visitor, the neediest first."""
        self._begin(ask)
        if self.most == 1:
            return [ask]
        now, network = time.monotonic(), self._networks.pop(_key(ask), None) or _Network()
        recent = network.recent = {visitor: last for visitor, last in network.recent.items() if now - last < RECENT}
        recent[ask.visitor] = now
        self._networks = {_key(ask): network, **dict(list(self._networks.items())[: NETWORKS - 1])}
        expected = min(self.most, len(recent)) - 1

        def fitting():
            return {other.visitor: other for other in sorted(self._waiting, key=self._need, reverse=True)
                    if other.visitor != ask.visitor and ask.fits(other)}  # fmt: skip

        if (expected or fitting()) and not network.is_faster_together():
            return [ask]
        if expected:
            self._ready.wait_for(lambda: len(fitting()) >= expected, self.closing)
        batch, rows = [ask], ask.rows
        for other in sorted(fitting().values(), key=self._need)[: self.most - 1]:
            if rows + other.rows <= self.rows:
                self._begin(other)
                batch.append(other)
                rows += other.rows
                recent[other.visitor] = now
        return batch

    def _end(self, batch, seconds):
        self._busy = False
        for ask in batch:
            ask.done, mine = True, seconds / len(batch)
            if ask.who in self._had:
                self._had[ask.who] += mine
            if ask.visitor in self._used:
                self._used[ask.visitor] += mine
        self._ready.notify_all()


def _key(ask):
    """The network that is asked: a bound method is another object at each call."""
    return id(getattr(ask.function, "__self__", ask.function))


def _answer(batch):
    """Asks one network for all of a batch; where that fails each alone, so that a fault is only told to who caused it."""
    first = batch[0]
    if len(batch) > 1:
        parts = [np.concatenate([_array(array) for array in arrays]) for arrays in zip(*(ask.arrays for ask in batch), strict=True)]
        try:
            found = first.function(parts if isinstance(first.inputs, list) else parts[0])
        except Exception:
            pass
        else:
            ends = np.cumsum([ask.rows for ask in batch])
            for ask, end in zip(batch, ends.tolist(), strict=True):
                own = slice(end - ask.rows, end)
                ask.found = [part[own] for part in found] if isinstance(found, list | tuple) else found[own]
            return
    for ask in batch:
        try:
            ask.found = ask.function(ask.inputs)
        except Exception as error:  # raised where it was asked
            ask.error = error


def _array(values):
    """What is asked of a network, which may be a tensor of its backend's, as a NumPy array."""
    if isinstance(values, np.ndarray):
        return values
    from keras.ops import convert_to_numpy

    return convert_to_numpy(values)


@contextmanager
def running(turns, who, visitor, check):
    """A context in which networks are run by `turns` for `who`, from a visitor's share; `check()` is called before each, and may
    raise Cancelled."""

    def run(function, inputs):
        check()
        return turns.run(who, function, inputs)

    turns.join(who, visitor)
    token = run_by.set(run)
    try:
        yield
    finally:
        run_by.reset(token)
        turns.leave(who)


@dataclass(eq=False)
class Ticket:
    """A visitor's claim to a place; `admitted` once he has it."""

    who: Any  # visitors.Asker
    long: bool
    order: tuple
    then: Any
    since: float = 0.0
    admitted: threading.Event = field(default_factory=threading.Event)

    @property
    def inside(self):
        return self.admitted.is_set()


class Places:
    """So many at once, `of_visitor` a visitor; `kept` of them for what is not long. The others wait, and are let in round by round,
    one of each visitor's: who asks for fifty things waits behind himself. Nobody who waits is refused, but for what no visitor
    (`waiting`) and no address (`waiting_of_address`) may ask for.
    """

    def __init__(self, most, of_visitor, kept=0, waiting=64, waiting_of_address=400):
        self.most, self.of_visitor, self.kept = most, of_visitor, kept
        self.waiting, self.waiting_of_address = waiting, waiting_of_address
        self.usual = USUAL
        self._lock, self._tickets, self._round, self._number = threading.Lock(), [], 0, 0

    def enter(self, who, long=False, then=lambda: None):
        """A `Ticket`; `then()` is called once it is let in, perhaps at once. Raises TooMany."""
        with self._lock:
            mine = [ticket for ticket in self._tickets if ticket.who.name == who.name]
            if len(mine) >= self.waiting:
                raise TooMany(f"You have {len(mine)} of these under way or waiting: stop some, or wait until they are done.")
            if sum(ticket.who.address == who.address for ticket in self._tickets) >= self.waiting_of_address:
                raise TooMany("Many people are using this at the moment. Try again in a minute.")
            self._number += 1
            last = max((ticket.order[0] for ticket in mine), default=self._round - 1)
            ticket = Ticket(who, long, (max(last + 1, self._round), self._number), then)
            self._tickets.append(ticket)
            self._admit()
        return ticket

    def leave(self, ticket):
        """Give a place, or a claim to one, back; twice does no harm."""
        with self._lock:
            if ticket not in self._tickets:
                return
            self._tickets.remove(ticket)
            if ticket.inside:
                self.usual += 0.25 * (time.monotonic() - ticket.since - self.usual)
            self._admit()

    def place(self, ticket):
        """(number in the queue, from 1, expected wait in seconds) of who waits; None of who is in."""
        with self._lock:
            if ticket.inside or ticket not in self._tickets:
                return None
            inside = [other for other in self._tickets if other.inside]
            number = sum(not other.inside and other.order <= ticket.order for other in self._tickets)
            oldest = max((time.monotonic() - other.since for other in inside), default=0.0)
            rounds = (number - 1) // self.most + 1
            return number, max(1.0, rounds * self.usual - min(oldest, 0.9 * self.usual))

    def counts(self):
        """{"under_way", "waiting"}: how many claims are in, and how many are not."""
        with self._lock:
            inside = sum(ticket.inside for ticket in self._tickets)
            return {"under_way": inside, "waiting": len(self._tickets) - inside}

    def visitors(self):
        """How many visitors are in."""
        with self._lock:
            return len({ticket.who.name for ticket in self._tickets if ticket.inside})

    @contextmanager
    def held(self, ticket, check):
        """A context in which a ticket's owner is in; `check()` is called while he waits, and may raise Cancelled."""
        try:
            while not ticket.admitted.wait(OFTEN):
                check()
            yield
        finally:
            self.leave(ticket)

    def _admit(self):
        inside = [ticket for ticket in self._tickets if ticket.inside]
        if len(inside) >= self.most:
            return
        taken, long = Counter(ticket.who.name for ticket in inside), sum(ticket.long for ticket in inside)
        for ticket in sorted((ticket for ticket in self._tickets if not ticket.inside), key=lambda ticket: ticket.order):
            if len(inside) >= self.most:
                return
            if taken[ticket.who.name] >= self.of_visitor or ticket.long and long >= self.most - self.kept:
                continue
            ticket.since = time.monotonic()
            ticket.admitted.set()
            self._round = max(self._round, ticket.order[0])
            inside.append(ticket)
            taken[ticket.who.name] += 1
            long += ticket.long
            ticket.then()
