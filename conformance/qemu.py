# SPDX-License-Identifier: MIT
"""Another kernel than this machine's: booted in QEMU, with the executor as its init.

Contract: `guest` gives what starts it, for `conformance.kernel.RealKernel`. QEMU emulates the
CPU, so no privilege and no KVM is needed; the guest has two NUMA nodes, no network and no
disk. It speaks the executor's protocol on QEMU's stdin and stdout, and ends with either. The
kernel's own messages of trouble come on stderr. `why_not` says what is missing.
"""

import os
import shutil
from typing import Final

from conformance import cpio, executor
from conformance.debian import Image
from conformance.kernel import Launch

QEMU: Final = "qemu-system-x86_64"
BOOT_SECONDS: Final = 180.0  # 3 on an idle machine
MEMORY_MB: Final = 512
# cmpxchg16b is wrong in the emulation of QEMU 7.2, and the kernel's allocator uses it.
CPU: Final = "Nehalem,-cx16"


def why_not() -> str:
    """Why no guest can run here; empty when one can."""
    if shutil.which(QEMU) is None:
        return f"no {QEMU} (Debian: apt-get install qemu-system-x86)"
    return executor.why_not()


def guest(image: Image) -> Launch:
    """How to boot it. The initramfs lives in memory, and as long as the Launch's descriptor."""
    archive = os.memfd_create("initramfs")
    with open(archive, "wb", closefd=False) as file:
        file.write(initramfs(image))
    return Launch((*_command(image), "-initrd", f"/proc/self/fd/{archive}"), archive, BOOT_SECONDS)


def initramfs(image: Image) -> bytes:
    """The executor as init, and the modules that it loads."""
    entries = [cpio.Entry("init", executor.binary().read_bytes()), cpio.Entry("modules")]
    for number, module in enumerate(image.modules):
        entries.append(cpio.Entry(f"modules/{number}-{module.name}", module.read_bytes()))
    return cpio.archive(entries)


def _command(image: Image) -> tuple[str, ...]:
    half = MEMORY_MB // 2
    nodes = [
        word
        for node in range(2)
        for word in (
            "-object",
            f"memory-backend-ram,id=memory{node},size={half}M",
            "-numa",
            f"node,nodeid={node},memdev=memory{node},cpus={node}",
        )
    ]
    return (
        QEMU,
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        CPU,
        "-m",
        str(MEMORY_MB),
        "-smp",
        "2,sockets=2",
        *nodes,
        "-nodefaults",
        "-no-user-config",
        "-nic",
        "none",
        "-display",
        "none",
        "-no-reboot",
        "-kernel",
        str(image.vmlinuz),
        "-append",
        "console=ttyS0 quiet panic=-1",
        "-serial",
        "file:/dev/stderr",
        "-chardev",
        "stdio,id=us,signal=off",
        "-device",
        "virtio-serial-pci",
        "-device",
        "virtserialport,chardev=us",
    )
