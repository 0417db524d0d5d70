# SPDX-License-Identifier: MIT
"""What counts as the same order of steps, and what a difference says."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conformance import kernels, qemu
from conformance.debian import Image
from conformance.forced import departures, trace
from conformance.forced.code import Symbols
from conformance.forced.plan import plan, real_size
from conformance.forced.sitemap import Place
from conformance.forced.trace import AGREES, DIFFERS, SKIPPED, Difference, Followed, difference
from conformance.model import ModelKernel
from corpus.text import parse
from simulator.ops import BY_NAME
from simulator.sites import NAMES
from triage import cli

HEAD = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n"
SYMBOL = 0xFFFFFFFF81000000
LOCK, CLEAR, FLUSH = "zap_pte_range:lock", "zap_pte_range:clear_pte", "tlb_finish_mmu:flush"


@dataclass
class Build:
    """As far as `Sites` asks one."""

    sites: dict[str, Place]
    symbols: Symbols = field(default_factory=lambda: Symbols(f"{SYMBOL:x} T zap\n"))


def sites(**at: tuple[int, ...]) -> trace.Sites:
    places = {
        name.replace("__", ":"): Place("f@call:g", addresses) for name, addresses in at.items()
    }
    return trace.Sites(Build(places))  # type: ignore[arg-type]


def test_an_op_that_flushes_before_it_clears_differs_where_the_order_is_lost() -> None:
    model = [LOCK, CLEAR, FLUSH]
    assert difference(3, "munmap", model, model) is None
    found = difference(3, "munmap", model, [LOCK, FLUSH, CLEAR])
    assert found is not None
    assert found.step == 1
    assert str(found) == f"op 3, munmap, step 2: {CLEAR} in the model, {FLUSH} in the kernel"
    assert found.around() == ((LOCK, CLEAR, FLUSH), (LOCK, FLUSH, CLEAR))


def test_a_step_that_one_side_leaves_out_is_a_difference() -> None:
    assert str(difference(1, "munmap", [LOCK, CLEAR, FLUSH], [LOCK, CLEAR])).endswith(
        f"{FLUSH} in the model, the end in the kernel"
    )
    assert str(difference(1, "munmap", [LOCK], [LOCK, CLEAR])).endswith(
        f"the end in the model, {CLEAR} in the kernel"
    )


def test_an_op_that_has_not_ended_may_have_steps_to_come_and_no_others() -> None:
    assert difference(1, "munmap", [LOCK, CLEAR], [LOCK], partly=True) is None
    assert difference(1, "munmap", [LOCK, CLEAR], [FLUSH], partly=True) is not None


def test_what_a_departure_allows_is_allowed_in_its_op_only() -> None:
    assert difference(1, "pagemap", [LOCK], ["mmput:users", LOCK]) is None
    assert difference(1, "munmap", [LOCK], ["mmput:users", LOCK]) is not None
    assert difference(1, "munmap", [LOCK], ["mmdrop:count", LOCK, "mmdrop:count"]) is None


def test_a_step_in_parts_is_one_and_a_call_may_come_before_or_after_what_is_in_it() -> None:
    word, pmd = "wp_page_copy:copy_word", "pte_offset_map_lock:pmd"
    assert difference(1, "write", [word, word, word], [word]) is None
    assert difference(1, "write", [LOCK, LOCK], [LOCK]) is not None
    assert difference(1, "write", [pmd, LOCK, CLEAR], [LOCK, pmd, CLEAR]) is None
    assert difference(1, "write", [pmd, CLEAR], [CLEAR, pmd]) is not None


def test_a_fork_copies_more_than_the_model_has_but_in_its_order() -> None:
    assert difference(1, "fork", [LOCK, CLEAR], [FLUSH, LOCK, FLUSH, CLEAR]) is None
    assert difference(1, "fork", [LOCK, CLEAR], [CLEAR, LOCK]) is not None


def test_sites_that_addresses_do_not_tell_apart_are_one() -> None:
    known = sites(a__get=(1,), a__recheck=(1,), b__part=(3,), b__whole=(2, 3), c__x=(9,))
    assert known.modelled(["a:get", "a:recheck", "a:get", "no:address"]) == ["a:get", "a:get"]
    assert known.real([1, 9]) == ["a:get", "c:x"]
    assert known.modelled(["b:part"]) == known.real([3])


def test_where_an_inlined_function_begins_is_no_place() -> None:
    known = trace.Sites(
        Build({LOCK: Place("zap", (SYMBOL,)), CLEAR: Place("zap>clear", (SYMBOL + 8,))})  # type: ignore[arg-type]
    )
    assert known.modelled([LOCK, CLEAR]) == [LOCK]
    assert list(known.at) == [SYMBOL]


def test_every_departure_is_of_a_site_or_op_that_there_is_and_says_why() -> None:
    for op, more in departures.MORE.items():
        assert not op or op in BY_NAME
        assert more.keys() <= set(NAMES)
        assert all(more.values())
    for _, older, why in departures.OLDER.values():
        assert set(older) <= set(NAMES)
        assert why
    assert departures.OLDER.keys() <= BY_NAME.keys()
    for rows in (departures.ONCE, departures.NOT_COMPARED):
        assert rows.keys() <= set(NAMES)
        assert all(rows.values())
    assert departures.WHOLE.keys() <= BY_NAME.keys()
    for first, second in departures.EITHER:
        assert first in NAMES
        assert second in {*NAMES, "*:lock"}
    assert departures.count() > 10


def test_a_plan_knows_the_sites_that_each_op_comes_to() -> None:
    text = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n3 T0 madvise 0..8 DONTNEED\n"
    made = plan(real_size(parse(HEAD + text), "7.2"), ModelKernel())
    zap = made.passed[2]
    assert [site for site in zap if site in (LOCK, CLEAR, FLUSH)] == [LOCK, CLEAR, FLUSH]
    assert not set(made.passed[0]) & {LOCK, CLEAR, FLUSH}


@pytest.mark.parametrize(
    ("verdict", "found", "code"),
    [
        (AGREES, None, 0),
        (SKIPPED, None, 4),
        (DIFFERS, Difference(2, "munmap", 1, (LOCK, CLEAR), (LOCK, FLUSH)), 1),
    ],
)
def test_the_verb_ends_with_what_was_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verdict: str,
    found: Difference | None,
    code: int,
) -> None:
    def follow(*_: Any) -> Followed:
        return Followed(verdict, 1, 5, frozenset((LOCK,)), difference=found)

    monkeypatch.setattr(qemu, "why_not", lambda: "")
    monkeypatch.setattr(kernels, "resolve", lambda name: Image("7.2.13", tmp_path))
    monkeypatch.setattr(trace, "follow", follow)
    file = tmp_path / "a.mm"
    file.write_text(HEAD + "1 T0 mmap 0..8 rw private anon\n2 T0 munmap 0..8\n")
    assert cli.main(["conform", "trace", str(file), "--json"]) == code
    said = json.loads(capsys.readouterr().out)
    assert said["files"][0]["verdict"] == verdict
    if found is not None:
        assert said["files"][0]["difference"]["kernel"] == [LOCK, FLUSH]
        assert cli.main(["conform", "trace", str(file)]) == code
        assert f"kernel  {LOCK} {FLUSH}" in capsys.readouterr().out
