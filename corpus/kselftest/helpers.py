# SPDX-License-Identifier: MIT
"""The helpers of a selftest: those definitions of the C runtime that it uses, and no others.

Contract: `definitions` takes C text and gives all that it needs from corpus/c/, directly or
through one another, in an order that compiles. They are the very definitions that the executor
of conformance runs. `includes` are the headers that a text needs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from corpus import cform
from simulator import ops

SELFTEST: Final = cform.RUNTIME.with_name("mmfarm_selftest.h")

# Which header has what. Names that begin like one of these are meant, too.
_HEADERS: Final = {
    "errno.h": ("errno", "E[A-Z]{2,}"),
    "fcntl.h": ("open", "O_[A-Z]+", "fallocate"),
    "limits.h": ("INT_MAX", "UINT_MAX"),
    "linux/falloc.h": ("FALLOC_FL_[A-Z_]+",),
    "linux/futex.h": ("FUTEX_[A-Z]+",),
    "linux/userfaultfd.h": ("UFFD[A-Z_]+", "uffd_msg", "uffdio_[a-z]+"),
    "pthread.h": ("pthread_[a-z]+",),
    "sched.h": ("CLONE_[A-Z]+", "sched_yield"),
    "setjmp.h": ("sig(?:long|set)jmp", "sigjmp_buf"),
    "signal.h": ("sigaction", "signal", "SIG[A-Z]+"),
    "stdbool.h": ("bool",),
    "stdint.h": ("u?int(?:64|ptr)_t",),
    "stdio.h": ("FILE", "fopen", "sscanf"),
    "stdlib.h": ("abort", "free"),
    "string.h": ("mem(?:set|cpy)", "strstr"),
    "sys/mman.h": (
        "mmap",
        "m(?:un)?map",
        "madvise",
        "mremap",
        "mprotect",
        "memfd_create",
        "mincore",
        "m(?:un)?lock(?:all)?",
        "mlock2",
    ),
    "sys/ioctl.h": ("ioctl",),
    "sys/prctl.h": ("prctl",),
    "sys/resource.h": ("[gs]etrlimit",),
    "sys/stat.h": ("stat", "fstat"),
    "sys/syscall.h": ("SYS_[a-z]+",),
    "sys/uio.h": ("iovec", "vmsplice"),
    "sys/wait.h": ("waitpid",),
    "time.h": ("time",),
    "unistd.h": (
        "sysconf",
        "close",
        "p?read",
        "p?write",
        "lseek",
        "ftruncate",
        "usleep",
        "_exit",
        "getpid",
        "fork",
        "syscall",
    ),
}

_MACRO, _TYPE, _VARIABLE, _FUNCTION = range(4)
_APART: Final = (_TYPE, _FUNCTION)

_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DEFINES: Final = re.compile(r"#define\s+(\w+)")
_ENUM: Final = re.compile(r"^enum \w+ \{(.*?)\}", re.MULTILINE | re.DOTALL)
_NAMED: Final = re.compile(
    r"^(?:struct (\w+) \{|static .*?\(\*(\w+)\)\(|static [^(\n]*?(\w+)\(|static [^(\n]*?(\w+)"
    r"(?: = [^;]*)?;)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A few lines of C that belong together, with the names they give and those they use."""

    text: str
    names: tuple[str, ...]
    uses: frozenset[str]


def definitions(text: str) -> str:
    """All that `text` needs: macros, types and variables in blocks, functions apart."""
    needed: set[str] = set()
    todo = set(_words(text))
    found: list[Definition] = []
    while todo:
        needed |= todo
        found = [d for d in _known() if needed.intersection(d.names)]
        todo = {word for d in found for word in d.uses} - needed
    made = ""
    before = -1
    for definition in found:
        rank = _rank(definition.text)
        made += "\n" if made and (rank != before or rank in _APART) else ""
        made += definition.text
        before = rank
    return made


def includes(text: str) -> str:
    used = _words(text)
    return "".join(
        f"#include <{header}>\n"
        for header, names in _HEADERS.items()
        if any(re.fullmatch("|".join(names), word) for word in used)
    )


@cache
def _known() -> tuple[Definition, ...]:
    """Every definition at hand: macros first, then types, variables, functions."""
    own = _split(SELFTEST.read_text())
    replaced = {name for definition in own for name in definition.names}
    ops = [d for d in _split(cform.RUNTIME.read_text()) if not replaced.intersection(d.names)]
    return tuple(sorted(ops + own, key=lambda definition: _rank(definition.text)))


def _rank(text: str) -> int:
    bare = _COMMENT.sub("", text).strip()
    if bare.startswith("#"):
        return _MACRO
    if bare.startswith(("struct", "enum")):
        return _TYPE
    return _VARIABLE if bare.endswith(";") else _FUNCTION


def _split(source: str) -> list[Definition]:
    found = []
    for unit in _units(source):
        bare = _COMMENT.sub("", unit)
        names = set(_DEFINES.findall(bare))
        names.update(name for match in _NAMED.findall(bare) for name in match if name)
        names.update(name for inside in _ENUM.findall(bare) for name in _WORD.findall(inside))
        if names:
            text = unit.replace("static inline ", "static ")
            found.append(Definition(text, tuple(sorted(names)), _words(unit) - names))
    return found


def _units(source: str) -> Iterator[str]:
    """Functions, types, variables, macros, each with the comment before it."""
    unit = ""
    depth = 0
    for line in source.splitlines(keepends=True):
        if line.startswith("#include") or (not line.strip() and not depth):
            unit = ""  # a comment that nothing follows, or nothing
            continue
        unit += line
        depth += line.count("{") - line.count("}")
        bare = _COMMENT.sub("", line).rstrip()
        inside = unit.count("#if") > unit.count("#endif")
        if depth or inside or not bare or unit.count("/*") != unit.count("*/"):
            continue
        if bare.endswith(("}", "};", "#endif", ";")) or (
            unit.lstrip().startswith(("#define", "/*"))
            and "#define" in unit
            and not bare.endswith("\\")
        ):
            yield unit
            unit = ""


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(_STRING.sub("", _COMMENT.sub("", text))))


def _check() -> None:
    """Assert that what the forms of rows call is declared by a header that is known here, or by
    corpus/c/."""
    for spec in ops.OPS:
        name = cform.function(spec)
        if name and cform.answer(spec) != cform.RESULT and not includes(name):
            raise AssertionError(f"helpers._HEADERS has no header for {name}(), see {spec.name}")


_check()
