# SPDX-License-Identifier: MIT
"""Adds the compiled model to wheels; pyproject.toml says everything else.

Where nothing can be compiled the wheel is pure, and its model interpreted. Editable
installations leave compiling to `python -m simulator.build`.
"""

import os
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent))
os.environ["MMFARM_MODEL"] = "interpreted"  # whatever has been compiled here before
from simulator.build.compiler import compile_model, why_not  # noqa: E402

REASON = why_not()


class BuildWithModel(build_py):
    """Puts a compiled set where an installed simulator looks for it."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        if REASON:
            print(f"{REASON}: the model will be interpreted", file=sys.stderr)
            return
        compile_model(Path(self.build_lib, "simulator", "build", "compiled").resolve())


class MaybePure(Distribution):
    def has_ext_modules(self) -> bool:
        return not REASON


setup(cmdclass={"build_py": BuildWithModel}, distclass=MaybePure)
