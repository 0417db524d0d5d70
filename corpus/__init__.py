# SPDX-License-Identifier: MIT
"""Scenarios as text files that people read: their format, checks, imports and exports."""
