# SPDX-License-Identifier: MIT
"""Real races on stock kernels, forced: there on the kernels that have them, gone on the next.

One kernel, if a command has fetched it before, is asked in `make test`; the ladder is `soak`.
"""

from collections.abc import Iterator

import pytest

from conformance import qemu
from conformance.debian import Debian, NoKernel
from conformance.executor import ExecutorError
from conformance.forced.build import Build
from conformance.forced.engine import Cry, Engine
from conformance.forced.guest import Guest
from tests.integration.forced import races
from tests.integration.forced.hand import SIGBUS, race

REPEATS = 2
EEXIST = 17


@pytest.fixture(scope="module")
def ours() -> Iterator[tuple[Guest, Build]]:
    """A kernel that is here."""
    with booted("6.12", download=False) as guest:
        build = Build(guest)
        build.code = build.bare  # symbols do, and are faster
        yield guest, build


def booted(version: str, *, download: bool) -> Guest:
    reason = qemu.why_not()
    if reason:
        pytest.skip(reason)
    try:
        return Guest(Debian().kernel(version, download=download))
    except NoKernel as missing:
        pytest.skip(str(missing))


def test_a_fork_is_no_snapshot_of_a_pinned_page(ours: tuple[Guest, Build]) -> None:
    assert [races.torn_snapshot(*ours) for _ in range(REPEATS)] == [(1, 2)] * REPEATS


def test_who_touches_a_page_that_is_on_its_way_out_waits(ours: tuple[Guest, Build]) -> None:
    assert [races.hugetlb_dontneed(*ours) for _ in range(REPEATS)] == [(True, 0)] * REPEATS


def test_a_huge_page_that_comes_and_goes_makes_the_copy_fail(ours: tuple[Guest, Build]) -> None:
    assert [races.uffd_mfill(*ours) for _ in range(REPEATS)] == [-EEXIST] * REPEATS


def test_an_actor_that_waits_for_a_lock_is_noticed_and_goes_on(ours: tuple[Guest, Build]) -> None:
    assert [races.writer_waits(*ours) for _ in range(REPEATS)] == [("waiting", 0)] * REPEATS


def test_a_held_cpu_answers_a_shootdown(ours: tuple[Guest, Build]) -> None:
    before, after, breaths = races.shootdown(*ours)
    assert (before, after) == (0, 0)
    assert breaths > 0


def test_a_call_is_skipped(ours: tuple[Guest, Build]) -> None:
    assert races.allocation_fails(*ours) < 0


def test_a_guest_leaves_nothing(ours: tuple[Guest, Build]) -> None:
    guest, build = ours
    with race(guest, build) as r:
        assert isinstance(r.engine, Engine)
    guest.close()
    with pytest.raises((ExecutorError, ValueError, OSError)):
        races.torn_snapshot(guest, build)


@pytest.mark.soak("races forced on a ladder of kernels")
@pytest.mark.parametrize(
    ("version", "touched", "copied"),
    [
        ("6.1.170", (False, SIGBUS), Cry),
        ("6.1.192", (False, SIGBUS), -EEXIST),
        ("6.12", (True, 0), -EEXIST),
        ("6.18.5", (True, 0), -EEXIST),
        ("7.2", (True, 0), -EEXIST),
        ("7.3", (True, 0), -EEXIST),
    ],
)
def test_the_ladder(version: str, touched: tuple[bool, int], copied: int | type[Cry]) -> None:
    with booted(version, download=True) as guest:
        build = Build(guest)
        build.code = build.bare
        assert races.torn_snapshot(guest, build) == (1, 2)
        assert races.hugetlb_dontneed(guest, build) == touched
        if isinstance(copied, int):
            assert races.uffd_mfill(guest, build) == copied
        else:
            with pytest.raises(copied, match=r"kernel BUG at mm/userfaultfd\.c"):
                races.uffd_mfill(guest, build)
