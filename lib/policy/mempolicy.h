/* SPDX-License-Identifier: MIT */
/*
 * mempolicy.h: which memory policy of the kernel a plan becomes where devices' memory is NUMA nodes. Pure.
 */
#ifndef GM_MEMPOLICY_H
#define GM_MEMPOLICY_H

#include <stdbool.h>

#include "place/devices.h"

#define GM_MEMPOLICY_NODES 1024u

/* The kernel's numbers; its headers of older versions lack the last ones. */
enum gm_mempolicy_mode {
	GM_MPOL_DEFAULT = 0,
	GM_MPOL_PREFERRED = 1,
	GM_MPOL_BIND = 2,
	GM_MPOL_INTERLEAVE = 3,
	GM_MPOL_LOCAL = 4,
	GM_MPOL_PREFERRED_MANY = 5,    /* 5.15 */
	GM_MPOL_WEIGHTED_INTERLEAVE = 6, /* 6.9 */
};

struct gm_mempolicy {
	int mode;
	unsigned long nodes[GM_MEMPOLICY_NODES / (8 * sizeof(unsigned long))];
};

/*
 * What the task is started with, so that programs without an agent obey too; GM_MPOL_DEFAULT where there is
 * nothing to say. `advise` becomes GM_MPOL_LOCAL on nodes without CPUs: NUMA balancing would take what the
 * application moved there away. `host_node` is where interleave's other part goes, -1 none; `weighted`: the
 * kernel's weights of those nodes are as the ratio wants them.
 */
void gm_mempolicy_for(const struct gpumem_plan *plan, const struct gm_place_devices *devices,
		      int host_node, bool weighted, struct gm_mempolicy *ret);

/*
 * What a process with an agent makes of it. Where a limit is smaller than the device, or chunks go to several
 * devices, memory begins in system memory and the agent places it, so that no limit is passed; `bind`
 * does not kill a process whose agent can make room. Never GM_MPOL_DEFAULT, with which NUMA balancing would
 * bring every page back to the CPUs.
 */
void gm_mempolicy_of_agent(const struct gm_mempolicy *task, const struct gpumem_plan *plan,
			   bool limited, struct gm_mempolicy *ret);

#endif
