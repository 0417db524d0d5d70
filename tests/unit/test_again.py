# SPDX-License-Identifier: MIT
"""Failures that are run again: what is gone stays, and says since when; which kernels have it."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.files import KNOWN_BUGS
from corpus.text import dump, load
from simulator.bugs import BY_ID
from simulator.build import build_id
from simulator.kernels import VERSIONS
from simulator.outcome import Signature
from simulator.run import Machine
from tests import stocked
from tests.farming import START, ManualClock, finding
from triage import cli, versions
from workers.records import ConfirmationRow, FailureRow
from workers.settings import database_url
from workers.store import Store

BUG = KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"
RACED = load(BUG)
ALONE = replace(RACED, directives=())
# A bug of some versions that needs no schedule.
SEQUENTIAL = load(KNOWN_BUGS / "collapsefile-fills-hole-under-uffd-missing.mm")
PASSES = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """F1 fails on this model; F2 was found on another one, and passes."""
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path))
    monkeypatch.delenv("MMFARM_DATABASE", raising=False)
    with closing(Store.open(database_url(tmp_path), ManualClock())) as opened:
        assert stocked.known_bugs(opened, [BUG]) == [1]
        opened.record(finding())
        yield opened


def row(store: Store, number: int) -> FailureRow:
    found = store.failure(number)
    assert found is not None
    return found.failure


def test_verify_marks_what_is_gone_and_deletes_nothing(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify", "--all", "--json"]) == 0
    looked = json.loads(capsys.readouterr().out)["failures"]
    assert [(each["id"], each["verdict"]) for each in looked] == [(1, "there"), (2, "gone")]
    assert (row(store, 1).gone_since, row(store, 2).gone_since) == ("", build_id())
    assert cli.main(["triage", "list"]) == 0
    assert f"gone since {build_id()[:12]}" in capsys.readouterr().out
    assert cli.main(["verify", "F2"]) == 0
    assert "1 fail no longer, and are kept" in " ".join(capsys.readouterr().out.split())


def test_gone_is_since_the_first_build_and_over_when_it_is_seen(store: Store) -> None:
    assert store.looked_at(2, "a" * 64, shows=False) == "a" * 64
    assert store.looked_at(2, "b" * 64, shows=False) == "a" * 64
    run = store.create_run({"seconds": 1.0}, "local")
    store.record(finding(), run)
    assert row(store, 2).gone_since == ""
    store.looked_at(2, "b" * 64, shows=False)
    assert store.looked_at(2, "c" * 64, shows=True) == ""
    assert [each.code for each in store.decisions("F2")] == ["gone", "gone", "there-again"]


def test_one_scenario_that_still_fails_is_enough(store: Store) -> None:
    """The best one, here the smallest, need not be it."""
    outcome = Machine().run(SEQUENTIAL)
    assert outcome.violation is not None
    signature = outcome.violation.signature
    for text in (PASSES, dump(SEQUENTIAL)):
        number = store.record(replace(finding(3, signature), text=text)).failure_id
    assert store.examples(number)[0].text == PASSES
    assert cli.main(["verify", f"F{number}"]) == 0
    assert row(store, number).gone_since == ""


@pytest.mark.parametrize("arguments", [[], ["--all", "F1"], ["F99"], ["R1"]])
def test_what_verify_does_not_take(store: Store, arguments: list[str]) -> None:
    assert cli.main(["verify", *arguments]) == 2


def kernel(version: str, verdict: str = "SAME") -> ConfirmationRow:
    return ConfirmationRow(1, "0" * 64, f"debian-{version}", version, verdict, 5, 5, "", START)


def test_an_older_kernel_has_no_answer_to_a_schedule() -> None:
    signature = Signature("stale-tlb", "migrate_vma_collect_pmd", "anon")
    said = versions.table(RACED, signature, [kernel("6.12.118"), kernel("6.1.170", "DIFFERENT")])
    assert [each.version for each in said] == list(VERSIONS)
    assert [each.model for each in said] == ["-", "-", "-", "passes", "passes"]
    assert [[c.verdict for c in each.confirmed] for each in said] == [
        ["DIFFERENT"], ["SAME"], [], [], []]  # fmt: skip
    assert [each.model for each in versions.table(ALONE, signature, [])] == ["passes"] * 5


def test_versions_that_have_a_bug_fail() -> None:
    violation = Machine().run(SEQUENTIAL).violation
    assert violation is not None
    said = versions.table(SEQUENTIAL, violation.signature, [])
    bug = BY_ID[SEQUENTIAL.config.bugs[0]]
    assert [each.model == "fails" for each in said] == [bug.is_in(v) for v in VERSIONS]
    assert {each.model for each in said} == {"fails", "passes"}


def test_what_kernels_said_is_kept_for_its_scenario(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    best = store.examples(1)[0].sha256
    store.confirmed(replace(kernel("7.2.13", "STUCK"), scenario_sha256=best))
    store.confirmed(replace(kernel("7.2.13"), scenario_sha256=best))
    store.confirmed(kernel("6.1.170"))  # of another scenario
    assert cli.main(["kernels", "of", "F1", "--json"]) == 0
    rows = {each["version"]: each for each in json.loads(capsys.readouterr().out)["versions"]}
    assert [each["verdict"] for each in rows["7.2"]["confirm"]] == ["SAME"]
    assert rows["6.1"]["confirm"] == []
    assert cli.main(["kernels", "of", "F1"]) == 0
    assert "SAME on 7.2.13" in capsys.readouterr().out
