# SPDX-License-Identifier: MIT
"""What a device that mirrors the process may do, by mm/hmm.c."""

import pytest

from tests.model.run import results


@pytest.mark.parametrize(
    ("prot", "read", "write"),
    [("rw", 0, 0), ("r", 0, "EPERM"), ("w", "EFAULT", "EFAULT"), ("none", "EFAULT", "EFAULT")],
)
def test_a_device_has_the_rights_of_the_mapping(
    prot: str, read: int | str, write: int | str
) -> None:
    assert results(f"""
1 T0 mmap 0..4 {prot} private anon
2 DEVICE device_read 1
3 DEVICE device_write 1
""")[1:] == [read, write]


def test_mprotect_takes_the_right_to_write_from_the_device() -> None:
    assert results("""
1 T0 mmap 0..4 rw private anon
2 DEVICE device_write 1
3 T0 mprotect 0..4 r
4 DEVICE device_write 1
5 DEVICE migrate_to_device 0..4
6 DEVICE device_write 1
""")[1:] == [0, 0, "EPERM", 4, "EPERM"]
