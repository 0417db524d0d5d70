# SPDX-License-Identifier: MIT
"""Recorded by tests/soak/imports.py: threads that map and unmap, and allocate through malloc()."""

import mmap
import random
import sys
import threading

THREADS = 6
ROUNDS = 60
KEPT = 5
PAGE = 4096


def work(seed: int) -> None:
    rng = random.Random(seed)
    kept: list[mmap.mmap] = []
    for _ in range(ROUNDS):
        mapping = mmap.mmap(-1, PAGE * rng.randint(1, 300))
        mapping[0:1] = b"x"
        kept.append(mapping)
        bytearray(rng.randint(100, 3_000_000))
        if len(kept) > KEPT:
            kept.pop(rng.randrange(len(kept))).close()


def main() -> None:
    seed = int(sys.argv[1])
    threads = [threading.Thread(target=work, args=(seed + at,)) for at in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
