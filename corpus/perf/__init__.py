# SPDX-License-Identifier: MIT
"""The text of `perf trace -F all`: `parse` makes a `corpus.recording.events.Log` of it."""
