/* SPDX-License-Identifier: MIT */
/*
 * numa_frames.c: whole frames that may be huge pages, on kernels that do not say so (before 6.7).
 */
#include <string.h>
#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place/numa_batch.h"

#define GROUP 512 /* frames looked into by one call */
#define LOOKS 3 /* pages of a frame beside its head */

/* Where these pages of each frame are: all on a target, none, or something else. */
static int look_inside(struct gm_numa_batch *b, size_t n, int *out)
{
	const struct gm_numa_walk *w = b->walk;
	int rc = 0;

	for (size_t from = 0; from < n && rc == 0; from += GROUP) {
		size_t to = from + GROUP < n ? from + GROUP : n, k = 0;
		int status[GROUP * LOOKS];
		void *page[GROUP * LOOKS];

		for (size_t i = from; i < to; i++) {
			uintptr_t frame = b->name[i] & ~GM_NAME_FLAGS;

			page[k++] = (void *)(frame + w->page);
			page[k++] = (void *)(frame + w->huge / 2);
			page[k++] = (void *)(frame + w->huge - w->page);
		}
		rc = syscall(SYS_move_pages, b->move->pid, k, page, NULL, status, 0) < 0 ? -errno : 0;
		k = 0;
		for (size_t i = from; i < to; i++) {
			out[i] = 0;
			for (int j = 0; j < LOOKS; j++)
				out[i] += gm_numa_is_target(b->move, status[k++]);
		}
	}
	return rc;
}

/* Frames first: the names that may be huge come before the others. Returns how many. */
static size_t frames_first(struct gm_numa_batch *b)
{
	size_t frames = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->name[i] & GM_NAME_MAYBE) {
			uintptr_t name = b->name[i];

			b->name[i] = b->name[frames];
			b->name[frames++] = name;
		}
	return frames;
}

#define HEAD_MOVED GM_NAME_HUGE

/* The frames' names become those of all their pages; there is room, as they were counted so. */
static void expand(struct gm_numa_batch *b, const uintptr_t *frame, size_t frames)
{
	const struct gm_numa_walk *w = b->walk;

	for (size_t i = 0; i < frames; i++)
		for (size_t at = frame[i] & HEAD_MOVED ? w->page : 0; at < w->huge; at += w->page)
			b->name[b->n++] = (frame[i] & ~GM_NAME_WHOLE) + at;
}

int gm_numa_try_frames(struct gm_numa_batch *b)
{
	const struct gm_numa_move *move = b->move;
	size_t all = b->n, frames = frames_first(b), named = 0, open = 0;
	uintptr_t *rest = (uintptr_t *)b->page;
	int rc = 0;

	b->n = frames;
	rc = gm_numa_batch_look(b, frames, b->before, GM_NUMA_BEFORE);
	if (rc == 0)
		rc = look_inside(b, frames, b->why);
	for (size_t i = 0; i < frames && rc == 0; i++) {
		/* A page inside is there already, or not to move: nothing would be told by the others. */
		bool ask_head = b->why[i] == 0 && gm_numa_is_wanted(move, b->before[i]);
		uintptr_t name = b->name[i];

		b->name[i] = b->name[named];
		b->name[named] = name;
		named += ask_head;
	}
	for (size_t i = 0; i < named; i++) {
		b->page[i] = gm_name_page(b->name[i]);
		b->node[i] = move->to[0];
	}
	if (rc == 0 && named)
		rc = gm_numa_name(move->pid, named, b->page, b->node, b->status, &b->sum.calls);
	rc = rc == -ENOMEM ? 0 : rc;
	if (rc == 0)
		rc = look_inside(b, named, b->after);
	if (rc == 0)
		rc = gm_numa_batch_look(b, named, b->node, GM_NUMA_EACH);
	if (rc < 0)
		return rc;
	/* Names to be expanded are kept aside: room for one more list is in `page`. */
	for (size_t i = 0; i < frames; i++) {
		bool moved = i < named && gm_numa_is_target(move, b->node[i]), whole = moved && b->after[i] == LOOKS;

		if (moved)
			b->sum.bytes += whole ? b->walk->huge : b->walk->page;
		if (!whole)
			rest[open++] = b->name[i] | (moved ? HEAD_MOVED : 0);
	}
	memmove(b->name, b->name + frames, (all - frames) * sizeof(b->name[0]));
	b->n = all - frames;
	expand(b, rest, open);
	return 0;
}

