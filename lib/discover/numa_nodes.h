/* SPDX-License-Identifier: MIT */
/*
 * numa_nodes.h: the kernel's NUMA nodes: which have CPUs and memory of which sort, how much, how
 * far, how fast.
 */
#ifndef GM_NUMA_NODES_H
#define GM_NUMA_NODES_H

#include "discover/node_set.h"
#include "discover/sysfs.h"

struct gm_numa {
	struct gm_node_set online, has_cpu, has_memory, has_normal_memory;
};

void gm_numa_read(struct gm_root *root, struct gm_numa *ret);

/* Bytes of the node in all and in use. Errors: ENOENT, EPROTO. */
int gm_numa_memory(struct gm_root *root, int32_t node, uint64_t *ret_total, uint64_t *ret_used);
/* The same, and what it is in use for. Errors: as above. */
struct gm_numa_usage {
	uint64_t total, used;
	uint64_t cache; /* of `used`: pages of files, which the kernel can drop; shared memory is none */
	uint64_t anon;	/* of `used`: memory of processes */
};
int gm_numa_usage(struct gm_root *root, int32_t node, struct gm_numa_usage *ret);
/* Bytes that CPUs keep for their next allocation: free, though the figures above have them in use. Since Linux 6.7 they
 * may be an eighth of the node, right after a large process ended. 0 unknown. Grows with CPUs times zones. */
uint64_t gm_numa_at_hand(struct gm_root *root, int32_t node);
/* Where the node's files are; `ret` has room for 64. */
void gm_numa_folder(int32_t node, char *ret);
/* CPUs of the node. Errors: ENOENT, EFBIG. */
int gm_numa_cpus(struct gm_root *root, int32_t node, char *buf, size_t len);
/* The node with CPUs at the smallest distance, itself included; -1 when unknown or when
 * there are two. */
int32_t gm_numa_nearest_cpus(struct gm_root *root, const struct gm_numa *numa, int32_t node);
/* Firmware's figures for the best initiator; 0 unknown. */
void gm_numa_performance(struct gm_root *root, int32_t node, uint64_t *ret_bandwidth,
			 uint64_t *ret_latency);

#endif
