# SPDX-License-Identifier: MIT
"""`make soak WHAT=large`: a million corpus entries and 100,000 failures on PostgreSQL.

Each entry has a text and a map of features of the size that real ones have; maps are drawn from a
skewed distribution, some thousand different ones. What is asked is asked nine times; the median
counts, and CPU seconds of distilling are beside its time. Needs PostgreSQL's programs.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import create_engine, text

from fuzz import maps
from simulator.features import COUNTERS_SIZE
from tests.farming import BUILD, text_of
from tests.soak import frame
from tests.soak.chaos import Servers
from tests.soak.frame import Plan, Row, Table
from workers.store import Store

NAME: Final = "large"
ENTRIES: Final = 1_000_000
FAILURES: Final = 100_000
DIFFERENT: Final = 2000  # maps and texts
FEATURES: Final = 400  # of one entry, of 60,000 that there are
ASKED: Final = 9
LIMITS_MS: Final = {"delta": 100.0, "some": 100.0, "unproven": 100.0, "list": 200.0, "show": 200.0}
DISTILL_SECONDS: Final = 600.0
BAR: Final = (
    "With a million corpus entries and 100,000 failures on PostgreSQL a delta is pulled in under "
    "100 ms, distilling takes under 10 minutes, list and show under 200 ms."
)


def fill(url: str, entries: int, failures: int) -> None:
    rng = Random(1)
    blobs = []
    for number in range(DIFFERENT):
        shown = bytearray(COUNTERS_SIZE)
        for _ in range(FEATURES):
            shown[int(COUNTERS_SIZE * rng.random() ** 3)] |= 1 << rng.randrange(4)
        blobs.append(
            {
                "i": number,
                "features": maps.pack(bytes(shown)),
                "said": maps.pack(text_of(8 + number % 40).encode()),
            }
        )
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE blob (i integer, features bytea, said bytea)"))
        connection.execute(text("INSERT INTO blob VALUES (:i, :features, :said)"), blobs)
        for statement in (
            "INSERT INTO entry (seq, model, sha256, packed, origin, added_at) SELECT g, '', "
            "md5(g::text) || md5('x' || g), b.said, 'farm', now() "
            "FROM generate_series(1, :n) g JOIN blob b ON b.i = g % :d",
            "INSERT INTO entry_features (seq, build_id, packed, count) SELECT g, :build, "
            "b.features, 400 FROM generate_series(1, :n) g JOIN blob b ON b.i = g % :d",
        ):
            connection.execute(text(statement), {"n": entries, "d": DIFFERENT, "build": BUILD})
        connection.execute(text("UPDATE farm SET corpus_seq = :n"), {"n": entries})
        connection.execute(
            text(
                "INSERT INTO feature_map (model, build_id, packed, features, entries, given, "
                "updated_at) VALUES ('', :build, :packed, 60000, 0, :n, now())"
            ),
            {"build": BUILD, "packed": blobs[0]["features"], "n": entries},
        )
        connection.execute(
            text(
                "INSERT INTO failure (oracle, culprit, object_class, promise, count, first_seen, "
                "last_seen, state, note) SELECT 'leak', 'f' || g, 'page', 'a promise', 1 + g % 97, "
                "now(), now(), 'minimized', '' FROM generate_series(1, :n) g"
            ),
            {"n": failures},
        )
        connection.execute(
            text(
                "INSERT INTO scenario SELECT md5(g::text) || md5('y' || g), :said, 4, 1, now() "
                "FROM generate_series(1, 2 * :n) g"
            ),
            {"n": failures, "said": text_of(3)},
        )
        connection.execute(
            text(
                "INSERT INTO example SELECT 1 + g / 2, md5(g::text) || md5('y' || g), "
                "CASE g % 2 WHEN 0 THEN 'minimal' ELSE 'found' END, 'farm', :build, 'd', 17 "
                "FROM generate_series(1, 2 * :n - 1) g"
            ),
            {"n": failures, "build": BUILD},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def milliseconds(ask: Callable[[], object]) -> float:
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return round(1000 * statistics.median(times), 1)


def measure(entries: int, failures: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="mmfarm-large-") as folder:
        servers = Servers(Path(folder))
        try:
            url = servers.url_of_store(direct=True)
            store = Store.open(url)
            began = time.monotonic()
            fill(url, entries, failures)
            print(f"large: filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
            rng = Random(2)
            row: Row = {
                "delta": milliseconds(lambda: store.newest("", BUILD, entries - 128, 128)),
                "some": milliseconds(
                    lambda: store.some("", BUILD, [rng.randint(1, entries) for _ in range(512)])
                ),
                "unproven": milliseconds(lambda: store.unproven("", BUILD, 384)),
                "list": milliseconds(lambda: store.failures(limit=100)),
                "show": milliseconds(lambda: store.failure(rng.randint(1, failures))),
            }
            print(f"large: {row}", file=sys.stderr)
            began, cpu = time.monotonic(), time.process_time()
            choice = store.cover(1)
            row["distill_s"] = round(time.monotonic() - began, 1)
            row["distill_cpu_s"] = round(time.process_time() - cpu, 1)
            row["kept"] = len(choice.kept)
            store.close()
        finally:
            servers.close()
    return row | {"failures": failures}


def table(rows: dict[str, Row]) -> Table:
    lines: list[tuple[str, ...]] = []
    broken = []
    for case, row in rows.items():
        for name, limit in LIMITS_MS.items():
            lines.append((f"{case}: {name}", f"{row[name]} ms", f"{limit:.0f} ms"))
            if row[name] > limit:
                broken.append(f"{case}: {name} takes {row[name]} ms")
        lines.append(
            (
                f"{case}: distilling to {row['kept']:,}",
                f"{row['distill_s']} s, {row['distill_cpu_s']} s of CPU",
                "600 s",
            )
        )
        if row["distill_s"] > DISTILL_SECONDS:
            broken.append(f"{case}: distilling takes {row['distill_s']} s")
    return Table(
        done=len(rows),
        wanted=1,
        unit="stores",
        heading=("entries: what", "median", "limit"),
        lines=lines,
        broken=broken,
    )


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--failures", type=int, default=FAILURES)
    options = parser.parse_args()
    return frame.run(
        Plan(
            name=NAME,
            bar=BAR,
            of={"sources": frame.sources("workers")},
            cases=lambda _: [f"{options.entries:,}"],
            measure=lambda case: measure(options.entries, options.failures),
            table=table,
        ),
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
