"""Sampling on other machines: with `EXPLORER_REMOTE=ray` what visitors have drawn step by step is drawn by a Ray Serve deployment
of the generators, of which Ray keeps as many copies, on whatever machines and GPUs, as it is told.

It is found by its name in the cluster that `RAY_ADDRESS` names (`serve run explorer.serving.remote:build --name latent-explorer
gpus=1 copies=4`); where there is none, one of a single copy is started here. The app sees the same steps, and stops what is not
waited for any more.
"""

import asyncio
import os
import threading
from functools import cache

from explorer import checkpoints, presets
from explorer.errors import ExplorerError, InputError
from explorer.serving.jobs import ROWS, TOGETHER
from explorer.serving.turns import Cancelled, Turns, running
from explorer.serving.visitors import asker

REMOTE = "EXPLORER_REMOTE"
NAME = "latent-explorer"  # of the application in Ray Serve
MOST = 32  # samplings in one copy at once


def sampler(generator):
    """Who decodes in a generator's place: itself, or where EXPLORER_REMOTE says so a `Remote`. Raises InputError for what is no
    engine, or is not installed."""
    handle = application()
    return Remote(generator, handle) if handle else generator


class Remote:
    """A generator of the deployment: `decode` as its own, with its `callback` called here at every step."""

    def __init__(self, generator, handle):
        self.name, self._side, self._handle = generator.card["name"], generator.image_shape[0], handle.options(stream=True)

    def decode(self, *arguments, callback=None, **settings):
        """What the generator of this name decodes; what `callback(step)` raises ends it there too."""
        stream = self._handle.decode.remote(self.name, self._side, asker().name, arguments, settings)
        try:
            for kind, what in stream:
                if kind == "failed":
                    raise what
                if kind == "done":
                    return what
                if callback is not None:
                    callback(what)
        except BaseException:
            stream.cancel()
            raise
        raise RuntimeError(f"{self.name} ended without a picture")


class Generators:
    """The deployment: samplings of several visitors in threads, whose steps are computed as one batch."""

    def __init__(self):
        self._turns, self._under_way = Turns(TOGETHER, ROWS), 0

    async def decode(self, name, side, visitor, arguments, settings):
        """Yields ("step", Step) and at last ("done", pictures) or ("failed", exception)."""
        loop, news, gone = asyncio.get_running_loop(), asyncio.Queue(), threading.Event()

        def tell(kind, what):
            loop.call_soon_threadsafe(news.put_nowait, (kind, what))

        def check():
            if gone.is_set():
                raise Cancelled

        def step(what):
            check()
            tell("step", what)

        def work():
            try:
                with running(self._turns, object(), visitor, check):
                    tell("done", _generator(name, side).decode(*arguments, callback=step, **settings))
            except Cancelled:
                pass
            except ExplorerError as error:
                tell("failed", error)
            except Exception as error:  # what a backend raises may not be sent
                tell("failed", RuntimeError(f"{type(error).__name__}: {error}"))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._under_way += 1
        try:
            while True:
                kind, what = await news.get()
                yield kind, what
                if kind != "step":
                    return
        finally:  # also where nobody listens any more
            gone.set()
            await asyncio.to_thread(thread.join)
            self._under_way -= 1

    def under_way(self):
        """How many are being sampled."""
        return self._under_way


def _generator(name, side):
    """One that ships; else a preset, in pictures of `side` pixels."""
    return checkpoints.load(name) if name in checkpoints.names() else presets.load(name, side)


def build(options):
    """The application, for `serve run`: {"copies": how many, or "auto", "gpus": of each, "cpus": of each}, all as they are usual
    for Ray where they are not given."""
    from ray import serve

    copies = options.get("copies", 1)
    resources = {f"num_{of}": float(options[of]) for of in ("cpus", "gpus") if of in options}
    return serve.deployment(
        num_replicas=copies if copies == "auto" else int(copies), max_ongoing_requests=MOST, ray_actor_options=resources
    )(Generators).bind()  # fmt: skip


_starting = threading.Lock()


def application():
    """The deployment's handle, once it is there; None where EXPLORER_REMOTE is empty. Raises as `sampler`."""
    engine = os.environ.get(REMOTE, "").strip()
    if not engine:
        return None
    if engine != "ray":
        raise InputError(f"{REMOTE} must be ray or empty, got {engine!r}")
    with _starting:  # the first two visitors
        return _connected()


@cache
def _connected():
    """The handle of the application, which is started where the cluster has none."""
    try:
        import ray
        from ray import serve
    except ImportError:
        raise InputError(f'{REMOTE}=ray needs Ray: pip install "latent-explorer[ray]"') from None
    ray.init(ignore_reinit_error=True, log_to_driver=False, include_dashboard=False, configure_logging=False)
    serve.start(proxy_location="Disabled")  # it is asked by its handle: no port for others
    if NAME not in serve.status().applications:
        serve.run(build({}), name=NAME, route_prefix=None)
    return serve.get_app_handle(NAME)
