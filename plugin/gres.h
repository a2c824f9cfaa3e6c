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
 * SLURM_STEP_GPUS and SLURM_JOB_GPUS count the node's GPUs. The *_VISIBLE_DEVICES variables do so
 * too, unless the devices cgroup is constrained: then they count those of the step. `step` is the
 * first list, `visible_step` the variable as the whole step saw it, `visible_task` as the task
 * sees it. A task's list that makes no sense gives the step's.
 */
void gres_of_task(const struct gres_list *step, const struct gres_list *visible_step,
		  const struct gres_list *visible_task, struct gres_list *ret);

#endif
