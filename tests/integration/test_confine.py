# SPDX-License-Identifier: MIT
"""What a slice child cannot do, tried from inside."""

import errno
import json
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Confines itself as a slice does, then tries what it should not be able to do.
TRIES = """
import json, os, socket, sys
from fuzz.confine import confine, isolate

if sys.argv[2] == "isolate":
    print(json.dumps({"isolated": isolate()}))
    raise SystemExit
confine(cpu_seconds=60, rss_limit_mib=512)
said = {}
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).close()
    said["network"] = True
except OSError:
    said["network"] = False
try:
    said["environ"] = len(open(f"/proc/{os.getppid()}/environ", "rb").read())
except OSError:
    said["environ"] = 0
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
said["capabilities"] = int(status["CapEff"], 16) | int(status["CapPrm"], 16)
said["no_new_privs"] = int(status["NoNewPrivs"])
said["uid"] = os.getuid()
try:
    open(sys.argv[3], "w").write("x")
    said["writes"] = True
except OSError:
    said["writes"] = False
import ctypes, signal, threading
def attempt(what):
    try:
        what()
    except OSError as error:
        return error.errno
    return 0
def call(*words):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(*words) < 0:
        raise OSError(ctypes.get_errno(), "")
ran = []
thread = threading.Thread(target=lambda: ran.append(1))
thread.start()
thread.join()
said["threads"] = len(ran)
said["refused"] = {
    "fork": attempt(os.fork), "exec": attempt(lambda: os.execv("/bin/true", ["true"])),
    "socket": attempt(lambda: socket.socket(socket.AF_UNIX)),
    "kill": attempt(lambda: os.kill(os.getppid(), 0)),
    "ptrace": attempt(lambda: call(101, 16, os.getppid(), 0, 0)),
    "userfaultfd": attempt(lambda: call(323, 0)), "bpf": attempt(lambda: call(321, 0, 0, 0)),
    "unshare": attempt(lambda: call(272, 0x10000000)),
    "x32": attempt(lambda: call(0x40000000 | 39)),
}
said["own"] = attempt(lambda: os.kill(os.getpid(), 0))
from fuzz.confine import forbid_processes
forbid_processes()
try:
    threading.Thread(target=lambda: None).start()
    said["late thread"] = True
except RuntimeError:
    said["late thread"] = False
print(json.dumps(said))
"""


def child(port: int, what: str, file: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", TRIES, str(port), what, str(file)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_slice_has_no_network_no_rights_and_sees_no_environment(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not child(port, "isolate", tmp_path / "x")["isolated"]:
            pytest.skip("this kernel, or this container, forbids user namespaces")
        said = child(port, "confine", tmp_path / "mine")
    refused, own = said.pop("refused"), said.pop("own")
    assert (said.pop("threads"), said.pop("late thread"), own) == (1, False, 0)
    if platform.machine() == "x86_64":
        assert refused == dict.fromkeys(refused, errno.EPERM)
    assert said == {
        "network": False,
        "environ": 0,
        "capabilities": 0,
        "no_new_privs": 1,
        "uid": os.getuid(),
        "writes": True,
    }
