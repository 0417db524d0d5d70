# SPDX-License-Identifier: MIT
"""Writing files that others read.

Contract: a file appears whole or not at all, and a failure leaves nothing behind. It does not
promise to survive a power cut.
"""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that no reader ever sees half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
