# SPDX-License-Identifier: MIT
"""Calls on userfaultfds.

Contract: as `corpus.recording.calls`, which these functions are a part of. A userfaultfd is one of
the model's from its UFFDIO_API on, until its last descriptor is closed. Only its own process is
followed. Where a recording shows a pointer and not what is there (strace 6.1 takes ioctls that it
does not know apart), or what the model does not have, the call is listed, and a cause of other
answers (`corpus.recording.causes`).

Not promised: which pages were there when a call filled them: most touches are not in a recording.
A source that is not aligned to pages stands for the page that it begins in. Programs without
answers (syzkaller's) are taken without events that they ask for.
"""

import re
from typing import Final

from corpus.recording import causes, values
from corpus.recording.arguments import (
    NO_FILE_PAGES,
    NO_OP,
    Listed,
    Odd,
    State,
    Translated,
    answer_of,
    number_of,
    range_of,
    small_memfd,
    step_of,
)
from corpus.recording.causes import Causes
from corpus.recording.events import Call
from corpus.recording.follow import Placed
from corpus.recording.layout import ANON
from corpus.recording.rules import PAGE_SIZE, TASK_PAGES
from corpus.recording.steps import Answer, Step
from simulator import ops

_FIELD: Final = re.compile(r"(\w+)=([^{},=]+)(?= =>|[,}]|$)")
_API: Final = 0xAA  # UFFD_API
_USER_ONLY: Final = {"UFFD_USER_MODE_ONLY": 1}
_FEATURES: Final = {  # linux/userfaultfd.h
    name: 1 << bit
    for bit, name in enumerate(
        (
            "UFFD_FEATURE_PAGEFAULT_FLAG_WP",
            "UFFD_FEATURE_EVENT_FORK",
            "UFFD_FEATURE_EVENT_REMAP",
            "UFFD_FEATURE_EVENT_REMOVE",
            "UFFD_FEATURE_MISSING_HUGETLBFS",
            "UFFD_FEATURE_MISSING_SHMEM",
            "UFFD_FEATURE_EVENT_UNMAP",
            "UFFD_FEATURE_SIGBUS",
            "UFFD_FEATURE_THREAD_ID",
            "UFFD_FEATURE_MINOR_HUGETLBFS",
            "UFFD_FEATURE_MINOR_SHMEM",
            "UFFD_FEATURE_EXACT_ADDRESS",
            "UFFD_FEATURE_WP_HUGETLBFS_SHMEM",
            "UFFD_FEATURE_WP_UNPOPULATED",
            "UFFD_FEATURE_POISON",
            "UFFD_FEATURE_WP_ASYNC",
            "UFFD_FEATURE_MOVE",
        )
    )
}
_KEPT: Final = {  # features that change what the model does
    _FEATURES["UFFD_FEATURE_SIGBUS"]: ops.UFFD_SIGBUS,
    _FEATURES["UFFD_FEATURE_WP_UNPOPULATED"]: ops.UFFD_WP_UNPOPULATED,
    _FEATURES["UFFD_FEATURE_WP_ASYNC"]: ops.UFFD_WP_ASYNC,
}
_EVENTS: Final = sum(bit for name, bit in _FEATURES.items() if "_EVENT_" in name)
_REGISTER: Final = {
    "UFFDIO_REGISTER_MODE_MISSING": ops.REGISTER_MISSING,
    "UFFDIO_REGISTER_MODE_WP": ops.REGISTER_WP,
    "UFFDIO_REGISTER_MODE_MINOR": ops.REGISTER_MINOR,
}
_FILL: Final = {  # each ioctl has words of its own for the same bits, and no other ones
    f"UFFDIO_{call}_MODE_{name}": bit
    for call in ("COPY", "ZEROPAGE", "CONTINUE")
    for name, bit in (("DONTWAKE", ops.FILL_DONTWAKE), ("WP", ops.FILL_WP))
}
_POISON: Final = {"UFFDIO_POISON_MODE_DONTWAKE": ops.POISON_DONTWAKE}
_WRITEPROTECT: Final = {
    "UFFDIO_WRITEPROTECT_MODE_WP": ops.WRITEPROTECT_WP,
    "UFFDIO_WRITEPROTECT_MODE_DONTWAKE": ops.WRITEPROTECT_DONTWAKE,
}
_RANGE_OPS: Final = {"UFFDIO_UNREGISTER": ops.OP_UFFD_UNREGISTER, "UFFDIO_WAKE": ops.OP_UFFD_WAKE}
_MODE_OPS: Final = {
    "UFFDIO_REGISTER": (ops.OP_UFFD_REGISTER, _REGISTER),
    "UFFDIO_ZEROPAGE": (ops.OP_UFFD_ZEROPAGE, _FILL),
    "UFFDIO_CONTINUE": (ops.OP_UFFD_CONTINUE, _FILL),
    "UFFDIO_POISON": (ops.OP_UFFD_POISON, _POISON),
    "UFFDIO_WRITEPROTECT": (ops.OP_UFFD_WRITEPROTECT, _WRITEPROTECT),
}
_FILLS: Final = (ops.OP_UFFD_COPY, ops.OP_UFFD_ZEROPAGE, ops.OP_UFFD_CONTINUE, ops.OP_UFFD_POISON)
_TOUCHED: Final = "depends on touches, which the log does not show"
_NOT_SHOWN: Final = "the log does not show its argument"
_NOT_MADE: Final = "its UFFDIO_API is not taken"


def userfaultfd(call: Call) -> Translated:
    """Taken without an op: the model's is made with its features, by UFFDIO_API."""
    if call.failed:
        raise Odd(f"failed: {call.errno}")
    return []


def ioctl(placed: Placed, call: Call, arguments: list[str], state: State) -> Translated:
    """UFFDIO_API and all that follows it."""
    name = values.uffdio(arguments[1])
    try:
        return _taken(placed, call, name, arguments[2], state)
    except Odd as odd:
        owner = placed.file.space if placed.file else placed.space
        _causes(call, name, state.causes.get(owner))
        return Listed(f"{name}: {odd}")


def read(placed: Placed, call: Call, state: State) -> Translated:
    """A message, of a touch that is not in the log; or none."""
    if call.errno not in ("", "EAGAIN"):
        raise Odd(f"failed: {call.errno}")
    why = "" if call.failed else _TOUCHED
    args = (_open(placed, state),)
    return [step_of(placed, call, ops.OP_UFFD_READ, args, answer_of(call), why_not_compared=why)]


def close(placed: Placed, call: Call, state: State) -> Translated:
    """The last descriptor is closed."""
    args = (_open(placed, state),)
    return [step_of(placed, call, ops.OP_UFFD_CLOSE, args, Answer.ok())]


def _open(placed: Placed, state: State) -> int:
    """The number of a userfaultfd that the model has."""
    file = placed.file
    if file is None or file.number not in state.uffds:
        raise Odd(_NOT_MADE)
    if file.space != placed.space:
        raise Odd("it is about the memory of another process")
    return file.number


def _taken(placed: Placed, call: Call, name: str, argument: str, state: State) -> list[Step]:
    fields = {field: value.strip() for field, value in reversed(_FIELD.findall(argument))}
    if name == "UFFDIO_API":
        return _made(placed, call, fields, state)
    if name != "UFFDIO_COPY" and name not in _RANGE_OPS and name not in _MODE_OPS:
        raise Odd(NO_OP)
    number = _open(placed, state)
    if name == "UFFDIO_COPY":
        return [_copy(placed, call, number, fields, state)]
    if "start" not in fields:
        raise Odd(_NOT_SHOWN)
    start, end = range_of(fields["start"], fields["len"])
    if name in _RANGE_OPS:
        args: tuple[int, ...] = (number, start, end)
        return [step_of(placed, call, _RANGE_OPS[name], args, answer_of(call))]
    code, words = _MODE_OPS[name]
    return [_fill(placed, call, code, (number, start, end, _mode(fields, words)))]


def _fill(placed: Placed, call: Call, code: int, args: tuple[int, ...]) -> Step:
    """What else is there by then is not told: whether a page comes too late is not compared."""
    late = code in _FILLS and call.errno in ("EEXIST", "EAGAIN", "EFAULT")
    why = _TOUCHED if late else ""
    return step_of(placed, call, code, args, answer_of(call), why_not_compared=why)


def _made(placed: Placed, call: Call, fields: dict[str, str], state: State) -> list[Step]:
    """UFFDIO_API."""
    file = placed.file
    if call.failed:
        raise Odd(f"failed: {call.errno}")
    if file is None or file.space != placed.space:
        raise Odd("it is about the memory of another process")
    if "api" not in fields:
        raise Odd(_NOT_SHOWN)
    if values.number(fields["api"]) != _API:
        raise Odd("another interface than that of all kernels")
    asked = values.flags(fields.get("features", "0"), _FEATURES)
    if asked is None or asked >> len(_FEATURES) and state.answered:
        raise Odd(f"features that the model has not: {fields['features'][:60]}")
    if asked & _EVENTS and state.answered:
        raise Odd("events: " + NO_OP)
    opened = values.some_flags(file.name, _USER_ONLY) & _USER_ONLY["UFFD_USER_MODE_ONLY"]
    features = ops.UFFD_USER_ONLY if opened else 0
    for bit, feature in _KEPT.items():
        if asked & bit:
            features |= feature
    number = state.file(file)
    state.uffds[number] = features
    return [step_of(placed, call, ops.OP_USERFAULTFD, (number, features), Answer.ok())]


def _copy(placed: Placed, call: Call, number: int, fields: dict[str, str], state: State) -> Step:
    if "dst" not in fields or "src" not in fields:
        raise Odd(_NOT_SHOWN)
    start, end = range_of(fields["dst"], fields["len"])
    source = number_of(fields["src"], "source") // PAGE_SIZE
    last = source + end - start
    if source < 0 or last > TASK_PAGES:
        raise Odd("its source is beyond the address space")
    for region in state.layouts[placed.space].within(source, last):
        file = state.files[region.file] if region.file != ANON else None
        if file and state.answered and not small_memfd(file):
            raise Odd(NO_FILE_PAGES)
    args = (number, start, end, source, last, _mode(fields, _FILL))
    return _fill(placed, call, ops.OP_UFFD_COPY, args)


def _mode(fields: dict[str, str], words: dict[str, int]) -> int:
    mode = values.flags(fields.get("mode", "0"), words)
    if mode is None or mode & ~sum(set(words.values())):
        raise Odd(f"modes that the model has not: {fields['mode'][:60]}")
    return mode


def _causes(call: Call, name: str, found: Causes | None) -> None:
    """What an ioctl without an op may change of later answers. Where its argument is not shown, all
    memory may be what it is about."""
    if call.failed or name == "UFFDIO_API" or found is None:
        return
    fields = dict(reversed(_FIELD.findall(call.arguments)))
    address = values.address(fields.get("start") or fields.get("dst", ""))
    start, end = 0, TASK_PAGES
    if address is not None:
        start = address // PAGE_SIZE
        end = max(start + 1, start + -(-(values.number(fields.get("len", "")) or 0) // PAGE_SIZE))
    known = name in values.UFFDIO
    if name == "UFFDIO_UNREGISTER" and address is not None:
        found.clear(causes.REGISTERED, start, end)
    elif name == "UFFDIO_MOVE" or not known:
        found.mark(causes.TAKEN, 0, TASK_PAGES, call.line, "ioctl(userfaultfd)")
    if name == "UFFDIO_REGISTER" or not known:
        found.mark(causes.REGISTERED, start, end, call.line, "ioctl(userfaultfd)")
