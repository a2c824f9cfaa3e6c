/* SPDX-License-Identifier: MIT */
/*
 * gres.h: which GPUs of the node a task was given, from what Slurm leaves in its environment.
 * Pure: text in, indices out.
 */
#ifndef GM_PLUGIN_GRES_H
#define GM_PLUGIN_GRES_H

#include <stddef.h>

#include "gpumem.h"

struct gres_list {
	size_t count;
	unsigned index[GPUMEM_MAX_DEVICES];
};

/* "0,2" or "0-3"; anything else (UUIDs, MIG) gives -EINVAL. */
int gres_parse(const char *text, struct gres_list *ret);

/*
 * Which of the step's GPUs are the task's.
 *
 * `step` counts the node's GPUs. `permitted` is the part of it that the task's devices cgroup lets
 * through: where that is less, Slurm bound the task by cgroup, and the *_VISIBLE_DEVICES variables
 * count within that part. Otherwise they count the node's GPUs, or those of the step, which is told
 * from what they were for the whole step (`visible_step`). A list that makes no sense narrows
 * nothing.
 */
void gres_of_task(const struct gres_list *step, const struct gres_list *permitted,
		  const struct gres_list *visible_step, const struct gres_list *visible_task,
		  struct gres_list *ret);

#endif
