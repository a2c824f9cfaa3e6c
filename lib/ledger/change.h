/* SPDX-License-Identifier: MIT */
/*
 * change.h: changes that root makes to the limits of a record after it was made. Several steps of a job
 * start at once, so who changes something holds a lock: on a file of its own, as users may read the
 * limits, and who may open a file may lock it and never let go.
 */
#ifndef GM_CHANGE_H
#define GM_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ledger/layout.h"

#define GM_LOCK_NAME ".lock" /* in the state directory, 0600 */

struct gm_change {
	int fd, lock;
	struct gm_limits limits; /* as they were when the lock was taken */
};

/* Opens and locks; waits for whoever has the lock. Errors: ENOENT no record, EPROTO, EACCES. */
int gm_change_open(const char *state_dir, uint32_t job_id, struct gm_change *ret,
		   struct gpumem_error *err);
/* Writes the member of c->limits at `offset` back. Errors: EIO. */
int gm_change_write(const struct gm_change *c, size_t offset, size_t len, struct gpumem_error *err);
#define gm_change_put(c, member, err)                                                            \
	gm_change_write((c), offsetof(struct gm_limits, member), sizeof((c)->limits.member), (err))
/* Gives the lock back. */
void gm_change_close(struct gm_change *c);

static inline bool gm_limits_given(const struct gm_limits *limits, size_t i)
{
	return i < GPUMEM_MAX_DEVICES && (limits->given >> i & 1);
}

#endif
