# SPDX-License-Identifier: MIT
"""What earlier calls set up that the model does not have, and which answers it can cause.

Contract: `Causes` belongs to one address space. Each kind of cause is remembered with the line of
its call and the pages it is about, and forgotten when they are unmapped or the opposite is called.
`excuse` names a cause of one answer of one op: only one that can have this effect, on these pages,
at that time; nothing else is excused. Limits excuse only what comes near them.

Not promised: that the cause was the cause. A kernel may refuse for two reasons at once.
"""

import re
from collections.abc import Sequence
from typing import Final

from corpus.recording import values
from corpus.recording.events import Call, six_arguments
from corpus.recording.follow import DEVICE, UNKNOWN, File
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.marks import Marks
from corpus.recording.steps import ERRNO, SIGNAL, Step
from simulator import ops

PAGE_SIZE: Final = 4096
# Kinds of marks.
LOCKED: Final = "mlock"
SEALED: Final = "mseal"
REGISTERED: Final = "userfaultfd"
SPLIT: Final = "split"  # a VMA ends here, for a reason that the model has not
TAKEN: Final = "taken"  # pages may be gone
HUGE: Final = "hugetlb"
READ_ONLY: Final = "read-only"  # of shmat()

SLACK_BYTES: Final = 256 << 20  # what a process may have mapped that its log does not show
OVERCOMMIT_BYTES: Final = 1 << 30  # a machine may not have that much, and refuse it at once
ALWAYS_LOCKABLE: Final = 64 << 10  # the default of RLIMIT_MEMLOCK before Linux 5.16
MAX_MAP_COUNT: Final = 65530  # vm.max_map_count; regions of a layout are fewer than VMAs
_MANY_MAPPINGS: Final = MAX_MAP_COUNT // 2
_PROT_WRITE: Final = 2
_PROT_EXEC: Final = 4
_LIMITS: Final = {2: "DATA", 3: "STACK", 8: "MEMLOCK", 9: "AS"}
_LIMIT_NAME: Final = re.compile(r"RLIMIT_(\w+)")
_CURRENT: Final = re.compile(r"rlim_cur=([^,}]+)")
_PR_SET_MDWE: Final = ("PR_SET_MDWE", "0x41", "65")
_PR_SET_SECCOMP: Final = ("PR_SET_SECCOMP", "0x16", "22")
_PR_SET_VMA: Final = ("PR_SET_VMA", "0x53564d41")
# Advice that locked memory and mappings of drivers refuse.
_DISCARDS: Final = frozenset(
    ops.ADVICE.index(name)
    for name in (
        "DONTNEED",
        "FREE",
        "GUARD_INSTALL",
        "COLD",
        "PAGEOUT",
        "REMOVE",
        "WIPEONFORK",
        "DODUMP",
    )
    if name in ops.ADVICE
)
_TAKES: Final = frozenset(
    ops.ADVICE.index(name) for name in ("DONTNEED", "FREE", "GUARD_INSTALL") if name in ops.ADVICE
)
_TOUCHES: Final = (ops.OP_READ, ops.OP_WRITE)
# What a mapping of which only its driver, or nobody, knows what it is may refuse.
_UNKNOWN_ERRNOS: Final = {
    ops.OP_MPROTECT: ("EACCES", "EPERM"),
    ops.OP_MUNMAP: ("EPERM",),
    ops.OP_MREMAP: ("EFAULT", "EINVAL", "EPERM", "EAGAIN"),
    ops.OP_MADVISE: ("EINVAL", "EPERM", "EFAULT", "EACCES", "EIO", "EBADF"),
    ops.OP_MMAP: ("EPERM",),
}


class Causes:
    """What was set up in one address space."""

    def __init__(self) -> None:
        self.marks: dict[str, Marks] = {}
        self.names: dict[int, str] = {}  # line -> call, of marks
        self.locks_future = 0  # line of mlockall(MCL_FUTURE)
        self.no_exec_gain = 0  # line of prctl(PR_SET_MDWE)
        self.filtered = 0  # line of a seccomp filter
        self.limits: dict[str, tuple[int, int]] = {}  # name -> bytes, line

    def copy(self) -> "Causes":
        """Those of a forked child."""
        other = self.executed()
        other.marks = {kind: marks.copy() for kind, marks in self.marks.items() if kind != LOCKED}
        other.names = dict(self.names)
        return other

    def executed(self) -> "Causes":
        """Those that stay after execve()."""
        other = Causes()
        other.no_exec_gain, other.filtered = self.no_exec_gain, self.filtered
        other.limits = dict(self.limits)
        return other

    def mark(self, kind: str, start: int, end: int, line: int, name: str) -> None:
        self.marks.setdefault(kind, Marks()).set(start, end, line)
        self.names[line] = name

    def clear(self, kind: str, start: int, end: int) -> None:
        if kind in self.marks:
            self.marks[kind].clear(start, end)

    def rule(self, call: Call) -> None:
        """A call that sets a rule for the process."""
        arguments = six_arguments(call)
        if call.name == "seccomp" or call.name == "prctl" and _is(arguments[0], _PR_SET_SECCOMP):
            if "FILTER" in call.arguments or "STRICT" in call.arguments or call.name == "prctl":
                self.filtered = call.line
        elif call.name == "prctl" and _is(arguments[0], _PR_SET_MDWE):
            flags = values.flags(
                arguments[1], {"PR_MDWE_REFUSE_EXEC_GAIN": 1, "PR_MDWE_NO_INHERIT": 2}
            )
            if flags is None or flags & 1:
                self.no_exec_gain = call.line
        elif call.name == "prctl" and _is(arguments[0], _PR_SET_VMA):
            start, length = values.address(arguments[2]), values.number(arguments[3])
            if start is not None and length:
                self.mark(
                    SPLIT,
                    start // PAGE_SIZE,
                    -(-(start + length) // PAGE_SIZE),
                    call.line,
                    "prctl(PR_SET_VMA)",
                )
        elif call.name in ("prlimit64", "setrlimit"):
            self._limit(call, arguments)

    def _limit(self, call: Call, arguments: Sequence[str]) -> None:
        named = _LIMIT_NAME.search(call.arguments)
        number = values.number(arguments[1 if call.name == "prlimit64" else 0])
        name = named[1] if named else _LIMITS.get(number if number is not None else -1, "")
        found = _CURRENT.search(call.arguments)
        if not name or not found or call.name == "prlimit64" and values.number(arguments[0]) != 0:
            return
        limit = values.number(found[1])
        if limit is None:  # RLIM64_INFINITY
            self.limits.pop(name, None)
        else:
            self.limits[name] = limit, call.line

    def applied(self, step: Step) -> None:
        """A step that succeeded: marks go with their pages."""
        if step.code == ops.OP_MREMAP:
            start, end, to, to_end, keep = step.args
            if not keep:
                for marks in self.marks.values():
                    marks.move(start, end, to, to_end)
        elif step.code in (ops.OP_MMAP, ops.OP_MUNMAP):
            for marks in self.marks.values():
                marks.clear(step.args[0], step.args[1])
            if self.locks_future and step.code == ops.OP_MMAP:
                self.mark(LOCKED, step.args[0], step.args[1], self.locks_future, "mlockall")

    def forbids(self, step: Step, layout: Layout, files: Sequence[File]) -> str:
        """The errno that a call must have, whatever else is true, or nothing."""
        if step.code != ops.OP_MPROTECT:
            return ""
        start, end, prot = step.args
        for region in layout.within(start, end):
            file = files[region.file] if region.file != ANON else None
            if file and file.kind == UNKNOWN:
                continue
            if prot & _PROT_WRITE and region.shared and file and file.access == "r":
                return "EACCES"
            if (
                self.no_exec_gain
                and prot & _PROT_EXEC
                and (prot & _PROT_WRITE or not region.prot & _PROT_EXEC)
            ):
                return "EACCES"
        return ""

    # What may be excused.

    def excuse(self, step: Step, layout: Layout, files: Sequence[File]) -> str:
        """Why the real kernel may have given this answer where the model gives another one, or
        nothing."""
        answer = step.answer
        if answer is None:
            return ""
        if answer.kind == ERRNO:
            return self._refusal(step, answer.name, layout, files)
        if not self.marks:
            return ""
        start, end = _pages(step)
        if step.code == ops.OP_PAGEMAP or step.code in _TOUCHES:
            for kind in (TAKEN, REGISTERED, HUGE):
                line = self._marked(kind, start, end)
                if line:
                    return self._after(line, "pages came or went with it")
        if answer.kind == SIGNAL:
            return ""
        return self._after(self._marked(HUGE, start, end), "huge pages have rules of their own")

    def _refusal(self, step: Step, errno: str, layout: Layout, files: Sequence[File]) -> str:
        """Why a call may have failed with this errno."""
        code = step.code
        if code == ops.OP_MMAP and step.args[6] & ops.MMAP_NOREPLACE and errno == "EEXIST":
            return ""
        start, end = _pages(step)
        if self.filtered and errno in ("EPERM", "EACCES", "ENOSYS"):
            return f"line {self.filtered} sets a filter, which may refuse any call"
        why = self._of_marks(code, step.args, errno, start, end)
        if why:
            return why
        if errno == "EACCES" and self.no_exec_gain and code == ops.OP_MPROTECT:
            if step.args[2] & _PROT_EXEC:
                return (
                    f"prctl(PR_SET_MDWE) of line {self.no_exec_gain} forbids to make memory "
                    "executable"
                )
        for region in layout.within(start, end):
            why = _of_region(region, step, errno, files)
            if why:
                return why
        if (
            errno != "EFAULT"
            and errno in _UNKNOWN_ERRNOS.get(code, ())
            and layout.untold(start, end)
        ):
            return "what was mapped there before the log began is not in it"
        if errno == "ENOMEM":
            return self._no_memory(step, layout)
        if errno == "EAGAIN" and code == ops.OP_MREMAP:
            return self._after(self._marked(LOCKED, start, end), "RLIMIT_MEMLOCK limits it")
        return ""

    def _of_marks(self, code: int, args: tuple[int, ...], errno: str, start: int, end: int) -> str:
        if not self.marks:
            return ""
        if errno == "EINVAL" and code == ops.OP_MADVISE and args[2] in _DISCARDS:
            line = self._marked(LOCKED, start, end)
            if line:
                return self._after(line, "locked mappings refuse to give pages back")
        if errno == "EPERM" and code in _UNKNOWN_ERRNOS:
            line = self._marked(SEALED, start, end)
            if not line and code == ops.OP_MREMAP:
                line = self._marked(SEALED, args[2], args[3])
            if line:
                return self._after(line, "sealed mappings refuse changes")
        if errno == "EACCES" and code == ops.OP_MPROTECT and args[2] & _PROT_WRITE:
            line = self._marked(READ_ONLY, start, end)
            if line:
                return self._after(line, "the segment is attached read-only")
        if errno == "EFAULT" and code == ops.OP_MREMAP:
            line = self._marked(REGISTERED, start, end)
            if line:
                return self._after(line, "mremap() moves no range that spans registered VMAs")
            marks = self.marks.get(SPLIT)
            line = marks.border(start, end) if marks else 0
            if line:
                return self._after(line, "it splits VMAs, and mremap() moves only one")
        if errno in ("EINVAL", "ENOMEM", "EFAULT"):
            return self._after(self._marked(HUGE, start, end), "huge pages have rules of their own")
        return ""

    def _no_memory(self, step: Step, layout: Layout) -> str:
        """ENOMEM where nothing is missing: a limit."""
        start, end = _pages(step)
        if any(layout.holes(start, end)) and step.code in (ops.OP_MPROTECT, ops.OP_MADVISE):
            return ""
        if len(layout.regions) > _MANY_MAPPINGS:
            return f"{len(layout.regions)} mappings, and vm.max_map_count limits them"
        if step.code == ops.OP_MREMAP:
            return self.too_much((step.args[3] - step.args[2] - end + start) * PAGE_SIZE, layout)
        if step.code == ops.OP_MPROTECT and step.args[2] & _PROT_WRITE:
            return self.too_much((end - start) * PAGE_SIZE, layout, only="DATA")
        return ""

    def too_much(self, size: int, layout: Layout, only: str = "") -> str:
        """The limit that `size` more bytes may come to, or nothing."""
        if size > OVERCOMMIT_BYTES:
            return f"{size >> 20} MiB: the machine may not have that much"
        if len(layout.regions) > _MANY_MAPPINGS:
            return f"{len(layout.regions)} mappings, and vm.max_map_count limits them"
        return self.limited(size, layout, only)

    def limited(self, size: int, layout: Layout, only: str = "") -> str:
        """The resource limit that `size` more bytes may come to, or nothing."""
        mapped = sum(region.end - region.start for region in layout.regions) * PAGE_SIZE
        for name, (limit, line) in self.limits.items():
            if name in ("AS", "DATA") and (not only or name == only):
                if mapped + size + SLACK_BYTES > limit:
                    return f"RLIMIT_{name} is {limit}, says line {line}"
        return ""

    def lock_limit(self, size: int) -> str:
        """Why `size` bytes may be too much to be locked, or nothing."""
        limit, line = self.limits.get("MEMLOCK", (ALWAYS_LOCKABLE, 0))
        if line:
            return f"RLIMIT_MEMLOCK is {limit}, says line {line}"
        return "RLIMIT_MEMLOCK may be less" if size > limit else ""

    def sealed(self, start: int, end: int) -> int:
        """The line of an mseal() in start..end, or 0."""
        return self._marked(SEALED, start, end)

    def _marked(self, kind: str, start: int, end: int) -> int:
        marks = self.marks.get(kind)
        return marks.first(start, end) if marks else 0

    def _after(self, line: int, why: str) -> str:
        if not line:
            return ""
        return f"after {self.names.get(line, 'a call')} of line {line}: {why}"


def _of_region(region: Region, step: Step, errno: str, files: Sequence[File]) -> str:
    """What the file behind a mapping may refuse."""
    if region.file == ANON:
        return ""
    file = files[region.file]
    if file.kind in (UNKNOWN, DEVICE) and errno in _UNKNOWN_ERRNOS.get(step.code, ()):
        return f"a mapping of {file}, and what that allows is not in the log"
    if errno == "EACCES" and step.code == ops.OP_MPROTECT and region.shared:
        if step.args[2] & _PROT_WRITE and "w" not in file.access:
            return f"{file} was opened in line {file.line}, and not for writing"
        if step.args[2] & _PROT_WRITE and file.seals:
            return f"{file} was sealed in line {file.sealed_in_line}"
    if errno == "EACCES" and step.code == ops.OP_MPROTECT and step.args[2] & _PROT_EXEC:
        if not file.kind.startswith("memfd"):
            return f"{file} may be on a file system that is mounted noexec"
    return ""


def _pages(step: Step) -> tuple[int, int]:
    if step.code in _TOUCHES or step.code in (ops.OP_MEM_READ, ops.OP_MEM_WRITE):
        return step.args[0] // 4, step.args[0] // 4 + 1
    if step.code == ops.OP_PAGEMAP:
        return step.args[0], step.args[0] + 1
    return (step.args[0], step.args[1]) if len(step.args) > 1 else (0, 0)


def _is(word: str, names: tuple[str, ...]) -> bool:
    return word.split(" ")[0] in names
