# SPDX-License-Identifier: MIT
"""Makes scenarios and runs them: codec, generator, mutators, schedules, harness, minimizer."""

from simulator.build import select

select("fuzz", __path__)
