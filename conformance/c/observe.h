/* SPDX-License-Identifier: MIT */
/*
 * What can be seen of the calling process's part of the arena.
 *
 * All of it only reads: smaps (the lines of maps are in it), pagemap,
 * PAGEMAP_SCAN where the kernel has it, and mincore(). Nothing faults a page of
 * the arena in, clears an accessed bit, or makes a VMA within it.
 */
#ifndef OBSERVE_H
#define OBSERVE_H

/* As in conformance/observation.py; the first seven are pagemap's, a scan's come last. */
#define SEEN_SOFT_DIRTY		(1 << 0)
#define SEEN_MAPPED_ONCE	(1 << 1)
#define SEEN_UFFD_WP		(1 << 2)
#define SEEN_GUARD		(1 << 3)
#define SEEN_FILE		(1 << 4)
#define SEEN_SWAP		(1 << 5)
#define SEEN_PRESENT		(1 << 6)
#define SEEN_IN_CORE		(1 << 7)
#define SEEN_SCAN_SHIFT		8
#define SEEN_SCAN(category)	((category) << SEEN_SCAN_SHIFT)
#define SEEN_EMPTY_PTE		(1 << 17)

/* UAPI of 6.7 and later, which the headers of a distribution may lack. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL	_IOWR('f', 16, struct scan_arg)
#define SCAN_WRITTEN	(1 << 1)
#define SCAN_PRESENT	(1 << 3)
#define SCAN_SWAPPED	(1 << 4)
#define SCAN_PFNZERO	(1 << 5)
#define SCAN_SOFT_DIRTY	(1 << 7)
#define SCAN_GUARD	(1 << 8)
#define SCAN_CATEGORIES	9	/* those above, and what stands between them */
#define SCAN_REGIONS	64	/* per call */

/*
 * Once for each process, by its first actor. Opening them for each observation
 * would litter /proc's dentries, which the kernel walks when a thread has exited.
 */
static void open_proc_files(void)
{
	int *smaps = &control->smaps[control->process[this_actor]];
	int *pagemap = &control->pagemap[control->process[this_actor]];

	*smaps = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	*pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (*smaps < 0 || *pagemap < 0)
		give_up("/proc/self/smaps, pagemap");
}

/* What PAGEMAP_SCAN takes, asked one by one: nothing where there is no such call. */
static uint64_t known_categories(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t known = 0;

	for (int i = 0; i < SCAN_CATEGORIES; i++) {
		struct scan_arg scan = { .size = sizeof(scan), .return_mask = 1ul << i };

		if (!ioctl(fd, SCAN_IOCTL, &scan))
			known |= scan.return_mask;
	}
	close(fd);
	return known;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* The memory file or shared memory behind a mapping, by the name in its line. */
static int backing_of(const char *line, const char *end)
{
	const char *path = memchr(line, '/', end - line);

	if (!path)
		return 0;
	if (!strncmp(path, "/memfd:f", 8))
		return 1 + path[8] - '0';
	return -1;
}

/* 200000010000-200000014000 rw-p 00000000 00:00 0 ...: false beyond the arena. */
static int parse_header(const char *line, struct region *region)
{
	char *at;
	uint64_t start = strtoull(line, &at, 16);
	uint64_t end = strtoull(at + 1, &at, 16);
	uint64_t last = (uint64_t)arena + control->request.nr_pages * psize;

	if (start >= last)
		return 0;
	memset(region, 0, sizeof(*region));
	region->start = (start - (uint64_t)arena) / psize;
	region->end = (end - (uint64_t)arena) / psize;
	region->prot = (at[1] == 'r') | (at[2] == 'w') << 1 | (at[3] == 'x') << 2;
	region->shared = at[4] == 's';
	region->offset = strtoull(at + 5, NULL, 16) / psize;
	region->backing = backing_of(line, next_line(line));
	return 1;
}

static void parse_field(const char *line, struct region *region)
{
	if (!strncmp(line, "Rss:", 4)) {
		region->rss = strtoul(line + 4, NULL, 10) * 1024 / psize;
	} else if (!strncmp(line, "Anonymous:", 10)) {
		region->anonymous = strtoul(line + 10, NULL, 10) * 1024 / psize;
	} else if (!strncmp(line, "VmFlags: ", 9)) {
		size_t length = next_line(line) - line - 10;

		memset(region->vm_flags, ' ', sizeof(region->vm_flags));
		memcpy(region->vm_flags, line + 9,
		       length < sizeof(region->vm_flags) ? length : sizeof(region->vm_flags));
	}
}

/*
 * The arena lies below everything else, so its lines come first, and reading
 * ends with them. Records are whole in what one read returns.
 */
static struct region *read_smaps(struct region *region)
{
	int fd = control->smaps[control->process[this_actor]];
	struct region *end = (struct region *)(control->seen + SEEN_BYTES) - 1;
	char *text = control->scratch;
	int inside = 1;
	off_t at = 0;
	ssize_t got;

	region--;
	while (inside && (got = pread(fd, text, SMAPS_BYTES - 1, at)) > 0) {
		at += got;
		text[got] = '\0';
		for (const char *line = text; *line && inside; line = next_line(line)) {
			if (*line >= 'A' && *line <= 'Z') {
				parse_field(line, region);
				continue;
			}
			if (region + 2 >= end) {
				errno = ENOSPC;
				give_up("too many checkpoints");
			}
			inside = parse_header(line, region + 1);
			region += inside;
		}
	}
	if (got < 0)
		give_up("smaps");
	return region + 1;
}

static void read_pagemap(uint32_t *pages, int nr_pages)
{
	int fd = control->pagemap[control->process[this_actor]];
	uint64_t *entries = (uint64_t *)control->scratch;
	ssize_t got = pread(fd, entries, nr_pages * 8, (uint64_t)arena / psize * 8);

	if (got != nr_pages * 8)
		give_up("pagemap");
	for (int i = 0; i < nr_pages; i++) {
		uint64_t entry = entries[i];

		/* 55 soft-dirty, 56 exclusive, 57 uffd-wp, 58 guard; 61 file, 62 swap, 63 present */
		pages[i] = (entry >> 55 & 0xf) | (entry >> 61 & 0x7) << 4;
	}
}

/*
 * A region of a scan as bits of its pages. Kernels since 2026 say that an empty
 * entry of a page table is written too.
 */
static uint32_t scanned_bits(uint64_t categories)
{
	if ((categories & (SCAN_WRITTEN | SCAN_PRESENT | SCAN_SWAPPED)) == SCAN_WRITTEN)
		return SEEN_SCAN(categories & ~SCAN_WRITTEN) | SEEN_EMPTY_PTE;
	return SEEN_SCAN(categories);
}

/*
 * Add what PAGEMAP_SCAN says. It joins neighbours of the same categories, and
 * passes over pages that are in none.
 */
static void scan_pagemap(uint32_t *pages, int nr_pages)
{
	int fd = control->pagemap[control->process[this_actor]];
	struct scan_region *vec = (struct scan_region *)control->scratch;
	struct scan_arg scan = {
		.size = sizeof(scan),
		.start = (uint64_t)arena,
		.end = (uint64_t)P(nr_pages),
		.vec = (uint64_t)vec,
		.vec_len = SCAN_REGIONS,
		.category_anyof_mask = control->categories,
		.return_mask = control->categories,
	};

	while (control->categories && scan.start < scan.end) {
		int got = ioctl(fd, SCAN_IOCTL, &scan);

		if (got < 0)
			give_up("PAGEMAP_SCAN");
		for (int i = 0; i < got; i++) {
			uint32_t bits = scanned_bits(vec[i].categories);

			for (uint64_t at = vec[i].start; at < vec[i].end; at += psize)
				pages[(at - (uint64_t)arena) / psize] |= bits;
		}
		scan.start = scan.walk_end;
	}
}

static void read_mincore(const struct region *region, const struct region *end, uint32_t *pages)
{
	unsigned char *in_core = (unsigned char *)control->scratch;

	for (; region < end; region++) {
		uint32_t size = region->end - region->start;

		if (mincore(P(region->start), size * psize, in_core))
			give_up("mincore");
		for (uint32_t i = 0; i < size; i++)
			if (in_core[i] & 1)
				pages[region->start + i] |= SEEN_IN_CORE;
	}
}

/* Add a checkpoint of this process; `uid` is the operation that ended, 0 at the end. */
static void observe(int64_t uid)
{
	struct checkpoint *checkpoint = (struct checkpoint *)(control->seen + control->seen_bytes);
	struct region *regions = (struct region *)(checkpoint + 1);
	int nr_pages = control->request.nr_pages;
	struct region *end;
	uint32_t *pages;

	if (control->seen_bytes + sizeof(*checkpoint) + sizeof(*regions) > SEEN_BYTES) {
		errno = ENOSPC;
		give_up("too many checkpoints");
	}
	end = read_smaps(regions);
	pages = (uint32_t *)end;
	if ((char *)(pages + nr_pages + 2) > control->seen + SEEN_BYTES) {
		errno = ENOSPC;
		give_up("too many checkpoints");
	}
	read_pagemap(pages, nr_pages);
	scan_pagemap(pages, nr_pages);
	read_mincore(regions, end, pages);
	checkpoint->uid = uid;
	checkpoint->actor = this_actor;
	checkpoint->nr_regions = end - regions;
	control->nr_checkpoints++;
	/* Rounded up, for what comes next has 64-bit fields. */
	control->seen_bytes = ((char *)(pages + nr_pages) - control->seen + 7) & ~7ul;
}

#endif /* OBSERVE_H */
