# SPDX-License-Identifier: MIT
"""`make soak WHAT=pages`: how long the web page's pages take with 100,000 failures in SQLite.

A case is a page, asked nine times of the app in this process, without a network; the median counts.
Drawings are not made: a page that has none answers at once that it is being made.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from fastapi.testclient import TestClient

from tests import stocked
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table
from tests.soak.large import milliseconds
from triage.web import access, app
from triage.web.drawings import Drawing, Drawings
from workers.database import file_url
from workers.http import make_app
from workers.store import Store

NAME: Final = "pages"
FAILURES: Final = 100_000
LIMIT_MS: Final = 200.0
PAGES: Final = (
    "/",
    "/failures",
    "/failures?sort=last&page=1000",
    "/failures?sort=signature&verdict=any&every=true",
    "/failures?q=function_1000777",
    "/failures?oracle=leak&state=minimized",
    "/failures/1000777",
    "/corpus",
    "/coverage",
    "/campaigns",
    "/canaries",
    "/workers",
    "/decisions",
)
BAR: Final = "With 100,000 failures every page takes under 200 ms."


class Pages:
    """One store for all cases, filled when the first is measured."""

    def __init__(self, folder: Path, failures: int) -> None:
        self._folder = folder
        self._failures = failures
        self._client: TestClient | None = None

    def measure(self, page: str) -> Row:
        if self._client is None:
            self._client = self._filled()
        client = self._client
        assert client.get(page).status_code == 200, page
        return {"ms": milliseconds(lambda: client.get(page)), "failures": self._failures}

    def _filled(self) -> TestClient:
        store = Store.open(file_url(self._folder / "mmfarm.db"))
        stocked.work(store, 50)
        stocked.made_up(store, self._failures)
        served = make_app(store)
        drawings = Drawings(lambda text, name: Drawing(None))
        app.add(served, app.Site(store, access.Access(None), drawings))
        return TestClient(served)


def table(rows: dict[str, Row]) -> Table:
    return Table(
        done=len(rows),
        wanted=len(PAGES),
        unit="pages",
        heading=("page", "median"),
        lines=[(page, f"{row['ms']} ms") for page, row in rows.items()],
        broken=[f"{page} takes {r['ms']} ms" for page, r in rows.items() if r["ms"] > LIMIT_MS],
    )


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--failures", type=int, default=FAILURES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mmfarm-pages-") as folder:
        return frame.run(
            Plan(
                name=NAME,
                bar=BAR,
                of={"sources": frame.sources("workers", "triage"), "failures": options.failures},
                cases=lambda _: PAGES,
                measure=Pages(Path(folder), options.failures).measure,
                table=table,
            ),
            options,
        )


if __name__ == "__main__":
    sys.exit(main())
