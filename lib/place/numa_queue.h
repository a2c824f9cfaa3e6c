/* SPDX-License-Identifier: MIT */
/*
 * numa_queue.h: pieces of the own process that go to nodes together. Each move_pages(2) that moves empties the page
 * caches of all CPUs first, whichever pages it is for: a price of its own, that many pieces share.
 */
#ifndef GM_NUMA_QUEUE_H
#define GM_NUMA_QUEUE_H

#include "place/numa_walk.h"

#define GM_NUMA_QUEUE_BYTES (16ul << 20) /* of small pages that it has room for */

/* All zero: empty. */
struct gm_numa_queue {
	struct gm_numa_walk walk;
	bool open; /* the walk is */
	bool guessed; /* huge pages that the kernel did not tell: what did not follow its head is still to be moved */
	void *memory; /* of the lists; made with the first piece, 16 bytes for each page */
	size_t room, n;
	uintptr_t *name;
	int *node, *status;
};

/* Adds the present pages of [addr, addr + len); moves all first if it is full. No malloc(). Errors: ENOMEM no memory for
 * the lists, EINVAL the range is not of whole pages, EFBIG it is larger than the queue, and what gm_numa_walk() says. */
int gm_numa_queue_add(struct gm_numa_queue *q, void *addr, size_t len, int node);
/* Moves all that was added, and empties the queue. What became of it is to be measured. With nothing added, what the
 * move before said is forgotten: it speaks of pages that went elsewhere since, to a device that is no node. */
void gm_numa_queue_move(struct gm_numa_queue *q);
/* After the move: why a page of [addr, addr + len) may have stayed; the first error of one, 0 none. */
int gm_numa_queue_why(const struct gm_numa_queue *q, const void *addr, size_t len);
/* Frees the memory; what was added is forgotten. */
void gm_numa_queue_free(struct gm_numa_queue *q);

#endif
