/* SPDX-License-Identifier: MIT */
/*
 * What this kernel offers, by trying it.
 *
 * Each answer is a line `name 1` or `name 0`; conformance/probes.py knows what
 * the names mean. Runs in a child of its own.
 */
#ifndef PROBES_H
#define PROBES_H

#define PROBE_PAGES	4

static void answer(const char *name, int has)
{
	size_t used = strlen(control->seen);

	snprintf(control->seen + used, SEEN_BYTES - used, "%s %d\n", name, !!has);
}

/* Fresh memory at the start of the arena, its first page written. */
static void fresh(int sharing)
{
	char *at = mmap(P(0), PROBE_PAGES * psize, PROT_READ | PROT_WRITE,
			sharing | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (at == MAP_FAILED)
		give_up("mmap");
	*at = 1;
}

static int soft_dirty(void)
{
	int cleared;

	fresh(MAP_PRIVATE);
	if (clear_refs(4) || pagemap_entry(P(0)) & SEEN_SOFT_DIRTY)
		return 0;	/* without CONFIG_MEM_SOFT_DIRTY the write succeeds too */
	cleared = store(P(0), 2) == 0;
	return cleared && pagemap_entry(P(0)) & SEEN_SOFT_DIRTY;
}

static int guard_regions(void)
{
	fresh(MAP_PRIVATE);
	return !madvise(P(0), psize, MADV_GUARD_INSTALL) && load(P(0)) == RESULT_SIGSEGV;
}

static int guard_in_pagemap(void)
{
	return guard_regions() && pagemap_entry(P(0)) & SEEN_GUARD;
}

/* What PAGEMAP_SCAN says of the page. */
static uint32_t scanned(int page)
{
	uint32_t pages[PROBE_PAGES] = { 0 };

	scan_pagemap(pages, PROBE_PAGES);
	return pages[page];
}

static int pagemap_scan(void)
{
	fresh(MAP_PRIVATE);
	return !load(P(1)) && scanned(1) & SEEN_SCAN(SCAN_PFNZERO) &&
		!(scanned(0) & SEEN_SCAN(SCAN_PFNZERO));
}

static int soft_dirty_in_scan(void)
{
	return soft_dirty() && scanned(0) & SEEN_SCAN(SCAN_SOFT_DIRTY);
}

static int guard_in_scan(void)
{
	return guard_regions() && scanned(0) & SEEN_SCAN(SCAN_GUARD);
}

static int empty_in_scan(void)
{
	fresh(MAP_PRIVATE);
	return scanned(1) & SEEN_EMPTY_PTE && !(scanned(0) & SEEN_EMPTY_PTE);
}

static int forced_write(void)
{
	fresh(MAP_PRIVATE);
	return !mprotect(P(0), psize, PROT_READ) && !mem_write(P(0), 7) && load(P(0)) == 7;
}

static int droppable(void)
{
	return mmap(P(0), psize, PROT_READ, MAP_DROPPABLE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
		!= MAP_FAILED;
}

static int noreplace(void)
{
	fresh(MAP_PRIVATE);
	return mmap(P(0), psize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) == MAP_FAILED && errno == EEXIST;
}

static int has_procmap_query(void)
{
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	int there = ioctl(maps, _IOWR('f', 17, char[104]), NULL) && errno == EFAULT;

	close(maps);
	return there;
}

static int dontunmap(void)
{
	fresh(MAP_PRIVATE);
	return mremap(P(0), psize, psize, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
		      P(PROBE_PAGES)) != MAP_FAILED && !load(P(0)) && load(P(PROBE_PAGES)) == 1;
}

static int several_vmas_move(void)
{
	fresh(MAP_PRIVATE);
	return !mprotect(P(1), psize, PROT_READ) &&
		mremap(P(0), 2 * psize, 2 * psize, MREMAP_MAYMOVE | MREMAP_FIXED,
		       P(PROBE_PAGES)) != MAP_FAILED;
}

/*
 * Without a limit: what the executor itself has is more than the default one.
 * Nothing is prefaulted, for that is much.
 */
static int mlock_works(void)
{
	return !mlockall(MCL_CURRENT | MCL_ONFAULT) && !munlockall();
}

static int vmsplice_works(void)
{
	fresh(MAP_PRIVATE);
	return !pipe_splice(0, P(0)) && pipe_read(0, 0) == 1;
}

static int userfaultfd_works(long features)
{
	return !uffd_open(0, features) && !uffd_close(0);
}

/* Whether the file has the text; no file has nothing. */
static int file_says(const char *path, const char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, control->scratch, SMAPS_BYTES);

	if (fd >= 0)
		close(fd);
	control->scratch[got > 0 ? got : 0] = '\0';
	return strstr(control->scratch, text) != NULL;
}

/* Only mappings that have room for a huge page and have been touched may be advised so. */
static int collapse_works(void)
{
	size_t huge = 2 * 512 * psize;
	int works = mmap(P(0), huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			 -1, 0) == P(0) && !store(P(0), 1) && !madvise(P(0), psize, MADV_COLLAPSE);

	munmap(P(0), huge);
	return works;
}

static int thp(const char *mode)
{
	return file_says("/sys/kernel/mm/transparent_hugepage/enabled", mode);
}

static int numa(void)
{
	return file_says("/sys/devices/system/node/has_memory", "-") ||
		file_says("/sys/devices/system/node/has_memory", ",");
}

static void probe(void)
{
	open_proc_files();
	control->seen[0] = '\0';
	answer("soft-dirty", soft_dirty());
	answer("guard-regions", guard_regions());
	answer("pagemap-guard", guard_in_pagemap());
	answer("pagemap-scan", pagemap_scan());
	answer("pagemap-scan-soft-dirty", soft_dirty_in_scan());
	answer("pagemap-scan-guard", guard_in_scan());
	answer("pagemap-scan-empty", empty_in_scan());
	answer("mem-force", forced_write());
	answer("vmsplice", vmsplice_works());
	answer("userfaultfd", userfaultfd_works(UFFD_OPEN_USER_ONLY));
	answer("userfaultfd-kernel", userfaultfd_works(0));
	answer("MAP_DROPPABLE", droppable());
	answer("MAP_FIXED_NOREPLACE", noreplace());
	answer("MREMAP_DONTUNMAP", dontunmap());
	answer("mremap-several", several_vmas_move());
	answer("mlock", mlock_works());
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		int works;

		if (advices[i].value == MADV_COLLAPSE) {
			works = collapse_works();
		} else {
			/* There is a file to remove pages from. */
			fresh(advices[i].value == MADV_REMOVE ? MAP_SHARED : MAP_PRIVATE);
			works = !madvise(P(0), psize, advices[i].value);
		}
		answer(advices[i].name, works);
	}
	answer("thp", thp("[always]") || thp("[madvise]"));
	answer("thp-always", thp("[always]"));
	answer("thp-madvise", thp("[madvise]"));
	answer("swap", file_says("/proc/swaps", "\n/"));
	answer("numa", numa());
	answer("procmap-query", has_procmap_query());
	answer("kill", 0);	/* nobody would answer for the victim */
	answer("device-private", !access("/dev/hmm_dmirror0", R_OK | W_OK));
	answer("gup_test", !access("/sys/kernel/debug/gup_test", R_OK | W_OK));
	/* Not of the kernel: where conformance/forced rings; 0 on the host's own. */
	snprintf(control->seen + strlen(control->seen), 40, "bells %llu\n",
		 (unsigned long long)bells_at);
	control->seen_bytes = strlen(control->seen);
}

/* The kernel's build id in its notes, as hexadecimal, and then all of kallsyms. */
static void read_symbols(void)
{
	int notes = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(notes, control->scratch, SCRATCH_BYTES);
	size_t used = 0;

	for (ssize_t i = 0; i < got; i++)
		used += sprintf(control->seen + used, "%02x", (unsigned char)control->scratch[i]);
	control->seen[used++] = '\n';
	while ((got = read(fd, control->seen + used, SEEN_BYTES - used)) > 0)
		used += got;
	if (fd < 0 || got < 0)
		give_up("/proc/kallsyms");
	control->seen_bytes = used;
}

#endif /* PROBES_H */
