/* SPDX-License-Identifier: MIT */
/*
 * share.h: who of a job's processes gives how much of a device, and who may take. Every agent
 * computes it from the same figures, so nobody has to tell anybody. Pure.
 */
#ifndef GM_SHARE_H
#define GM_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpumem.h"

/* One process and one device. */
struct gm_holder {
	uint64_t charged;
	uint64_t wanted; /* in use, in system memory, would move in */
	uint64_t class_bytes[GPUMEM_HEAT_CLASSES];
};

/* The levels, in bytes of the whole job. */
struct gm_levels {
	uint64_t high; /* above it chunks leave, up to it they move in */
	uint64_t low;  /* down to here once high is passed */
	bool draining; /* it was passed before, and low is not reached yet */
};

struct gm_share {
	uint64_t give;	/* bytes to take off the device now */
	uint64_t room;	/* bytes this process may bring in now */
	uint64_t cold_room; /* of them, what was evicted before and is not in use: up to `low` only, or it
			     * would come back as soon as it is gone */
	uint64_t fair;	/* what each is guaranteed; more where others want less */
	bool over;	/* the job is above the high mark, or draining */
};

/*
 * Above `high` the job gives down to `low`. Below it, processes that hold more than the fair
 * part (borrowers) give what those below it (owners) want and the free room does not cover. Borrowers give
 * first, and of their borrowed bytes the job's coldest; what that does not cover comes from all, coldest
 * first. O(n).
 */
void gm_share(const struct gm_holder *holder, size_t n, size_t own, const struct gm_levels *levels,
	      struct gm_share *ret);

#endif
