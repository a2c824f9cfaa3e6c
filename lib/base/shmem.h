/* SPDX-License-Identifier: MIT */
/*
 * shmem.h: memory for the agent's own tables. Shared anonymous pages are never eligible for a
 * move, so the agent does not find its own tables when it scans the process, and a forked child
 * can drop them without copying a page.
 */
#ifndef GM_SHMEM_H
#define GM_SHMEM_H

#include <stddef.h>
#include <sys/mman.h>

/* Zeroed; NULL when there is none. */
static inline void *gm_shmem_new(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline void gm_shmem_free(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

#endif
