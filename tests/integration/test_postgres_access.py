# SPDX-License-Identifier: MIT
"""A PostgreSQL store through TLS, and by a role that may change rows and nothing else."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from tests.farming import SPEC, finding, leased
from tests.integration.test_broker_access import certificate
from workers.errors import StoreError
from workers.records import RunFigures
from workers.schema import FUZZ, QUEUE_FUZZ
from workers.servers import free_port
from workers.store import Store

pytestmark = pytest.mark.soak("PostgreSQL through TLS, by a role with few rights")
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
# As deploy/README.md says it.
GRANTS = (
    "CREATE ROLE mmfarm_worker LOGIN PASSWORD 'worker'",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO mmfarm_worker",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO mmfarm_worker",
)


@dataclass
class Server:
    port: int
    ca: Path

    def url(self, role: str, password: str, ca: Path | None = None) -> str:
        words = f"?sslmode=verify-full&sslrootcert={ca or self.ca}"
        return f"postgresql+psycopg://{role}:{password}@localhost:{self.port}/postgres{words}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not PROGRAMS or shutil.which("openssl") is None:
        pytest.skip("no PostgreSQL server, or no openssl (apt: postgresql openssl)")
    with tempfile.TemporaryDirectory(prefix="mmfarm-pg-") as place:
        yield from _served(Path(place))


def _served(folder: Path) -> Iterator[Server]:
    made, key = certificate(folder, "server")
    data = folder / "data"
    user: list[str] = []
    if os.geteuid() == 0:  # it does not run as root
        folder.chmod(0o755)
        shutil.chown(folder, "postgres")
        for file in (made, key):
            shutil.chown(file, "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    password = folder / "password"
    password.write_text("owner\n")
    password.chmod(0o644)
    port = free_port()

    def run(program: str, *words: str) -> None:
        subprocess.run(
            [*user, str(PROGRAMS[-1] / program), "-D", str(data), *words],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
        )

    run("initdb", "-A", "scram-sha-256", "-U", "mmfarm", f"--pwfile={password}")
    (data / "pg_hba.conf").write_text(
        "hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n"
    )
    options = (
        f"-p {port} -k {folder} -c listen_addresses=localhost -c ssl=on "
        f"-c ssl_cert_file={made} -c ssl_key_file={key}"
    )
    run("pg_ctl", "-w", "-t", "120", "-l", str(folder / "log"), "-o", options, "start")
    try:
        made_server = Server(port, made)
        Store.open(made_server.url("mmfarm", "owner")).close()  # who owns the tables makes them
        engine = create_engine(made_server.url("mmfarm", "owner"))
        with engine.begin() as connection:
            for statement in GRANTS:
                connection.execute(text(statement))
        engine.dispose()
        yield made_server
    finally:
        run("pg_ctl", "-m", "immediate", "stop")


def test_a_worker_needs_no_more_than_rows(server: Server) -> None:
    with closing(Store.open(server.url("mmfarm_worker", "worker"))) as store:
        run_id = store.create_run(SPEC, QUEUE_FUZZ)
        lease = leased(store, FUZZ, run_id)
        store.here(name="w", host="h", queues=("fuzz",), number=1, busy=1, build_id="b", note="")
        store.add_campaign("mended")
        store.plan(QUEUE_FUZZ, 2)
        store.end_run(lease, RunFigures("findings", executions=7), [finding()])
        assert store.hold_lock("scheduler", "s", 15)
        store.look_after()
        store.reap()
        assert store.stats().executions == 7
        assert [row.count for row in store.failures()] == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE failure",
        "CREATE TABLE mine (i integer)",
        "ALTER TABLE run ADD COLUMN x integer",
        "TRUNCATE failure",
        "CREATE ROLE another",
        "COPY failure TO PROGRAM 'cat'",
    ],
)
def test_that_role_can_do_nothing_else(server: Server, statement: str) -> None:
    engine = create_engine(server.url("mmfarm_worker", "worker"))
    refused = pytest.raises(ProgrammingError, match="InsufficientPrivilege")
    with engine.connect() as connection, refused:
        connection.execute(text(statement))
    engine.dispose()


def test_a_server_that_nobody_vouches_for_is_refused(server: Server, tmp_path: Path) -> None:
    other, _ = certificate(tmp_path, "other")
    with pytest.raises(StoreError, match="certificate verify failed"):
        Store.open(server.url("mmfarm_worker", "worker", other))


def test_a_server_without_tls_gets_no_password(server: Server) -> None:
    url = server.url("mmfarm_worker", "worker").replace("verify-full", "disable")
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    assert "worker@" not in str(caught.value)
    assert ":worker" not in str(caught.value)
