/* SPDX-License-Identifier: MIT */
/*
 * numa_put.c: naming pages to move_pages(2), and a piece of the own process put on a node.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place/numa.h"
#include "place/numa_walk.h"

#define MPOL_MF_MOVE 2
#define NAMES 512
#define NODES 1024
#define BITS ((int)(8 * sizeof(unsigned long)))
#define UNSET INT_MIN
#define LOOKS 4 /* pages of a frame that tell whether it followed its head */

/* Behind a group that failed, in [*from, n): the first page that is still to be named. */
static size_t behind_group(size_t from, size_t n, void *const *page, int *status)
{
	const uintptr_t frame = ~(uintptr_t)(gm_numa_huge_bytes() - 1);
	size_t start = from, end;

	while (start < n && status[start] != UNSET)
		start++;
	for (end = start; end < n && status[end] == UNSET; end++)
		status[end] = -EBUSY;
	if (end == n)
		return n;
	/* One page, and the next one is not to be had: the tail of a huge page that stayed. */
	if (end == start + 1 && status[end] == -EBUSY)
		while (end < n && (((uintptr_t)page[end] ^ (uintptr_t)page[start]) & frame) == 0)
			status[end++] = -EBUSY;
	else
		end++; /* what ended the group has its answer */
	return end;
}

int gm_numa_name(pid_t pid, size_t n, void *const *page, const int *node, int *status,
		 unsigned *calls)
{
	for (size_t at = 0; at < n;) {
		long rc;

		for (size_t i = at; i < n; i++)
			status[i] = UNSET;
		rc = syscall(SYS_move_pages, pid, n - at, page + at, node, status + at, MPOL_MF_MOVE);
		if (rc < 0)
			rc = -errno;
		++*calls;
		if (rc <= 0) {
			for (size_t i = at; i < n; i++)
				if (status[i] == UNSET)
					status[i] = rc < 0 ? (int)rc : -EBUSY;
			return (int)rc;
		}
		at = behind_group(at, n, page, status);
	}
	return 0;
}

/* Returns the first error. */
static int put(uintptr_t *name, size_t n, int node)
{
	int nodes[NAMES], status[NAMES], rc;
	void *page[NAMES];
	unsigned calls = 0;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		page[i] = gm_name_page(name[i]);
		nodes[i] = node;
	}
	rc = gm_numa_name(0, n, page, nodes, status, &calls);
	/* A page that is gone by now is nobody's failure. */
	for (size_t i = 0; i < n && rc == 0; i++)
		if (status[i] < 0 && status[i] != -ENOENT && status[i] != -EFAULT)
			rc = status[i];
	return rc;
}

/* How many of the frame's pages that are looked at are on the node. */
static int on_node(const struct gm_numa_walk *w, uintptr_t frame, int node)
{
	const uintptr_t page[LOOKS] = { frame, frame + w->page, frame + w->huge / 2,
					frame + w->huge - w->page };
	int status[LOOKS], there = 0;

	if (syscall(SYS_move_pages, 0, (unsigned long)LOOKS, page, NULL, status, 0) < 0)
		return 0;
	for (int i = 0; i < LOOKS; i++)
		there += status[i] == node;
	return there;
}

/* The kernel does not tell whether the frame is one huge page: its pages follow their head then. */
static int put_frame(const struct gm_numa_walk *w, uintptr_t frame, int node)
{
	uintptr_t name[NAMES];
	int before = on_node(w, frame, node), first = 0;

	if (before == 0) {
		name[0] = frame;
		first = put(name, 1, node);
		if (on_node(w, frame, node) == LOOKS || first == -EINVAL || first == -ENODEV)
			return first;
	}
	for (uintptr_t at = frame; at < frame + w->huge;) {
		size_t n = 0;
		int rc;

		for (; n < NAMES && at < frame + w->huge; at += w->page)
			name[n++] = at;
		rc = put(name, n, node);
		if (!first)
			first = rc;
	}
	return first;
}

/* Frames that may be huge one by one, the others together. */
static int put_names(const struct gm_numa_walk *w, uintptr_t *name, size_t n, int node)
{
	size_t others = 0;
	int first = 0, rc;

	for (size_t i = 0; i < n; i++) {
		if (!(name[i] & GM_NAME_MAYBE)) {
			name[others++] = name[i];
			continue;
		}
		rc = put_frame(w, name[i] & ~GM_NAME_FLAGS, node);
		if (!first)
			first = rc;
	}
	rc = put(name, others, node);
	return first ? first : rc;
}

int gm_numa_clear(pid_t pid, int from, int to)
{
	unsigned long old[NODES / BITS] = { 0 }, new[NODES / BITS] = { 0 };

	if (from < 0 || from >= NODES || to < 0 || to >= NODES)
		return -EINVAL;
	old[from / BITS] = 1ul << from % BITS;
	new[to / BITS] = 1ul << to % BITS;
	/* The kernel takes one bit less than it is told. */
	return syscall(SYS_migrate_pages, pid, NODES + 1ul, old, new) < 0 ? -errno : 0;
}

int gm_numa_put(void *addr, size_t len, int node)
{
	uintptr_t at = (uintptr_t)addr, end = at + len, name[NAMES];
	struct gm_numa_walk w;
	int rc = gm_numa_walk_open(&w, 0), first = 0;

	if (rc < 0)
		return rc;
	if (at % w.page || len % w.page || end < at)
		first = -EINVAL;
	while (!first && at < end) {
		ssize_t n = gm_numa_walk(&w, &at, end, name, NAMES);

		if (n < 0)
			first = (int)n;
		else
			first = put_names(&w, name, (size_t)n, node);
	}
	gm_numa_walk_close(&w);
	return first;
}
