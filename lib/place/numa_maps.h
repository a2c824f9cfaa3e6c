/* SPDX-License-Identifier: MIT */
/*
 * numa_maps.h: on which nodes a process has how much, mapping by mapping: /proc/PID/numa_maps. The kernel walks all
 * of the process's page tables for it: a tenth of what asking move_pages(2) for each page costs.
 */
#ifndef GM_NUMA_MAPS_H
#define GM_NUMA_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gm_numa_mapping {
	uintptr_t start;     /* where it ends is not said: before the next one begins */
	bool own;	     /* private and anonymous, and no stack: what gpumem moves */
	uint64_t page_bytes; /* the unit of its counts */
	const char *counts;  /* for gm_numa_next() */
};

/* A line of the file. Pure. */
bool gm_numa_mapping_parse(const char *line, struct gm_numa_mapping *ret);
/* The next node that the mapping has pages on; false: there are no more. Begin with *cursor = counts. Pure. */
bool gm_numa_next(const struct gm_numa_mapping *mapping, const char **cursor, int *ret_node, uint64_t *ret_bytes);

typedef void gm_numa_mapping_fn(void *data, const struct gm_numa_mapping *mapping);
/* Calls fn for each mapping, by ascending address. pid 0: the own process. Errors: ESRCH it is gone, EACCES it is
 * another user's, ENOENT the kernel knows no NUMA, EIO. */
int gm_numa_maps(pid_t pid, gm_numa_mapping_fn *fn, void *data);

/* Bytes of the process's own memory on the node. Errors: the same. */
int gm_numa_maps_bytes(pid_t pid, int node, uint64_t *ret);

#endif
