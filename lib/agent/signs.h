/* SPDX-License-Identifier: MIT */
/*
 * signs.h: what the kernel counts of a process anyhow. It tells for the price of a few system calls, however
 * much memory there is, that nothing was written for the first time, mapped or given back.
 */
#ifndef GM_SIGNS_H
#define GM_SIGNS_H

#include <stdbool.h>
#include <stdint.h>

struct gm_signs {
	uint64_t faults;	/* page faults of all threads but the calling one */
	uint64_t mapped, own;	/* pages of address space, and present ones that are no file's */
};

/* Fewer pages than this are not worth a look. */
#define GM_SIGNS_FEW 16u

/* A page that is written for the first time, or again after its soft-dirty bit was cleared, is one. */
uint64_t gm_signs_faults(void);
/* CPU time of all threads but the calling one. */
uint64_t gm_signs_cpu_ns(void);
void gm_signs_read(struct gm_signs *ret);

/* Memory came or went between the two: mapped, unmapped, filled or given back. */
static inline bool gm_signs_of_change(const struct gm_signs *a, const struct gm_signs *b)
{
	uint64_t own = a->own > b->own ? a->own - b->own : b->own - a->own;

	return a->mapped != b->mapped || own >= GM_SIGNS_FEW;
}

#endif
