# SPDX-License-Identifier: MIT
"""O5 memory-value: a load returns what no legal order of the stores allows.

Every private page has a logical page: four words as its owners stored them, shared by fork()
and split by the first store after it. It follows page table changes that move, drop or share data
on purpose; whatever the real frames do must then agree. Because a step is the
only place where others run, a store and its record are one event, and the check is exact.
Loads through a translation whose end is not promised yet may see old data; that is O1's
business.

Predictive: a copy is compared when it is installed, and at the End every mapped page is
compared with its logical page, so that a lost store is found without a load.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from simulator import sites
from simulator.build.native import append, vec
from simulator.mm.mm_types import PG_ZERO, PTE_DIRTY, PTE_PRESENT, PTE_WRITE, Folio, Inode, Mm, Page
from simulator.mm.pgtable import peek
from simulator.oracles import stale_tlb
from simulator.scenario import NR_ACTORS, WORDS_PER_PAGE

if TYPE_CHECKING:
    from simulator.state import Kernel


NO_PAGE: Final = 0  # number of no logical page; what has none holds zeroes


def page_index(page: Page) -> i64:
    """Of a page of the page cache: its place in the file."""
    return page.folio.index + page.pfn - page.folio.pfn


class LogicalPages:
    """The logical pages of a run, by number."""

    def __init__(self) -> None:
        self.nr: i64 = 1
        self.words: vec[i64] = vec[i64]([0] * WORDS_PER_PAGE)
        self.refs: vec[i64] = vec[i64]([0])
        self.lives: vec[i64] = vec[i64]([0])
        self.lazy: vec[i64] = vec[i64]([0])  # given up by MADV_FREE, and not stored to since
        self.free: list[i64] = []
        # By actor: the tags of what its MADV_DONTNEED has met, by page of the range; 0 nothing.
        self.met: list[list[int]] = [[] for _ in range(NR_ACTORS)]

    def reset(self) -> None:
        """There is none."""
        self.nr = 1
        self.free = []

    def new(self) -> i64:
        """A logical page of zeroes with one owner."""
        if self.free:
            lp = self.free.pop()
        else:
            lp = self.nr
            self.nr += 1
            if lp == len(self.refs):
                self.refs = append(self.refs, i64(0))
                self.lives = append(self.lives, i64(0))
                self.lazy = append(self.lazy, i64(0))
                for _ in range(WORDS_PER_PAGE):
                    self.words = append(self.words, i64(0))
        base = lp * WORDS_PER_PAGE
        for i in range(WORDS_PER_PAGE):
            self.words[base + i] = 0
        self.refs[lp] = 1
        self.lazy[lp] = 0
        return lp

    def put(self, lp: i64) -> None:
        self.refs[lp] -= 1
        if self.refs[lp] == 0:
            self.lives[lp] += 1
            self.free.append(lp)

    def tag(self, lp: i64) -> i64:
        """What a frame remembers of the logical page it holds: which one, in which of its
        lives."""
        return self.lives[lp] << 32 | lp

    def own(self, mm: Mm, va: i64) -> i64:
        """The logical page at `va`, split off from those that fork() shares it with."""
        lp = mm.shadow[va]
        if lp == NO_PAGE:
            lp = self.new()
            mm.shadow[va] = lp
        elif self.refs[lp] > 1:
            copy = self.new()
            for i in range(WORDS_PER_PAGE):
                self.words[copy * WORDS_PER_PAGE + i] = self.words[lp * WORDS_PER_PAGE + i]
            self.refs[lp] -= 1
            lp = copy
            mm.shadow[va] = lp
        return lp

    def word(self, lp: i64, word: i64) -> i64:
        """What a word of a logical page holds; NO_PAGE holds zeroes."""
        if lp == NO_PAGE:
            return 0
        return self.words[lp * WORDS_PER_PAGE + word]


def stored(v: LogicalPages, mm: Mm, va: i64, page: Page, word: i64, token: i64) -> None:
    """`token` went into `word` of the page that is mapped at `va`."""
    folio = page.folio
    inode = folio.inode
    if inode is not None:
        inode.expected[page_index(page) * WORDS_PER_PAGE + word] = token
        return
    lp = v.own(mm, va)
    page.logical = v.tag(lp)
    v.words[lp * WORDS_PER_PAGE + word] = token
    v.lazy[lp] = 0


def stored_stale(v: LogicalPages, page: Page, word: i64, token: i64) -> None:
    """A store through a translation that the tables no longer have, but whose data is kept:
    it must reach whoever owns the page now."""
    folio = page.folio
    inode = folio.inode
    if inode is not None:
        inode.expected[page_index(page) * WORDS_PER_PAGE + word] = token
    elif page.logical:
        lp = page.logical & 0xFFFFFFFF
        if page.logical == v.tag(lp):  # otherwise its data was given up meanwhile
            v.words[lp * WORDS_PER_PAGE + word] = token


def expected(v: LogicalPages, mm: Mm, va: i64, page: Page, word: i64) -> i64:
    """What a load of the page mapped at `va` must return."""
    folio = page.folio
    lp = mm.shadow[va]
    if lp:
        return v.words[lp * WORDS_PER_PAGE + word]
    inode = folio.inode
    if inode is not None:
        return inode.expected[page_index(page) * WORDS_PER_PAGE + word]
    return 0


def loaded(
    k: "Kernel", v: LogicalPages, mm: Mm, va: i64, page: Page, word: i64, value: i64
) -> None:
    """A load saw `value`. The culprit is who last wrote the page table entry."""
    folio = page.folio
    if folio.inode is None and folio.anon_vma is None and not folio.flags & PG_ZERO:
        return  # truncated since its reference was taken: what it held, or zeroes
    want = expected(v, mm, va, page, word)
    if value != want:
        k.violate(
            "memory-value",
            mm.who[va],
            k.class_of(page),
            f"a load of page {va} word {word} returned {value}, the last store was {want}",
        )


def file_dropped(inode: Inode, folio: Folio) -> None:
    """Pages of a file are truncated: what comes there next begins with zeroes."""
    first = folio.index * WORDS_PER_PAGE
    for i in range(first, first + (WORDS_PER_PAGE << folio.order)):
        inode.expected[i] = 0


def shared(v: LogicalPages, parent: Mm, child: Mm, va: i64) -> None:
    """fork() gave the child the parent's page, shared or copied."""
    lp = parent.shadow[va]
    if lp:
        v.refs[lp] += 1
        child.shadow[va] = lp


def dropped(v: LogicalPages, mm: Mm, va: i64) -> None:
    """The data at `va` is given up: DONTNEED, munmap, guard install."""
    lp = mm.shadow[va]
    if lp:
        mm.shadow[va] = 0
        v.put(lp)


def lost(k: "Kernel", values: LogicalPages, mm: Mm, va: i64) -> None:
    """The data at `va` is given up inside a call that must keep it."""
    lp = mm.shadow[va] * WORDS_PER_PAGE
    words = values.words
    if lp and (words[lp] or words[lp + 1] or words[lp + 2] or words[lp + 3]):
        k.violate(
            "memory-value",
            sites.MOVE_VMA__ITSELF,
            "anon",
            f"mremap() has given up the data of page {va}, which it should have moved or kept",
        )


def moved(mm: Mm, old_va: i64, new_va: i64) -> None:
    """mremap() moved the entry."""
    mm.shadow[new_va] = mm.shadow[old_va]
    mm.shadow[old_va] = 0


def installed(k: "Kernel", v: LogicalPages, mm: Mm, va: i64, page: Page) -> None:
    """A private copy was mapped at `va`: of an anonymous page, or of a file page, whose words
    from now on are this mm's own."""
    fresh = mm.shadow[va] == 0
    lp = v.own(mm, va)
    page.logical = v.tag(lp)
    if not fresh:
        compare(k, v, mm, va, page, k.cur.site, "was copied")
        return
    for i in range(WORDS_PER_PAGE):
        v.words[lp * WORDS_PER_PAGE + i] = page.words[i]


def given_up(v: LogicalPages, mm: Mm, va: i64) -> None:
    """MADV_FREE: what the mm has at `va` may go, but not for those that share it."""
    if mm.shadow[va]:
        lp = v.own(mm, va)  # first: it may make room
        v.lazy[lp] = 1


def discarded(k: "Kernel", v: LogicalPages, mm: Mm, va: i64) -> None:
    """O6: reclaim drops the page at `va`, which holds nothing, or has been given up by MADV_FREE
    and not been stored to since."""
    lp = mm.shadow[va]
    if lp == NO_PAGE or v.lazy[lp]:
        return
    for i in range(WORDS_PER_PAGE):
        if v.word(lp, i):
            k.violate(
                "dirty-loss",
                k.cur.site,
                "anon",
                f"page {va} is dropped with {v.word(lp, i)} in word {i}, which nobody has given up",
            )


def swapped_in(k: "Kernel", v: LogicalPages, mm: Mm, va: i64, page: Page) -> None:
    """What was in swap is mapped at `va` again. While MADV_FREE gives it up, CPUs may store to it
    without a trace, and such stores may be lost."""
    lp = mm.shadow[va]
    if lp:
        page.logical = v.tag(lp)
        if v.lazy[lp]:
            for i in range(WORDS_PER_PAGE):
                v.words[lp * WORDS_PER_PAGE + i] = page.words[i]
    compare(k, v, mm, va, page, mm.who[va], "was swapped in")


def cache_filled(inode: Inode, folio: Folio) -> None:
    """The words of a page that user space has filled are the file's from now on."""
    for i in range(WORDS_PER_PAGE):
        inode.expected[folio.index * WORDS_PER_PAGE + i] = folio.page.words[i]


def zeroed(k: "Kernel", va: i64, page: Page) -> None:
    """A new page that stands for none before: whatever is in it was somebody else's."""
    words = page.words
    if words[0] or words[1] or words[2] or words[3]:
        k.violate(
            "memory-value",
            k.cur.site,
            k.class_of(page),
            f"page {va} was mapped for the first time with {words[0]} {words[1]} {words[2]} "
            f"{words[3]} in it, not zeroes",
        )


def dontneed_begins(k: "Kernel", v: LogicalPages, mm: Mm, start: i64, end: i64) -> None:
    """MADV_DONTNEED will give up what [start, end) holds now."""
    v.met[k.cur.id] = [v.tag(mm.shadow[va]) if mm.shadow[va] else 0 for va in range(start, end)]


def dontneed_returns(k: "Kernel", v: LogicalPages, mm: Mm, start: i64, end: i64) -> None:
    """It has gone by all of it: nothing that it met is there any more, or will be again. Stores
    that came in meanwhile have found zeroes."""
    met = v.met[k.cur.id]
    for va in range(start, end):
        lp = mm.shadow[va]
        if lp and met[va - start] == v.tag(lp):
            words = v.words
            base = lp * WORDS_PER_PAGE
            if words[base] or words[base + 1] or words[base + 2] or words[base + 3]:
                k.violate(
                    "memory-value",
                    mm.who[va],
                    "anon",
                    f"MADV_DONTNEED has returned, and page {va} has what it held before",
                )


def copying(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """A COW fault at `va` is about to copy `page`: no other CPU may still store into it
    through a translation of before it was write-protected, for the store would be lost.
    Not meant are this CPU, which the fault itself has flushed, and that of the actor that
    write-protects, which will flush before it runs user code."""
    for s in mm.stale:
        if not stale_tlb.translates(s, va, page) or s.zapped:
            continue
        if s.pte & (PTE_WRITE | PTE_DIRTY) != PTE_WRITE | PTE_DIRTY:
            continue
        mask = s.mask & ~(1 << k.cur.cpu | 1 << k.tasks[s.owner].cpu)
        if stale_tlb.active_cpus(k, mm, mask):
            k.violate(
                "memory-value",
                s.who,
                k.class_of(page),
                f"page {va} is copied while another CPU can still store to it: it was "
                "write-protected, not flushed, and nobody kept page faults out",
            )


def fork_copying(k: "Kernel", mm: Mm, va: i64, page: Page) -> None:
    """fork() copies a page for the child, which shares others with its parent. No other CPU may
    store to it any more: the child would see older data than elsewhere, or a part of it."""
    mine: i64 = 1 << k.cur.cpu
    mask: i64 = 0
    if peek(k, mm, va) & (PTE_PRESENT | PTE_WRITE) == PTE_PRESENT | PTE_WRITE:
        mask = mm.cached
    for s in mm.stale:
        if stale_tlb.translates(s, va, page) and not s.zapped:
            if s.pte & (PTE_WRITE | PTE_DIRTY) == PTE_WRITE | PTE_DIRTY:
                mask |= s.mask
    if stale_tlb.active_cpus(k, mm, mask & ~mine):
        k.violate(
            "memory-value",
            sites.COPY_PRESENT_PAGE__COPY_WORD,
            k.class_of(page),
            f"fork() copies page {va} while another CPU can store to it: the child gets no cut of "
            "its parent",
        )


def compare(
    k: "Kernel", v: LogicalPages, mm: Mm, va: i64, page: Page, site: i64, what: str
) -> None:
    """The page's words are those of the logical page at `va`."""
    lp = mm.shadow[va]
    for i in range(WORDS_PER_PAGE):
        want = v.word(lp, i)
        if page.words[i] != want:
            k.violate(
                "memory-value",
                site,
                k.class_of(page),
                f"page {va} {what} with {page.words[i]} in word {i}, the last store was {want}",
            )
