"""A class at once: headless clients that speak the page's live channel and ask for runs as it does, beside one server.

`python -m tests.benchmarks.class_at_once [--seconds 10] [--only drags|runs]` prints a table in Markdown. Clients and server share
this machine. A drag asks for its next picture when the last has come, at most 60 a second; its latency is from question to answer. Each client
is a visitor of its own, as by the page's cookie.
"""

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "browser")]

import httpx  # noqa: E402
import numpy as np  # noqa: E402
import websockets  # noqa: E402
from driver import App  # noqa: E402

from explorer.serving.visitors import COOKIE  # noqa: E402

RATE = 60  # questions a second of one who drags
PLANE, FACES = "decode_point", "decode_face"
RUN = "view=diffusion&model=flowers-diffusion&steps=20&seed={}"
SHORT = "view=diffusion&model=fashion-ddpm&steps=20&seed={}"


def plane(i, k):
    return f"model=mnist-vae&z={2 * math.sin(0.05 * k + i):.4f},{2 * math.sin(0.03 * k + 2 * i):.4f}"


def faces(i, k):
    return f"view=faces&model=celeba-vae&face={i % 40}&attributes=Smiling:{3 * math.sin(0.05 * k):.2f}"


QUERIES = {PLANE: plane, FACES: faces}


class Server:
    """The addresses of a server, and its components by their view."""

    def __init__(self, url):
        self.url, self.live = url, url.replace("http", "ws") + "/live"
        config = httpx.get(f"{url}/config").json()
        self.components = {part["props"]["elem_id"]: part["id"] for part in config["components"] if part["props"].get("server_fns")}


class Client:
    """One visitor: a cookie of his own, and what his page asks by HTTP."""

    def __init__(self, server, name):
        self.server = server
        self.headers = {"Cookie": f"{COOKIE}={name}-{os.getpid()}-of-a-class"}
        self.http = httpx.AsyncClient(headers=self.headers, timeout=600, limits=httpx.Limits(max_connections=None))

    async def ask(self, name, data, view="diffusion"):
        body = {"session_hash": "class", "component_id": self.server.components[view], "fn_name": name, "data": data}
        answer = await self.http.post(f"{self.server.url}/gradio_api/component_server/", json=body)
        answer.raise_for_status()
        return answer.json()

    async def run(self, query):
        """Seconds that a run took, or what was said against it, and the places in the queue that were told."""
        began, seen, places = time.perf_counter(), 0, []
        started = await self.ask("start_run", query)
        if "error" in started:
            return started["error"], places
        while True:
            said = await self.ask("run_news", [started["job"], seen])
            if "error" in said:
                return said["error"], places
            seen += len(said["events"])
            places += [said["place"]] if said.get("place") else []
            if said["done"]:
                return time.perf_counter() - began, places

    @asynccontextmanager
    async def socket(self):
        async with websockets.connect(self.server.live, additional_headers=self.headers, max_size=None) as socket:
            yield socket

    async def drag(self, name, i, end, waits):
        """Drag until `end()`; milliseconds of each question are appended to `waits`."""
        async with self.socket() as socket:
            k, due = 0, time.perf_counter()
            while not end():
                due = max(due + 1 / RATE, time.perf_counter())
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                began = time.perf_counter()
                await socket.send(json.dumps([name, QUERIES[name](i, k)]))
                answer = await socket.recv()
                assert "error" not in answer[:40], answer[:200]
                waits.append(1000 * (time.perf_counter() - began))
                k += 1


def clients(server, count, first=0):
    return [Client(server, f"client-{first + i:04d}") for i in range(count)]


async def drags(server, name, count, seconds):
    """Pictures a second of each of so many who drag, and all waits in milliseconds."""
    stop, waits = time.perf_counter() + seconds, [[] for _ in range(count)]
    await asyncio.gather(*(client.drag(name, i, lambda: time.perf_counter() > stop, waits[i])
                           for i, client in enumerate(clients(server, count))))  # fmt: skip
    return [len(mine) / seconds for mine in waits], np.concatenate(waits)


async def runs(server, query, counts):
    """What `Client.run` says of visitors who start so many runs each at once: a list each."""

    async def all_of(client, count, first):
        return await asyncio.gather(*(client.run(query.format(first + i)) for i in range(count)))

    return await asyncio.gather(*(all_of(client, count, 100 * i)
                                  for i, (client, count) in enumerate(zip(clients(server, len(counts)), counts, strict=True))))  # fmt: skip


async def beside(server, query, count, name):
    """So many runs at once with one who drags beside: `runs`, and the waits of the drag."""
    waits, over = [], asyncio.Event()
    drag = asyncio.create_task(clients(server, 1, 500)[0].drag(name, 0, over.is_set, waits))
    found = await runs(server, query, [1] * count)
    over.set()
    await drag
    return found, np.array(waits)


async def flooded(server, seconds):
    """The waits of one who drags faces, alone, and beside one visitor who asks for 999 faces at once and one who never reads."""
    honest, greedy, deaf = clients(server, 3, 600)
    alone, beside = [], []
    stop = time.perf_counter() + seconds
    await honest.drag(FACES, 0, lambda: time.perf_counter() > stop, alone)

    async def never_read():
        try:
            async with websockets.connect(server.live, additional_headers=deaf.headers, max_queue=1) as socket:
                while True:
                    await socket.send(json.dumps([FACES, faces(1, 1)]))
        except websockets.ConnectionClosed:  # sent away
            pass

    others = [asyncio.create_task(never_read())]
    others += [asyncio.create_task(greedy.ask(FACES, faces(i, i), "faces")) for i in range(999)]
    stop = time.perf_counter() + seconds
    await honest.drag(FACES, 0, lambda: time.perf_counter() > stop, beside)
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return np.array(alone), np.array(beside)


def seconds_of(found):
    """The seconds of all runs that finished, in a list."""
    return [took for mine in found for took, _ in mine if not isinstance(took, str)]


def refused(found):
    return [took for mine in found for took, _ in mine if isinstance(took, str)]


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def p(waits, percent):
    return f"{np.percentile(waits, percent):.0f} ms"


async def measure(server, seconds, only):
    row("what", "bar", "measured")
    row("---", "---", "---")
    for name, bar in ((PLANE, "10 a second each, p95 150 ms"), (FACES, "5 a second each, p95 300 ms")):
        await drags(server, name, 2, 1)  # warm
        if only in (None, "drags"):
            each, waits = await drags(server, name, 40, seconds)
            words = f"{np.mean(each):.1f} a second each (least {min(each):.1f}), p50 {p(waits, 50)}, p95 {p(waits, 95)}"
            row(f"40 drag at once, `{name}`", bar, words)
    if only in (None, "drags"):
        alone, crowded = await flooded(server, seconds)
        row("faces dragged beside 999 questions at once, and a socket that never reads", "no more than their share",
            f"p50 {p(alone, 50)} alone, {p(crowded, 50)} beside; p95 {p(alone, 95)} alone, {p(crowded, 95)} beside")  # fmt: skip
    if only == "drags":
        return
    await runs(server, SHORT, [1])
    alone = seconds_of(await runs(server, RUN, [1]))[0]
    three = max(seconds_of((await runs(server, RUN, [1, 1, 1, 1]))[1:]))
    crowd = asyncio.create_task(runs(server, RUN, [50, 1, 1, 1]))
    found = await crowd
    worst = max(seconds_of(found[1:]))
    row("one with 50 samplings, three with one", "the three within 1.5 x what they take beside one",
        f"{worst:.1f} s against {three:.1f} s: {worst / three:.2f} x; {len(refused(found))} refused")  # fmt: skip
    found = await runs(server, SHORT, [1] * 40)
    told = sum(bool(places) for mine in found for _, places in mine)
    row("40 start a sampling at once", "all finish, each told its place; none refused",
        f"{len(seconds_of(found))} finish, last after {max(seconds_of(found)):.1f} s; {told} waited and were told their place; {len(refused(found))} refused")  # fmt: skip
    found, waits = await beside(server, RUN, 10, PLANE)
    fair = 10 * alone
    row("ten 20-step samplings at once", "all finish within 1.5 x their fair share; drags beside p95 60 ms",
        f"{len(seconds_of(found))} finish, last after {max(seconds_of(found)):.1f} s, {max(seconds_of(found)) / fair:.2f} x the share "
        f"({fair:.1f} s); drags p50 {p(waits, 50)}, p95 {p(waits, 95)}")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", choices=("drags", "runs"))
    parser.add_argument("--wait", type=float, default=25, help="seconds for which the app may load its models first")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder, "app")).wait()
        try:
            time.sleep(options.wait)
            asyncio.run(measure(Server(app.url), options.seconds, options.only))
        finally:
            app.stop()


if __name__ == "__main__":
    main()
