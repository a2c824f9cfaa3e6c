/* SPDX-License-Identifier: MIT */
/*
 * node_now.h: the machine's NUMA nodes as the agent needs them: asked by number, on the running machine.
 * Needs libc alone.
 */
#ifndef GM_NODE_NOW_H
#define GM_NODE_NOW_H

#include <stddef.h>
#include <stdint.h>

/* Nodes with CPUs and memory, `node` itself left out, by their distance from it; at most n. Returns how many. */
size_t gm_nodes_with_cpus(int node, int *ret, size_t n);
/* Bytes of the node that are in use for good: page cache gives way. Errors: what open(2) says, EPROTO. */
int gm_node_used_now(int node, uint64_t *ret_bytes);
/* Bytes of a transparent huge page, which are the processor's affair: 2 MiB, or 512 MiB with some pages of 64 KiB.
 * 0: the kernel has none, or does not say. */
size_t gm_node_huge_bytes(void);
/* The node's weight in weighted interleaving, for every process of the machine; root alone may set it.
 * Errors: ENOENT the kernel has none (before 6.9). */
int gm_node_weight(int node, unsigned *ret);
int gm_node_set_weight(int node, unsigned weight);

#endif
