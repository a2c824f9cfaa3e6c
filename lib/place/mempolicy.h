/* SPDX-License-Identifier: MIT */
/*
 * mempolicy.h: the calling thread's memory policy, which its children and what it executes inherit.
 * The kernel has no way to change another thread's.
 */
#ifndef GM_PLACE_MEMPOLICY_H
#define GM_PLACE_MEMPOLICY_H

#include "policy/mempolicy.h"

/* Errors: what get_mempolicy(2) says. */
int gm_mempolicy_get(struct gm_mempolicy *ret);
/* Without MPOL_PREFERRED_MANY (before 5.15) the first node alone is preferred; without weights all nodes
 * count alike. Errors: what set_mempolicy(2) says; EINVAL also when the cpuset allows none of the nodes. */
int gm_mempolicy_set(const struct gm_mempolicy *policy);

/* What a task with this plan is started with, by the kernel's weights as they are now. Errors: ENOENT
 * none, as the plan's devices are no nodes or its placement says nothing. */
int gm_mempolicy_of_task(const struct gpumem_plan *plan, const struct gm_place_devices *devices,
			 struct gm_mempolicy *ret);

#endif
