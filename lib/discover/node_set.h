/* SPDX-License-Identifier: MIT */
/*
 * node_set.h: sets of NUMA nodes as the kernel writes them, and nodes by distance. Needs libc alone.
 */
#ifndef GM_NODE_SET_H
#define GM_NODE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GM_NUMA_MAX 1024 /* the kernel's largest MAX_NUMNODES */

struct gm_node_set {
	bool known; /* the file was there and made sense */
	uint64_t bits[GM_NUMA_MAX / 64];
};

/* "0,8,250-255" -> set; false when it is no such list. "" is the empty set, a newline ends it. */
bool gm_node_set_parse(const char *text, struct gm_node_set *ret);
/* One that cannot be (below 0, or too large) is left out. */
void gm_node_set_add(struct gm_node_set *set, int32_t node);
bool gm_node_set_has(const struct gm_node_set *set, int32_t node);
/* The n-th member, from 0; -1 when there are fewer. */
int32_t gm_node_set_nth(const struct gm_node_set *set, uint32_t n);
/* Those in both. */
struct gm_node_set gm_node_set_and(const struct gm_node_set *a, const struct gm_node_set *b);

/* Members of `among`, `node` itself left out, nearest first and equals by number; at most `room`. `distances` is
 * the node's file of that name, a figure for each online node; those it does not name are equally far. Returns
 * how many. Grows with members times room. */
size_t gm_nodes_by_distance(const struct gm_node_set *online, const struct gm_node_set *among,
			    const char *distances, int32_t node, int *ret, size_t room);

#endif
