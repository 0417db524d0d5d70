# SPDX-License-Identifier: MIT
"""The random generator under the name that fuzz/ uses; strategies need it in the simulator."""

from simulator.rng import Rng

__all__ = ["Rng"]
