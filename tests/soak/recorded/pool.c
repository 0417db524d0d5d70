/* SPDX-License-Identifier: MIT */
/* Recorded by tests/soak/imports.py: eight threads map, protect, advise, move and unmap at once. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define NR_THREADS 8
#define NR_KEPT 8
#define NR_ROUNDS 400
#define PAGE 4096

static void *work(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;
	char *kept[NR_KEPT] = { NULL };
	size_t size[NR_KEPT];

	for (int i = 0; i < NR_ROUNDS; i++) {
		int k = rand_r(&seed) % NR_KEPT;

		if (kept[k]) {
			munmap(kept[k], size[k]);
			kept[k] = NULL;
			continue;
		}
		size[k] = PAGE * (1 + rand_r(&seed) % 600);
		kept[k] = mmap(NULL, size[k], PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (kept[k] == MAP_FAILED)
			abort();
		kept[k][0] = 1;
		if (i % 3 == 0)
			mprotect(kept[k], PAGE, PROT_READ);
		if (i % 5 == 0)
			madvise(kept[k], size[k], MADV_DONTNEED);
		if (i % 7 == 0) {
			char *moved = mremap(kept[k], size[k], size[k] + 2 * PAGE, MREMAP_MAYMOVE);

			if (moved != MAP_FAILED) {
				kept[k] = moved;
				size[k] += 2 * PAGE;
			}
		}
		if (i % 9 == 0)
			free(malloc(rand_r(&seed) % 300000));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long seed = argc > 1 ? atol(argv[1]) : 1;
	pthread_t threads[NR_THREADS];

	for (long i = 0; i < NR_THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(100 * seed + i)))
			abort();
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
