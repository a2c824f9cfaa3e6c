/* SPDX-License-Identifier: MIT */
/*
 * move.h: where a chunk's pages are, and the ledger and the engine told of it. Callers hold the process's
 * lock.
 */
#ifndef GM_MOVE_H
#define GM_MOVE_H

#include "agent/proc.h"
#include "base/page.h"

#define GM_MIN_RUN_BYTES 65536u /* shorter runs are not worth a range of the driver's own */

static inline unsigned gm_chunk_pages(void)
{
	return (unsigned)(GPUMEM_CHUNK_BYTES / gm_page_bytes());
}

/* In pages. */
static inline unsigned gm_min_run(void)
{
	size_t page = gm_page_bytes();

	return page < GM_MIN_RUN_BYTES ? (unsigned)(GM_MIN_RUN_BYTES / page) : 1;
}

/* Whether enough of it can move, or has. */
static inline bool gm_chunk_matters(const struct gm_chunk *c)
{
	return (unsigned)c->host_pages + c->device_pages >= gm_min_run();
}

/* Where the pages of a chunk are. */
struct gm_chunk_view {
	unsigned present;
	struct gm_counts count;
	uint8_t map[GM_SCAN_PAGES];
};

/* Which of the chunk's pages are present in mappings that may move; nothing is sorted yet.
 * Starts to look at ranges[from]. Errors: what pread(2) says. */
int gm_view_present(struct gm_proc *p, uint64_t number, size_t from,
		    struct gm_chunk_view *view);
/* Sorts all pages, or trusts a sample of one in 16 that agrees with itself. */
int gm_view_sort(uint64_t number, bool sample, struct gm_chunk_view *view);

/* The descriptor, opened anew where the application closed it; -1 without one. */
int gm_pagemap(struct gm_proc *p);
/* The own slot's figures for the device; NULL without a job. */
struct gm_slot_device *gm_slot_device(struct gm_proc *p, size_t index);
void gm_count_fail(struct gm_proc *p, enum gpumem_fail why);
/* Tells the engine what became of a chunk of the home device, which had `before` pages there. */
void gm_tell_engine(struct gm_proc *p, uint32_t id, unsigned before, bool evicted);

/* A move of the chunk failed: counts why and waits a while, longer each time, before the next. */
void gm_move_failed(struct gm_proc *p, struct gm_chunk *c, enum gpumem_fail why);

/* Puts a sorted view of the whole chunk into its entry and the ledger. */
void gm_view_account(struct gm_proc *p, uint32_t id, const struct gm_chunk_view *view);
/* The chunk now has `pages` on its device: corrects charge and residency, tells the engine. `evicted`:
 * they were taken off, and did not just go away. */
void gm_account(struct gm_proc *p, uint32_t id, unsigned pages, bool evicted);

/* The rules in force: what was changed while the job runs is stronger than the plan. Needs the ledger. */
void gm_proc_read_rules(struct gm_proc *p);
/* The levels up to which the agents fill device `index`, and down to which they empty it. */
void gm_proc_levels(const struct gm_proc *p, size_t index, struct gm_levels *ret);
/* The own step's part of the limit, by the high mark; UINT64_MAX: none. */
uint64_t gm_proc_step_high(const struct gm_proc *p, size_t index);

#endif
