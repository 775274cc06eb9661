"""TensorFlow without its notes about the machine, which its libraries write before they read TF_CPP_MIN_LOG_LEVEL."""

import os
import re
import sys
import tempfile
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder

_NOTE = re.compile(rb"I\d{4} [\d:.]+ |WARNING: All log messages before absl|To enable the following instructions")


def hush():
    """From now on TensorFlow says nothing when it is imported but what went wrong, unless TF_CPP_MIN_LOG_LEVEL asks for more."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") >= "3" and not any(isinstance(f, _Quietly) for f in sys.meta_path):
        sys.meta_path.insert(0, _Quietly())


class _Quietly(MetaPathFinder):
    """Finds TensorFlow, and has it imported `without_notes`."""

    def find_spec(self, fullname, path, target=None):
        spec = PathFinder.find_spec(fullname, path) if fullname == "tensorflow" else None
        if spec and spec.loader:
            spec.loader.exec_module = without_notes()(spec.loader.exec_module)
        return spec


@contextmanager
def without_notes():
    """What is written to standard error meanwhile, by C too, comes afterwards, less TensorFlow's notes."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            told.seek(0)
            os.write(2, b"".join(line for line in told if not _NOTE.match(line)))
