/* SPDX-License-Identifier: MIT */
/*
 * residency.h: where pages are, measured. A page that pagemap calls present and that
 * move_pages(2) does not know (-ENOENT) is memory behind KFD; where a device's memory is a node, it names
 * that. Both work without privilege.
 */
#ifndef GM_RESIDENCY_H
#define GM_RESIDENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpumem.h"

enum gm_page {
	GM_PAGE_ABSENT = 0, /* hole, swapped, or the zero page: nothing to move */
	GM_PAGE_HOST = 1,
	GM_PAGE_DEVICE = 2,
	GM_PAGE_DEVICE_SHARED = 3, /* a copy-on-write page that a forked process maps too */
	GM_PAGE_ON = 16,	   /* + index: on the node of that device */
	GM_PAGE_SHARED_ON = 32,	   /* + index: the same, and a forked process maps it too */
};

#define GM_SCAN_PAGES 512u /* at most: a chunk of the smallest pages */

/* NUMA nodes that are devices' memory. */
struct gm_device_nodes {
	size_t count;
	struct {
		int node;
		uint8_t index; /* of the device */
	} node[GPUMEM_MAX_DEVICES];
};
void gm_device_nodes_add(struct gm_device_nodes *nodes, int node, size_t index);
/* Pages there count as device pages from now on, in the whole process; before, no node's do. */
void gm_residency_set_nodes(const struct gm_device_nodes *nodes);
const struct gm_device_nodes *gm_residency_nodes(void);

/* Reads pagemap alone: map[i] is GM_PAGE_HOST for every present page. Returns how many are
 * present, or -errno. n <= GM_SCAN_PAGES. `fd` is an open /proc/self/pagemap. */
int gm_residency_present(int fd, const void *addr, size_t n, uint8_t *map);
/* Tells host from device pages in a map made by the above, asking for every `stride`-th present
 * page; the others keep the answer of the last one asked. Errors: EIO. */
int gm_residency_sort(const void *addr, size_t n, unsigned stride, uint8_t *map);

/* Whether all n pages are there, by mincore(2): a fifth of the price of pagemap, and blind to what
 * kind of page it is. */
bool gm_residency_all_present(const void *addr, size_t n);

/* Counts of a sorted map. */
struct gm_counts {
	unsigned host, device, shared; /* device includes shared */
	int index; /* the device that most of them are on, where their nodes tell; else -1 */
};
struct gm_counts gm_residency_count(const uint8_t *map, size_t n);

#endif
