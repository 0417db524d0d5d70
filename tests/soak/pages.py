# SPDX-License-Identifier: MIT
"""`make soak WHAT=pages`: how long pages and lists take with 100,000 failures, in SQLite and in
PostgreSQL.

A case is a page, asked nine times of the app in this process, without a network, or what a verb
asks of the store. Of SQLite the median of CPU time counts, for others share the machine; of
PostgreSQL, whose CPU time is that of a server, the shortest time by the clock. Drawings are not
made: a page without one says at once that it is being made. What a verb's Python needs to start
is not in it.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fastapi.testclient import TestClient

from tests import stocked
from tests.soak import frame
from tests.soak.chaos import Servers
from tests.soak.frame import Plan, Row, Table
from triage.web import access, app
from triage.web.drawings import Drawing, Drawings
from workers.database import file_url
from workers.http import make_app
from workers.listing import Wanted
from workers.schema import UNJUDGED
from workers.store import Store

NAME: Final = "pages"
FAILURES: Final = 100_000
ASKED: Final = 9
LIMIT_MS: Final = 200.0
PAGES: Final = (
    "/",
    "/failures",
    "/failures?sort=last&after=1050000",
    "/failures?sort=seen&after=1000777",
    "/failures?sort=signature&verdict=any&every=true",
    "/failures?q=function_1000777",
    "/failures?q=promise+broken",
    "/failures?q=leak+xyzzy",
    "/failures?q=qz",
    "/failures?verdict=dup",
    "/failures?oracle=leak&state=minimized",
    "/failures/1000777",
    "/corpus",
    "/coverage",
    "/campaigns",
    "/canaries",
    "/workers",
    "/decisions",
)
LIST: Final = "mmfarm triage list"
NEXT: Final = "mmfarm triage next"
SHOW: Final = "mmfarm triage show F1000777"
DATABASES: Final = ("sqlite", "postgresql")
BAR: Final = "With 100,000 failures every page, list and show takes under 200 ms."

CASES: Final = tuple(
    f"{database} {what}" for database in DATABASES for what in (LIST, NEXT, SHOW, *PAGES)
)


class Pages:
    """A store of each database for all its cases, filled when the first is measured."""

    def __init__(self, folder: Path, failures: int) -> None:
        self._folder = folder
        self._failures = failures
        self._made: dict[str, tuple[Store, TestClient]] = {}
        self._servers: Servers | None = None

    def measure(self, case: str) -> Row:
        database, _, what = case.partition(" ")
        if database not in self._made:
            store = Store.open(self._url(database))
            self._made[database] = store, self._filled(store)
        store, client = self._made[database]
        asked: dict[str, Callable[[], object]] = {
            LIST: lambda: store.search(Wanted(verdict=UNJUDGED, limit=100)),
            NEXT: store.next_open,
            SHOW: lambda: (store.failure(1_000_777), store.kin(1_000_777), store.said(1_000_777)),
        }
        ask = asked.get(what, lambda: client.get(what).raise_for_status())
        ask()
        if database == "sqlite":
            return {"ms": statistics.median(_times(ask, time.process_time))}
        return {"ms": min(_times(ask, time.perf_counter))}

    def close(self) -> None:
        if self._servers is not None:
            self._servers.close()

    def _url(self, database: str) -> str:
        if database == "sqlite":
            return file_url(self._folder / "mmfarm.db")
        self._servers = Servers(self._folder)
        return self._servers.url_of_store(direct=True)

    def _filled(self, store: Store) -> TestClient:
        stocked.work(store, 50)
        stocked.made_up(store, self._failures)
        served = make_app(store)
        drawings = Drawings(lambda text, name: Drawing(None))
        app.add(served, app.Site(store, access.Access(None), drawings))
        return TestClient(served)


def _times(ask: Callable[[], object], clock: Callable[[], float]) -> list[float]:
    """Milliseconds of each time that it is asked."""
    times = []
    for _ in range(ASKED):
        began = clock()
        ask()
        times.append(round(1000 * (clock() - began), 1))
    return times


def table(rows: dict[str, Row]) -> Table:
    return Table(
        done=len(rows),
        wanted=len(CASES),
        unit="questions",
        heading=("database and what", "time"),
        lines=[(page, f"{row['ms']} ms") for page, row in rows.items()],
        broken=[f"{page} takes {r['ms']} ms" for page, r in rows.items() if r["ms"] > LIMIT_MS],
    )


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--failures", type=int, default=FAILURES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mmfarm-pages-") as folder:
        pages = Pages(Path(folder), options.failures)
        try:
            return frame.run(
                Plan(
                    name=NAME,
                    bar=BAR,
                    of={
                        "sources": frame.sources("workers", "triage"),
                        "failures": options.failures,
                    },
                    cases=lambda _: CASES,
                    measure=pages.measure,
                    table=table,
                ),
                options,
            )
        finally:
            pages.close()


if __name__ == "__main__":
    sys.exit(main())
