# SPDX-License-Identifier: MIT
"""Which commit of mmfarm this is."""

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def commit() -> str:
    """The commit of the checkout, with `+` where a file was changed since; empty where there is
    no checkout, as in an installed wheel."""
    if not (ROOT / ".git").exists():
        return ""
    said = _git("rev-parse", "HEAD")
    return f"{said}+" if said and _git("status", "--porcelain", "-uno") else said


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
