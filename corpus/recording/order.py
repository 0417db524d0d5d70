# SPDX-License-Identifier: MIT
"""An order of calls that overlap, in which the answers of all of them are possible.

Contract: threads of one address space call at the same time, and a recording shows of each call
only when it began and when it had returned. Of two calls the one that returned before the other
began came first; all else is open. `Arranged` gives the events of each space in an order that these
intervals allow and in which every answer fits what is mapped, as far as a layout says it: a chosen
address was free, a hole was a hole. It searches; where no order fits, the call that fits nowhere
stands where it returned, and the replay tells. Calls that overlap with none cost nothing.

Not promised: that the order was this one. Where several fit, they differ in nothing that the
answers of these calls show.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import Final, NamedTuple

from corpus.recording import values
from corpus.recording.events import Call, Fault, Signal, six_arguments
from corpus.recording.follow import Ended, Following, Forked, Placed
from corpus.recording.layout import Layout
from corpus.recording.rules import PAGE_SIZE, TASK_PAGES

# Threads that never pause overlap in one endless chain: so many calls are looked at together, and
# the first half of them is decided.
MAX_TOGETHER: Final = 64
_MAX_TRIES: Final = 4000  # of placing a call; hundreds are many where an order exists
_MAP: Final = 1
_UNMAP: Final = 2
_FREE: Final = 3
_MAPPED: Final = 4
_HOLE: Final = 5
_BUSY: Final = 6
_HEAP_IS: Final = 7
_HEAP_BECOMES: Final = 8


class _Act(NamedTuple):
    """What a call needs, or does: `what` of the pages start..end, or of the heap, whose address is
    `start`."""

    what: int
    start: int
    end: int


class _Item(NamedTuple):
    """An event of one space, when it was served, and what it needs and does."""

    event: Following
    begin: int
    end: int
    acts: tuple[_Act, ...]


class Arranged:
    """Events in a possible order. `layout_of` is what is mapped in a space, and `break_of` where
    its heap ends, after all events that were given out so far. `alone` says of the last one that
    it overlaps with none."""

    def __init__(
        self, layout_of: Callable[[int], Layout | None], break_of: Callable[[int], int | None]
    ) -> None:
        self.alone = True
        self._layout_of = layout_of
        self._break_of = break_of
        self._waiting: dict[int, _Waiting] = {}
        self._unborn: dict[int, int] = {}  # a child whose fork waits -> the space that it waits in

    def events(self, events: Iterable[Following]) -> Iterator[Following]:
        """All events, once."""
        waiting = self._waiting
        for event in events:
            space = event.space
            if self._unborn and space in self._unborn:
                yield from self._decide(self._unborn.pop(space))
            begin, end = _interval(event)
            here = waiting.get(space)
            if here is not None and here.reach < begin:
                yield from self._decide(space)
                here = None
            if here is None:
                if begin == end:
                    self.alone = True
                    yield event
                    continue
                here = waiting[space] = _Waiting()
            here.add(_Item(event, begin, end, _acts(event)))
            if isinstance(event, Forked):
                self._unborn[event.child] = space
            if len(here.items) >= MAX_TOGETHER:
                self.alone = False
                yield from here.decide(
                    self._layout_of(space), self._break_of(space), MAX_TOGETHER // 2
                )
        for space in list(waiting):
            yield from self._decide(space)

    def _decide(self, space: int) -> Iterator[Following]:
        """All that waits in a space, if anything does."""
        here = self._waiting.pop(space, None)
        if here:
            self.alone = len(here.items) == 1
            yield from here.decide(self._layout_of(space), self._break_of(space))


def _interval(event: Following) -> tuple[int, int]:
    """When it was served."""
    if isinstance(event, Ended):
        return event.place, event.place
    what = event.call if isinstance(event, Forked) else event.event
    if isinstance(what, Call):
        return what.begin, what.end
    place = what.place if isinstance(what, (Fault, Signal)) else 0
    return place, place


class _Waiting:
    """Events of one space that may have come in another order."""

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.reach = 0

    def add(self, item: _Item) -> None:
        self.items.append(item)
        self.reach = max(self.reach, item.end)

    def decide(
        self, layout: Layout | None, heap: int | None, count: int = 0
    ) -> Iterator[Following]:
        """Take all events, or about the first `count`, and give them out in an order that fits."""
        # What comes next may have to stand before calls that had not returned then.
        now = self.items[-1].begin if count else self.reach + 1
        order = _Search(self.items, layout or Layout(), heap, now).order()
        if count and len(self.items) < 2 * MAX_TOGETHER:
            order = list(takewhile(lambda at: self.items[at].end < now, order[:count]))
        elif count:
            order = order[:count]
        taken = set(order)
        found = [self.items[at].event for at in order]
        self.items = [item for at, item in enumerate(self.items) if at not in taken]
        return iter(found)


class _Branch(NamedTuple):
    """Where a search went on: what could be next, and what was there before."""

    choices: Iterator[int]
    changes: int
    heap: int | None


class _Search:
    """Looks for an order of all that had returned before `now`, call by call, going back where none
    fits. What had not may be needed, but owes nothing yet."""

    def __init__(self, items: list[_Item], layout: Layout, heap: int | None, now: int) -> None:
        self.items = items
        self.owed = {at for at, item in enumerate(items) if item.end < now}
        self.layout = layout
        self.heap = heap
        self.changes: list[tuple[int, int, bool]] = []  # on top of the layout, the last one counts
        self.done: list[int] = []
        # What is tried first: what frees pages as soon as it began, all else when it had returned.
        # Programs seldom use what another thread of theirs unmaps, so this fits nearly always.
        self.by_preference = sorted(
            range(len(items)),
            key=lambda at: (
                items[at].begin
                if any(act.what == _UNMAP for act in items[at].acts)
                and not any(act.what == _MAP for act in items[at].acts)
                else items[at].end
            ),
        )

    def order(self) -> list[int]:
        """What is owed, and what that needs; those that fit nowhere where they returned."""
        while self.owed.difference(self.done):
            changes, heap, done = len(self.changes), self.heap, len(self.done)
            best = self._search()
            del self.changes[changes:], self.done[done:]
            self.heap = heap
            for at in best[done:]:
                self._place(at)
            if self.owed.difference(self.done):
                self._place(min(self._next(), key=lambda at: self.items[at].end))
        return self.done

    def _search(self) -> list[int]:
        """The longest order that fits behind what is placed."""
        best = list(self.done)
        tries = 0
        stack = [_Branch(self._next(), len(self.changes), self.heap)]
        while stack:
            branch = stack[-1]
            fitting = next((at for at in branch.choices if self._fits(at)), None)
            tries += 1
            if fitting is None:
                stack.pop()
                if stack:
                    del self.changes[stack[-1].changes :]
                    self.heap = stack[-1].heap
                    self.done.pop()
                continue
            self._place(fitting)
            if len(self.done) > len(best):
                best = list(self.done)
            if self.owed.issubset(self.done) or tries > _MAX_TRIES:
                break
            stack.append(_Branch(self._next(), len(self.changes), self.heap))
        return best

    def _next(self) -> Iterator[int]:
        """What may come next: all that began before the first of the others had returned."""
        placed = frozenset(self.done)
        left = [at for at in self.by_preference if at not in placed]
        first = min((self.items[at].end for at in left), default=0)
        return iter([at for at in left if self.items[at].begin <= first])

    def _place(self, at: int) -> None:
        for act in self.items[at].acts:
            if act.what in (_MAP, _UNMAP):
                self.changes.append((act.start, act.end, act.what == _MAP))
            elif act.what == _HEAP_BECOMES:
                old, new = _page_above(self.heap or act.start), _page_above(act.start)
                if old != new:
                    self.changes.append((min(old, new), max(old, new), new > old))
                self.heap = act.start
        self.done.append(at)

    def _fits(self, at: int) -> bool:
        return all(self._possible(act) for act in self.items[at].acts)

    def _possible(self, act: _Act) -> bool:
        if act.what == _FREE:
            return not self._meets_mapped(act.start, act.end)
        if act.what == _BUSY:
            return self._meets_mapped(act.start, act.end) or self._meets_untold(act)
        if act.what == _MAPPED:
            return not self._meets_hole(act.start, act.end)
        if act.what == _HOLE:
            return self._meets_hole(act.start, act.end) or self._meets_untold(act)
        if act.what == _HEAP_IS:
            return self.heap is None or self.heap == act.start
        if act.what == _HEAP_BECOMES and self.heap is not None:
            old, new = _page_above(self.heap), _page_above(act.start)
            return new <= old or not self._meets_mapped(old, new)
        return True

    def _unchanged(self, start: int, end: int, mapped: bool) -> list[tuple[int, int]] | None:
        """The pages that no change is about, or None where one made some of them `mapped`."""
        left = [(start, end)]
        for low, high, now_mapped in reversed(self.changes):
            if low >= end or high <= start:
                continue
            rest: list[tuple[int, int]] = []
            for first, last in left:
                if high <= first or last <= low:
                    rest.append((first, last))
                    continue
                if now_mapped == mapped:
                    return None
                rest += [(a, b) for a, b in ((first, low), (high, last)) if a < b]
            left = rest
        return left

    def _meets_mapped(self, start: int, end: int) -> bool:
        left = self._unchanged(start, end, True)
        return left is None or any(any(self.layout.within(*part)) for part in left)

    def _meets_hole(self, start: int, end: int) -> bool:
        """Whether something is not mapped of which the log has told."""
        left = self._unchanged(start, end, False)
        if left is None:
            return True
        return any(
            self.layout.untold(*hole) != [hole]
            for part in left
            for hole in self.layout.holes(*part)
        )

    def _meets_untold(self, act: _Act) -> bool:
        left = self._unchanged(act.start, act.end, True)
        return bool(left) and any(self.layout.untold(*part) for part in left or ())


def _page_above(address: int) -> int:
    return -(-address // PAGE_SIZE)


def _acts(event: Following) -> tuple[_Act, ...]:
    """What an event needs and does, as far as its text says it."""
    if not isinstance(event, Placed) or not isinstance(event.event, Call):
        return ()
    call = event.event
    arguments = six_arguments(call)
    start, length = values.address(arguments[0]), values.number(arguments[1] or "0")
    if start is None or length is None or call.result == "?":
        return ()
    if call.name == "brk":
        return _heap(call, start)
    if call.name in ("mmap", "mmap2"):
        return _mapping(call, arguments, start, length)
    first, last = start // PAGE_SIZE, _page_above(start + length)
    if not 0 <= first < last <= TASK_PAGES:
        return ()
    if call.name == "mremap":
        return _moving(call, arguments, first, last)
    if call.name == "munmap" and not call.failed:
        return (_Act(_UNMAP, first, last),)
    if call.name in _ON_MAPPED:
        if not call.failed:
            return (_Act(_MAPPED, first, last),)
        if call.errno == "ENOMEM":
            return (_Act(_HOLE, first, last),)
    return ()


_ON_MAPPED: Final = frozenset(("mprotect", "pkey_mprotect", "madvise", "mlock", "munlock", "mseal"))


def _heap(call: Call, wanted: int) -> tuple[_Act, ...]:
    got = values.address(call.result)
    if got is None:
        return ()
    return (_Act(_HEAP_BECOMES if got == wanted else _HEAP_IS, got, got),)


def _mapping(call: Call, arguments: list[str], hint: int, length: int) -> tuple[_Act, ...]:
    flags = values.flags(arguments[3], values.MAP) or 0
    fixed = flags & values.MAP["MAP_FIXED"]
    place = hint if call.failed else values.address(call.result)
    if place is None:
        return ()
    first, last = place // PAGE_SIZE, _page_above(place + length)
    if not 0 <= first < last <= TASK_PAGES:
        return ()
    if call.failed:
        return (_Act(_BUSY, first, last),) if call.errno == "EEXIST" else ()
    mapped = _Act(_MAP, first, last)
    return (mapped,) if fixed else (_Act(_FREE, first, last), mapped)


def _moving(call: Call, arguments: list[str], first: int, last: int) -> tuple[_Act, ...]:
    place, size = values.address(call.result), values.number(arguments[2])
    if call.failed or place is None or not size:
        return ()
    flags = values.flags(arguments[3], values.MREMAP) or 0
    to, to_end = place // PAGE_SIZE, _page_above(place + size)
    needs = _Act(_MAPPED, first, last)
    if to == first:
        if to_end <= last:
            return (needs, _Act(_UNMAP, to_end, last)) if to_end < last else (needs,)
        return (needs, _Act(_FREE, last, to_end), _Act(_MAP, last, to_end))
    free = () if flags & values.MREMAP["MREMAP_FIXED"] else (_Act(_FREE, to, to_end),)
    # With MREMAP_DONTUNMAP the source stays mapped.
    gone = () if flags & values.MREMAP["MREMAP_DONTUNMAP"] else (_Act(_UNMAP, first, last),)
    return (needs, *free, *gone, _Act(_MAP, to, to_end))
