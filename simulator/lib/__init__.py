# SPDX-License-Identifier: MIT
"""Data structures that every part of the model uses, after lib/."""
