/* SPDX-License-Identifier: MIT */
/*
 * mempolicy.c: a plan in the kernel's words.
 */
#include <string.h>

#include "policy/mempolicy.h"

#define WORD (8 * sizeof(unsigned long))

static void add(struct gm_mempolicy *policy, int node)
{
	if (node >= 0 && node < (int)GM_MEMPOLICY_NODES)
		policy->nodes[(size_t)node / WORD] |= 1ul << (size_t)node % WORD;
}

void gm_mempolicy_for(const struct gpumem_plan *plan, const struct gm_place_devices *devices,
		      int host_node, bool weighted, struct gm_mempolicy *ret)
{
	size_t count = 0;
	bool own = false;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < plan->device_count; i++) {
		const struct gm_place_device *d = &devices->device[plan->device[i]];

		if (!gm_is_node(d) || d->node < 0 ||
		    (count && plan->placement == GPUMEM_PLACE_PREFER))
			continue;
		add(ret, d->node);
		own |= d->kind == GPUMEM_KIND_NUMA;
		count++;
	}
	if (count == 0)
		return;
	switch (plan->placement) {
	case GPUMEM_PLACE_PREFER:
		ret->mode = GM_MPOL_PREFERRED;
		break;
	case GPUMEM_PLACE_BIND:
		ret->mode = GM_MPOL_BIND;
		break;
	case GPUMEM_PLACE_INTERLEAVE:
		if (plan->ratio_host)
			add(ret, host_node);
		ret->mode = weighted ? GM_MPOL_WEIGHTED_INTERLEAVE : GM_MPOL_INTERLEAVE;
		break;
	default:
		memset(ret, 0, sizeof(*ret));
		/* What was asked for stays where it went. */
		if (own && plan->placement == GPUMEM_PLACE_ADVISE)
			ret->mode = GM_MPOL_LOCAL;
	}
}

void gm_mempolicy_of_agent(const struct gm_mempolicy *task, const struct gpumem_plan *plan,
			   bool limited, struct gm_mempolicy *ret)
{
	*ret = *task;
	if (limited || (plan->placement == GPUMEM_PLACE_INTERLEAVE && plan->device_count > 1)) {
		memset(ret, 0, sizeof(*ret));
		ret->mode = GM_MPOL_LOCAL;
	} else if (task->mode == GM_MPOL_BIND) {
		ret->mode = GM_MPOL_PREFERRED_MANY;
	}
}
