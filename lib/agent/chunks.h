/* SPDX-License-Identifier: MIT */
/*
 * chunks.h: what is known of each 2 MiB chunk of the process's memory, found by address.
 */
#ifndef GM_CHUNKS_H
#define GM_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpumem.h"

#define GM_CHUNK_OUT 1u /* the application keeps it in system memory */

struct gm_chunk {
	uint64_t number;       /* address / GPUMEM_CHUNK_BYTES; 0 marks a free entry */
	uint32_t moved_order;  /* counts up with each move to a device: the smallest is the oldest */
	uint32_t retry_pass;   /* no move to a device before this pass, after failures */
	uint16_t device_pages; /* on `device` and counted for this process */
	uint16_t host_pages;   /* could move */
	uint16_t present_pages; /* at the last look: unchanged means the program is done filling it */
	uint8_t device;
	uint8_t fails;
	uint8_t flags;
	uint8_t pass; /* low bits of the last pass that saw it */
};

_Static_assert(sizeof(struct gm_chunk) <= 32, "the chunk table is part of the memory budget");

/* Open addressing with linear probing; at most three quarters full. */
struct gm_chunks {
	struct gm_chunk *entry;
	size_t room, used;
};

static inline void *gm_chunk_addr(const struct gm_chunk *c)
{
	return (void *)(uintptr_t)(c->number * GPUMEM_CHUNK_BYTES);
}

/* Whether a sample of its pages may speak for all: runs shorter than the distance of the samples
 * hide in a chunk that was partly here, partly there at the last look. */
static inline bool gm_chunk_uniform(const struct gm_chunk *c)
{
	return c->fails == 0 && (c->device_pages == 0 || c->host_pages == 0);
}

/* NULL when it is not known. O(1). */
struct gm_chunk *gm_chunks_find(const struct gm_chunks *chunks, uint64_t number);
/* Finds or adds; pointers from before are invalid after it. NULL when out of memory. */
struct gm_chunk *gm_chunks_get(struct gm_chunks *chunks, uint64_t number);
/* Forgets chunks that `pass` did not see, except those the application keeps out. Each is reported
 * once. Needs no memory. */
typedef void gm_chunks_gone_fn(void *data, const struct gm_chunk *chunk);
void gm_chunks_sweep(struct gm_chunks *chunks, uint8_t pass, gm_chunks_gone_fn *gone, void *data);
/* Copies of the up to n chunks on `device` that were moved there first, in that order; returns how
 * many. O(entries), so ask for many at once. */
size_t gm_chunks_oldest(const struct gm_chunks *chunks, uint8_t device, struct gm_chunk *ret,
			size_t n);
void gm_chunks_free(struct gm_chunks *chunks);

#endif
