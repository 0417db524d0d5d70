# SPDX-License-Identifier: MIT
"""Exported selftests as text: what is in them, what never is, and what is not exported."""

import re
from dataclasses import replace

import pytest

from conformance.features import FEATURES
from conformance.selftest import NotExported, selftest
from corpus import text
from corpus.cform import RUNTIME
from corpus.kselftest import helpers, source, words
from corpus.kselftest.plan import KERNELS
from corpus.kselftest.stress import sources
from simulator.scenario import Scenario

ALONE = """1 T0 mmap 16..32 rw private anon
2 T0 write 17
3 T0 madvise 16..32 DONTNEED
4 T0 read 17
5 T0 madvise 24..40 DONTNEED"""
TWO = """1 T0 mmap 0..8 rw private anon
2 T0 fork T1
3 T1 write 3
4 T1 exit
5 T0 read 3"""
RACE = """1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T1 madvise 0..8 DONTNEED
4 T2 write 3
5 T0 read 3
@3 zap_pte_range:clear_pte#1 -> T2"""

# Titles that would end a comment, begin one, join lines, or run if they stood outside.
ATTACKS = (
    "*/ int main(void) { return 0; } /*",
    "*/*/ #error //*",
    "**//**//",
    "ends in a backslash \\",
    "what??/",
    "%s%n \" ' ${HOME} `id` #include </etc/passwd>",
    "umlaut ü, a line separator \u00a0 and \U0001f41b",
    "x" * 5000,
    "/* * / */ " * 100,
)


def scenario(program: str, *headers: str) -> Scenario:
    first = "\n".join(("# mmfarm scenario 1", *headers))
    return text.parse(f"{first}\nconfig pmd_order=3 frames=64\n{program}\n")


def exported(program: str, *headers: str, name: str = "a-test", kernel: str = "6.18") -> str:
    files = source.files([selftest(name, scenario(program, *headers), kernel)], kernel)
    (code,) = [text for name, text in files.items() if name.endswith(".c")]
    return code


def without_comments(code: str) -> str:
    return re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)


def test_ops_are_calls_as_a_kernel_developer_writes_them() -> None:
    code = exported(ALONE, "# title: what is discarded reads as zero")
    test = code[code.index("/* what is discarded reads as zero */") :]
    assert test.split("\n")[1:11] == [
        "TEST_F(arena, a_test)",
        "{",
        "\t/* 1 T0 mmap 16..32 rw private anon */",
        "\tASSERT_EQ(mmap(P(16), 16 * psize, PROT_READ | PROT_WRITE,",
        "\t\t       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), P(16));",
        "\t/* 2 T0 write 17 */",
        "\tASSERT_EQ(store(P(17), 2), 0);",
        "\t/* 3 T0 madvise 16..32 DONTNEED */",
        "\tASSERT_EQ(madvise(P(16), 16 * psize, MADV_DONTNEED), 0);",
        "\t/* 4 T0 read 17 */",
    ]
    assert (
        "\tASSERT_EQ(madvise(P(24), 16 * psize, MADV_DONTNEED), -1);\n"
        "\tASSERT_EQ(errno, ENOMEM);\n" in test
    )
    assert 'EXPECT_STREQ(arena_state(64),\n\t\t     "16-32 rw-p 17a\\n");' in test


def test_actors_take_turns_and_a_fork_ends_one() -> None:
    code = exported(TWO)
    assert re.findall(r"ON\(T(\d)\)", without_comments(code)) == ["0", "1", "0", "0"]
    assert "exit_process();" in code
    assert "run_actors(_metadata, ops_of_a_test, 0);" in code


def test_a_file_holds_the_helpers_that_it_uses_and_no_others() -> None:
    alone, two = exported(ALONE), exported(TWO)
    for name in ("run_actors", "fork_actor", "pthread", "open_memfd", "pipe_read", "mem_write"):
        assert name not in alone
    assert "run_actors" in two
    assert "open_files" not in two
    for code in (alone, two, exported(RACE)):
        functions = re.findall(r"^static [^(\n=;]*?(\w+)\(", code, re.MULTILINE)
        bare = without_comments(code)
        assert [f for f in functions if len(re.findall(rf"\b{f}\b", bare)) < 2] == []


def test_a_test_may_be_called_like_a_helper() -> None:
    assert "mem_write(" not in exported(ALONE, name="mem-write")


def test_every_definition_of_the_runtime_can_be_found() -> None:
    text = helpers.SELFTEST.read_text() + RUNTIME.read_text()
    functions = re.findall(r"^static [^(\n=;]*?(\w+)\(", text, re.MULTILINE)
    known = {name for definition in helpers._known() for name in definition.names}
    assert set(functions) <= known


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_harness_is_where_the_kernel_has_it(kernel: str) -> None:
    code = exported(ALONE, kernel=kernel)
    assert f'#include "{KERNELS[kernel]}"\n' in code
    assert "arena_state" in code


@pytest.mark.parametrize(("kernel", "result"), [("6.12", "-1"), ("6.18", "0")])
def test_what_an_older_kernel_refuses_is_asserted_and_not_skipped(kernel: str, result: str) -> None:
    code = exported(
        "1 T0 mmap 0..4 rw private anon\n2 T0 madvise 0..4 GUARD_INSTALL", kernel=kernel
    )
    assert f"ASSERT_EQ(madvise(P(0), 4 * psize, MADV_GUARD_INSTALL), {result});" in code
    assert ("EINVAL" in code) == (kernel == "6.12")
    assert ("has_madvise(" in code) == (kernel == "6.18")


def test_the_style_is_the_kernels() -> None:
    many = "".join(f"\n{uid} T0 write {uid * 2}" for uid in range(2, 30))
    scattered = exported(f"1 T0 mmap 0..64 rw private anon{many}")
    for code in (exported(ALONE), exported(RACE), scattered):
        assert code.startswith("// SPDX-License-Identifier: GPL-2.0 OR MIT\n")
        assert code.endswith("\nTEST_HARNESS_MAIN\n")
        for line in code.split("\n"):
            assert len(line.expandtabs(8)) <= 100, line
            assert line == line.rstrip()
            assert not line.startswith("        ")


def test_the_same_scenarios_give_the_same_files() -> None:
    tests = [selftest(name, scenario(RACE), "6.18") for name in ("b", "a", "a_")]
    files = source.files(tests, "6.18")
    assert source.files(tests, "6.18") == files
    assert re.findall(r"TEST_F\(arena, (\w+)\)", files["mmfarm_mmap.c"]) == ["b", "a", "a_2"]


def test_categories_have_files_and_lines_of_their_own() -> None:
    tests = [
        selftest("a", scenario(ALONE, "# category: soft_dirty"), "6.18"),
        selftest("b", scenario(ALONE, "# category: brand-new"), "6.18"),
    ]
    files = source.files(tests, "6.18")
    assert {"mmfarm_soft_dirty.c", "mmfarm_brand-new.c"} < files.keys()
    assert files["Makefile.fragment"] == (
        "TEST_GEN_FILES += mmfarm_brand-new\nTEST_GEN_FILES += mmfarm_soft_dirty\n"
    )
    assert files["run_vmtests.sh.fragment"] == (
        '# usage(): a new category\n- brand-new\nCATEGORY="brand-new" run_test ./mmfarm_brand-new\n'
        'CATEGORY="soft_dirty" run_test ./mmfarm_soft_dirty\n'
    )


# --- hostile words -----------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_title_stays_a_comment(attack: str) -> None:
    one = replace(scenario(ALONE), headers=(("title", attack),))
    code = source.files([selftest(attack, one, "6.18")], "6.18")["mmfarm_mmap.c"]
    assert code.isascii()
    assert "\\\n" not in code
    assert "??" not in code
    bare, plain = without_comments(code), without_comments(exported(ALONE))
    name = words.identifier(attack)
    assert re.fullmatch(r"[a-z0-9_]{1,60}", name)
    assert bare.replace(name, "a_test") == plain.replace("a-test", "a_test")
    for comment in re.findall(r"/\*.*?\*/", code, re.DOTALL):
        assert "/*" not in comment[2:]


def test_a_file_name_becomes_an_identifier() -> None:
    assert words.identifier("../x; rm -rf *.mm") == "x_rm_rf_mm"
    assert words.identifier("ünder") == "nder"
    assert words.identifier("--") == "unnamed"


# --- races -------------------------------------------------------------------------------------


def test_a_schedule_inside_of_ops_becomes_a_stress_test_that_says_so() -> None:
    code = exported(RACE)
    assert "Stress test" in code
    assert "@3 zap_pte_range:clear_pte#1 -> T2" in code
    assert "i < STRESS_ROUNDS && time(NULL) < end" in code
    bare = without_comments(code)
    assert "ASSERT_EQ(store(P(3), 2), 0);" in bare, "what comes before the race is in turn"
    assert "\t\tmadvise(P(0), 8 * psize, MADV_DONTNEED);" in bare
    assert "ASSERT_TRUE(seen < 0 || seen == 0 || seen == 2 || seen == 4)\n" in bare
    assert "arena_state" not in bare


def test_one_actor_alone_races_with_nobody() -> None:
    code = exported(
        "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n@2 do_anonymous_page:alloc#1 fail"
    )
    assert "Stress" not in code
    assert "ASSERT_EQ(store(P(3), 2), 0);" in code


def test_nothing_makes_a_page_accessible_so_it_faults_in_any_order() -> None:
    code = exported(
        "1 T0 mmap 0..4 none private anon\n2 T1 read 1\n@1 mmap_region:set_flags#1 -> T1"
    )
    assert "ASSERT_EQ(load(P(1)), RESULT_SIGSEGV);" in code


@pytest.mark.parametrize(
    ("ops", "legal"),
    [
        # Words of the same place, of the same page unless something moves pages.
        ("1 T0 write 3\n2 T0 write 3.1\n3 T0 write 4\n4 T1 read 3", [1]),
        ("1 T0 write 3\n2 T0 write 4\n3 T0 mremap 0..4 to 8\n4 T1 read 3", [1, 2]),
        # The child has what the parent stored before fork(), and nothing of it the other way.
        ("1 T0 write 3\n2 T0 fork T1\n3 T0 write 3\n4 T1 read 3", [1]),
        ("1 T0 write 3\n2 T0 fork T1\n3 T2 write 3\n4 T1 read 3", [1, 3]),
        ("1 T0 fork T1\n2 T1 write 3\n3 T0 read 3", []),
        ("1 T0 mmap 0..8 rw shared anon\n2 T0 fork T1\n3 T1 write 3\n4 T0 read 3", [3]),
        # A private mapping never brings a store to the file.
        (
            "1 T0 memfd f0 4\n2 T0 mmap 0..4 rw private f0\n3 T0 write 1\n4 T0 mem_write 1\n"
            "5 T0 pwrite f0 1\n6 T1 pread f0 1",
            [5],
        ),
        ("1 T0 memfd f0 4\n2 T0 mmap 0..4 rw shared f0\n3 T0 write 1\n4 T1 pread f0 1", [3]),
        # A pipe holds the page of who put it there.
        ("1 T0 write 3\n2 T0 vmsplice p0 3\n3 T0 fork T1\n4 T1 write 3\n5 T1 pipe_read p0", [1]),
    ],
)
def test_which_stores_a_load_may_see_in_any_order(ops: str, legal: list[int]) -> None:
    given = scenario(ops)
    assert sources(given, given.ops[-1], 0) == legal


def test_what_is_done_before_the_race_comes_first() -> None:
    given = scenario("1 T0 write 3\n2 T0 fork T1\n3 T2 write 3\n4 T1 read 3")
    assert sources(given, given.ops[-1], 2) == [1]


# --- what is not exported ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "headers", "reason"),
    [
        ("3 DEVICE device_read 0", [], "op 3 is DEVICE's"),
        ("3 T0 pin p0 0 r", [], "op 3: pin needs gup_test"),
        ("3 T0 mmap 0..1 r private x0", [], "imported program"),
        ("3 T0 read 0", ["# requires: numa"], "requires numa"),
    ],
)
def test_what_user_space_cannot_do_is_named(program: str, headers: list[str], reason: str) -> None:
    with pytest.raises(NotExported, match=reason):
        selftest("a", scenario(program, *headers), "6.18")


def test_every_feature_is_asked_for_in_c_or_always_there_or_refused() -> None:
    assert source.PROBES.keys() | source.ALWAYS <= FEATURES.keys()
    assert not source.PROBES.keys() & source.ALWAYS
    assert {name for name in FEATURES if name.startswith(("MADV_", "MAP_", "MREMAP_"))} <= (
        source.PROBES.keys() | source.ALWAYS
    )


def test_what_a_kernel_may_lack_is_skipped() -> None:
    code = exported("1 T0 clear_refs soft-dirty")
    assert '\tif (!has_soft_dirty())\n\t\tSKIP(return, "no soft-dirty bits' in code
    several = exported(
        "1 T0 mmap 0..4 rw private anon\n2 T0 mprotect 0..2 r\n3 T0 mremap 0..4 to 8"
    )
    assert "has_mremap_of_several()" in several
    assert "has_mremap_of_several" not in exported(
        "1 T0 mmap 0..4 rw private anon\n2 T0 mremap 0..4 to 8"
    )
