/* SPDX-License-Identifier: MIT */
/*
 * ranking.h: the chunks of a device that leave first, by a key of 64 bits. Holds the front of the
 * queue alone, so that its size does not depend on the device's.
 */
#ifndef GM_RANKING_H
#define GM_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GM_RANKING_FRONT 1024u

struct gm_ranked {
	uint64_t key; /* the smallest leaves first; no two are equal */
	uint32_t id;
};

struct gm_ranking {
	/* Last to leave first, so that what happens at the front moves little. */
	struct gm_ranked entry[2 * GM_RANKING_FRONT];
	uint32_t count;
	bool built; /* false: to be filled before it is read */
	bool cut; /* there are more, all with keys above `most` */
	uint64_t most;
};

struct gm_ranking *gm_ranking_new(void);
void gm_ranking_free(struct gm_ranking *r);
/* Filling: begin, add all in any order, end. O(n). */
void gm_ranking_begin(struct gm_ranking *r);
void gm_ranking_add(struct gm_ranking *r, uint64_t key, uint32_t id);
void gm_ranking_end(struct gm_ranking *r);
/* While it is built. */
void gm_ranking_insert(struct gm_ranking *r, uint64_t key, uint32_t id);
void gm_ranking_remove(struct gm_ranking *r, uint64_t key, uint32_t id);
/* The i-th to leave; NULL when none is known. */
const struct gm_ranked *gm_ranking_at(const struct gm_ranking *r, size_t i);

#endif
