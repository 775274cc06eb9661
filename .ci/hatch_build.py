"""The wheel takes the browser's ONNX Runtime along, if `python -m explorer runtime` has fetched it."""

import runpy
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RuntimeHook(BuildHookInterface):
    def initialize(self, version, build_data):
        runtime = runpy.run_path(str(Path(self.root, "explorer/serving/runtime.py")))
        folder = runtime["folder"]()
        if folder is None:
            self.app.display_warning("built without the browser's runtime: `python -m explorer runtime` fetches it")
            return
        for file in runtime["FILES"]:
            build_data["force_include"][str(folder / file)] = f"explorer/runtime/{runtime['VERSION']}/{file}"
