# SPDX-License-Identifier: MIT
"""Good/bad pairs of oracles: a scenario that is clean on the model, and the same one on a model
in which one function is broken, which one oracle must notice.

The tables are in broken_memory.py, broken_counts.py, broken_objects.py and broken_calls.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass(slots=True)
class Patch:
    """Functions of the model that were exchanged, to be put back."""

    saved: list[tuple[ModuleType | type, str, Any]] = field(default_factory=list)

    def set(self, module: ModuleType | type, name: str, function: Any) -> None:
        self.saved.append((module, name, getattr(module, name)))
        setattr(module, name, function)

    def nothing(self, module: ModuleType | type, name: str, result: Any = None) -> None:
        """The function does nothing any more."""

        def skipped(*_args: object) -> Any:
            return result

        self.set(module, name, skipped)

    def after(self, module: ModuleType, name: str, then: Callable[..., None]) -> None:
        """The function does its work, and `then`, with the same arguments, undoes some of it."""
        original = getattr(module, name)

        def both(*args: Any) -> Any:
            result = original(*args)
            then(*args)
            return result

        self.set(module, name, both)

    def result(self, module: ModuleType, name: str, change: Callable[..., Any]) -> None:
        """The function does its work; what it returns is then `change`d, which gets that and
        the arguments."""
        original = getattr(module, name)

        def changed(*args: Any) -> Any:
            return change(original(*args), *args)

        self.set(module, name, changed)

    def undo(self) -> None:
        for module, name, function in reversed(self.saved):
            setattr(module, name, function)
        self.saved.clear()


@dataclass(frozen=True, slots=True)
class Pair:
    """`scenario` is clean; with `breaks` it has `signature`."""

    name: str
    signature: str
    scenario: str
    breaks: Callable[[Patch], None]
