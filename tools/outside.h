/* SPDX-License-Identifier: MIT */
/*
 * outside.h: what evict and migrate do about processes that no agent is in.
 */
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include <stdbool.h>

#include "gpumem.h"

/* Moves processes without an agent on those of the devices from..to-1 that are NUMA nodes, and says on
 * stderr what would not move. Returns an exit code. */
int outside_move(struct gpumem_job *job, pid_t pid, size_t from, size_t to, bool to_device,
		 unsigned workers);
/* Whether the process is of the job, with or without an agent. */
bool outside_of_job(struct gpumem_job *job, pid_t pid);

#endif
