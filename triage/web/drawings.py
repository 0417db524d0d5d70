# SPDX-License-Identifier: MIT
"""Explanations of scenarios for pages: made once, by one thread beside, and kept.

Contract: `get` answers at once, or within `patience_seconds`: with a Drawing, or None while it is
being made. A Drawing belongs to this process's model build. What goes wrong is kept as `trouble`,
and tried again after RETRY_SECONDS, for a page that is asked for again and again must not run the
model again and again.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final

from corpus.text import TextError, parse
from triage.explain import Explanation, explain
from triage.traced import TraceError

KEPT: Final = 64  # drawings: a megabyte each at most
WAITING: Final = 16  # that nobody has begun: more are refused until some are made
PATIENCE_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """`explanation` is None where the scenario passes on this model, or for `trouble`."""

    explanation: Explanation | None
    trouble: str = ""


class Drawings:
    """May be used by many threads."""

    def __init__(
        self,
        make: Callable[[str, str], Drawing] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._make = make or _made
        self._patience_seconds = patience_seconds
        self._known: OrderedDict[tuple[str, str], tuple[Future[Drawing], float]] = OrderedDict()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, "drawing")

    def get(self, text: str, name: str) -> Drawing | None:
        """The drawing of a scenario, whose commands name it `name`."""
        with self._lock:
            future = self._future((text, name))
        if future is None:
            return None
        try:
            return future.result(self._patience_seconds)
        except (NotYet, CancelledError):
            return None

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _future(self, key: tuple[str, str]) -> Future[Drawing] | None:
        if key in self._known:
            future, since = self._known[key]
            stale = monotonic() - since > RETRY_SECONDS
            if not (future.done() and stale and future.result().trouble):
                self._known.move_to_end(key)
                return future
        if sum(not each.done() for each, _ in self._known.values()) >= WAITING:
            return None
        future = self._pool.submit(self._make, *key)
        self._known[key] = (future, monotonic())
        while len(self._known) > KEPT:
            self._known.popitem(last=False)[1][0].cancel()
        return future


def _made(text: str, name: str) -> Drawing:
    try:
        return Drawing(explain(parse(text), name))
    except (TraceError, TextError) as error:
        return Drawing(None, str(error))
