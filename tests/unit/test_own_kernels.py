# SPDX-License-Identifier: MIT
"""Kernels of our own: what a configuration asks for is there, and what is built is kept."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from conformance import kernels, own, sources
from conformance.debian import NoKernel, packages_dir
from conformance.executor import ExecutorError
from conformance.kernels import BadName, Name
from triage import cli

MAKE = """#!/bin/sh
case "$*" in
*allnoconfig*) cp asked.config .config ;;
*bzImage*) mkdir -p arch/x86/boot; echo made >> ../../count
    echo bzImage > arch/x86/boot/bzImage; echo DWARF > vmlinux ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the source in the folder of kernels, and tools that do no work."""
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path / "data"))
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in (*own.TOOLS, "dpkg-deb"):
        if tool != "xz":
            script(programs / tool, "#!/bin/sh\nexit 1\n")
    script(programs / "make", MAKE)
    script(programs / "dpkg-deb", f"#!/bin/sh\nexec cat {tmp_path / 'tar'}\n")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:xz") as tar:
        add(tar, "linux-source-7.2/Makefile", b"all:\n")
        add(tar, "linux-source-7.2/mm/vma.c", b"int vma;\n")
    with tarfile.open(tmp_path / "tar", "w") as tar:
        add(tar, "./usr/src/linux-source-7.2.tar.xz", inner.getvalue())
    packages_dir().mkdir(parents=True)
    (packages_dir() / "linux-source-7.2_7.2.13-1_all.deb").touch()
    return programs


def script(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def test_a_kernel_is_built_once_and_found_by_its_name(machine: Path) -> None:
    name = kernels.parse("own-7.2+hmm")
    assert name == Name("own-7.2+hmm", "7.2", flavour="hmm")
    with pytest.raises(NoKernel, match=r"mmfarm kernels build own-7\.2\+hmm"):
        kernels.resolve(name)
    image = own.build("7.2", "hmm")
    assert own.build("7.2", "hmm") == image == kernels.resolve(name)
    assert (image.version, image.vmlinuz.read_text()) == ("7.2.13", "bzImage\n")
    assert image.vmlinux.read_text() == "DWARF\n"
    assert [each for each, _ in own.built()] == ["own-7.2.13+hmm"]
    assert (packages_dir() / "count").read_text() == "made\n"
    assert not list(packages_dir().glob(".new-*")), "the tree is deleted"
    with pytest.raises(NoKernel):
        own.kernel("7.2", "kasan")


def test_a_changed_configuration_is_another_kernel(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.build("7.2", "hmm")
    monkeypatch.setitem(own.FLAVOURS, "hmm", own.FLAVOURS["kasan"])
    with pytest.raises(NoKernel):
        own.kernel("7.2", "hmm")


def test_a_line_that_this_linux_drops_is_an_error_with_its_name(machine: Path) -> None:
    script(
        machine / "make",
        MAKE.replace("cp asked.config .config", "grep -v KSM= <asked.config >.config"),
    )
    with pytest.raises(ExecutorError, match="CONFIG_KSM=y"):
        own.build("7.2", "hmm")
    assert own.missing("# CONFIG_A is not set\nCONFIG_B=y\n", "CONFIG_A=y\nCONFIG_B=y\n") == [
        "# CONFIG_A is not set"
    ]


def test_what_the_compiler_says_is_said(machine: Path) -> None:
    script(machine / "make", "#!/bin/sh\necho vma.c: error >&2; exit 2\n")
    with pytest.raises(ExecutorError, match=r"vma\.c: error"):
        own.build("7.2", "hmm")


def test_only_what_is_wanted_of_a_source_is_unpacked(machine: Path, tmp_path: Path) -> None:
    file, version = sources.package("7.2", download=False)
    assert version == "7.2.13"
    sources.unpack(file, tmp_path / "some", ["mm/vma.c"])
    assert [each.name for each in (tmp_path / "some").rglob("*") if each.is_file()] == ["vma.c"]
    with pytest.raises(ExecutorError, match="cannot be unpacked"):
        sources.unpack(file, tmp_path / "none", ["mm/none.c"])


def test_other_names_are_no_kernels_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("own-7.2", "own-7.2+none", "own-+hmm"):
        with pytest.raises(BadName):
            kernels.parse(text)
    assert cli.main(["kernels", "build", "debian-7.2"]) == 2
    assert "own-7.2+hmm" in capsys.readouterr().err


def test_a_machine_without_a_tool_is_told_its_name(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "flex").unlink()
    monkeypatch.setenv("PATH", str(machine))
    with pytest.raises(NoKernel, match=r"no flex.*apt-get install"):
        own.build("7.2", "hmm")
