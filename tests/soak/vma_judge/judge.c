/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * mm/vma.c in user space, told what to do with the VMAs of one process by lines on stdin.
 *
 * Takes the place of main.c in a copy of the kernel's tools/testing/vma. After each line but
 * `end` a line says all VMAs: start, end, flags, offset, and which VMA was the first with the
 * same anon_vma (- without one) and the length of its chain. Pages are counted from BASE.
 */
#include "shared.h"

/* Chains are real here: a VMA that came through a fork is linked to more than one anon_vma. */
static int judge_clone(struct vm_area_struct *to, struct vm_area_struct *from,
		       enum vma_operation operation);
static void judge_unlink(struct vm_area_struct *vma);
#define anon_vma_clone judge_clone
#define unlink_anon_vmas judge_unlink
#include "../../../mm/vma_init.c"
#include "../../../mm/vma_exec.c"
#include "../../../mm/vma.c"

#define BASE		0x10000000ul
#define AT(page)	(BASE + ((unsigned long)(page) << PAGE_SHIFT))
#define PAGE(address)	(((address) - BASE) >> PAGE_SHIFT)

int sysctl_max_map_count = DEFAULT_MAX_MAP_COUNT;
static struct mm_struct mm;

struct vm_area_struct *merge_existing(struct vma_merge_struct *vmg)
{
	return vma_merge_existing_range(vmg);
}

int attach_vma(struct mm_struct *to, struct vm_area_struct *vma)
{
	return vma_link(to, vma);
}

static void join(struct vm_area_struct *vma, struct anon_vma *anon_vma)
{
	struct anon_vma_chain *link = calloc(1, sizeof(*link));

	link->anon_vma = anon_vma;
	list_add_tail(&link->same_vma, &vma->anon_vma_chain);
}

static int judge_clone(struct vm_area_struct *to, struct vm_area_struct *from,
		       enum vma_operation operation)
{
	struct anon_vma_chain *link;

	if (!from->anon_vma)
		return 0;
	to->anon_vma = from->anon_vma;
	list_for_each_entry(link, &from->anon_vma_chain, same_vma)
		join(to, link->anon_vma);
	return 0;
}

static void judge_unlink(struct vm_area_struct *vma)
{
	struct anon_vma_chain *link, *next;

	list_for_each_entry_safe(link, next, &vma->anon_vma_chain, same_vma) {
		list_del(&link->same_vma);
		free(link);
	}
	vma->anon_vma = NULL;
}

static struct vm_area_struct *vma_at(unsigned long address)
{
	VMA_ITERATOR(vmi, &mm, address);
	struct vm_area_struct *vma = vma_find(&vmi, address + PAGE_SIZE);

	return vma && vma->vm_start <= address ? vma : NULL;
}

/* The first fault of a VMA: __anon_vma_prepare(). */
static void touch(unsigned long address)
{
	struct vm_area_struct *vma = vma_at(address);

	if (!vma || vma->anon_vma)
		return;
	vma->anon_vma = find_mergeable_anon_vma(vma);
	if (!vma->anon_vma)
		vma->anon_vma = calloc(1, sizeof(*vma->anon_vma));
	join(vma, vma->anon_vma);
}

/* As if the VMA had come through a fork. */
static void inherit(unsigned long address)
{
	struct vm_area_struct *vma = vma_at(address);

	if (!vma || vma->anon_vma)
		return;
	join(vma, calloc(1, sizeof(*vma->anon_vma)));
	vma->anon_vma = calloc(1, sizeof(*vma->anon_vma));
	join(vma, vma->anon_vma);
}

/* As mprotect() and madvise() go through a range: `flags` instead of those in `mask`. */
static void modify(unsigned long start, unsigned long end, vm_flags_t mask, vm_flags_t flags)
{
	while (start < end) {
		VMA_ITERATOR(vmi, &mm, start);
		struct vm_area_struct *vma = vma_find(&vmi, end);
		struct vm_area_struct *prev;
		unsigned long stop;
		vma_flags_t wanted;

		if (!vma)
			return;
		if (vma->vm_start > start)
			start = vma->vm_start;
		stop = min(end, vma->vm_end);
		if (start > vma->vm_start) {
			prev = vma;
		} else {
			prev = vma_prev(&vmi);
			vma_iter_set(&vmi, start);
			vma = vma_find(&vmi, end);
		}
		wanted = legacy_to_vma_flags((vma->vm_flags & ~mask) | flags);
		if (((vma->vm_flags & ~mask) | flags) != vma->vm_flags) {
			vma = vma_modify_flags(&vmi, prev, vma, start, stop, &wanted);
			if (IS_ERR(vma))
				abort();
			vma->flags = wanted;
		}
		start = stop;
	}
}

static void clear_soft_dirty(void)
{
	VMA_ITERATOR(vmi, &mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma)
		vma->flags = legacy_to_vma_flags(vma->vm_flags & ~VM_SOFTDIRTY);
}

static void say(void)
{
	VMA_ITERATOR(vmi, &mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		struct anon_vma_chain *link;
		int length = 0;

		list_for_each_entry(link, &vma->anon_vma_chain, same_vma)
			length++;
		printf("%lu %lu %lx %ld ", PAGE(vma->vm_start), PAGE(vma->vm_end),
		       (unsigned long)vma->vm_flags, (long)vma->vm_pgoff);
		if (vma->anon_vma) {
			VMA_ITERATOR(others, &mm, 0);
			struct vm_area_struct *other;
			int first = 0;

			for_each_vma(others, other) {
				if (other->anon_vma == vma->anon_vma)
					break;
				first++;
			}
			printf("%d/%d;", first, length);
		} else {
			printf("-;");
		}
	}
	putchar('\n');
}

static void begin_anew(void)
{
	VMA_ITERATOR(vmi, &mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		judge_unlink(vma);
		detach_free_vma(vma);
	}
	__mt_destroy(&mm.mm_mt);	/* nobody else is here, and nobody has its lock */
	memset(&mm, 0, sizeof(mm));
}

int main(void)
{
	unsigned long a, b, c, d;
	char line[200], what[8];

	maple_tree_init();
	vma_state_init();
	current->mm = &mm;
	while (fgets(line, sizeof(line), stdin)) {
		a = b = c = d = 0;
		if (sscanf(line, "%7s %lu %lu %lx %lx", what, &a, &b, &c, &d) < 1)
			return 2;
		if (!strcmp(what, "end")) {
			begin_anew();
			fflush(stdout);
			continue;
		} else if (!strcmp(what, "map")) {
			__mmap_region(NULL, AT(a), (b - a) << PAGE_SHIFT, legacy_to_vma_flags(c), d,
				      NULL);
		} else if (!strcmp(what, "unmap")) {
			VMA_ITERATOR(vmi, &mm, AT(a));

			do_vmi_munmap(&vmi, &mm, AT(a), (b - a) << PAGE_SHIFT, NULL, false);
		} else if (!strcmp(what, "flags")) {
			modify(AT(a), AT(b), c, d);
		} else if (!strcmp(what, "touch")) {
			touch(AT(a));
		} else if (!strcmp(what, "fork")) {
			inherit(AT(a));
		} else if (!strcmp(what, "clean")) {
			clear_soft_dirty();
		} else {
			return 2;
		}
		say();
	}
	return 0;
}
