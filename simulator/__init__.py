# SPDX-License-Identifier: MIT
"""A deterministic model of Linux mm: give it a Scenario, get an Outcome."""

from simulator.build import select

select("simulator", __path__)
