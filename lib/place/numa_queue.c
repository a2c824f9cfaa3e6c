/* SPDX-License-Identifier: MIT */
/*
 * numa_queue.c: names of pages, gathered for one call.
 */
#include <errno.h>
#include <string.h>

#include "base/page.h"
#include "base/shmem.h"
#include "place/numa_queue.h"

static int open_queue(struct gm_numa_queue *q)
{
	size_t room = GM_NUMA_QUEUE_BYTES / gm_page_bytes();
	size_t each = sizeof(q->name[0]) + sizeof(q->node[0]) + sizeof(q->status[0]);
	int rc;

	if (!q->memory) {
		q->memory = gm_shmem_new(room * each);
		if (!q->memory)
			return -ENOMEM;
		q->room = room;
		q->name = q->memory;
		q->node = (int *)(q->name + room);
		q->status = q->node + room;
	}
	rc = gm_numa_walk_open(&q->walk, 0);
	if (rc < 0)
		return rc;
	q->open = true;
	q->guessed = false;
	q->n = 0;
	return 0;
}

int gm_numa_queue_add(struct gm_numa_queue *q, void *addr, size_t len, int node)
{
	uintptr_t at = (uintptr_t)addr, end = at + len;
	size_t page = gm_page_bytes();
	ssize_t n;
	int rc;

	if (at % page || len % page || end < at)
		return -EINVAL;
	if (q->open && len / page > q->room - q->n)
		gm_numa_queue_move(q);
	if (!q->open) {
		rc = open_queue(q);
		if (rc < 0)
			return rc;
	}
	if (len / page > q->room)
		return -EFBIG;
	n = gm_numa_walk(&q->walk, &at, end, q->name + q->n, q->room - q->n);
	for (ssize_t i = 0; i < n; i++, q->n++) {
		q->guessed |= (q->name[q->n] & GM_NAME_MAYBE) != 0;
		q->name[q->n] &= ~GM_NAME_FLAGS;
		q->node[q->n] = node;
	}
	return n < 0 ? (int)n : 0;
}

void gm_numa_queue_move(struct gm_numa_queue *q)
{
	unsigned calls = 0;

	if (!q->open) {
		q->n = 0;
		q->guessed = false;
		return;
	}
	if (q->n)
		gm_numa_name(0, q->n, (void *const *)q->name, q->node, q->status, &calls);
	gm_numa_walk_close(&q->walk);
	q->open = false;
}

int gm_numa_queue_why(const struct gm_numa_queue *q, const void *addr, size_t len)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->name[i] >= (uintptr_t)addr && q->name[i] - (uintptr_t)addr < len && q->status[i] < 0 &&
		    q->status[i] != -ENOENT && q->status[i] != -EFAULT)
			return q->status[i];
	return 0;
}

void gm_numa_queue_free(struct gm_numa_queue *q)
{
	if (q->open)
		gm_numa_walk_close(&q->walk);
	gm_shmem_free(q->memory, q->room * (sizeof(q->name[0]) + sizeof(q->node[0]) + sizeof(q->status[0])));
	memset(q, 0, sizeof(*q));
}
