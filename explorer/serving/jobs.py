"""Long work for visitors, step by step: each job has a thread, and they take turns, so that all share the processor fairly.

A job's work is called with `report(event)`, at each of whose calls it may be told to stop, and runs what is costly within
`job.turn()`. The page asks for the events that it has not seen yet; a job that nobody asks about is taken for left, and ends.
"""

import contextvars
import secrets
import threading
import time
from contextlib import contextmanager

from explorer.errors import TooMany, UnknownName

MOST_JOBS = 24
LEFT_AFTER = 6.0  # seconds without a question
PATIENCE = 0.4  # seconds for which a question waits for news


class Cancelled(Exception):
    """Somebody pressed Stop, left the page, or asked for something else."""


class Turns:
    """One at a time, and next whoever has had the least of the processor: `with turns.take(job)`.

    A newcomer starts with what the neediest of the others has had, so that it neither waits for all that was done before it
    came nor keeps them waiting.
    """

    def __init__(self):
        self._ready, self._waiting, self._busy, self._used = threading.Condition(), [], False, {}

    def join(self, job):
        with self._ready:
            self._used[job] = min(self._used.values(), default=0.0)

    def leave(self, job):
        with self._ready:
            self._used.pop(job, None)

    @contextmanager
    def take(self, job):
        with self._ready:
            self._waiting.append(job)
            self._ready.wait_for(lambda: not self._busy and job is min(self._waiting, key=self._need))
            self._waiting.remove(job)
            self._busy = True
        began = time.perf_counter()
        try:
            yield
        finally:
            with self._ready:
                self._busy = False
                if job in self._used:
                    self._used[job] += time.perf_counter() - began
                self._ready.notify_all()

    def _need(self, job):
        return self._used.get(job, 0.0)


class Job:
    """One visitor's work in its thread; `events` so far, `done`, `error` (what it raised) or None."""

    def __init__(self, work, jobs):
        self.name, self.events, self.done, self.error = secrets.token_urlsafe(12), [], False, None
        self._jobs, self._work, self._stop, self._news = jobs, work, threading.Event(), threading.Condition()
        self.asked = time.monotonic()
        # whose work it is must be known in it too: ZeroGPU takes the visitor's quota by the headers of the request
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name=f"job-{self.name}", daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()

    @property
    def left(self):
        return time.monotonic() - self.asked > LEFT_AFTER

    def report(self, event=None):
        """Tell the page something; raises Cancelled where the work is to end."""
        if self._stop.is_set() or self.left:
            raise Cancelled
        if event is not None:
            with self._news:
                self.events.append(event)
                self._news.notify_all()

    @contextmanager
    def turn(self):
        """A context in which this job alone computes."""
        with self._jobs.turns.take(self):
            self.report()  # it may have been stopped while it waited
            yield

    def since(self, seen):
        """The events after the first `seen`, as soon as there are some, or the work is over, or patience is."""
        self.asked = time.monotonic()
        with self._news:
            self._news.wait_for(lambda: len(self.events) > seen or self.done, PATIENCE)
            return self.events[seen:]

    def _run(self):
        try:
            self._work(self)
        except Cancelled:
            pass
        except Exception as error:  # told to whoever asks; `Jobs.since` raises it there
            self.error = error
        finally:
            self._jobs.turns.leave(self)
            with self._news:
                self.done = True
                self._news.notify_all()


class Jobs:
    """All jobs of a process, by names that nobody can guess."""

    def __init__(self):
        self.turns, self._jobs, self._lock = Turns(), {}, threading.Lock()

    def start(self, work):
        """Begin `work(job)`; returns the job's name. Raises TooMany."""
        with self._lock:
            self._jobs = {name: job for name, job in self._jobs.items() if not (job.left and job.done)}
            if sum(not job.done for job in self._jobs.values()) >= MOST_JOBS:
                raise TooMany("Many people are sampling at the moment. Try again in a minute.")
            job = Job(work, self)
            self._jobs[job.name] = job
            self.turns.join(job)
        job.start()
        return job.name

    def since(self, name, seen):
        """(events after the first `seen`, whether that is all); raises what the work raised, UnknownName for an unknown job."""
        job = self._jobs.get(name)
        if job is None:
            raise UnknownName("This run has ended. Start it again.")
        events = job.since(seen)
        if job.done and job.error:
            raise job.error
        return events, job.done and seen + len(events) == len(job.events)

    def stop(self, name):
        """End a job, if it is there."""
        job = self._jobs.get(name)
        if job:
            job.stop()

    def running(self):
        """How many are at work."""
        with self._lock:
            return sum(not job.done for job in self._jobs.values())
