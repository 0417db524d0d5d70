# SPDX-License-Identifier: MIT
"""What a slice child cannot do, tried from inside."""

import json
import os
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
print(json.dumps(said))
"""


def child(port: int, what: str, file: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", TRIES, str(port), what, str(file)], cwd=ROOT, text=True,
        capture_output=True, check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_slice_has_no_network_no_rights_and_sees_no_environment(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not child(port, "isolate", tmp_path / "x")["isolated"]:
            pytest.skip("this kernel, or this container, forbids user namespaces")
        said = child(port, "confine", tmp_path / "mine")
    assert said == {
        "network": False, "environ": 0, "capabilities": 0, "no_new_privs": 1,
        "uid": os.getuid(), "writes": True,
    }
