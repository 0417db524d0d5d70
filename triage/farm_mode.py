# SPDX-License-Identifier: MIT
"""What the operator's three switches share: pause, drain, resume."""

from triage import farm
from triage.exits import OK
from triage.terminal import write, write_json


def switch(said: str, as_json: bool, **mode: bool) -> int:
    """Set `paused`, `draining` or both, and say so."""
    with farm.opened() as store:
        store.set_farm(**mode)
        row = store.farm()
    if as_json:
        write_json({"farm": row.farm_id, "paused": row.paused, "draining": row.draining})
    else:
        write(said)
    return OK
