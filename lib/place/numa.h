/* SPDX-License-Identifier: MIT */
/*
 * numa.h: moves between NUMA nodes, where a device's memory is a node without CPUs (GH200, POWER9
 * and V100). move_pages(2) alone: no device is opened, and any process of the same user can be
 * reached from outside.
 */
#ifndef GM_NUMA_H
#define GM_NUMA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "discover/node_set.h"
#include "place/maps.h"

/*
 * Moves the pages of [addr, addr + len) of the own process to the node: a chunk, or any run of pages.
 * Huge pages stay whole. Holes are never filled, and nothing is verified: measure where pages are
 * afterwards. No malloc(); 24 KiB of stack. Errors: the first one, -ENOMEM the node is full, -EBUSY
 * some pages are pinned, -EACCES mapped by other processes too, or the cpuset forbids the node,
 * -ENODEV, -EINVAL no such node, or the range is not of whole pages.
 */
int gm_numa_put(void *addr, size_t len, int node);

/*
 * All pages of the process (0: the own one) that are on node `from` and mapped by nobody else to node `to`, whatever
 * mapping they are in: migrate_pages(2). Grows with the process. Errors: what it says; pages that stay are none.
 */
int gm_numa_clear(pid_t pid, int from, int to);

/* Why pages stayed. */
enum gm_numa_fail {
	GM_NUMA_PINNED = 0, /* somebody holds a reference: DMA, io_uring, a lock of the kernel's */
	GM_NUMA_FULL = 1,   /* no node of to[] has room */
	GM_NUMA_SHARED = 2, /* mapped by several processes (copy on write) */
	GM_NUMA_GONE = 3,   /* freed or swapped meanwhile, or hidden from move_pages(2) */
	GM_NUMA_OTHER = 4,
	GM_NUMA_FAILS = 5,
};

#define GM_NUMA_TARGETS 8
#define GM_NUMA_WORKERS 8

struct gm_numa_move {
	pid_t pid; /* 0: the own process */
	const struct gm_range *range; /* ascending */
	size_t count;
	const struct gm_node_set *from; /* nodes whose pages move; NULL: all but those in to[] */
	int to[GM_NUMA_TARGETS]; /* tried in this order when one is full */
	size_t to_count;
	unsigned workers;   /* 1 to 8 threads, the calling one among them */
	uint64_t max_bytes; /* UINT64_MAX: all */
	/* Above 0: the ranges are all of the process that may move. If all that it has on the nodes to be left, its
	 * stacks and its files' pages too, is no more than this and to[0] has room for it, one worker takes all of that
	 * along: the kernel finds it by itself, which is faster than naming pages. Not where huge pages come first,
	 * which are faster by name, and not with CAP_SYS_NICE. */
	uint64_t whole_bytes;
};

/* In bytes, as measured afterwards. */
struct gm_numa_moved {
	uint64_t bytes; /* on a node of to[] now, and not before */
	uint64_t there; /* were there before; the others of the range were not present, or not in from */
	uint64_t left;	/* should have moved and did not */
	uint64_t failed[GM_NUMA_FAILS]; /* the same by reason */
	uint64_t hidden; /* present, but move_pages(2) does not know them: on an svm device; on Linux 6.1 to
			  * 6.4 also what NUMA balancing has marked */
	unsigned calls; /* of move_pages(2) that move */
};

/*
 * Moves what the ranges hold. Pages that will not move are counted, not an error. *ret is filled
 * in any case. Errors: -ESRCH the process is gone, -EPERM it is another user's, -ENODEV or -EACCES
 * the node is not there or not allowed to the process, -EINVAL, -ENOMEM no memory for the tables.
 */
int gm_numa_move(const struct gm_numa_move *move, struct gm_numa_moved *ret);

/* Bytes of a huge page: one entry of the page table's middle level. Thread safe. */
size_t gm_numa_huge_bytes(void);

#endif
