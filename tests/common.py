"""What tests of every room call. No fixtures: a test file may import it, while `conftest` is another one in each folder."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


def lacking(what):
    """Skip for want of `what` on a developer's machine; on CI, where nothing may be missing, fail."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def awaited(coroutine):
    """What a coroutine comes to, in a thread of its own: Playwright's loop runs in the main one once a browser was opened."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def python(code, *arguments, timeout=900, **environment):
    """Run `code` in a fresh interpreter at the repository's root; returns the finished process with its text output."""
    settings = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=REPOSITORY, env=settings, text=True,
                          capture_output=True, timeout=timeout)  # fmt: skip
