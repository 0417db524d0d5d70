# SPDX-License-Identifier: MIT
"""Bad input to every command that reads files: exit 2, one clear message, quickly."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]  # the fixture `mmfarm`: arguments -> what the process left
MAX_CALLS = 1_500_000  # of functions: about a second, an mm developer's patience with a typo

GOOD = """# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..8 rw private anon
2 T0 write 3
"""


def _file(content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "bad.mm"
        path.write_bytes(content)
        return path

    return make


def _huge(folder: Path) -> Path:
    path = folder / "huge.mm"
    path.write_text(GOOD + "".join(f"{uid} T0 read 3\n" for uid in range(3, 200_000)))
    return path


def _sparse(folder: Path) -> Path:
    path = folder / "sparse.mm"
    path.touch()
    os.truncate(path, 1 << 40)
    return path


def _link_loop(folder: Path) -> Path:
    path = folder / "loop.mm"
    path.symlink_to(path)
    return path


# Where the message points to, `:line:column:` behind the name where there is a place.
INPUTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (_file(b""), ":1:1:"),
    "truncated": (_file(GOOD.encode()[:-9]), ":4:"),
    "binary": (_file(bytes(range(256)) * 16), ":2:"),
    "elf": (_file(b"\x7fELF" + b"\0" * 4096), ":1:"),
    "utf-16": (_file(GOOD.encode("utf-16")), ":1:"),
    "dos line ends": (_file(GOOD.replace("\n", "\r\n").encode()), ":1:"),
    "huge": (_huge, ":1:1:"),
    "huge and empty": (_sparse, ":1:1:"),
    "wrong magic": (_file(GOOD.replace("scenario 1", "scenario 2").encode()), ":1:1:"),
    "unknown header": (_file(GOOD.replace("config", "# colour: red\nconfig").encode()), ":2:"),
    "unknown config": (_file(GOOD.replace("frames", "cores").encode()), ":2:20:"),
    "unknown bug": (_file(GOOD.replace("=64", "=64 bug=none-such").encode()), ":2:"),
    "no memory": (_file(GOOD.replace("=64", "=0").encode()), ":2:"),
    "absurd memory": (_file(GOOD.replace("=64", "=9" * 9).encode()), ":2:"),
    "unknown op": (_file(GOOD.replace("write", "fly").encode()), ":4:"),
    "unknown actor": (_file(GOOD.replace("2 T0", "2 T9").encode()), ":4:"),
    "page outside": (_file(GOOD.replace("write 3", "write 99999999").encode()), ":4:"),
    "number of a thousand digits": (
        _file(GOOD.replace("write 3", "write " + "9" * 1000).encode()),
        ":4:",
    ),
    "one uid twice": (_file(GOOD.replace("2 T0", "1 T0").encode()), ":4:"),
    "unknown site": (_file(GOOD.encode() + b"@2 no_such:site#1 -> T0\n"), ":5:"),
    "folder": (lambda folder: folder, ": Is a directory"),
    "missing": (lambda folder: folder / "missing.mm", ": No such file"),
    "not a folder on the way": (lambda folder: _file(b"")(folder) / "x.mm", ": Not a directory"),
    "link to itself": (_link_loop, ": Too many levels"),
    "name too long": (lambda folder: folder / ("x" * 300), ": File name too long"),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_replay_refuses_bad_files(mmfarm: Command, tmp_path: Path, kind: str) -> None:
    make, place = INPUTS[kind]
    path = make(tmp_path)
    _refused(mmfarm, ["replay", path], f"{path}{place}")


@pytest.mark.parametrize("words", [["minimize"], ["explain"], ["replay", "--json"]], ids=" ".join)
@pytest.mark.parametrize("kind", ["binary", "huge", "unknown op", "folder", "missing"])
def test_every_reader_of_scenarios_refuses_alike(
    mmfarm: Command, tmp_path: Path, words: list[str], kind: str
) -> None:
    make, place = INPUTS[kind]
    path = make(tmp_path)
    _refused(mmfarm, [*words, path], f"{path}{place}")


@pytest.mark.parametrize("kind", ["truncated", "binary", "huge", "unknown op"])
def test_corpus_verify_names_files_that_are_no_scenarios(
    mmfarm: Command, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    make, _ = INPUTS[kind]
    path = make(folder)
    done = mmfarm("corpus", "verify", folder)
    assert done.code == 2
    assert f"{path}:" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["corpus", "verify", "{missing}"], "missing"),
        (["corpus", "verify", "{empty}"], "no .mm files"),
        (["minimize", "{good}", "-o", "{empty}"], "is a folder"),
        (["minimize", "{good}", "-o", "{missing}/out.mm"], "does not exist"),
        (["run", "--bug", "none-such"], "mmfarm bugs list"),
        (["run", "--seconds", "0"], "--seconds"),
        (["run", "--seconds", "soon"], "--seconds"),
        (["run", "--jobs", "-1"], "--jobs"),
        (["run", "--seed-corpus", "{missing}"], "missing"),
        (["run", "--out", "{good}"], "good.mm"),
        (["bench", "find"], "--bug"),
        (["bench", "find", "--bug", "none-such"], "mmfarm bugs list"),
        (["triage", "show", "first"], "first"),
        (["triage", "show", "7"], "mmfarm triage list"),
        (["triage", "export", "7", "-o", "{empty}"], "mmfarm triage list"),
        (["corpus", "import", "strace", "{missing}"], "missing"),
        (["corpus", "import", "strace", "{empty}"], "empty"),
        (["corpus", "import", "perf", "{missing}"], "missing"),
        (["corpus", "import", "perf", "{empty}"], "empty"),
        (["corpus", "import", "syz", "{missing}"], "missing"),
        (["corpus", "import", "syz", "{empty}"], "no files below"),
        (["corpus", "import", "syz", "{program}", "-o", "{good}"], "good.mm"),
        (["corpus", "export", "syz", "{missing}"], "missing"),
        (["corpus", "export", "syz", "{empty}"], "no .mm files"),
        (["corpus", "export", "syz", "{here}"], "-o DIR"),
        (["corpus", "export", "syz", "{good}", "-o", "{good}"], "good.mm"),
        (["corpus", "export", "kselftest", "{missing}", "-o", "{empty}"], "missing"),
        (["corpus", "export", "kselftest", "{empty}", "-o", "{empty}"], "no .mm files"),
        (["corpus", "export", "kselftest", "{program}", "-o", "{empty}"], "program:"),
        (["corpus", "export", "kselftest", "{good}", "-o", "{good}"], "cannot create the folder"),
        (["corpus", "export", "kselftest", "{good}"], "-o"),
        (["corpus", "export", "kselftest", "{good}", "-o", "{empty}", "--kernel", "5.4"], "7.2"),
        (["replay"], "FILE"),
        (["fly"], "fly"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_requests_are_refused(
    mmfarm: Command, tmp_path: Path, words: list[str], message: str
) -> None:
    names = {name: tmp_path / name for name in ("missing", "empty")}
    names["empty"].mkdir()
    names["good"] = tmp_path / "good.mm"
    names["good"].write_text(GOOD)
    names["here"] = tmp_path
    names["program"] = tmp_path / "program"
    names["program"].write_text(RECORDINGS["syz"])
    _refused(mmfarm, [word.format(**names) for word in words], message)


# One good line of everything that is imported, and what may have become of a file.
RECORDINGS = {
    "strace": "1 munmap(0x7f0000000000, 4096) = 0\n",
    "perf": "     1.000 ( 0.001 ms): prog/1 munmap(addr: 0x1000, len: 4096) = 0\n",
    "syz": "munmap(&(0x7f0000000000/0x1000)=nil, 0x1000)\n",
}
DAMAGES: dict[str, Callable[[str, Path], Path]] = {
    "truncated": lambda good, folder: _file(good[:-5].encode())(folder),
    "binary": lambda good, folder: _file(good.encode() + bytes(range(256)) * 64)(folder),
    "empty": lambda good, folder: _file(b"")(folder),
    "nested": lambda good, folder: _file(good[:-10].encode() + b"[{" * 10_000)(folder),
    "many lines": lambda good, folder: _file((good[:-5] + "\n").encode() * 20_000)(folder),
    "a scenario": lambda good, folder: _file(GOOD.encode())(folder),
    "huge": lambda good, folder: _sparse(folder),
}


@pytest.mark.parametrize("kind", RECORDINGS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_imports_refuse_what_they_cannot_read(
    mmfarm: Command, tmp_path: Path, kind: str, damage: str
) -> None:
    path = DAMAGES[damage](RECORDINGS[kind], tmp_path)
    line = {
        "binary": ":2:",
        "huge": ": too large",
        "a scenario": ":2:" if kind == "syz" else ":1:",
    }.get(damage, ":1:")
    _refused(mmfarm, ["corpus", "import", kind, path], f"{path}{line}")


def test_a_program_that_is_cut_off_is_imported_up_to_there(mmfarm: Command, tmp_path: Path) -> None:
    path = tmp_path / "cut.syz"
    path.write_text(RECORDINGS["syz"] + RECORDINGS["syz"][:-5])
    done = mmfarm("corpus", "import", "syz", path, "-o", tmp_path / "out", "--json")
    assert done.code == 2
    assert "cut.syz:2: column 41" in done.err
    assert done.json()["scenarios"] == 1


@pytest.mark.parametrize("kind", ["binary", "huge", "unknown op", "folder"])
def test_export_refuses_what_is_no_scenario(mmfarm: Command, tmp_path: Path, kind: str) -> None:
    make, place = INPUTS[kind]
    path = make(tmp_path)
    expected = ": no .mm files" if kind == "folder" else place
    _refused(mmfarm, ["corpus", "export", "syz", path], f"{path}{expected}")


@pytest.mark.parametrize("verb", ["minimize", "explain"])
def test_verbs_that_need_a_failure_send_a_passing_scenario_to_replay(
    mmfarm: Command, tmp_path: Path, verb: str
) -> None:
    path = _file(GOOD.encode())(tmp_path)
    _refused(mmfarm, [verb, path], "mmfarm replay")


def _refused(mmfarm: Command, words: list[object] | list[str], message: str) -> None:
    done = mmfarm(*words, counted=True)
    assert done.code == 2, done.err
    assert message in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert 0 < done.calls < MAX_CALLS
