# SPDX-License-Identifier: MIT
"""What a kernel may be called, and what is found behind the name."""

from pathlib import Path

import pytest

from conformance import kernels
from conformance.debian import NoKernel
from conformance.kernels import BadName, Name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("host", Name("host")),
        ("debian-6.12", Name("debian-6.12", "6.12")),
        ("debian-6.12.118", Name("debian-6.12.118", "6.12.118")),
        ("file:a/bzImage", Name("file:a/bzImage", "", Path("a/bzImage"))),
        ("file:a:b", Name("file:a:b", "", Path("a"), Path("b"))),
    ],
)
def test_a_name_is_taken_apart(text: str, name: Name) -> None:
    assert kernels.parse(text) == name


@pytest.mark.parametrize("text", ["", "6.12", "debian-", "debian-6", "debian-6.x", "file:"])
def test_other_names_are_refused_with_the_forms(text: str) -> None:
    with pytest.raises(BadName, match=r"debian-6\.12, .*file:BZIMAGE"):
        kernels.parse(text)


@pytest.mark.parametrize(
    ("version", "model"), [("6.1.170", "6.1"), ("6.16.3", "6.12"), ("7.2", "7.2"), ("5.4", "")]
)
def test_a_kernel_is_judged_by_the_greatest_model_not_above_it(version: str, model: str) -> None:
    assert kernels.model_version(version) == model


def test_a_build_of_ones_own_says_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path / "data"))
    header = bytearray(0x800)
    header[0x202:0x206] = b"HdrS"
    header[0x20E:0x210] = (0x400).to_bytes(2, "little")
    header[0x600:0x615] = b"6.12.9-mine+ (me@x)\0\0"
    (tmp_path / "bzImage").write_bytes(header)
    (tmp_path / "vmlinux").touch()
    name = kernels.parse(f"file:{tmp_path}/bzImage:{tmp_path}/vmlinux")
    image = kernels.resolve(name)
    assert image.version == "6.12.9"
    assert image.vmlinuz.read_bytes() == header
    assert image.vmlinux.exists()
    assert kernels.resolve(name) == image
    (tmp_path / "bzImage").write_bytes(b"ELF")
    with pytest.raises(NoKernel, match="no bzImage"):
        kernels.resolve(name)
    with pytest.raises(NoKernel, match="No such file"):
        kernels.resolve(kernels.parse(f"file:{tmp_path}/none"))
