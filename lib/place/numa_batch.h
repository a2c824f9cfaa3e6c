/* SPDX-License-Identifier: MIT */
/*
 * numa_batch.h: one batch of a move: the pages it names, where they were and are, and why some stayed.
 */
#ifndef GM_NUMA_BATCH_H
#define GM_NUMA_BATCH_H

#include "place/numa.h"
#include "place/numa_walk.h"

/* Each list has room for as many as gm_numa_batch_init() was told. */
struct gm_numa_batch {
	const struct gm_numa_move *move;
	const struct gm_numa_walk *walk;
	size_t n;
	uint64_t bytes; /* taken from the budget */
	uintptr_t *name;
	int *before; /* where each was */
	int *why;    /* a status: why it did not move */
	int *after;
	void **page; /* the last three: for calls */
	int *node, *status;
	struct gm_numa_moved sum;
};

/* Bytes that the lists take. */
size_t gm_numa_batch_bytes(size_t room);
void gm_numa_batch_init(struct gm_numa_batch *b, void *memory, size_t room);

/* Moves what the batch names and counts it in sum. Errors: those that end a whole move. */
int gm_numa_batch_move(struct gm_numa_batch *b);

/* ---- for numa_frames.c */

enum gm_numa_how {
	GM_NUMA_BEFORE, /* every page, but those that are known to leave */
	GM_NUMA_SAMPLE, /* a sample, where it is of one mind */
	GM_NUMA_EACH,
};
#define GM_NUMA_LEAVES INT_MAX /* in place of a node: one of those to be left */

/* The node of the batch's first n names, or a status below 0. */
int gm_numa_batch_look(struct gm_numa_batch *b, size_t n, int *out, enum gm_numa_how how);
bool gm_numa_is_target(const struct gm_numa_move *move, int node);
bool gm_numa_is_wanted(const struct gm_numa_move *move, int node);

/*
 * Kernels that do not tell huge pages: names the heads of full frames alone and looks which frames followed.
 * Those did move; all pages of the others are named by whoever comes next.
 */
int gm_numa_try_frames(struct gm_numa_batch *b);

#endif
