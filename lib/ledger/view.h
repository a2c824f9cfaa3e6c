/* SPDX-License-Identifier: MIT */
/*
 * view.h: a job's record from outside. The ledger belongs to the user, who may cut it short at
 * any moment, so a reader copies it with pread() and never maps it.
 */
#ifndef GM_VIEW_H
#define GM_VIEW_H

#include <stdbool.h>

#include "base/err.h"
#include "ledger/layout.h"

struct gpumem_job {
	char *state_dir;
	struct gm_limits limits;
	int ledger_fd;
	bool writable;
};

/* A malloc'ed copy of the ledger. Errors: ENOMEM, EIO. */
int gm_view_read(const struct gpumem_job *job, struct gm_ledger_file **ret);
/* The slots that hold something worth reading: at most GM_SLOTS, whatever the file says. */
unsigned gm_view_slots(const struct gm_ledger_file *file);

#endif
