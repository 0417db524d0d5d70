# SPDX-License-Identifier: MIT
"""From the name of a Debian kernel to its image: which package, where from, what is taken."""

import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from conformance import debian
from conformance.debian import NoKernel
from conformance.executor import ExecutorError

PACKAGES = (
    "linux-image-6.1.0-9-cloud-amd64", "linux-image-6.1.0-56-cloud-amd64",
    "linux-image-6.1.0-57-cloud-amd64-dbg", "linux-image-6.1.0-57-cloud-amd64-unsigned",
    "linux-image-6.12-cloud-amd64", "linux-image-6.12.117+deb12-cloud-amd64",
    "linux-image-6.12.99+deb12-cloud-amd64", "linux-image-6.12.117+deb12-amd64",
    "linux-image-7.2.13+deb14-cloud-amd64", "linux-binary-7.2.13+deb14-cloud-amd64",
    "linux-headers-6.12.118+deb12-cloud-amd64", "linux-image-cloud-amd64",
)
PACKAGE = "linux-image-6.12.117+deb12-cloud-amd64_6.12.117-1_amd64.deb"


@pytest.mark.parametrize(
    ("version", "package"),
    [
        ("6.1", "linux-image-6.1.0-56-cloud-amd64"),
        ("6.12", "linux-image-6.12.117+deb12-cloud-amd64"),
        ("7.2", "linux-binary-7.2.13+deb14-cloud-amd64"),
        ("6.18", ""),
    ],
)
def test_the_newest_package_with_an_image_is_chosen(version: str, package: str) -> None:
    assert debian.newest(version, PACKAGES) == package
    assert debian.newest(version, reversed(PACKAGES)) == package
    files = [f"{name}_1-1_amd64.deb" for name in PACKAGES]
    assert debian.newest(version, files) == (f"{package}_1-1_amd64.deb" if package else "")


@pytest.mark.parametrize(
    ("name", "version"),
    [("debian-6.12", "6.12"), ("debian-", ""), ("6.12", ""), ("debian-6.12.1", ""), ("", "")],
)
def test_a_name_has_a_version(name: str, version: str) -> None:
    assert debian.version_of(name) == version


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands before all others, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def packed(folder: Path, **files: bytes) -> None:
    """dpkg-deb finds these files in whatever package; `__` is a slash."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name.replace('__', '/').replace('_ko', '.ko')}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (folder / "tar").write_bytes(data.getvalue())
    command(folder, "dpkg-deb", f"exec cat {folder / 'tar'}")


def in_cache() -> Path:
    folder = debian.packages_dir()
    folder.mkdir(parents=True)
    (folder / PACKAGE).touch()
    return folder


def test_a_package_in_the_cache_is_unpacked_once(programs: Path) -> None:
    compressed = lzma.compress(b"console")
    (programs / "x").mkdir()
    packed(programs, boot__vmlinuz=b"no image: it has no version",
           **{"boot__vmlinuz-6.12": b"image",
              "lib__modules__6__virtio_ko": b"bus", "lib__modules__6__ext4_ko": b"no",
              "lib__modules__6__virtio_console_ko.xz": compressed})
    in_cache()
    image = debian.kernel("6.12")
    assert image.vmlinuz.read_bytes() == b"image"
    assert [(file.name, file.read_bytes()) for file in image.modules] == [
        ("virtio.ko", b"bus"), ("virtio_console.ko", b"console")
    ]
    command(programs, "dpkg-deb", "exit 1")
    assert debian.kernel("6.12") == image


def test_an_image_may_lie_beside_its_modules(programs: Path) -> None:
    packed(programs, usr__lib__modules__7__vmlinuz=b"image")
    in_cache()
    assert debian.kernel("6.12").vmlinuz.read_bytes() == b"image"


def test_what_is_missing_is_downloaded_and_kept(programs: Path) -> None:
    packed(programs, **{"boot__vmlinuz-6.12": b"image"})
    listed = "\n".join(f"{name} - Linux" for name in PACKAGES)
    command(programs, "apt-cache", f"cat <<'END'\n{listed}\nEND")
    command(programs, "apt-get", f'test "$1 $3" = "download {PACKAGE.split("_")[0]}" '
                                 f"&& touch {PACKAGE}")
    assert debian.kernel("6.12").vmlinuz.read_bytes() == b"image"
    assert (debian.packages_dir() / PACKAGE).exists()
    command(programs, "apt-get", "exit 1")
    debian.kernel("6.12")


def test_without_a_package_there_is_a_reason(programs: Path) -> None:
    packed(programs)
    command(programs, "apt-cache", "echo linux-image-6.12.1-cloud-amd64 - Linux")
    command(programs, "apt-get", "echo no network >&2; exit 100")
    with pytest.raises(NoKernel, match="no network"):
        debian.kernel("6.12")
    with pytest.raises(NoKernel, match=r"apt offers no Linux 7\.2 .* into"):
        debian.kernel("7.2")
    with pytest.raises(NoKernel, match="no package"):
        debian.kernel("6.12", download=False)


@pytest.mark.parametrize("damage", ["empty", "no image", "no tar"])
def test_a_broken_package_is_named(programs: Path, damage: str) -> None:
    packed(programs, README=b"text")
    if damage != "no image":
        (programs / "tar").write_bytes(b"" if damage == "empty" else b"x" * 2000)
    folder = in_cache()
    with pytest.raises(ExecutorError, match=PACKAGE.replace("+", r"\+")):
        debian.kernel("6.12")
    assert [file.name for file in folder.iterdir()] == [PACKAGE], "nothing half done is left"
