/* SPDX-License-Identifier: MIT */
/*
 * batch.h: chunks that move together, measured before and after, with the ledger kept true. A call that moves
 * pages to a NUMA node disturbs all CPUs, however many pages it is for; to a device of kind svm each chunk moves by
 * itself. Callers hold the process's lock from the first chunk added until all have moved, and have opened the device.
 */
#ifndef GM_BATCH_H
#define GM_BATCH_H

#include "agent/move.h"

#define GM_BATCH_MOST 8u /* chunks: 16 MiB, for as long as whose move the application's own calls may wait */

struct gm_batched {
	uint32_t id;
	size_t index; /* the device; GM_PLACE_HOST: off the one it is on */
	enum gpumem_reason reason;
	int rc;		/* of the first piece that could not be added */
	bool whole;	/* nothing else of the chunk is on the device */
	unsigned present;
	unsigned moved; /* pages; set by gm_batch_move() */
	bool failed;	/* some pages stayed */
	uint8_t map[GM_SCAN_PAGES]; /* what is to move; all else is GM_PAGE_ABSENT */
};

struct gm_batch {
	size_t count;
	struct gm_batched chunk[GM_BATCH_MOST];
};

/* How many chunks of this process may wait for each other. */
static inline size_t gm_batch_most(const struct gm_proc *p)
{
	return p->place.any_node ? GM_BATCH_MOST : 1;
}

/* Adds the view's runs of at least min_run host pages, to go to device `index`, as far as the limits allow, and
 * charges for them. Returns the bytes; *ret_full: the limit was met. */
uint64_t gm_batch_in(struct gm_proc *p, struct gm_batch *batch, uint32_t id, const struct gm_chunk_view *view,
		     size_t index, unsigned min_run, enum gpumem_reason reason, bool *ret_full);
/* Adds the view's device pages, to go to system memory. Returns the bytes. */
uint64_t gm_batch_out(struct gm_proc *p, struct gm_batch *batch, uint32_t id, const struct gm_chunk_view *view,
		      enum gpumem_reason reason);
/* Moves all that was added and accounts for what did. The chunks can be read until count is set to 0. */
void gm_batch_move(struct gm_proc *p, struct gm_batch *batch);

/* One chunk alone: returns bytes moved. */
uint64_t gm_move_in(struct gm_proc *p, uint32_t id, const struct gm_chunk_view *view, size_t index,
		    unsigned min_run, bool *ret_full);
uint64_t gm_move_out(struct gm_proc *p, uint32_t id, const struct gm_chunk_view *view);

#endif
