# SPDX-License-Identifier: MIT
"""Interleavings of a scenario, forced on a real kernel in QEMU through its gdbstub."""
