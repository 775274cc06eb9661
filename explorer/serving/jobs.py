"""Long work for visitors, step by step: each job has a thread, and they take turns, so that visitors share the processor fairly.

A job's work is called with `report(event)`, at each of whose calls it may be told to stop, and what it asks of networks is
computed in turns, or beside the same of other visitors. What else is costly it does within `job.turn()`. The page asks for the
events that it has not seen yet; a job that nobody asks about is taken for left, and ends. Only so many are at work at once; the
others wait for a place, and the page is told which.
"""

import contextvars
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

from explorer.errors import UnknownName
from explorer.serving import visitors
from explorer.serving.turns import Cancelled, Places, Turns, running

MOST_JOBS, OF_VISITOR = 24, 4  # at work at once
KEPT = 6  # ... of them for short work
TOGETHER, ROWS = 4, 16  # visitors, and pictures of theirs, whose steps are computed as one batch
LEFT_AFTER = 6.0  # seconds without a question
PATIENCE = 0.4  # seconds for which a question waits for news


class Job:
    """One visitor's work in its thread; `events` so far, `done`, `error` (what it raised) or None."""

    def __init__(self, work, jobs, long):
        self.visitor = visitors.asker()
        self.ticket = jobs.places.enter(self.visitor, long)
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

    @property
    def place(self):
        """Where it stands in the queue, see `Places.place`."""
        return self._jobs.places.place(self.ticket)

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
        turns = self._jobs.turns
        visitors.keep(replace(self.visitor, gone=threading.Event()))  # the request that started it is answered long before it ends
        try:
            with self._jobs.places.held(self.ticket, self.report), running(turns, self, self.visitor.name, self.report):
                self._work(self)
        except Cancelled:
            pass
        except Exception as error:  # told to whoever asks; `Jobs.since` raises it there
            self.error = error
        finally:
            with self._news:
                self.done = True
                self._news.notify_all()


class Jobs:
    """All jobs of a process, by names that nobody can guess."""

    def __init__(self):
        self.turns, self.places = Turns(TOGETHER, ROWS), Places(MOST_JOBS, OF_VISITOR, KEPT)
        self._jobs, self._lock = {}, threading.Lock()

    def start(self, work, long=False):
        """Begin `work(job)`, as soon as there is a place; returns the job's name. `long`: it may take a minute or more alone, and
        leaves some places to what does not. Raises TooMany where one visitor asks for more than anybody needs."""
        with self._lock:
            self._jobs = {name: job for name, job in self._jobs.items() if not (job.left and job.done)}
            job = Job(work, self, long)
            self._jobs[job.name] = job
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

    def place(self, name):
        """(number in the queue, expected wait in seconds) of a job that waits for a place, else None."""
        job = self._jobs.get(name)
        return job and job.place

    def stop(self, name):
        """End a job, if it is there."""
        job = self._jobs.get(name)
        if job:
            job.stop()

    def running(self):
        """How many are at work or wait."""
        with self._lock:
            return sum(not job.done for job in self._jobs.values())
