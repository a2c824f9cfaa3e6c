/* SPDX-License-Identifier: MIT */
/*
 * chunks.h: what is known of each 2 MiB chunk of a process's memory, found by its number (address /
 * GPUMEM_CHUNK_BYTES). One table for facts (agent) and heat (engine), as both go through it together.
 *
 * Chunks lie in leaves of 64 neighbours, so that neither number nor pointers are kept for each. An
 * id stays valid until its chunk is removed. Pure but for the memory, which comes from base/shmem.h.
 */
#ifndef GM_CHUNKS_H
#define GM_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpumem.h"

#define GM_LEAF_CHUNKS 64u
#define GM_NO_CHUNK UINT32_MAX

/* Flags of a chunk; the first two are the agent's, the others the engine's. */
#define GM_CHUNK_OUT 1u	   /* the application keeps it in system memory */
#define GM_CHUNK_BACK 2u   /* was on its device when the job was suspended */
#define GM_CHUNK_HIT 4u	   /* touched on the device since the last epoch */
#define GM_CHUNK_MISSED 8u /* touched in system memory since the last epoch: may want in */
#define GM_CHUNK_LIKED 16u /* the application asked for the device: worth more than its heat */
#define GM_CHUNK_SETTLING 32u /* moved in too lately to be a victim */
#define GM_CHUNK_HERE 64u     /* on its device, as the engine was told */
#define GM_CHUNK_COUNTED 128u /* its touch of this epoch is in its heat already */

struct gm_chunk {
	uint32_t order;		/* counts up with each move to a device: smallest = least recently faulted */
	uint16_t often;		/* the engine's: share of the last epochs in which it was touched */
	uint16_t device_pages;	/* on `device` and counted for this process */
	uint16_t host_pages;	/* could move */
	uint16_t present_pages; /* at the last look */
	uint16_t retry_pass;	/* low bits of the pass before which no move to a device is tried */
	uint8_t device : 4;
	uint8_t fails : 4;
	uint8_t flags;
	uint8_t pass; /* low bits of the last pass that saw it */
	uint8_t idle; /* epochs since it was touched; stays at 255 */
	uint8_t guard; /* the engine's: protection after refaults, epochs since it came */
	uint8_t heat;  /* decayed touches; the engine's scale */
};

_Static_assert(sizeof(struct gm_chunk) == 20, "the chunk table is part of the memory budget");

struct gm_leaf {
	uint64_t first; /* number of chunk[0], a multiple of GM_LEAF_CHUNKS */
	uint64_t used;	/* bit per chunk */
	struct gm_chunk chunk[GM_LEAF_CHUNKS];
};

struct gm_chunks {
	struct gm_leaf **leaf; /* by id / GM_LEAF_CHUNKS; entries may be NULL (free again) */
	uint32_t leaves, room;
	uint32_t *index; /* hash of `first` to leaf, open addressing */
	uint32_t index_room;
	uint32_t used, last; /* chunks; the leaf that was used last */
	struct gm_leaf **slab; /* what leaves are cut from; behind the pointers of `leaf` */
	uint32_t leaves_used;
	uint32_t spare; /* 1 + the first of the leaves that became empty, 0 none; each names the next */
};

/* GM_NO_CHUNK when it is not known. O(1). */
uint32_t gm_chunks_find(const struct gm_chunks *chunks, uint64_t number);
/* Finds or adds a zeroed one. GM_NO_CHUNK when out of memory. Other ids and pointers stay valid. */
uint32_t gm_chunks_get(struct gm_chunks *chunks, uint64_t number);
struct gm_chunk *gm_chunk_at(const struct gm_chunks *chunks, uint32_t id);
uint64_t gm_chunk_number(const struct gm_chunks *chunks, uint32_t id);
/* Goes through all: start with GM_NO_CHUNK; GM_NO_CHUNK after the last. Removing the one that was
 * returned last is allowed. */
uint32_t gm_chunks_next(const struct gm_chunks *chunks, uint32_t id);
void gm_chunks_remove(struct gm_chunks *chunks, uint32_t id);
void gm_chunks_free(struct gm_chunks *chunks);

static inline void *gm_chunk_addr(uint64_t number)
{
	return (void *)(uintptr_t)(number * GPUMEM_CHUNK_BYTES);
}

/* Whether a sample of its pages may speak for all: runs shorter than the distance of the samples
 * hide in a chunk that was partly here, partly there at the last look. */
static inline bool gm_chunk_uniform(const struct gm_chunk *c)
{
	return c->fails == 0 && (c->device_pages == 0 || c->host_pages == 0);
}

#endif
