# SPDX-License-Identifier: MIT
"""The parts of the minimizer: what is simpler (order), one step simpler (edits, candidates),
does it still fail (judge)."""
