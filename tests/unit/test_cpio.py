# SPDX-License-Identifier: MIT
"""The initramfs: what Linux's unpacker would read is what was put in."""

from collections.abc import Iterator

from conformance.cpio import Entry, archive

HEADER_BYTES = 110


def unpacked(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Name, mode and content of each entry, read as init/initramfs.c does."""
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[i : i + 8], 16) for i in range(at + 6, at + HEADER_BYTES, 8)]
        mode, links, size, name_size = fields[1], fields[4], fields[6], fields[11]
        start = at + HEADER_BYTES
        assert links == 1
        assert data[start + name_size - 1] == 0
        name = data[start : start + name_size - 1].decode()
        start = (start + name_size + 3) & ~3
        if name == "TRAILER!!!":
            assert start == len(data)
            return
        yield name, mode, data[start : start + size]
        at = (start + size + 3) & ~3


def test_an_archive_reads_back() -> None:
    contents = [b"", b"1", b"12", b"123", b"1234", b"x" * 4097]
    entries = [Entry("init", b"\x7fELF"), Entry("modules")]
    entries += [Entry(f"modules/{'m' * i}", content) for i, content in enumerate(contents, 1)]
    got = list(unpacked(archive(entries)))
    assert [(name, data) for name, _, data in got] == [(e.name, e.data or b"") for e in entries]
    assert [mode for _, mode, _ in got[:3]] == [0o100755, 0o040755, 0o100755]


def test_equal_files_make_equal_archives() -> None:
    entries = [Entry("init", b"program"), Entry("modules")]
    assert archive(entries) == archive(iter(entries))
