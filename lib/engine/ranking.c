/* SPDX-License-Identifier: MIT */
/*
 * ranking.c: who leaves first. Sorted by hand, as the C library's sort may ask for memory.
 */
#include <string.h>

#include "base/shmem.h"
#include "engine/ranking.h"

struct gm_ranking *gm_ranking_new(void)
{
	return gm_shmem_new(sizeof(struct gm_ranking));
}

void gm_ranking_free(struct gm_ranking *r)
{
	gm_shmem_free(r, sizeof(*r));
}

void gm_ranking_begin(struct gm_ranking *r)
{
	r->count = 0;
	r->cut = false;
	r->most = UINT64_MAX;
	r->built = true;
}

static void exchange(struct gm_ranked *a, struct gm_ranked *b)
{
	struct gm_ranked t = *a;

	*a = *b;
	*b = t;
}

/* Moves the `keep` smallest to the front: Hoare's FIND. */
static void select_smallest(struct gm_ranked *entry, int count, int keep)
{
	int low = 0, high = count - 1;

	while (low < high) {
		uint64_t pivot = entry[keep - 1].key;
		int i = low, j = high;

		do {
			while (entry[i].key < pivot)
				i++;
			while (entry[j].key > pivot)
				j--;
			if (i <= j)
				exchange(&entry[i++], &entry[j--]);
		} while (i <= j);
		if (j < keep - 1)
			low = i;
		if (keep - 1 < i)
			high = j;
	}
}

/* Drops those that leave later than the front. */
static void cut(struct gm_ranking *r)
{
	select_smallest(r->entry, (int)r->count, GM_RANKING_FRONT);
	r->count = GM_RANKING_FRONT;
	r->cut = true;
	r->most = r->entry[GM_RANKING_FRONT - 1].key;
}

void gm_ranking_add(struct gm_ranking *r, uint64_t key, uint32_t id)
{
	if (r->count == 2 * GM_RANKING_FRONT)
		cut(r);
	if (key <= r->most)
		r->entry[r->count++] = (struct gm_ranked){key, id};
}

/* Restores a heap with the smallest key on top below `at`. */
static void sift(struct gm_ranked *entry, uint32_t at, uint32_t count)
{
	for (uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && entry[child + 1].key < entry[child].key)
			child++;
		if (entry[at].key < entry[child].key)
			return;
		exchange(&entry[at], &entry[child]);
		at = child;
	}
}

void gm_ranking_end(struct gm_ranking *r)
{
	if (r->count > GM_RANKING_FRONT)
		cut(r);
	for (uint32_t i = r->count / 2; i-- > 0;)
		sift(r->entry, i, r->count);
	for (uint32_t left = r->count; left-- > 1;) {
		exchange(&r->entry[0], &r->entry[left]);
		sift(r->entry, 0, left);
	}
}

/* Where `key` is, or would be. */
static uint32_t place_of(const struct gm_ranking *r, uint64_t key)
{
	uint32_t low = 0, high = r->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (r->entry[mid].key > key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void gm_ranking_insert(struct gm_ranking *r, uint64_t key, uint32_t id)
{
	uint32_t at = place_of(r, key);

	if (r->cut && key > r->most)
		return;
	if (r->count == 2 * GM_RANKING_FRONT) {
		/* Whoever would leave last is forgotten. */
		memmove(r->entry, r->entry + 1, --r->count * sizeof(*r->entry));
		r->cut = true;
		r->most = r->entry[0].key;
		at = place_of(r, key);
		if (key > r->most)
			return;
	}
	memmove(r->entry + at + 1, r->entry + at, (r->count - at) * sizeof(*r->entry));
	r->entry[at] = (struct gm_ranked){key, id};
	r->count++;
}

void gm_ranking_remove(struct gm_ranking *r, uint64_t key, uint32_t id)
{
	uint32_t at = place_of(r, key);

	/* What its key is made of may have changed since. */
	if (at == r->count || r->entry[at].key != key || r->entry[at].id != id)
		for (at = 0; at < r->count && r->entry[at].id != id; at++)
			;
	if (at == r->count)
		return;
	r->count--;
	memmove(r->entry + at, r->entry + at + 1, (r->count - at) * sizeof(*r->entry));
}

const struct gm_ranked *gm_ranking_at(const struct gm_ranking *r, size_t i)
{
	return i < r->count ? &r->entry[r->count - 1 - i] : NULL;
}
