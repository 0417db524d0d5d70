# SPDX-License-Identifier: MIT
"""One file a revision, `NNNN_what.py`."""
