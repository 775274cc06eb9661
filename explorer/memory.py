"""What models take of this machine's memory, and may take: EXPLORER_MEMORY, as in 2GB, else half of what is free at first."""

import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

from explorer.errors import InputError

LIMIT = "EXPLORER_MEMORY"
UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
LEAST = 3e6  # bytes that the smallest model takes
COPIES = 8  # of its weights, with its compiled functions: measured 3 to 8, see tests/benchmarks/memory.py
MEASURED = "/proc/meminfo"
CONTAINER = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def limit():
    """Bytes that all models together may take; InputError for an EXPLORER_MEMORY that is no size."""
    said = os.environ.get(LIMIT, "").strip()
    if not said:
        return _half()
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", said.lower())
    if not found:
        raise InputError(f"{LIMIT} must be a size such as 2GB or 800MB, got {said!r}")
    return float(found[1]) * UNITS[found[2]]


def available():
    """Bytes that may still be taken: what the kernel could free too, within a container's limit; endless where nothing says so."""
    sizes = [float("inf")]
    with suppress(OSError, ValueError):
        lines = Path(MEASURED).read_text("ascii").splitlines()
        sizes += [1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")]
    for path in CONTAINER:
        with suppress(OSError, ValueError):  # there is none, or it says "max"
            sizes.append(float(Path(path).read_text("ascii")))
    return min(sizes)


def estimated(card):
    """About how many bytes a model takes once it has drawn, by its card."""
    return LEAST + COPIES * 4 * sum(card.get("parameters", {}).values())


@cache
def _half():
    return available() / 2
