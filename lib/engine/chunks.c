/* SPDX-License-Identifier: MIT */
/*
 * chunks.c: the chunk table. Leaves come in slabs, mapped whole, so that no page is torn; a leaf
 * that became empty waits in a list for the next neighbourhood that needs one.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/shmem.h"
#include "engine/chunks.h"

#define SLAB_LEAVES 256u /* the fewest that fill their pages to the last byte */
#define SLAB_BYTES (SLAB_LEAVES * sizeof(struct gm_leaf))
#define FIRST_ROOM 512u /* leaves; a page of pointers */
#define FIRST_INDEX 1024u /* a page */
#define MOST_LEAVES (GM_NO_CHUNK / GM_LEAF_CHUNKS)
#define NO_LEAF UINT32_MAX

_Static_assert(SLAB_BYTES % 4096 == 0, "a slab fills its pages");
_Static_assert(FIRST_ROOM % SLAB_LEAVES == 0, "pointers are wanted for whole slabs");

static uint32_t place_of(const struct gm_chunks *chunks, uint64_t first)
{
	/* Neighbouring leaves land in different parts of the index. */
	return (uint32_t)((first * 0x9e3779b97f4a7c15ull) >> 32) & (chunks->index_room - 1);
}

/* The leaf in a slab, whether it is used or not. */
static struct gm_leaf *leaf_in_slab(const struct gm_chunks *chunks, uint32_t n)
{
	return &chunks->slab[n / SLAB_LEAVES][n % SLAB_LEAVES];
}

/* Where the leaf of `first` is in the index, or where it belongs. */
static uint32_t probe(const struct gm_chunks *chunks, uint64_t first)
{
	uint32_t i = place_of(chunks, first);

	while (chunks->index[i] && chunks->leaf[chunks->index[i] - 1]->first != first)
		i = (i + 1) & (chunks->index_room - 1);
	return i;
}

static uint32_t find_leaf(const struct gm_chunks *chunks, uint64_t first)
{
	uint32_t at;

	if (chunks->leaves == 0)
		return NO_LEAF;
	if (chunks->leaf[chunks->last] && chunks->leaf[chunks->last]->first == first)
		return chunks->last;
	at = chunks->index[probe(chunks, first)];
	return at ? at - 1 : NO_LEAF;
}

uint32_t gm_chunks_find(const struct gm_chunks *chunks, uint64_t number)
{
	uint64_t bit = number % GM_LEAF_CHUNKS;
	uint32_t n = find_leaf(chunks, number - bit);

	if (n == NO_LEAF || !(chunks->leaf[n]->used >> bit & 1))
		return GM_NO_CHUNK;
	return n * GM_LEAF_CHUNKS + (uint32_t)bit;
}

/* Lays the index anew with `room` entries. */
static int rebuild_index(struct gm_chunks *chunks, uint32_t room)
{
	uint32_t *old = chunks->index, old_room = chunks->index_room;
	uint32_t *index = gm_shmem_new(room * sizeof(*index));

	if (!index)
		return -ENOMEM;
	chunks->index = index;
	chunks->index_room = room;
	for (uint32_t i = 0; i < old_room; i++)
		if (old[i])
			index[probe(chunks, chunks->leaf[old[i] - 1]->first)] = old[i];
	gm_shmem_free(old, old_room * sizeof(*old));
	return 0;
}

/* Room for the pointers of one more slab: leaves, and the slabs themselves. */
static int grow_pointers(struct gm_chunks *chunks)
{
	uint32_t room = chunks->room ? 2 * chunks->room : FIRST_ROOM;
	size_t slabs = room / SLAB_LEAVES, bytes = (room + slabs) * sizeof(void *);
	struct gm_leaf **leaf = gm_shmem_new(bytes);

	if (!leaf)
		return -ENOMEM;
	if (chunks->room) {
		memcpy(leaf, chunks->leaf, chunks->leaves * sizeof(*leaf));
		memcpy(leaf + room, chunks->slab, chunks->room / SLAB_LEAVES * sizeof(*leaf));
		gm_shmem_free(chunks->leaf,
			      (chunks->room + chunks->room / SLAB_LEAVES) * sizeof(*leaf));
	}
	chunks->leaf = leaf;
	chunks->slab = leaf + room;
	chunks->room = room;
	return 0;
}

/* A leaf that nobody uses: one that was given back, or the next of the last slab. */
static uint32_t take_leaf(struct gm_chunks *chunks)
{
	uint32_t n = chunks->leaves;

	if (chunks->spare) {
		n = chunks->spare - 1;
		chunks->spare = (uint32_t)leaf_in_slab(chunks, n)->first;
		return n;
	}
	if (n == MOST_LEAVES || (n == chunks->room && grow_pointers(chunks) < 0))
		return NO_LEAF;
	if (n % SLAB_LEAVES == 0 && !chunks->slab[n / SLAB_LEAVES]) {
		chunks->slab[n / SLAB_LEAVES] = gm_shmem_new(SLAB_BYTES);
		if (!chunks->slab[n / SLAB_LEAVES])
			return NO_LEAF;
	}
	chunks->leaves++;
	return n;
}

static uint32_t add_leaf(struct gm_chunks *chunks, uint64_t first)
{
	uint32_t n;

	/* At most three quarters full, so that there is always an end to probe for. */
	if (4 * ((uint64_t)chunks->leaves_used + 1) > 3 * (uint64_t)chunks->index_room &&
	    rebuild_index(chunks, chunks->index_room ? 2 * chunks->index_room : FIRST_INDEX) < 0)
		return NO_LEAF;
	n = take_leaf(chunks);
	if (n == NO_LEAF)
		return NO_LEAF;
	chunks->leaf[n] = leaf_in_slab(chunks, n);
	chunks->leaf[n]->first = first;
	chunks->index[probe(chunks, first)] = n + 1;
	chunks->leaves_used++;
	return n;
}

uint32_t gm_chunks_get(struct gm_chunks *chunks, uint64_t number)
{
	uint64_t bit = number % GM_LEAF_CHUNKS;
	uint32_t n = find_leaf(chunks, number - bit);

	if (n == NO_LEAF)
		n = add_leaf(chunks, number - bit);
	if (n == NO_LEAF)
		return GM_NO_CHUNK;
	if (!(chunks->leaf[n]->used >> bit & 1)) {
		chunks->leaf[n]->used |= 1ull << bit;
		chunks->used++;
	}
	chunks->last = n;
	return n * GM_LEAF_CHUNKS + (uint32_t)bit;
}

struct gm_chunk *gm_chunk_at(const struct gm_chunks *chunks, uint32_t id)
{
	return &chunks->leaf[id / GM_LEAF_CHUNKS]->chunk[id % GM_LEAF_CHUNKS];
}

uint64_t gm_chunk_number(const struct gm_chunks *chunks, uint32_t id)
{
	return chunks->leaf[id / GM_LEAF_CHUNKS]->first + id % GM_LEAF_CHUNKS;
}

uint32_t gm_chunks_next(const struct gm_chunks *chunks, uint32_t id)
{
	uint32_t n = 0, bit = 0;

	if (id != GM_NO_CHUNK) {
		n = (id + 1) / GM_LEAF_CHUNKS;
		bit = (id + 1) % GM_LEAF_CHUNKS;
	}
	for (; n < chunks->leaves; n++, bit = 0) {
		uint64_t left = chunks->leaf[n] ? chunks->leaf[n]->used >> bit : 0;

		if (left)
			return n * GM_LEAF_CHUNKS + bit + (uint32_t)__builtin_ctzll(left);
	}
	return GM_NO_CHUNK;
}

/* Closes the gap at `hole`, so that no probe ends there too early: whatever follows and may stand
 * nearer to its place moves up. */
static void close_gap(struct gm_chunks *chunks, uint32_t hole)
{
	uint32_t mask = chunks->index_room - 1;

	for (uint32_t i = (hole + 1) & mask; chunks->index[i]; i = (i + 1) & mask) {
		uint32_t home = place_of(chunks, chunks->leaf[chunks->index[i] - 1]->first);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		chunks->index[hole] = chunks->index[i];
		hole = i;
	}
	chunks->index[hole] = 0;
}

void gm_chunks_remove(struct gm_chunks *chunks, uint32_t id)
{
	uint32_t n = id / GM_LEAF_CHUNKS;
	struct gm_leaf *leaf = chunks->leaf[n];

	memset(&leaf->chunk[id % GM_LEAF_CHUNKS], 0, sizeof(leaf->chunk[0]));
	leaf->used &= ~(1ull << (id % GM_LEAF_CHUNKS));
	chunks->used--;
	if (leaf->used)
		return;
	close_gap(chunks, probe(chunks, leaf->first));
	leaf->first = chunks->spare;
	chunks->spare = n + 1;
	chunks->leaf[n] = NULL;
	chunks->leaves_used--;
}

void gm_chunks_free(struct gm_chunks *chunks)
{
	for (uint32_t i = 0; i < chunks->room / SLAB_LEAVES; i++)
		gm_shmem_free(chunks->slab[i], SLAB_BYTES);
	gm_shmem_free(chunks->leaf,
		      (chunks->room + chunks->room / SLAB_LEAVES) * sizeof(*chunks->leaf));
	gm_shmem_free(chunks->index, chunks->index_room * sizeof(*chunks->index));
	memset(chunks, 0, sizeof(*chunks));
}
