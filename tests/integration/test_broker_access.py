# SPDX-License-Identifier: MIT
"""A broker that is reached through TLS, and by a user who may do no more than a farm must.

The server that mmfarm carries has no TLS of its own, so a proxy of ours ends it before the server:
what is tested is that our side speaks it, asks for a certificate, and refuses one that is signed by
nobody whom it trusts.
"""

import contextlib
import ctypes
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from kombu import Message, pools
from redis.exceptions import NoPermissionError

from tests.waiting import wait_until
from workers import checks
from workers.app import BrokerDown, make_app, send
from workers.messages import Work
from workers.servers import free_port, redis_binary

FARM = "f" * 32
USER, PASSWORD = "mmfarm", "a-password"
# As deploy/README.md says it.
ACL = (
    f"user {USER} on >{PASSWORD} ~mmfarm:* &mmfarm:* -@all +@read +@write +@connection "
    "+@transaction +@blocking +@pubsub -@admin -@dangerous +evalsha +script|load +info"
)
PATIENCE_SECONDS = 300  # not a verdict: a message that is lost shall not hang the tests for ever
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def _die_with_the_tests() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Server:
    """A Redis with one user, behind TLS."""

    port: int
    tls_port: int
    ca: Path

    def url(self, *, user: str = USER, ca: Path | None = None) -> str:
        words = f"?ssl_cert_reqs=required&ssl_ca_certs={ca or self.ca}"
        return f"rediss://{user}:{PASSWORD}@localhost:{self.tls_port}/0{words}"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """One for localhost that signs itself, and its key."""
    key, made = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            str(key),
            "-out",
            str(made),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def relay(near: socket.socket, far: socket.socket) -> None:
    """Both ways, until both have ended."""
    with near, far:
        back = threading.Thread(target=pump, args=(far, near), daemon=True)
        back.start()
        pump(near, far)
        back.join()


def end_tls(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """Serve until the listener is closed."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            inner = context.wrap_socket(near, server_side=True)
            far = socket.create_connection(("127.0.0.1", port), 5)
        except OSError:  # who does not trust us, or speaks no TLS
            near.close()
            continue
        threading.Thread(target=relay, args=(inner, far), daemon=True).start()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program")
    folder = tmp_path_factory.mktemp("tls")
    (folder / "users.acl").write_text(f"user default off\n{ACL}\nuser root on >root ~* &* +@all\n")
    made, key = certificate(folder, "server")
    port = free_port()
    process = subprocess.Popen(
        [
            redis_binary(),
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            "--save",
            "",
            "--aclfile",
            str(folder / "users.acl"),
        ],
        stdout=subprocess.DEVNULL,
        preexec_fn=_die_with_the_tests,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=end_tls, args=(listener, context, port), daemon=True).start()
    try:
        root = redis.Redis(port=port, username="root", password="root")
        wait_until("the server answers", lambda: _answers(root))
        root.close()
        yield Server(port, listener.getsockname()[1], made)
    finally:
        listener.close()
        process.kill()
        process.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_a_farm_sends_and_receives_as_a_user_with_few_rights_through_tls(server: Server) -> None:
    app = make_app(server.url(), FARM)
    got: list[int] = []

    def take(body: object, message: Message) -> None:
        got.append(message.payload[1]["job"])
        message.ack()

    for job in (1, 2, 3):
        send(app, "fuzz", Work(FARM, job))
    with (
        app.connection_for_read() as connection,
        connection.Consumer([app.amqp.queues["fuzz"]], callbacks=[take]),
    ):
        while len(got) < 3:
            connection.drain_events(timeout=PATIENCE_SECONDS)
    assert sorted(got) == [1, 2, 3]
    client = redis.Redis(port=server.port, username="root", password="root")
    keys = list(client.scan_iter())
    client.close()
    assert [key for key in keys if not key.startswith(b"mmfarm:")] == []


def test_that_user_can_do_nothing_else(server: Server) -> None:
    with redis.Redis(port=server.port, username=USER, password=PASSWORD) as client:
        for words in (
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
            ("SHUTDOWN",),
            ("ACL", "LIST"),
            ("CLIENT", "KILL", "TYPE", "normal"),
            ("SCRIPT", "FLUSH"),
            ("GET", "somebody:else"),
            ("SET", "somebody:else", "x"),
            ("PUBLISH", "other", "x"),
            ("KEYS", "*"),
            ("MONITOR",),
            ("REPLICAOF", "127.0.0.1", "1"),
            ("SAVE",),
        ):
            with pytest.raises(NoPermissionError):
                client.execute_command(*words)


def test_a_certificate_that_nobody_trusts_is_refused(server: Server, tmp_path: Path) -> None:
    other, _ = certificate(tmp_path, "other")
    pools.reset()  # kombu's are the process's: a connection of the test before would do
    with pytest.raises(BrokerDown, match="certificate"):
        send(make_app(server.url(ca=other), FARM), "fuzz", Work(FARM, 1))
    with pytest.raises(checks.NotReady, match="(?i)certificate"):
        checks._broker(server.url(ca=other))


def test_a_wrong_user_is_told_what_to_mend_and_no_password(server: Server) -> None:
    with pytest.raises(checks.NotReady, match="MMFARM_BROKER_FILE") as caught:
        checks._broker(server.url(user="nobody"))
    assert PASSWORD not in str(caught.value)


def test_who_speaks_no_tls_is_not_heard(server: Server) -> None:
    with pytest.raises(checks.NotReady):
        checks._broker(f"redis://{USER}:{PASSWORD}@127.0.0.1:{server.tls_port}/0")
