# SPDX-License-Identifier: MIT
"""The text of strace: `parse` makes a `corpus.recording.events.Log` of it."""
