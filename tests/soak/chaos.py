# SPDX-License-Identifier: MIT
"""`make soak WHAT=chaos`: a real farm while everything around it is killed, cut off and filled up.

Real workers and schedulers on two hosts' folders, a real PostgreSQL and a real Redis, all reached
through proxies that can be cut. A case is a round of ROUND_SECONDS of faults with its own farm;
afterwards all is healed, and SETTLE_SECONDS later nothing may be stuck, lost or counted twice.
Needs PostgreSQL's programs (apt: postgresql), and root to run it as another user; a full disk
needs the right to mount a tmpfs. What is missing is said in the row.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, text

from tests.soak import frame
from tests.soak.frame import Plan, Row, Table
from workers import jobs
from workers.schema import DONE, HELD, QUEUE_FUZZ
from workers.servers import free_port, redis_binary
from workers.store import Store

NAME: Final = "chaos"
ROUNDS: Final = 3
ROUND_SECONDS: Final = 300.0
SETTLE_SECONDS: Final = 120.0  # after the last fault nothing that is free to go on waits so long
# For work that is going on: how long that takes is the machine's business.
DRAIN_SECONDS: Final = 3600.0
FAULTS: Final = 100
SLICE_SECONDS: Final = 6.0
BUGS: Final = ("softdirty-clear-no-flush", "do-wp-page-copies-pinned-page")
BAR: Final = (
    "15 minutes and 100 kills of workers, slices, schedulers, Redis and PostgreSQL, network cuts "
    "and full disks: no finding lost, none counted twice, no run recorded twice, nothing stuck "
    "120 s after the last fault."
)


class Proxy:
    """A TCP proxy that can be cut: connections hang (`freeze`) or are reset (`cut`)."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.frozen = threading.Event()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                if self._closed:
                    return
                with contextlib.suppress(OSError, UnboundLocalError):
                    near.close()
                continue
            self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.frozen.is_set() and not self._closed:
                    time.sleep(0.05)
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                    one.close()

    def close(self) -> None:
        self._closed = True
        self._listener.close()
        self.cut()


class Servers:
    """PostgreSQL and Redis, which die and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pg = folder / "pg"
        self._pg_port, self._redis_port = free_port(), free_port()
        self._bin = max(Path("/usr/lib/postgresql").glob("*/bin"))
        self._redis: subprocess.Popen[bytes] | None = None
        self.append_only = True
        self._postgres("initdb", "-D", str(self._pg), "-A", "trust", "-U", "mmfarm")
        self.start_pg()
        self.start_redis()
        self.pg, self.redis = Proxy(self._pg_port), Proxy(self._redis_port)

    def _postgres(self, program: str, *arguments: str) -> int:
        command = [str(self._bin / program), *arguments]
        if os.geteuid() == 0:
            if not self._pg.exists():
                self._folder.chmod(0o755)
                self._pg.mkdir()
                shutil.chown(self._pg, "postgres")
            user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
            command = ["setpriv", *user, *command]
        return subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        ).returncode

    def start_pg(self) -> None:
        options = f"-p {self._pg_port} -c listen_addresses=127.0.0.1 -k {self._pg}"
        self._postgres(
            "pg_ctl",
            "-D",
            str(self._pg),
            "-w",
            "-t",
            "60",
            "-o",
            options,
            "-l",
            str(self._pg / "log"),
            "start",
        )

    def pid_of_pg(self) -> int:
        return int((self._pg / "postmaster.pid").read_text().split()[0])

    def stop_pg(self, number: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.pid_of_pg(), number)

    def start_redis(self) -> None:
        if self._redis is not None and self._redis.poll() is None:
            return  # two faults, two heals
        folder = self._folder / "redis"
        folder.mkdir(exist_ok=True)
        self._redis = subprocess.Popen(
            [
                redis_binary(),
                "--bind",
                "127.0.0.1",
                "--port",
                str(self._redis_port),
                "--save",
                "",
                "--dir",
                str(folder),
                "--appendonly",
                "yes" if self.append_only else "no",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop_redis(self, number: int) -> None:
        assert self._redis is not None
        self._redis.send_signal(number)
        self._redis.wait()

    def url_of_store(self, *, direct: bool = False) -> str:
        port = self._pg_port if direct else self.pg.port
        return f"postgresql+psycopg://mmfarm@127.0.0.1:{port}/postgres"

    def url_of_broker(self) -> str:
        return f"redis://127.0.0.1:{self.redis.port}/0"

    def close(self) -> None:
        self.pg.close()
        self.redis.close()
        if self._redis is not None:
            self._redis.kill()
            self._redis.wait()
        self._postgres("pg_ctl", "-D", str(self._pg), "-m", "immediate", "-w", "stop")


class Host:
    """A worker and a scheduler with a folder of their own, started again when they end."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self._environment = environment | {"MMFARM_DATA": str(self.folder)}
        self._log = folder / f"{name}.log"
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.mounted = (
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(self.folder)],
                check=False,
                stderr=subprocess.DEVNULL,
            ).returncode
            == 0
        )

    def keep_up(self) -> None:
        for kind, arguments in (("scheduler", []), ("worker", ["--slots", "2"])):
            part = self.parts.get(kind)
            if part is None or part.poll() is not None:
                with self._log.open("ab") as out:
                    self.parts[kind] = subprocess.Popen(
                        [sys.executable, "-P", "-m", "triage", "farm", kind, *arguments],
                        env=self._environment,
                        cwd="/",
                        stdout=out,
                        stderr=out,
                        start_new_session=True,
                    )

    def slices(self) -> list[int]:
        """Children that fuzz, verify or minimize for this host's worker."""
        part = self.parts.get("worker")
        found = []
        with contextlib.suppress(OSError, AttributeError):
            for task in Path(f"/proc/{part.pid}/task").iterdir():  # type: ignore[union-attr]
                found += [int(pid) for pid in (task / "children").read_text().split()]
        return found

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.folder / "filler").open("wb") as file:
            while True:
                file.write(b"x" * (1 << 20))

    def make_room(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        for part in self.parts.values():
            part.kill()
            part.wait()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


class Round:
    """One farm and its faults."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.servers = Servers(folder)
        self.store = Store.open(self.servers.url_of_store(direct=True))
        self._watch_runs()
        environment = {
            **os.environ,
            "MMFARM_DATABASE": self.servers.url_of_store(),
            "MMFARM_BROKER": self.servers.url_of_broker(),
            "PYTHONPATH": str(frame.ROOT),
        }
        self.hosts = [Host(f"host{number}", folder, environment) for number in (1, 2)]
        self.seen: set[tuple[int, str]] = set()  # findings on any disk, by run
        self.kinds: Counter[str] = Counter()
        self._over = threading.Event()
        self._heal_at: list[tuple[float, Callable[[], None]]] = []
        threading.Thread(target=self._look, daemon=True).start()

    def _watch_runs(self) -> None:
        """Have the database itself note each time that a run's results are accepted."""
        engine = create_engine(self.servers.url_of_store(direct=True))
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE chaos_accepted (run_id integer)"))
            connection.execute(
                text(
                    "CREATE FUNCTION chaos_note() RETURNS trigger AS $$ BEGIN INSERT INTO "
                    "chaos_accepted VALUES (new.id); RETURN new; END $$ LANGUAGE plpgsql"
                )
            )
            connection.execute(
                text(
                    "CREATE TRIGGER chaos AFTER UPDATE OF executions ON run FOR EACH ROW "
                    "EXECUTE FUNCTION chaos_note()"
                )
            )
        engine.dispose()

    def _look(self) -> None:
        """See with eyes of its own what slices find."""
        while not self._over.wait(0.1):
            for host in self.hosts:
                for path in host.folder.glob("runs/R*/work/findings/*.json"):
                    with contextlib.suppress(OSError, ValueError, KeyError):
                        found = json.loads(path.read_bytes())
                        run = int(path.parts[-4][1:].split(".")[0])
                        words = (found["oracle"], found["culprit"], found["object_class"])
                        self.seen.add((run, " ".join(words)))

    def submit(self) -> None:
        bugs = (self.rng.choice(BUGS),)
        self.store.create_run(jobs.slice_spec(seconds=SLICE_SECONDS, bugs=bugs), QUEUE_FUZZ)

    def live(self, seconds: float, faults: int) -> None:
        began = time.monotonic()
        moments = sorted(self.rng.random() * seconds for _ in range(faults))
        next_order = 0.0
        while (now := time.monotonic() - began) < seconds or self._heal_at:
            self._keep_up(now)
            if now >= next_order and now < seconds:
                next_order = now + 4.0
                with contextlib.suppress(Exception):  # its server may be down
                    self.submit()
            while moments and moments[0] <= now:
                moments.pop(0)
                self._fault(now)
            time.sleep(0.2)

    def _keep_up(self, now: float) -> None:
        for moment, heal in [each for each in self._heal_at if each[0] <= now]:
            self._heal_at.remove((moment, heal))
            heal()
        for host in self.hosts:
            host.keep_up()

    def _fault(self, now: float) -> None:
        rng, host, servers = self.rng, self.rng.choice(self.hosts), self.servers
        kind = rng.choice(
            [
                "worker",
                "worker",
                "worker",
                "slice",
                "slice",
                "scheduler",
                "redis",
                "pg",
                "cut",
                "freeze",
                "disk",
            ]
        )
        number = rng.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT])
        later = now + rng.choice([1.0, 4.0, 10.0])
        self.kinds[kind] += 1
        if kind in ("worker", "scheduler"):
            if kind in host.parts:
                host.parts[kind].send_signal(number)
        elif kind == "slice":
            for pid in host.slices():
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
        elif kind == "redis":
            servers.stop_redis(number)
            servers.append_only = rng.random() < 0.5
            self._heal_at.append((later, servers.start_redis))
        elif kind == "pg":
            # SIGINT is its fast shutdown; SIGTERM waits for all clients, which nobody sends it.
            servers.stop_pg(rng.choice([signal.SIGINT, signal.SIGQUIT]))
            self._heal_at.append((later, servers.start_pg))
        elif kind == "cut":
            rng.choice([servers.pg, servers.redis]).cut()
        elif kind == "freeze":
            proxy = rng.choice([servers.pg, servers.redis])
            proxy.frozen.set()
            self._heal_at.append((later, proxy.frozen.clear))
        elif host.mounted:
            host.fill()
            self._heal_at.append((later, host.make_room))

    def settle(self) -> list[str]:
        """Heal everything, wait for the end of all work. Returns what is stuck."""
        self.servers.start_pg()
        began = time.monotonic()
        while (waited := time.monotonic() - began) < DRAIN_SECONDS:
            self._keep_up(float("inf"))
            time.sleep(1.0)
            owed = [job for job in self.store.jobs() if job.state != HELD]
            left = [place for host in self.hosts for place in host.folder.glob("runs/*")]
            if not owed and not left:
                return []
            busy = sum(row.busy for row in self.store.workers())
            if waited > SETTLE_SECONDS and not busy:
                return [f"stuck: {owed[:3]}, {len(left)} folders"]
        return [f"still at work after {DRAIN_SECONDS:.0f} s: {len(owed)} jobs"]

    def wrong(self) -> Iterator[str]:
        self._over.set()
        counted: Counter[str] = Counter()
        for run, signature in self.seen:
            counted[signature] += 1
            if signature not in {str(f.signature) for f in self.store.failures(run_id=run)}:
                yield f"lost: R{run} {signature}"
        for row in self.store.failures():
            if row.count < row.runs:
                yield f"{row.signature}: {row.count} counted, {row.runs} runs"
        for run_row in self.store.runs():
            if run_row.state != DONE:
                yield f"R{run_row.id} is {run_row.state}: {run_row.note}"
        for job in self.store.jobs(HELD):
            yield f"held: {job.kind} {job.subject}: {job.note}"
        engine = create_engine(self.servers.url_of_store(direct=True))
        with engine.connect() as connection:
            for run, times in connection.execute(
                text(
                    "SELECT run_id, count(*) FROM chaos_accepted GROUP BY run_id "
                    "HAVING count(*) > 1"
                )
            ):
                yield f"R{run} was recorded {times} times"
            total = connection.execute(text("SELECT sum(executions) FROM run")).scalar_one()
        engine.dispose()
        if total != self.store.stats().executions:
            yield "totals differ"

    def close(self) -> None:
        self._over.set()
        for host in self.hosts:
            host.close()
        self.store.close()
        self.servers.close()


def measure(seed: int, seconds: float, faults: int) -> Row:
    """One round."""
    with tempfile.TemporaryDirectory(prefix="mmfarm-chaos-") as folder:
        made = Round(seed, Path(folder))
        try:
            made.live(seconds, faults)
            wrong = [*made.settle(), *made.wrong()]
            stats = made.store.stats()
            decisions = made.store.figures().decisions
            if wrong and (kept := os.environ.get("MMFARM_CHAOS_LOGS")):
                for log in Path(folder).glob("*.log"):
                    shutil.copy(log, kept)
        finally:
            made.close()
    return {
        "seconds": seconds,
        "faults": dict(made.kinds),
        "runs": stats.runs,
        "exit_kinds": stats.exit_kinds,
        "failures": stats.failures,
        "findings": len(made.seen),
        "executions": stats.executions,
        "decisions": decisions,
        "wrong": wrong,
        "full_disks": all(host.mounted for host in made.hosts),
    }


def table(rows: dict[str, Row], wanted: int) -> Table:
    return Table(
        done=len(rows),
        wanted=wanted,
        unit="rounds",
        heading=("round", "seconds", "faults", "runs", "findings on disk", "wrong"),
        lines=[
            (
                case,
                f"{row['seconds']:g}",
                str(sum(row["faults"].values())),
                str(sum(row["runs"].values())),
                str(row["findings"]),
                str(len(row["wrong"])),
            )
            for case, row in rows.items()
        ],
        broken=[f"round {case}: {line}" for case, row in rows.items() for line in row["wrong"]],
    )


def main() -> int:
    """Live through the rounds. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--round-seconds", type=float, default=ROUND_SECONDS, metavar="N")
    parser.add_argument("--faults", type=int, default=FAULTS, metavar="N", help="in all rounds")
    options = parser.parse_args()
    cases = [str(options.seed + number) for number in range(options.rounds)]
    return frame.run(
        Plan(
            name=NAME,
            bar=BAR,
            of={"seed": options.seed, "sources": frame.sources("workers", "simulator", "fuzz")},
            cases=lambda rows: iter(cases),
            measure=lambda case: measure(
                int(case), options.round_seconds, -(-options.faults // options.rounds)
            ),
            table=lambda rows: table(rows, len(cases)),
        ),
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
