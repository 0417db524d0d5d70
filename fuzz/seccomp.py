# SPDX-License-Identifier: MIT
"""System calls that a slice child has no use for: a seccomp filter that refuses them.

Contract: `refuse` refuses, in this process and all of its threads and for good, to start programs
and processes, to open sockets, to look at or signal other processes, to change users, namespaces or
mounts, and what of the kernel is reached by programs that attack it: each with EPERM. With
`threads=False` no thread can be made either. False where the system has no such filters (another
architecture than x86-64 among them): nothing has changed then.

It is a list of what is refused, not of what is allowed: Python, its libraries and libFuzzer shall
go on to run on systems that we do not know. Files are not its business: it cannot look at paths.
"""

import ctypes
import errno
import os
import platform
import struct
from typing import Final

# Numbers of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
_CLONE: Final = 56
_CLONE3: Final = 435
_KILL: Final = 62
_TGKILL: Final = 234
_SECCOMP: Final = 317
REFUSED: Final[dict[str, int]] = {
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "execveat": 322,
    "socket": 41,
    "connect": 42,
    "accept": 43,
    "sendto": 44,
    "sendmsg": 46,
    "bind": 49,
    "listen": 50,
    "socketpair": 53,
    "accept4": 288,
    "sendmmsg": 307,
    "ptrace": 101,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "pidfd_send_signal": 424,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "tkill": 200,
    "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297,
    "setuid": 105,
    "setgid": 106,
    "setreuid": 113,
    "setregid": 114,
    "setgroups": 116,
    "setresuid": 117,
    "setresgid": 119,
    "setfsuid": 122,
    "setfsgid": 123,
    "capset": 126,
    "unshare": 272,
    "setns": 308,
    "chroot": 161,
    "pivot_root": 155,
    "mount": 165,
    "umount2": 166,
    "move_mount": 429,
    "fsopen": 430,
    "fsmount": 432,
    "fspick": 433,
    "open_tree": 428,
    "mount_setattr": 442,
    "open_by_handle_at": 304,
    "mknod": 133,
    "mknodat": 259,
    "acct": 163,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "init_module": 175,
    "delete_module": 176,
    "finit_module": 313,
    "kexec_load": 246,
    "kexec_file_load": 320,
    "iopl": 172,
    "ioperm": 173,
    "settimeofday": 164,
    "clock_settime": 227,
    "adjtimex": 159,
    "sethostname": 170,
    "setdomainname": 171,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "shmget": 29,
    "shmat": 30,
    "msgget": 68,
    "semget": 64,
    "mq_open": 240,
    "fanotify_init": 300,
    "quotactl": 179,
    "syslog": 103,
    "personality": 135,
    "vhangup": 153,
    "lookup_dcookie": 212,
    "move_pages": 279,
    "migrate_pages": 256,
}

_AUDIT_ARCH_X86_64: Final = 0xC000003E
_X32: Final = 0x40000000  # the same calls by other numbers
_CLONE_THREAD: Final = 0x00010000
_SET_MODE_FILTER: Final = 1
_TSYNC: Final = 1  # all threads
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000
# Classic BPF: load a word, jump if equal / not below / a bit is set, return.
_LOAD, _EQUAL, _NOT_BELOW, _BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data


class _Filter(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def refuse(*, threads: bool) -> bool:
    """Raises OSError for a filter that the system knows and does not take."""
    if platform.machine() != "x86_64":
        return False
    code = program(os.getpid(), threads=threads)
    held = ctypes.create_string_buffer(code, len(code))
    wanted = _Filter(len(code) // 8, ctypes.cast(held, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_SECCOMP, _SET_MODE_FILTER, _TSYNC, ctypes.byref(wanted)) == 0:
        return True
    error = ctypes.get_errno()
    if error in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(error, f"seccomp: {os.strerror(error)}")


def program(pid: int, *, threads: bool) -> bytes:
    """The filter for a process of this id."""
    refused = _ERRNO | errno.EPERM
    lines: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _AUDIT_ARCH_X86_64),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_NOT_BELOW, 0, 1, _X32),
        (_RETURN, 0, 0, refused),
        (_EQUAL, 0, 1, _CLONE3),  # its flags are in memory: glibc takes clone() then
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for number in sorted(REFUSED.values()):
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refused)]
    for number in (_KILL, _TGKILL):  # of itself it may: that is how abort() works
        lines += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _ARGUMENT),
            (_EQUAL, 1, 0, pid),
            (_RETURN, 0, 0, refused),
            (_RETURN, 0, 0, _ALLOW),
        ]
    thread = [(_BIT, 0, 1, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW)] if threads else []
    lines += [
        (_EQUAL, 0, len(thread) + 2, _CLONE),
        (_LOAD, 0, 0, _ARGUMENT),
        *thread,
        (_RETURN, 0, 0, refused),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
