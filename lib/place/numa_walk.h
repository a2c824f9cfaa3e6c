/* SPDX-License-Identifier: MIT */
/*
 * numa_walk.h: which pages of a range move_pages(2) should be told of, each huge page by one name: a
 * second name of the same huge page is answered by -EBUSY and ends the kernel's batch.
 */
#ifndef GM_NUMA_WALK_H
#define GM_NUMA_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A name is an address and what is known of the page, in the bits that an address of a page leaves. */
#define GM_NAME_HUGE ((uintptr_t)1)  /* mapped by one entry: it stands for the whole frame */
#define GM_NAME_MAYBE ((uintptr_t)2) /* a full frame of a kernel that does not tell */
#define GM_NAME_LEAVES ((uintptr_t)4) /* it is on a node that is to be left, as is all of its mapping */
#define GM_NAME_WHOLE (GM_NAME_HUGE | GM_NAME_MAYBE)
#define GM_NAME_FLAGS (GM_NAME_WHOLE | GM_NAME_LEAVES)

struct gm_numa_walk {
	int fd;	   /* of /proc/PID/pagemap */
	bool scan; /* PAGEMAP_SCAN, Linux 6.7 */
	size_t page, huge;
};

/* pid 0: the own process. Errors: ESRCH, EPERM, and what open(2) says. */
int gm_numa_walk_open(struct gm_numa_walk *w, pid_t pid);
void gm_numa_walk_close(struct gm_numa_walk *w);

/* Names the present pages from *at on, at most to `end` and as far as `room` pages go, and sets *at
 * to where it stopped. Room for `room` names. Returns how many, or -errno. */
ssize_t gm_numa_walk(const struct gm_numa_walk *w, uintptr_t *at, uintptr_t end, uintptr_t *name,
		     size_t room);

/*
 * move_pages(2) on n pages, as often as it takes: it gives up behind the first group of pages that did not
 * all move. status[i] is then the node, or why not; -EBUSY also for what was tried beside a page
 * that stayed, so only a look tells. `node` has n times the target. Returns 0 or the error of the call,
 * -ENOMEM for a full node: the pages that it did not come to have it as their status.
 */
int gm_numa_name(pid_t pid, size_t n, void *const *page, const int *node, int *status,
		 unsigned *calls);

/* What a name stands for, in bytes. */
static inline size_t gm_name_bytes(const struct gm_numa_walk *w, uintptr_t name)
{
	return name & GM_NAME_WHOLE ? w->huge : w->page;
}

static inline void *gm_name_page(uintptr_t name)
{
	return (void *)(name & ~GM_NAME_FLAGS);
}

#endif
