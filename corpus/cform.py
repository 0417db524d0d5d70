# SPDX-License-Identifier: MIT
"""The C form of ops: from the template of a row of `simulator.ops` to a call in C.

Contract: one template is rendered in two ways by the same code. `literal` writes one op as a
kernel developer would in a selftest, `madvise(P(16), 16 * psize, MADV_DONTNEED)`; `slots`
writes a row for an interpreter, which finds the op's integers in `a[]` and its token in `uid`.
Both stand in a C file that includes `RUNTIME`, and give a result when wrapped in RESULT().

Not promised: that a kernel can do it. `why_not` knows only of ops without any form.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator import ops, tables
from simulator.ops import Arg, OpSpec
from simulator.scenario import WORDS_PER_PAGE, Op

RUNTIME: Final = Path(__file__).parent / "c" / "mmfarm_ops.h"

# A number known now, or a C expression for one that the interpreter will know.
Number = int | str

PROT: Final = (
    "PROT_NONE",
    "PROT_READ",
    "PROT_WRITE",
    "PROT_READ | PROT_WRITE",
    "PROT_EXEC",
    "PROT_READ | PROT_EXEC",
    "PROT_WRITE | PROT_EXEC",
    "PROT_READ | PROT_WRITE | PROT_EXEC",
)
SHARING: Final = ("MAP_PRIVATE", "MAP_SHARED")
ADVICE: Final = tuple(f"MADV_{name}" for name in ops.ADVICE)
CLEAR_REFS: Final = ("1", "4")
MAP_FLAGS: Final = {
    ops.MMAP_NOREPLACE: "MAP_FIXED_NOREPLACE",
    ops.MMAP_GROWSDOWN: "MAP_GROWSDOWN",
    ops.MMAP_POPULATE: "MAP_POPULATE",
    ops.MMAP_NORESERVE: "MAP_NORESERVE",
    ops.MMAP_DROPPABLE: "MAP_DROPPABLE",
    ops.MMAP_LOCKED: "MAP_LOCKED",
}
MREMAP_FLAGS: Final = {ops.MREMAP_DONTUNMAP: "MREMAP_DONTUNMAP"}

# The C constants behind the names of an enumeration, by their place, or of flags, by bit.
CONSTANTS: Final = {
    ops.PROTS: PROT,
    ops.SHARING: SHARING,
    ops.ADVICE: ADVICE,
    ops.CLEAR_REFS: CLEAR_REFS,
    ops.MMAP_FLAGS: tuple(MAP_FLAGS.values()),
    ops.MREMAP_FLAGS: tuple(MREMAP_FLAGS.values()),
    ops.MLOCK_FLAGS: ("MLOCK_ONFAULT",),
    ops.MCL_FLAGS: ("MCL_CURRENT", "MCL_FUTURE", "MCL_ONFAULT"),
    ops.UFFD_FLAGS: (
        "UFFD_OPEN_USER_ONLY",
        "UFFD_FEATURE_SIGBUS",
        "UFFD_FEATURE_WP_UNPOPULATED",
        "UFFD_FEATURE_WP_ASYNC",
    ),
    ops.REGISTER_FLAGS: (
        "UFFDIO_REGISTER_MODE_MISSING",
        "UFFDIO_REGISTER_MODE_WP",
        "UFFDIO_REGISTER_MODE_MINOR",
    ),
    ops.FILL_FLAGS: ("UFFDIO_COPY_MODE_DONTWAKE", "UFFDIO_COPY_MODE_WP"),
    ops.POISON_FLAGS: ("UFFDIO_POISON_MODE_DONTWAKE",),
    ops.WRITEPROTECT_FLAGS: ("UFFDIO_WRITEPROTECT_MODE_WP", "UFFDIO_WRITEPROTECT_MODE_DONTWAKE"),
    ops.WHENCE: ("SEEK_SET", "SEEK_DATA", "SEEK_HOLE"),
    ops.FALLOC_MODES: ("0", "FALLOC_FL_KEEP_SIZE", "FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE"),
    ops.STATS: ("STAT_SIZE", "STAT_BLOCKS"),
}

# How the functions of the C library that rows call answer; what RUNTIME defines gives results.
POINTER: Final = "pointer"  # or MAP_FAILED, and errno
INT: Final = "int"  # or -1, and errno
RESULT: Final = "result"
_LIBC: Final = {
    "mmap": POINTER,
    "mremap": POINTER,
    "munmap": INT,
    "mprotect": INT,
    "madvise": INT,
    "usleep": INT,
    "syscall": INT,
    "mlock": INT,
    "munlock": INT,
    "mlock2": INT,
    "mlockall": INT,
    "munlockall": INT,
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a template may say of one argument: `{advice}`, or a part of it: `{range.addr}`."""

    itself: str = ""
    addr: str = ""
    len: str = ""
    handle: str = ""
    word: str = ""
    fd: str = ""
    offset: str = ""

    def __str__(self) -> str:
        return self.itself


def function(spec: OpSpec) -> str:
    """The C function that the form of a row calls."""
    return spec.c.partition("(")[0]


def answer(spec: OpSpec) -> str:
    """How the form of a row answers: POINTER, INT or RESULT."""
    return _LIBC.get(function(spec), RESULT)


def why_not(op: Op) -> str:
    """Why this op has no C form; empty when it has one."""
    spec = ops.BY_NUMBER[op.code]
    if not spec.c:
        return f"{spec.name} needs {spec.requires}, for which there is no C form"
    at = 0
    for arg in spec.args:
        if arg.kind == ops.BACKING and op.args[at] >= ops.FIRST_OTHER_FILE:
            return "files x0.. stand for files of an imported program, which are not at hand"
        at += ops.SLOTS[arg.kind]
    return ""


def literal(op: Op) -> str:
    """The call that does `op`. For ops without a form (`why_not`) a ValueError."""
    reason = why_not(op)
    if reason:
        raise ValueError(reason)
    return _fill(ops.BY_NUMBER[op.code], op.args, op.uid)


def slots(spec: OpSpec) -> str:
    """The call that does any op of a row that has a form. The handle of a file to be mapped
    must be open: `condition`."""
    return _fill(spec, [f"a[{i}]" for i in range(spec.slots)], "uid")


def condition(spec: OpSpec) -> str:
    """What must hold, or the op is skipped: as `slots`, but empty where the call knows."""
    at = 0
    for arg in spec.args:
        if arg.kind == ops.BACKING:
            return f"!a[{at}] || file_fd(a[{at}] - 1) >= 0"
        at += ops.SLOTS[arg.kind]
    return ""


def _fill(spec: OpSpec, values: Sequence[Number], uid: Number) -> str:
    words: dict[str, str | Words] = {"uid": str(uid)}
    at = 0
    for arg in spec.args:
        words[arg.name] = _words(arg, values[at : at + ops.SLOTS[arg.kind]])
        at += ops.SLOTS[arg.kind]
    if spec.number == ops.OP_MMAP:
        words["map_flags"] = _map_flags(values)
    elif spec.number == ops.OP_MREMAP:
        words["mremap_flags"] = _mremap_flags(values)
    return spec.c.format_map(words)


def _words(arg: Arg, values: Sequence[Number]) -> Words:
    value = values[0]
    match arg.kind:
        case ops.RANGE | ops.DEST:
            return Words(addr=f"P({value})", len=_pages(_minus(values[1], value)))
        case ops.PAGE:
            return Words(str(value), addr=f"P({value})")
        case ops.WORD:
            page, word = _divmod(value)
            return Words(addr=f"W({page}, {word})" if word else f"P({page})")
        case ops.HWORD:
            handle, word = _divmod(value)
            return Words(handle=str(handle), word=str(word))
        case ops.ENUM:
            return Words(_pick(value, CONSTANTS[arg.names]))
        case ops.BACKING:
            return Words(fd=_file_fd(value), offset=_pages(values[1]))
        case ops.FLAGS:
            return Words(
                _or(
                    *(
                        _pick(_bit(value, 1 << bit), ("0", name))
                        for bit, name in enumerate(CONSTANTS[arg.names])
                    )
                )
            )
    return Words(str(value))


# --- flags that several arguments decide -------------------------------------------------------


def _map_flags(values: Sequence[Number]) -> str:
    """`range prot sharing backing flags`: MAP_DROPPABLE is a type of mapping, like MAP_SHARED."""
    sharing, backing, flags = values[3], values[4], values[6]
    types = (*SHARING, "MAP_DROPPABLE", "MAP_SHARED | MAP_DROPPABLE")
    droppable = _bit(flags, ops.MMAP_DROPPABLE)
    return _or(
        _pick(_plus(sharing, _times(2, droppable)), types),
        _pick(_is_zero(backing), ("0", "MAP_ANONYMOUS")),
        _pick(_bit(flags, ops.MMAP_NOREPLACE), ("MAP_FIXED", "MAP_FIXED_NOREPLACE")),
        *(
            _pick(_bit(flags, bit), ("0", name))
            for bit, name in MAP_FLAGS.items()
            if bit not in (ops.MMAP_NOREPLACE, ops.MMAP_DROPPABLE)
        ),
    )


def _mremap_flags(values: Sequence[Number]) -> str:
    """`range dest flags`: to its own start without flags, see the row."""
    start, dest, flags = values[0], values[2], values[4]
    dontunmap = _bit(flags, 1)
    return _or(
        _pick(_differ(start, dest, dontunmap), ("0", "MREMAP_MAYMOVE | MREMAP_FIXED")),
        _pick(dontunmap, ("0", "MREMAP_DONTUNMAP")),
    )


# --- arithmetic on numbers that may not be known yet -----------------------------------------


def _pick(index: Number, names: Sequence[str]) -> str:
    if isinstance(index, int):
        return names[index]
    return f"((const int[]){{{', '.join(names)}}})[{index}]"


def _or(*terms: str) -> str:
    return " | ".join(term for term in terms if term != "0") or "0"


def _pages(count: Number) -> str:
    """A size in bytes."""
    if count == 0:
        return "0"
    return "psize" if count == 1 else f"{count} * psize"


def _file_fd(backing: Number) -> str:
    if isinstance(backing, int):
        return f"file_fd({backing - 1})" if backing else "-1"
    return f"{backing} ? file_fd({backing} - 1) : -1"


def _divmod(value: Number) -> tuple[Number, Number]:
    if isinstance(value, int):
        return divmod(value, WORDS_PER_PAGE)
    return f"{value} / {WORDS_PER_PAGE}", f"{value} % {WORDS_PER_PAGE}"


def _minus(x: Number, y: Number) -> Number:
    return x - y if isinstance(x, int) and isinstance(y, int) else f"({x} - {y})"


def _plus(x: Number, y: Number) -> Number:
    return x + y if isinstance(x, int) and isinstance(y, int) else f"{x} + {y}"


def _times(x: int, y: Number) -> Number:
    return x * y if isinstance(y, int) else f"{x} * {y}"


def _bit(value: Number, bit: int) -> Number:
    return int(value & bit != 0) if isinstance(value, int) else f"!!({value} & {bit})"


def _is_zero(value: Number) -> Number:
    return int(value == 0) if isinstance(value, int) else f"!{value}"


def _differ(x: Number, y: Number, also: Number) -> Number:
    """Whether `x` and `y` differ, or `also`."""
    if isinstance(x, int) and isinstance(y, int) and isinstance(also, int):
        return int(x != y or also != 0)
    return f"({x} != {y} || {also})"


def check_form(spec: OpSpec) -> None:
    """Assert that what stands in braces in a row's form is an argument, or a part of one."""
    try:
        slots(spec)
    except (KeyError, AttributeError) as error:
        wrong = error.args[0] if isinstance(error, KeyError) else error.name
        raise AssertionError(
            f"the C form of {spec.name} names {wrong}, which is none of its arguments: "
            f"{', '.join(arg.name for arg in spec.args)}"
        ) from None


def _check() -> None:
    """Assert that whatever a row's form can say has C words, and that what it calls is there."""
    for table, names, numbers in (
        ("MAP_FLAGS", ops.MMAP_FLAGS, MAP_FLAGS),
        ("MREMAP_FLAGS", ops.MREMAP_FLAGS, MREMAP_FLAGS),
    ):
        tables.complete(f"cform.{table}", "flag", tables.by_bit(names), numbers)
    runtime = RUNTIME.read_text()
    for spec in ops.OPS:
        if not spec.c:
            continue
        name = function(spec)
        if name not in _LIBC and not re.search(rf"^static inline \w+ {name}\(", runtime, re.M):
            raise AssertionError(
                f"the C form of {spec.name} calls {name}(), which {RUNTIME.name} does not define "
                "and cform._LIBC does not know"
            )
        for arg in spec.args:
            words = CONSTANTS.get(arg.names, ())
            if arg.kind in (ops.ENUM, ops.FLAGS):
                tables.complete(
                    f"cform.CONSTANTS for {spec.name}", arg.name, arg.names, range(len(words))
                )
        check_form(spec)


_check()
