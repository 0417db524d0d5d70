# SPDX-License-Identifier: MIT
"""From rules to addresses, in a program that the system's compiler makes: inlined functions by
their debug information, calls and accesses by their instructions."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.forced import dwarf, sitemap
from conformance.forced.code import Code, Symbols
from conformance.forced.sitemap import Place, RuleError

SOURCE = """
typedef unsigned long pte_t;
extern void lock(pte_t *); extern void unlock(pte_t *);
static inline __attribute__((always_inline)) pte_t get_and_clear(pte_t *pte)
{ return __atomic_exchange_n(pte, 0, __ATOMIC_SEQ_CST); }
static inline __attribute__((always_inline)) void zap(pte_t *pte, pte_t *seen)
{ lock(pte); *seen = get_and_clear(pte); unlock(pte); }
void outer(pte_t *pte, pte_t *seen) { zap(pte, seen); lock(seen); *seen += 1; unlock(seen); }
void other(pte_t *pte, pte_t *seen) { zap(pte, seen); __atomic_add_fetch(pte, 1, 5); }
"""
BASE = 0xFFFFFFFF81000000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("cc") or not shutil.which("objdump"):
        pytest.skip("no C compiler or binutils")
    folder = tmp_path_factory.mktemp("build")
    (folder / "mm").mkdir()
    (folder / "mm" / "zap.c").write_text(SOURCE)
    (folder / "stubs.c").write_text("void lock(void *p) {} void unlock(void *p) {}")
    for source, flags in (("mm/zap.c", "-gdwarf-5"), ("stubs.c", "-g0")):
        subprocess.run(
            [
                "cc",
                "-O2",
                flags,
                "-fno-pic",
                "-mcmodel=kernel",
                "-fcf-protection=none",
                "-c",
                source,
                "-o",
                f"{Path(source).stem}.o",
            ],
            cwd=folder,
            check=True,
        )
    subprocess.run(
        ["ld", f"-Ttext={BASE:#x}", "-e", "outer", "zap.o", "stubs.o", "-o", "vmlinux"],
        cwd=folder,
        check=True,
    )
    return folder / "vmlinux"


@pytest.fixture(scope="module")
def make(built: Path) -> Callable[[bool], Code]:
    listed = subprocess.run(["nm", built], capture_output=True, text=True, check=True).stdout
    subprocess.run(
        ["objcopy", "-O", "binary", "-j", ".text", built, built.parent / "text"], check=True
    )
    text = (built.parent / "text").read_bytes()

    def read(address: int, size: int) -> bytes:
        return text[address - BASE : address - BASE + size]

    def code(debug: bool) -> Code:
        return Code(Symbols(listed), read, dwarf.scopes(built, ["mm/zap.c"]) if debug else ())

    return code


def within(code: Code, place: Place | None) -> list[str]:
    assert place is not None
    return [code.symbols.at(address) for address in place.addresses]


def test_an_inlined_function_is_where_it_was_inlined(make: Callable[[bool], Code]) -> None:
    code = make(True)
    assert within(code, sitemap.place(code, ["zap"])) == ["outer", "other"]
    assert within(code, sitemap.place(code, ["other>zap"])) == ["other"]
    assert within(code, sitemap.place(code, ["outer>get_and_clear~xchg"])) == ["outer"]
    assert sitemap.place(code, ["get_and_clear>zap", "lock>zap"]) is None
    assert {scope.chain for scope in code.scopes(("get_and_clear",))} == {
        ("outer", "zap", "get_and_clear"),
        ("other", "zap", "get_and_clear"),
    }


def test_without_debug_information_there_are_symbols_and_calls(
    make: Callable[[bool], Code],
) -> None:
    code = make(False)
    assert sitemap.place(code, ["zap", "zap>get_and_clear~xchg"]) is None
    assert not code.has("zap")
    place = sitemap.place(code, ["zap@call:lock", "outer@call:lock#2", "outer"])
    assert place is not None
    assert place.rule == "outer@call:lock#2"
    both = sitemap.place(code, ["outer@call:lock"])
    assert both is not None
    assert both.addresses[1:] == place.addresses
    after = sitemap.place(code, ["outer@ret:lock#2"])
    assert after is not None
    assert after.addresses[0] == place.addresses[0] + 5


def test_accesses_are_told_apart(make: Callable[[bool], Code]) -> None:
    code = make(True)
    for access, function in (("xchg", "outer"), ("lock", "other"), ("store", "outer")):
        place = sitemap.place(code, [f"{function}~{access}#1"])
        assert place is not None
        scope = code.scopes((function,))[0]
        texts = {each.address: each.text for each in code.instructions(scope)}
        assert {"xchg": "xchg", "lock": "lock", "store": "mov"}[access] in texts[place.addresses[0]]
    assert sitemap.place(code, ["outer~cmpxchg", "outer@call:other"]) is None


def test_what_comes_after_an_access_is_the_next_instruction(make: Callable[[bool], Code]) -> None:
    code = make(True)
    (scope,) = code.scopes(("outer",))
    addresses = [each.address for each in code.instructions(scope)]
    for access in ("xchg", "lock"):
        at = sitemap.place(code, [f"other~{access}#1"])
        after = sitemap.place(code, [f"other~{access}+#1"])
        assert at is not None
        assert after is not None
        assert after.addresses[0] > at.addresses[0]
    at, after = (sitemap.place(code, [rule]) for rule in ("outer~xchg#1", "outer~xchg+#1"))
    assert at is not None
    assert after is not None
    assert addresses.index(after.addresses[0]) == addresses.index(at.addresses[0]) + 1


@pytest.mark.parametrize("rule", ["", "F@", "F@call", "F@jump:G", "F~", "F G", "F#x"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        sitemap.check(rule)


def test_a_file_without_debug_information_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(b"#!/bin/sh")
    with pytest.raises(dwarf.DwarfError, match="no ELF"):
        list(dwarf.scopes(tmp_path / "vmlinux", ["mm/zap.c"]))


def test_two_rules_together_find_what_both_find(make: Callable[[bool], Code]) -> None:
    code = make(True)
    both = sitemap.place(code, ["outer@call:lock & other@call:lock"])
    outer, other = (sitemap.place(code, [f"{name}@call:lock"]) for name in ("outer", "other"))
    assert both
    assert outer
    assert other
    assert set(both.addresses) == {*outer.addresses, *other.addresses}
    with pytest.raises(RuleError):
        sitemap.check("outer & ?")
