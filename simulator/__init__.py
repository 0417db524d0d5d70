# SPDX-License-Identifier: MIT
"""A deterministic model of Linux mm: give it a Scenario, get an Outcome."""
