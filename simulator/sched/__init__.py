# SPDX-License-Identifier: MIT
"""Actors, sites, directives, locks."""
