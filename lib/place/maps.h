/* SPDX-License-Identifier: MIT */
/*
 * maps.h: which mappings of a process may move: private, anonymous, readable and writable.
 * Everything else (files, shared memory, hugetlb, reservations without access, device mappings)
 * is left alone.
 */
#ifndef GM_MAPS_H
#define GM_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct gm_range {
	uintptr_t start, end;
};

/* Ranges in ascending order; kept out of malloc()'s memory, which is the application's. */
struct gm_ranges {
	struct gm_range *range;
	size_t count, room;
};

/* One line of /proc/PID/maps. Pure. */
bool gm_maps_eligible(const char *line, struct gm_range *ret);

/* Reads /proc/self/maps into `ranges`, merging neighbours. Errors: what open(2) and read(2) say,
 * ENOMEM. Grows with the number of mappings. */
int gm_maps_read(struct gm_ranges *ranges);
/* The same of another process. Errors: ENOENT it is gone, EACCES it is another user's. */
int gm_maps_read_of(pid_t pid, struct gm_ranges *ranges);
void gm_maps_free(struct gm_ranges *ranges);

#endif
