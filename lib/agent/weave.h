/* SPDX-License-Identifier: MIT */
/*
 * weave.h: interleave: which chunk is whose, and how much of a process each device is to hold. The
 * parts are of the bytes the process has now, so they grow with it.
 */
#ifndef GM_WEAVE_H
#define GM_WEAVE_H

#include <stdbool.h>

#include "gpumem.h"

#define GM_WEAVE_HOST GPUMEM_MAX_DEVICES

struct gm_weave {
	bool on;
	uint64_t room[GPUMEM_MAX_DEVICES]; /* bytes that may still go to each device */
	bool moved; /* some did in this pass */
	bool any;   /* no chunk whose turn it is was left in the last one: others may go too */
};

/* The bytes of `total` that each of the plan's devices is to hold. Pure. */
uint64_t gm_weave_part(const struct gpumem_plan *plan, uint64_t total);
/* Whose turn chunk `number` is: the index of a device, or GM_WEAVE_HOST. Pure. */
size_t gm_weave_turn(const struct gpumem_plan *plan, uint64_t number);
/* Where a chunk in system memory goes now, by turn and room; GM_WEAVE_HOST: it stays. */
size_t gm_weave_target(const struct gm_weave *weave, const struct gpumem_plan *plan,
		       uint64_t number, uint64_t bytes);
/* A pass is over. */
void gm_weave_pass(struct gm_weave *weave);

#endif
