/* SPDX-License-Identifier: MIT */
/*
 * classify.h: from the facts about one GPU to its kind. Pure: what was read goes in, the verdict
 * and what it rests on come out.
 */
#ifndef GM_CLASSIFY_H
#define GM_CLASSIFY_H

#include "discover/kfd_topology.h"
#include "discover/nvidia.h"

struct gm_facts {
	uint32_t vendor, device; /* PCI ids, 0 unknown; they only choose words */
	bool has_bar0;
	uint64_t bar0_bytes;
	uint64_t vram_bytes; /* amdgpu's figure; 0 for none and for absent */

	const struct gm_kfd_node *kfd;	    /* NULL: no KFD node */
	const struct gm_kfd_link *cpu_link; /* of that node; NULL unknown */
	bool same_hive; /* the CPU's XGMI hive is the GPU's */
	bool maybe_hidden; /* KFD has nodes that cannot be read from here */

	const struct gm_nvidia_gpu *nvidia; /* NULL: not in the driver's list */
	enum gm_nvidia_mode mode;
	/* The node numa_status names, as the kernel sees it. */
	bool node_masks; /* the four below are known */
	bool node_has_cpu, node_has_memory, node_has_normal_memory;
	uint64_t node_bytes;
};

struct gm_verdict {
	enum gpumem_kind kind;
	char evidence[128];
	char note[160];
};

/* Order: NVIDIA's numa_status, KFD's capability bit 28, KFD's XGMI link (gfx90a on kernels that
 * never set the bit), none. */
void gm_classify(const struct gm_facts *facts, struct gm_verdict *ret);

#endif
