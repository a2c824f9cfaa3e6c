/* SPDX-License-Identifier: MIT */
/*
 * kfd_topology.h: AMD's compute topology as the kernel publishes it: one node per CPU package
 * part and per GPU, with their memory banks and links.
 */
#ifndef GM_KFD_TOPOLOGY_H
#define GM_KFD_TOPOLOGY_H

#include "discover/sysfs.h"

#define GM_KFD_CAP_SVM 0x08000000u	/* HSA_CAP_SVMAPI_SUPPORTED */
#define GM_KFD_CAP_COHERENT 0x10000000u /* HSA_CAP_FLAGS_COHERENTHOSTACCESS */
#define GM_KFD_LINK_PCIE 2u
#define GM_KFD_LINK_XGMI 11u
#define GM_KFD_LINK_NON_COHERENT 2u

struct gm_kfd_link {
	uint32_t type, node_to, flags;
};

struct gm_kfd_node {
	uint32_t index;	    /* in the topology; neither a NUMA node nor stable */
	bool hidden;	    /* not readable from here; nothing else is known */
	uint32_t gpu_id;    /* 0 for a CPU */
	uint32_t cpu_cores_count, simd_count, gfx_target_version;
	uint32_t vendor_id, device_id, location_id, domain;
	uint64_t capability; /* bit 31 is in use: never an int */
	uint64_t hive_id;    /* above INT64_MAX on real machines */
	int32_t render_minor; /* -1 none */
	uint64_t bank_bytes; /* GPU memory, or system memory of a CPU node */
	size_t link_count;
	struct gm_kfd_link *link;
};

struct gm_kfd {
	size_t count, hidden;
	struct gm_kfd_node *node;
};

/* No topology at all gives an empty one. A node that only this process may not read (device
 * cgroup) is marked hidden; one that makes no sense is left out and logged. Errors: ENOMEM,
 * EAGAIN when the topology kept changing. */
int gm_kfd_read(struct gm_root *root, struct gm_kfd *ret);
void gm_kfd_free(struct gm_kfd *kfd);

bool gm_kfd_is_gpu(const struct gm_kfd_node *node);
/* NULL when there is no such node, or it is hidden. */
const struct gm_kfd_node *gm_kfd_find(const struct gm_kfd *kfd, uint32_t index);
/* The link to a CPU, the best one first: XGMI before PCIe. NULL when there is none. */
const struct gm_kfd_link *gm_kfd_cpu_link(const struct gm_kfd *kfd, const struct gm_kfd_node *gpu);

#endif
