"""Minutes of mixed use of one server, and what it leaves behind: memory, threads, files, sockets.

`python -m tests.benchmarks.mixed_use [--minutes 10] [--hostile]` prints JSON. Five people drag (three the plane, two faces), others
sample, leave in the middle, ask for sheets and files; with `--hostile` beside them the cheap requests with dear answers: pictures of one
row, large ones ten at once, long films whose visitor hangs up, bodies without end, wrong calls. Clients and server share this machine.
"""

import argparse
import asyncio
import base64
import contextlib
import io
import itertools
import json
import os
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from tests.benchmarks.class_at_once import FACES, PLANE, App, Server, clients  # noqa: E402

BARS = {"drags_p95_ms": 100, "memory_after": 1.10, "memory_flat": 1.05}
SETTLED = 20  # seconds after the last request before what is left is read
ROUNDS = 6  # of use before memory is read first: models are loaded, functions compiled
MOST_WARM = 300  # ... and seconds at most
SAMPLE = "view=diffusion&model={}&steps=20&seed={}"
FILES = (
    ("view=diffusion&model=fashion-ddpm&what=strip&to=7&frames=5&steps=10", "gif"),
    ("view=morph&model=celeba-vae&corners=g1;g2&what=strip&frames=9", "webp"),
    ("model=mnist-vae&what=plane&n=20", "png"),
)
DEAR = (
    "view=diffusion&model=fashion-ddpm&what=strip&to=7&frames=2&steps=4000",
    "view=diffusion&model=flowers-diffusion&what=grid&n=18&steps=100",
    "view=text-to-image&what=strip&prompt=a+face&to_prompt=a+flower&frames=64&steps=46",
    "view=morph&what=strip&frames=64&size=1024&corners=g1;g2",
)


def left(process):
    """What a process holds: bytes in memory, threads, open files and sockets."""
    place = Path("/proc", str(process))
    status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
    links = []
    for link in (place / "fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            links.append(os.readlink(link))
    sockets = sum(link.startswith("socket:") for link in links)
    return {"megabytes": round(int(status["VmRSS"].split()[0]) / 1024), "threads": int(status["Threads"]),
            "files": len(links) - sockets, "sockets": sockets}  # fmt: skip


def tall_png(height):
    """A grey PNG one pixel wide, of some kB."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(2_000_000)) for _ in range(height // 1_000_000)) + packer.flush()
    header = struct.pack(">IIBBBBB", 1, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def data_url(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


def large_png(side):
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "PNG")
    return file.getvalue()


async def usual(client, over, counts):
    """Samplings, some left in the middle, sheets, files."""
    for k in itertools.count():
        if over():
            return
        query = SAMPLE.format(("fashion-ddpm", "flowers-diffusion")[k % 2], k)
        if k % 3 == 2:  # the page is closed in the middle
            started = await client.ask("start_run", query)
            await asyncio.sleep(0.5)
            await client.http.post(f"{client.server.url}/leave", content=started.get("job", ""))
        else:
            await client.run(query)
        await client.ask("plane_backdrop", "model=mnist-vae&n=20&what=plane", "latent-plane")
        await client.ask("face_strip", f"view=faces&what=strip&face={k % 40}", "faces")
        state, ending = FILES[k % len(FILES)]
        answer = await client.ask("export_file", {"query": state, "ending": ending}, "diffusion")
        counts["files" if "file" in answer else answer["error"][:90]] += 1
        counts["rounds"] += 1


async def hostile(client, over, counts):
    """The rows of cheap requests with dear answers, one after the other."""
    tall, large = data_url(tall_png(39_000_000)), data_url(large_png(6300))
    upload = f"{client.server.url}/gradio_api/component_server/"
    for k in itertools.count():
        if over():
            return
        await client.ask("encode_picture", {"model": "mnist-vae", "picture": tall}, "latent-plane")
        await asyncio.gather(
            *(client.ask("encode_picture", {"model": "mnist-vae", "picture": large}, "latent-plane") for _ in range(10))
        )
        with contextlib.suppress(httpx.TimeoutException):  # who asked hangs up
            body = {"query": DEAR[k % len(DEAR)], "ending": "gif"}
            await asyncio.wait_for(client.ask("export_file", body, "diffusion"), 3)
        answers = [
            await client.http.post(upload, content=b"[" + b"0," * 20_000_000 + b"0]", headers={"Content-Type": "application/json"}),
            await client.http.post(upload, json={"session_hash": "x", "component_id": 10**9, "fn_name": "nothing", "data": None}),
            await client.http.post(f"{client.server.url}/gradio_api/upload", files={"files": b"x" * 1_000_000}),
            await client.http.post(upload, json={"session_hash": "x", "component_id": client.server.components["latent-plane"],
                                                 "fn_name": "open_view", "data": "&".join(["z=nan"] * 300_000)}),
        ]  # fmt: skip
        counts.update(f"status {answer.status_code}" for answer in answers)
        counts["longest_answer"] = max(counts["longest_answer"], *(len(answer.content) for answer in answers))
        await client.ask("ask_preset", "/etc", "text-to-image")
        counts["hostile_rounds"] += 1


async def again(work, client, over, counts):
    """`work` until it is over; what goes wrong is counted."""
    while not over():
        try:
            await work(client, over, counts)
        except (httpx.HTTPError, TimeoutError) as error:
            counts[type(error).__name__] += 1


async def measure(server, process, minutes, with_hostile):
    waits, counts, held = [], Counter(), []
    until, began = float("inf"), time.perf_counter()

    def over():
        return time.perf_counter() > until

    people, others, bad = clients(server, 5, 100), clients(server, 2, 200), clients(server, 1, 300)
    tasks = [asyncio.create_task(person.drag(PLANE if i < 3 else FACES, i, over, waits)) for i, person in enumerate(people)]
    tasks += [asyncio.create_task(again(usual, client, over, counts)) for client in others]
    if with_hostile:
        tasks += [asyncio.create_task(again(hostile, client, over, counts)) for client in bad]
    while time.perf_counter() < began + MOST_WARM and (counts["rounds"] < ROUNDS or with_hostile and not counts["hostile_rounds"]):
        await asyncio.sleep(0.5)
    warm = time.perf_counter() - began
    until = time.perf_counter() + 60 * minutes
    waits.clear()
    while not over():
        held.append(left(process))
        await asyncio.sleep(min(5.0, 12 * minutes))
    await asyncio.wait(tasks, timeout=120)
    for task in tasks:
        task.cancel()
    failed = [repr(found) for found in await asyncio.gather(*tasks, return_exceptions=True) if found is not None]
    for client in (*people, *others, *bad):
        await client.http.aclose()
    await asyncio.sleep(SETTLED)
    third = max(1, len(held) // 3)
    first, last = (np.median([at["megabytes"] for at in part]) for part in (held[:third], held[-third:]))
    after = left(process)
    return {
        "drags": len(waits), "drags_p50_ms": round(float(np.percentile(waits, 50))), "drags_p95_ms": round(float(np.percentile(waits, 95))),
        "memory_flat": round(float(last / first), 3), "memory_after": round(after["megabytes"] / held[0]["megabytes"], 3),
        "most_megabytes": max(at["megabytes"] for at in held), "at_first": held[0], "at_last": held[-1], "afterwards": after,
        "warm_seconds": round(warm), "counts": dict(counts), "failed": failed,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--hostile", action="store_true")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder, "app")).wait()
        try:
            time.sleep(25)  # it loads its models
            before = left(app.process.pid)
            found = asyncio.run(measure(Server(app.url), app.process.pid, options.minutes, options.hostile))
            files = sum(path.is_file() for path in Path(folder, "app").rglob("*"))
        finally:
            app.stop()
    print(json.dumps({"load_before": round(load, 1), "load_after": round(os.getloadavg()[0], 1), "bars": BARS,
                      "before_use": before, "temporary_files": files, **found}, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
