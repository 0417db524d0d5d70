# SPDX-License-Identifier: MIT
"""Where mmfarm keeps what it makes: one folder per user, or per run with `--out DIR`. And
where it keeps what it can make again.

Contract: both functions only name the folder; whoever writes into it creates it.
"""

import os
from collections.abc import Mapping
from pathlib import Path


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """`$MMFARM_DATA`, else `$XDG_DATA_HOME/mmfarm`, else `~/.local/share/mmfarm`.

    An empty variable counts as unset. The XDG specification ignores a relative
    `XDG_DATA_HOME`, so it is ignored here; a relative `MMFARM_DATA` is the user's wish.
    """
    own = environ.get("MMFARM_DATA", "")
    if own:
        return Path(own).absolute()
    shared = environ.get("XDG_DATA_HOME", "")
    if shared and os.path.isabs(shared):
        return Path(shared) / "mmfarm"
    home = environ.get("HOME", "")
    return (Path(home) if home else Path.home()) / ".local" / "share" / "mmfarm"


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/mmfarm`, else `~/.cache/mmfarm`."""
    shared = environ.get("XDG_CACHE_HOME", "")
    if shared and os.path.isabs(shared):
        return Path(shared) / "mmfarm"
    home = environ.get("HOME", "")
    return (Path(home) if home else Path.home()) / ".cache" / "mmfarm"
