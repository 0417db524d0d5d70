# SPDX-License-Identifier: MIT
"""What a slice child may use: limits that the child puts on itself before the first input.

Contract: `confine` bounds address space, CPU time, files and core dumps, takes away the right to
gain privileges, and where the kernel allows it moves the process into a user namespace, a network
and an IPC namespace of its own, without capabilities: no network, and no look at the environment
or the memory of other processes of the same user. A filter refuses system calls that it has no use
for (fuzz/seccomp.py). `forbid_processes` ends the making of threads and
processes, and is called when the engine has started its own. None can be undone by what runs later.

The child confines itself, and not its supervisor in a `preexec_fn`, because that is not safe
in a threaded worker; until it reads an input it runs only our own code. This is no sandbox
against native code that was taken over: that is the container's part (deploy/).
"""

import ctypes
import os
import resource
from typing import Final

from fuzz import seccomp

# Interpreter, Atheris' libraries and libFuzzer's tables as address space, beside what the
# scenarios use. Address space is not memory: the engine bounds resident memory itself.
BASE_ADDRESS_SPACE_MIB: Final = 1024
MAX_FILE_BYTES: Final = 64 << 20  # a log that floods ends here
MAX_OPEN_FILES: Final = 64
_KILL_SECONDS: Final = 10  # of CPU time after SIGXCPU
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWIPC: Final = 0x08000000
_SYS_CAPSET: Final = 126  # x86-64; glibc has no function for it
_CAPABILITY_VERSION_3: Final = 0x20080522


def confine(*, cpu_seconds: int, rss_limit_mib: int) -> None:
    """Bound this process for good. Raises OSError where the system refuses, but for namespaces,
    which many do (`isolate`)."""
    address_space = (rss_limit_mib + BASE_ADDRESS_SPACE_MIB) << 20
    _lower(resource.RLIMIT_AS, address_space)
    confine_process(cpu_seconds=cpu_seconds)
    seccomp.refuse(threads=True)


def confine_process(*, cpu_seconds: int) -> None:
    """All of `confine` but for memory and system calls. Raises OSError."""
    isolate()
    limit_cpu(cpu_seconds)
    _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _lower(resource.RLIMIT_FSIZE, MAX_FILE_BYTES)
    _lower(resource.RLIMIT_CORE, 0)
    libc = _libc()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"PR_SET_NO_NEW_PRIVS: {os.strerror(error)}")


def isolate() -> bool:
    """Namespaces of its own for this process, which has one thread. False where the kernel or a
    container forbids them: nothing has changed then."""
    uid, gid = os.getuid(), os.getgid()
    libc = _libc()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) != 0:
        return False
    # The same user as before, and nobody else.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    # Who makes a user namespace has all capabilities in it.
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.syscall(_SYS_CAPSET, header, none) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"capset: {os.strerror(error)}")
    return True


def forbid_processes() -> None:
    """No thread and no process can be made any more."""
    _lower(resource.RLIMIT_NPROC, 0)  # root is exempt from it
    seccomp.refuse(threads=False)


def limit_cpu(seconds: int) -> None:
    """SIGXCPU after so much CPU time. The system sends SIGKILL where both limits are one, and then
    nobody can tell it from an end that somebody else made."""
    _lower(resource.RLIMIT_CPU, seconds, seconds + _KILL_SECONDS)


def _lower(which: int, value: int, hard: int | None = None) -> None:
    most = resource.getrlimit(which)[1]
    hard = value if hard is None else hard
    if most != resource.RLIM_INFINITY:
        value, hard = min(value, most), min(hard, most)
    resource.setrlimit(which, (value, hard))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
