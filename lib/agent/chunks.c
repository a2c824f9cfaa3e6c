/* SPDX-License-Identifier: MIT */
/*
 * chunks.c: the chunk table.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agent/chunks.h"
#include "base/shmem.h"

#define FIRST_ROOM 1024u

static size_t place_of(const struct gm_chunks *chunks, uint64_t number)
{
	/* Neighbouring chunks land in different parts of the table. */
	return (size_t)((number * 0x9e3779b97f4a7c15ull) >> 20) & (chunks->room - 1);
}

static struct gm_chunk *probe(const struct gm_chunks *chunks, uint64_t number)
{
	size_t i = place_of(chunks, number);

	while (chunks->entry[i].number && chunks->entry[i].number != number)
		i = (i + 1) & (chunks->room - 1);
	return &chunks->entry[i];
}

struct gm_chunk *gm_chunks_find(const struct gm_chunks *chunks, uint64_t number)
{
	struct gm_chunk *c = chunks->room ? probe(chunks, number) : NULL;

	return c && c->number ? c : NULL;
}

/* Lays the table anew with `room` entries. */
static int rebuild(struct gm_chunks *chunks, size_t room)
{
	struct gm_chunks next = { .room = room };

	next.entry = gm_shmem_new(room * sizeof(*next.entry));
	if (!next.entry)
		return -ENOMEM;
	for (size_t i = 0; i < chunks->room; i++)
		if (chunks->entry[i].number) {
			*probe(&next, chunks->entry[i].number) = chunks->entry[i];
			next.used++;
		}
	gm_chunks_free(chunks);
	*chunks = next;
	return 0;
}

struct gm_chunk *gm_chunks_get(struct gm_chunks *chunks, uint64_t number)
{
	struct gm_chunk *c = gm_chunks_find(chunks, number);

	if (c)
		return c;
	if (4 * (chunks->used + 1) > 3 * chunks->room &&
	    rebuild(chunks, chunks->room ? 2 * chunks->room : FIRST_ROOM) < 0)
		return NULL;
	c = probe(chunks, number);
	c->number = number;
	chunks->used++;
	return c;
}

/* Closes the gap at `hole`, so that no probe ends there too early (Knuth's algorithm R). */
static void remove_at(struct gm_chunks *chunks, size_t hole)
{
	size_t mask = chunks->room - 1;

	for (size_t i = (hole + 1) & mask; chunks->entry[i].number; i = (i + 1) & mask) {
		size_t home = place_of(chunks, chunks->entry[i].number);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		chunks->entry[hole] = chunks->entry[i];
		hole = i;
	}
	memset(&chunks->entry[hole], 0, sizeof(chunks->entry[hole]));
	chunks->used--;
}

void gm_chunks_sweep(struct gm_chunks *chunks, uint8_t pass, gm_chunks_gone_fn *gone, void *data)
{
	size_t i = 0;

	while (i < chunks->room) {
		struct gm_chunk *c = &chunks->entry[i];
		bool kept = c->flags & GM_CHUNK_OUT;
		bool empty = !c->device_pages && !c->host_pages && !c->present_pages;

		if (!c->number || c->pass == pass || (kept && empty)) {
			i++;
			continue;
		}
		gone(data, c);
		c->device_pages = c->host_pages = c->present_pages = 0;
		if (kept)
			i++;
		else
			remove_at(chunks, i); /* another may stand here now: look again */
	}
}

size_t gm_chunks_oldest(const struct gm_chunks *chunks, uint8_t device, struct gm_chunk *ret,
			size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < chunks->room; i++) {
		const struct gm_chunk *c = &chunks->entry[i];
		size_t at = count;

		if (!c->number || !c->device_pages || c->device != device ||
		    (count == n && c->moved_order >= ret[n - 1].moved_order))
			continue;
		if (count == n)
			at = n - 1;
		else
			count++;
		for (; at > 0 && ret[at - 1].moved_order > c->moved_order; at--)
			ret[at] = ret[at - 1];
		ret[at] = *c;
	}
	return count;
}

void gm_chunks_free(struct gm_chunks *chunks)
{
	gm_shmem_free(chunks->entry, chunks->room * sizeof(*chunks->entry));
	memset(chunks, 0, sizeof(*chunks));
}
