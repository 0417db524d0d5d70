# SPDX-License-Identifier: MIT
"""Runs scenarios on a real kernel and compares its answers with the model's."""
