# SPDX-License-Identifier: MIT
"""Numbers on the command line, for options that limit how long something takes.

Contract: `Seconds` takes finite numbers only: `nan` compares with nothing and `inf` never ends, so
either would let a run say more than it did.
"""

import math
from typing import Any

import click


class Seconds(click.FloatRange):
    """A finite number of seconds of at least `min`."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{value} is no number of seconds: give a finite one.", param, ctx)
        return seconds
