# SPDX-License-Identifier: MIT
"""What farms say to workers through a broker: one kind of message.

Contract: a message says which farm it belongs to and which job there is to do. `read` takes
nothing else, whoever wrote it: it raises MessageError for other types, other keys, numbers out of
range, and other farms. Nothing of a message becomes a path, a statement or a command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WORK: Final = "mmfarm.work"  # the name of the task
MAX_ID: Final = 2**31 - 1  # as the database numbers jobs
_KEYS: Final = {"farm", "job"}


class MessageError(Exception):
    """Not a message for this farm."""


@dataclass(frozen=True, slots=True)
class Work:
    """Do this job, if it is still there to be done."""

    farm: str
    job: int

    def body(self) -> dict[str, Any]:
        return {"farm": self.farm, "job": self.job}


def read(farm: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Work:
    """The message of a task's arguments, for the farm that reads it."""
    if args or set(kwargs) != _KEYS:
        raise MessageError(f"expected exactly the keys {sorted(_KEYS)}")
    if type(kwargs["farm"]) is not str or type(kwargs["job"]) is not int:
        raise MessageError("expected a text and a number")
    if kwargs["farm"] != farm:
        raise MessageError("it belongs to another farm")
    if not 1 <= kwargs["job"] <= MAX_ID:
        raise MessageError("its job is out of range")
    return Work(farm, kwargs["job"])
