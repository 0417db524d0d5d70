# SPDX-License-Identifier: MIT
"""Drivers that use mm: the device actor."""
