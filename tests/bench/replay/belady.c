/* SPDX-License-Identifier: MIT */
/*
 * belady.c: what could be had by who knows the future: evict what is used last.
 */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* Each access's next use of the same chunk. */
static uint32_t *next_uses(const struct workload *w)
{
	uint32_t *next = must_alloc(w->count, sizeof(*next));
	uint32_t *seen = must_alloc(w->chunks, sizeof(*seen));

	memset(seen, 0xff, w->chunks * sizeof(*seen));
	for (size_t i = w->count; i-- > 0;) {
		next[i] = seen[w->access[i]];
		seen[w->access[i]] = (uint32_t)i;
	}
	free(seen);
	return next;
}

/* A tournament: node k is won by whichever of 2k and 2k+1 is used later; leaves are chunks, 0 those
 * that are not resident. */
static void set(uint32_t *tree, uint32_t leaves, uint32_t chunk, uint32_t use)
{
	uint32_t at = leaves + chunk;

	tree[at] = use;
	for (at /= 2; at >= 1; at /= 2)
		tree[at] = tree[2 * at] > tree[2 * at + 1] ? tree[2 * at] : tree[2 * at + 1];
}

static uint32_t latest(const uint32_t *tree, uint32_t leaves)
{
	uint32_t at = 1;

	while (at < leaves)
		at = tree[2 * at] >= tree[2 * at + 1] ? 2 * at : 2 * at + 1;
	return at - leaves;
}

uint64_t belady_hits_until(const struct workload *w, uint32_t room, size_t change, uint32_t after)
{
	uint32_t *next = next_uses(w), leaves = 1, resident = 0, *tree;
	uint64_t hits = 0;

	while (leaves < w->chunks)
		leaves *= 2;
	tree = must_alloc(2 * leaves, sizeof(*tree));
	for (size_t i = 0; i < w->count; i++) {
		if (i == change)
			for (room = after; resident > room; resident--)
				set(tree, leaves, latest(tree, leaves), 0);
		if (tree[leaves + w->access[i]])
			hits++;
		else if (resident == room)
			set(tree, leaves, latest(tree, leaves), 0);
		else
			resident++;
		set(tree, leaves, w->access[i], next[i]);
	}
	free(tree);
	free(next);
	return hits;
}

uint64_t belady_hits(const struct workload *w, uint32_t room)
{
	return belady_hits_until(w, room, w->count, room);
}

uint64_t belady_sized(const struct workload *w, const uint8_t *size, uint32_t room)
{
	uint32_t *next = next_uses(w), leaves = 1, used = 0, *tree;
	uint64_t hits = 0;

	while (leaves < w->chunks)
		leaves *= 2;
	tree = must_alloc(2 * leaves, sizeof(*tree));
	for (size_t i = 0; i < w->count; i++) {
		uint32_t c = w->access[i];

		if (tree[leaves + c]) {
			hits += size[c];
		} else {
			for (used += size[c]; used > room;) {
				uint32_t out = latest(tree, leaves);

				used -= size[out];
				set(tree, leaves, out, 0);
			}
		}
		set(tree, leaves, c, next[i]);
	}
	free(tree);
	free(next);
	return hits;
}
