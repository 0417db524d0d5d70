# SPDX-License-Identifier: MIT
"""Kernels that Debian builds for virtual machines: from a version to what a guest boots.

Contract: `Debian.kernel` gives the newest kernel of a version (`6.12`), or exactly one
(`6.12.118`), out of packages in the folder; what is missing there is downloaded with `Apt`.
`debug` gets the file with debug information that belongs to a kernel. Nothing is installed.
`NoKernel` says why there is none, which is a reason to skip; `ExecutorError` is for a package
that is broken.
"""

import lzma
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeVar

from conformance.apt import FRESH_SECONDS, Apt, NoPackages, Package
from conformance.executor import ExecutorError
from corpus.paths import data_dir

# What a guest loads to have virtio-serial, each after those it needs. Newer kernels have it
# built in, and lack these files.
MODULES: Final = (
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_console",
)

# Not the packages without a third number, which only depend on others. The image itself is in
# linux-image-*, and since 6.19 in linux-binary-*, on which linux-image-* depends.
_KERNELS: Final = r"^linux-(image|binary)-[0-9].*-cloud-amd64$"
_KERNEL: Final = re.compile(r"linux-(image|binary)-([0-9]+\.[0-9]+\.[0-9][^_\s]*-cloud-amd64)")
_FILE: Final = re.compile(r"([^_/]+)_([^_/]+)_[^_/]+\.deb")
_VMLINUZ: Final = re.compile(r"(?:\./)?(?:boot/vmlinuz-|usr/lib/modules/[^/]+/vmlinuz$)")
_MODULE: Final = re.compile(r".*/([^/]+)\.ko(\.xz)?$")
T = TypeVar("T")

_VMLINUX: Final = re.compile(r"\./usr/lib/debug/(?:boot/vmlinux-.*|lib/modules/[^/]+/vmlinux)")


class NoKernel(Exception):
    """This machine has no such kernel to offer."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A kernel of Debian's: the package with the image, and the version of Linux in it."""

    package: Package
    version: str  # 6.12.118
    cached: bool = False

    @property
    def name(self) -> str:
        return f"debian-{self.version}"


@dataclass(frozen=True, slots=True)
class Image:
    """What a guest boots: the kernel, and modules to load in this order. `folder` is where
    more about this build may be kept."""

    version: str
    folder: Path
    modules: tuple[Path, ...] = ()

    @property
    def vmlinuz(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def vmlinux(self) -> Path:
        """With its debug information, if it is there."""
        return self.folder / "vmlinux"


def packages_dir() -> Path:
    """Where packages lie, and what has been unpacked. A package can be put there by hand."""
    return data_dir() / "kernels"


def numbers(version: str) -> tuple[int, ...]:
    """To compare versions by."""
    return tuple(int(number) for number in re.findall(r"[0-9]+", version))


def is_of(version: str, asked: str) -> bool:
    """Whether 6.12.118 is asked for by `6.12.118`, by `6.12`."""
    return version == asked or version.startswith(f"{asked}.")


class Debian:
    """The kernels of Debian. `folder` keeps them."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or packages_dir()
        self._apt = Apt(self.folder / "apt")

    def cached(self) -> list[Offer]:
        """What is in the folder, oldest first."""
        files = (_FILE.fullmatch(file.name) for file in self.folder.glob("*.deb"))
        packages = [Package(match[1], match[2].replace("%3a", ":")) for match in files if match]
        return _kernels(packages, cached=True)

    def offered(self) -> list[Offer]:
        """What apt offers, oldest first. Raises NoKernel."""
        return _kernels(_or_no_kernel(lambda: self._apt.offers(_KERNELS)))

    def kernel(self, version: str, *, download: bool = True) -> Image:
        """The newest kernel of that version. Raises NoKernel and ExecutorError."""
        if shutil.which("dpkg-deb") is None:
            raise NoKernel("no dpkg-deb, which unpacks packages (Debian: apt-get install dpkg)")
        offers = [offer for offer in self.cached() if is_of(offer.version, version)]
        exact = any(offer.version == version for offer in offers)
        if download and not exact:
            offers = self._with_offered(version, offers)
        if not offers:
            raise NoKernel(
                f"no package of a Linux {version} for amd64 in {self.folder}"
                + ("" if download else f"; get one: mmfarm kernels fetch debian-{version}")
            )
        newest = offers[-1]
        if not newest.cached:
            self._download(self._with_modules(newest))
        return self._unpacked(newest)

    def debug(self, version: str) -> Path:
        """The kernel of this exact version with its debug information: some 350 MB to download,
        400 MB to keep. Raises NoKernel and ExecutorError."""
        image = self.kernel(version)
        if not image.vmlinux.exists():
            name, of = image.folder.name.split("_")[:2]
            package = Package(re.sub("-(image|binary)-", "-image-", name) + "-dbg", of)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=self.folder) as new:
                _or_no_kernel(lambda: self._apt.download([package], Path(new)))
                for file in Path(new).glob("*.deb"):
                    _unpack(file, Path(new), _take_vmlinux)
                if not Path(new, "vmlinux").exists():
                    raise NoKernel(f"{package.name} has no vmlinux in it")
                Path(new, "vmlinux").rename(image.vmlinux)
        return image.vmlinux

    def has_debug(self, offer: Offer) -> bool:
        """Whether `debug` has nothing to download."""
        return any((file.with_suffix("") / "vmlinux").exists() for file in self._files(offer))

    def _with_offered(self, version: str, cached: list[Offer]) -> list[Offer]:
        """And what apt has of that version, unless it has no answer and we have something."""
        try:
            there = {offer.package for offer in cached}
            more = [
                offer
                for offer in self.offered()
                if is_of(offer.version, version) and offer.package not in there
            ]
        except NoKernel:
            if cached:
                return cached
            raise
        return sorted([*cached, *more], key=_age)

    def _with_modules(self, offer: Offer) -> list[Package]:
        """The image, and since 7.2 the package with its modules."""
        name = re.sub("-(image|binary)-", "-modules-", offer.package.name)
        modules = Package(name, offer.package.version)
        if "-binary-" not in offer.package.name:
            return [offer.package]
        pattern = f"^{re.escape(name)}$"
        if modules in _or_no_kernel(lambda: self._apt.offers(pattern)):
            return [offer.package, modules]
        return [offer.package]

    def _download(self, packages: Sequence[Package]) -> None:
        def fetch() -> None:
            self._apt.update(FRESH_SECONDS)
            self._apt.download(packages, self.folder)

        _or_no_kernel(fetch)

    def _unpacked(self, offer: Offer) -> Image:
        """Next to the package, complete or not at all."""
        files = self._files(offer)
        target = files[0].with_suffix("")
        if not target.is_dir():
            with tempfile.TemporaryDirectory(prefix=".new-", dir=self.folder) as new:
                made = Path(new, "image")
                made.mkdir()
                for file in files:
                    _unpack(file, made, _take)
                if not (made / "vmlinuz").exists():
                    raise ExecutorError(f"{files[0]} has no kernel in it: delete it")
                made.rename(target)
        modules = (target / f"{name}.ko" for name in MODULES)
        return Image(offer.version, target, tuple(file for file in modules if file.exists()))

    def _files(self, offer: Offer) -> list[Path]:
        """The package's file, and that of its modules if it is there."""
        version = offer.package.version.replace(":", "%3a")
        names = (offer.package.name, re.sub("-(image|binary)-", "-modules-", offer.package.name))
        return [file for name in names for file in self.folder.glob(f"{name}_{version}_*.deb")]


def _kernels(packages: Sequence[Package], *, cached: bool = False) -> list[Offer]:
    """Those that have an image, oldest first. linux-image-* is empty beside linux-binary-*."""
    binaries = {p.name.replace("-binary-", "-image-") for p in packages if "-binary-" in p.name}
    found = [
        Offer(package, package.version.partition("-")[0], cached)
        for package in packages
        if _KERNEL.fullmatch(package.name) and package.name not in binaries
    ]
    return sorted(found, key=_age)


def _age(offer: Offer) -> tuple[tuple[int, ...], bool, tuple[int, ...]]:
    """Of two builds of one version the one that is here comes last, so that it is taken."""
    return numbers(offer.version), offer.cached, numbers(offer.package.version)


def _or_no_kernel(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except NoPackages as error:
        raise NoKernel(str(error)) from error


def _unpack(package: Path, target: Path, take: Callable[[IO[bytes], Path], None]) -> None:
    """What `take` wants out of the package, by names of our own."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as dpkg:
        assert dpkg.stdout is not None
        try:
            take(dpkg.stdout, target)
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise ExecutorError(f"{package} is no package: delete it ({error})") from error
        finally:
            dpkg.kill()


def _take(stream: IO[bytes], target: Path) -> None:
    """The image and the modules."""
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            if file is None:
                continue
            module = _MODULE.fullmatch(member.name)
            if _VMLINUZ.match(member.name):
                (target / "vmlinuz").write_bytes(file.read())
            elif module and module[1] in MODULES:
                data = file.read()
                (target / f"{module[1]}.ko").write_bytes(
                    lzma.decompress(data) if module[2] else data
                )


def _take_vmlinux(stream: IO[bytes], target: Path) -> None:
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member) if _VMLINUX.fullmatch(member.name) else None
            if file is not None:
                with open(target / "vmlinux", "wb") as out:
                    shutil.copyfileobj(file, out)
                return
