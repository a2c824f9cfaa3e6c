/* SPDX-License-Identifier: MIT */
/*
 * numa_order.h: where memory of a device's node goes when it leaves.
 */
#ifndef GM_NUMA_ORDER_H
#define GM_NUMA_ORDER_H

#include "discover/numa_nodes.h"

/* Nodes with CPUs and memory, nearest to `node` first, equals by number. Returns how many, at most `room`. */
size_t gm_numa_order(struct gm_root *root, int32_t node, int *ret, size_t room);
/* All such nodes. */
struct gm_node_set gm_numa_system_nodes(struct gm_root *root);
/* Bytes that may come to the node before the kernel has to look for room; 0 unknown or full. */
uint64_t gm_numa_room(struct gm_root *root, int32_t node);

#endif
