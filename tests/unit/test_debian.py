# SPDX-License-Identifier: MIT
"""From the name of a Debian kernel to its image: which package, where from, what is taken."""

import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from conformance import debian
from conformance.apt import Package
from conformance.debian import Debian, NoKernel
from conformance.executor import ExecutorError

OFFERED = [
    Package(name, version)
    for name, version in (
        ("linux-image-6.1.0-9-cloud-amd64", "6.1.27-1"),
        ("linux-image-6.1.0-57-cloud-amd64", "6.1.192-3"),
        ("linux-image-6.1.0-57-cloud-amd64-dbg", "6.1.192-3"),
        ("linux-image-6.12-cloud-amd64", "6.12.200-1"),
        ("linux-image-6.12.117+deb12-cloud-amd64", "6.12.117-1~deb12u1"),
        ("linux-image-6.12.99+deb12-cloud-amd64", "6.12.99-1"),
        ("linux-image-6.12.117+deb12-amd64", "6.12.118-1"),
        ("linux-image-7.2.13+deb14-cloud-amd64", "7.2.13-1"),
        ("linux-binary-7.2.13+deb14-cloud-amd64", "7.2.13-1"),
        ("linux-modules-7.2.13+deb14-cloud-amd64", "7.2.13-1"),
    )
]
PACKAGE = "linux-image-6.12.117+deb12-cloud-amd64_6.12.117-1~deb12u1_amd64.deb"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands before all others, an apt with OFFERED, and no packages."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path / "data"))
    offer(folder, OFFERED)
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


def offer(folder: Path, packages: list[Package]) -> None:
    """apt-cache has these, whatever it is asked; apt-get downloads them, and knows a mirror."""
    names = "\n".join(f"{each.name} - Linux" for each in packages)
    rows = "\n".join(f"{p.name} | {p.version} | mirror sid/main amd64 Packages" for p in packages)
    command(
        folder,
        "apt-cache",
        f"""case $1 in
search) cat <<'END'
{names}
END
;; madison) cat <<'END'
{rows}
END
esac""",
    )
    command(
        folder,
        "apt-get",
        """case $1 in
indextargets) echo Debian http://mirror/debian/ ;;
download) shift 2; for each; do touch "${each%=*}_${each#*=}_amd64.deb"; done
esac""",
    )


def in_cache(name: str = PACKAGE) -> Path:
    folder = debian.packages_dir()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("version", "package"),
    [
        ("6.1", "linux-image-6.1.0-57-cloud-amd64_6.1.192-3_amd64"),
        ("6.1.27", "linux-image-6.1.0-9-cloud-amd64_6.1.27-1_amd64"),
        ("6.12", PACKAGE.removesuffix(".deb")),
        ("7.2", "linux-binary-7.2.13+deb14-cloud-amd64_7.2.13-1_amd64"),
    ],
)
def test_the_newest_package_with_an_image_is_chosen(
    programs: Path, version: str, package: str
) -> None:
    packed(programs, **{"boot__vmlinuz-x": b"image"})
    image = Debian().kernel(version)
    assert image.folder.name == package
    assert image.version == package.split("_")[1].split("-")[0]
    assert image.vmlinuz.read_bytes() == b"image"
    assert [o.version for o in Debian().cached() if o.version.startswith(version)] == [
        image.version
    ]


def test_a_kernel_comes_with_the_package_of_its_modules(programs: Path) -> None:
    packed(programs, usr__lib__modules__7__vmlinuz=b"image")
    Debian().kernel("7.2")
    assert {file.name.split("_")[0] for file in debian.packages_dir().glob("*.deb")} == {
        "linux-binary-7.2.13+deb14-cloud-amd64",
        "linux-modules-7.2.13+deb14-cloud-amd64",
    }


def test_one_that_is_here_is_enough_where_apt_has_no_answer(programs: Path) -> None:
    packed(programs, **{"boot__vmlinuz-x": b"image"})
    in_cache()
    command(programs, "apt-cache", "exit 100")
    assert Debian().kernel("6.12").version == "6.12.117"


def test_debug_information_is_of_the_same_build(programs: Path) -> None:
    packed(programs, **{"boot__vmlinuz-x": b"image", "usr__lib__debug__boot__vmlinux-6": b"DWARF"})
    assert not any(Debian().has_debug(offer) for offer in Debian().cached())
    assert Debian().debug("6.1.192").read_bytes() == b"DWARF"
    assert [o.version for o in Debian().cached() if Debian().has_debug(o)] == ["6.1.192"]
    assert not list(debian.packages_dir().glob("*-dbg_*")), "it is large"


def test_a_package_in_the_cache_is_unpacked_once(programs: Path) -> None:
    compressed = lzma.compress(b"console")
    packed(
        programs,
        boot__vmlinuz=b"no image: it has no version",
        **{
            "boot__vmlinuz-6.12": b"image",
            "lib__modules__6__virtio_ko": b"bus",
            "lib__modules__6__ext4_ko": b"no",
            "lib__modules__6__virtio_console_ko.xz": compressed,
        },
    )
    in_cache()
    image = Debian().kernel("6.12")
    assert image.vmlinuz.read_bytes() == b"image"
    assert [(file.name, file.read_bytes()) for file in image.modules] == [
        ("virtio.ko", b"bus"),
        ("virtio_console.ko", b"console"),
    ]
    command(programs, "dpkg-deb", "exit 1")
    assert Debian().kernel("6.12") == image


def test_without_a_package_there_is_a_reason(programs: Path) -> None:
    packed(programs)
    with pytest.raises(NoKernel, match="kernels fetch debian-6.12"):
        Debian().kernel("6.12", download=False)
    with pytest.raises(NoKernel, match=r"no package of a Linux 7\.9"):
        Debian().kernel("7.9")
    (debian.packages_dir() / "apt" / "fetched").unlink()
    command(programs, "apt-get", 'test "$1" = indextargets && exit 0; exit 100')
    with pytest.raises(NoKernel, match="no mirror of Debian"):
        Debian().kernel("6.12")
    command(
        programs,
        "apt-get",
        """test "$1" = indextargets && echo Debian http://m/debian || {
        echo no network >&2; exit 100; }""",
    )
    with pytest.raises(NoKernel, match="no network"):
        Debian().kernel("6.12")


@pytest.mark.parametrize("damage", ["empty", "no image", "no tar"])
def test_a_broken_package_is_named(programs: Path, damage: str) -> None:
    packed(programs, README=b"text")
    if damage != "no image":
        (programs / "tar").write_bytes(b"" if damage == "empty" else b"x" * 2000)
    folder = in_cache()
    with pytest.raises(ExecutorError, match=PACKAGE.replace("+", r"\+")):
        Debian().kernel("6.12.117")
    assert [file.name for file in folder.iterdir()] == [PACKAGE], "nothing half done is left"
