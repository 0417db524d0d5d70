# SPDX-License-Identifier: MIT
"""Which bugs a model has: those of its `kernel=`, and what `bug=` switches on or off."""

import pytest
from click.testing import CliRunner

from corpus import text
from corpus.files import KNOWN_BUGS, UNDISCLOSED
from simulator.bugs import BUGS, BY_ID, Bug, apart, in_kernel
from simulator.kernels import VERSIONS
from tests.model.run import run
from triage.verbs.bugs_list import command

TRACKED = """
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T0 clear_refs soft-dirty
4 T0 write 0
5 DEVICE migrate_to_device 0..1
6 T0 fork T1
7 T0 pagemap 0
"""
# Where each departure shows, in the kernels that have it.
SHOWN = {
    "device-private-loses-soft-dirty": TRACKED,
    "fork-early-cow-torn-snapshot": """
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T1 write 0
4 T0 pin p0 0 w
5 T0 fork T2
""",
}


def verdict(text: str, config: str = "") -> str:
    violation = run(f"config pmd_order=3 frames=64{config}\n{text}").violation
    return f"{violation.signature.oracle} {violation.signature.culprit}" if violation else "clean"


@pytest.mark.parametrize("bug", ["device-private-loses-soft-dirty", "fork-early-cow-torn-snapshot"])
def test_a_departure_shows_in_linux_as_shipped_and_not_in_the_mended_model(bug: str) -> None:
    row = BY_ID[bug]
    assert row.departure
    assert verdict(SHOWN[bug]) == "clean"
    for config in (f" bug={bug}", " kernel=7.2"):
        oracle, _, culprit = verdict(SHOWN[bug], config).partition(" ")
        assert oracle in row.oracles
        assert culprit in row.culprits
    assert verdict(SHOWN[bug], f" kernel=7.2 bug=-{bug}") == "clean"


def test_a_version_has_the_rows_whose_ranges_hold_it() -> None:
    bug = Bug("x", "", "", ("pin",), "easy", versions=(("5.14", "6.1.171"), ("6.2", "6.12")))
    assert [
        v for v in ("5.13.9", "5.14", "6.1.170", "6.1.171", "6.2", "6.11.7", "6.12") if bug.is_in(v)
    ] == ["5.14", "6.1.170", "6.2", "6.11.7"]


def test_what_sets_a_full_version_apart_from_its_kernel() -> None:
    row = "mremap-dontunmap-locked-vm-partial"
    assert row in in_kernel("6.12")
    later = "test-hmm-close-skips-locked-pages"  # came with a fix
    assert {f"-{row}", later} <= set(apart("6.12", "6.12.118"))
    assert apart("6.18", "6.18.44-fc") == ()
    old, new = ({bug.id for bug in BUGS if bug.is_in(version)} for version in ("6.1", "6.18"))
    assert set(apart("6.1", "6.18")) == (new - old) | {f"-{bug}" for bug in old - new}
    assert new - old
    assert {f"-{later}", row} <= set(apart("7.2", "6.18"))
    assert apart("", "") == ()


def test_the_mended_model_has_none() -> None:
    assert in_kernel("") == []
    for version in VERSIONS:
        assert in_kernel(version) == [bug.id for bug in BUGS if bug.is_in(version)]


def test_a_departure_says_why_and_whom_it_blames() -> None:
    for bug in BUGS:
        if bug.departure:
            assert bug.culprits
            assert bug.versions


def test_what_a_known_bug_is_found_as_was_foreseen() -> None:
    wrong = []
    for bug in BUGS:
        folder = UNDISCLOSED if bug.undisclosed else KNOWN_BUGS
        expect = dict(text.load(folder / f"{bug.id}.mm").headers)["expect"]
        oracle, _, culprit = expect.partition(" ")
        if bug.control:
            assert expect == "clean", bug.id
        elif oracle not in bug.oracles or (bug.culprits and culprit.split()[0] not in bug.culprits):
            wrong.append(f"{bug.id}: {expect}")
    assert not wrong


def test_what_is_not_disclosed_is_not_listed() -> None:
    hidden = [bug.id for bug in BUGS if bug.undisclosed]
    assert hidden
    for arguments in (["--json"], ["--departures"], []):
        listed = CliRunner().invoke(command, arguments).output
        assert BUGS[0].id in listed or arguments == ["--departures"]
        assert not [bug for bug in hidden if bug in listed]
