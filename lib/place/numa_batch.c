/* SPDX-License-Identifier: MIT */
/*
 * numa_batch.c: where the pages of a batch are, moving them, and why some did not move.
 */
#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place/numa_batch.h"

#define STRIDE_BITS 6
#define STRIDE (1u << STRIDE_BITS)
#define NOT_ASKED INT_MIN
#define TO_ASK (INT_MIN + 1)

size_t gm_numa_batch_bytes(size_t room)
{
	return room * (sizeof(uintptr_t) + sizeof(void *) + 5 * sizeof(int));
}

void gm_numa_batch_init(struct gm_numa_batch *b, void *memory, size_t room)
{
	b->name = memory;
	b->page = (void **)(b->name + room);
	b->before = (int *)(b->page + room);
	b->why = b->before + room;
	b->after = b->why + room;
	b->node = b->after + room;
	b->status = b->node + room;
}

bool gm_numa_is_target(const struct gm_numa_move *move, int node)
{
	for (size_t i = 0; i < move->to_count; i++)
		if (move->to[i] == node)
			return true;
	return false;
}

bool gm_numa_is_wanted(const struct gm_numa_move *move, int node)
{
	return node == GM_NUMA_LEAVES ||
	       (node >= 0 && !gm_numa_is_target(move, node) && (!move->from || gm_node_set_has(move->from, node)));
}

/* ---- where pages are --------------------------------------------------------------------- */

/* Asks for all that is NOT_ASKED in out[], or for what is TO_ASK. */
static int ask(struct gm_numa_batch *b, size_t n, int *out, int what)
{
	size_t asked = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		if (out[i] == what)
			b->page[asked++] = gm_name_page(b->name[i]);
	if (asked && syscall(SYS_move_pages, b->move->pid, asked, b->page, NULL, b->status, 0) < 0)
		return -errno;
	for (size_t i = 0; i < n && at < asked; i++)
		if (out[i] == what)
			out[i] = b->status[at++];
	return 0;
}

/* One of each STRIDE, not in step with anything the program does; huge pages all. */
static void pick(const struct gm_numa_batch *b, size_t n, int *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = b->name[i] & GM_NAME_WHOLE ? TO_ASK : NOT_ASKED;
	for (size_t block = 0; block * STRIDE < n; block++) {
		size_t i = block * STRIDE + ((uint32_t)(block + 1) * 2654435761u >> (32 - STRIDE_BITS));

		out[i < n ? i : n - 1] = TO_ASK;
	}
}

/* What the sample says of a frame holds for all of it, if all of the sample says the same. */
static void spread(const struct gm_numa_batch *b, size_t n, int *out)
{
	const uintptr_t frame = ~(uintptr_t)(b->walk->huge - 1);

	for (size_t from = 0, to; from < n; from = to) {
		int said = NOT_ASKED;
		bool same = true;

		for (to = from; to < n && ((b->name[to] ^ b->name[from]) & frame) == 0; to++) {
			if (out[to] != NOT_ASKED && said == NOT_ASKED)
				said = out[to];
			same = same && (out[to] == NOT_ASKED || out[to] == said);
		}
		for (size_t i = from; i < to && same; i++)
			out[i] = said;
	}
}

int gm_numa_batch_look(struct gm_numa_batch *b, size_t n, int *out, enum gm_numa_how how)
{
	int rc;

	for (size_t i = 0; i < n; i++)
		out[i] = how == GM_NUMA_BEFORE && b->name[i] & GM_NAME_LEAVES ? GM_NUMA_LEAVES : NOT_ASKED;
	if (how == GM_NUMA_SAMPLE) {
		pick(b, n, out);
		rc = ask(b, n, out, TO_ASK);
		if (rc < 0)
			return rc;
		spread(b, n, out);
	}
	return ask(b, n, out, NOT_ASKED);
}

/* ---- moving ------------------------------------------------------------------------------ */

static enum gm_numa_fail reason(int status)
{
	switch (status) {
	case -EBUSY:
	case -EAGAIN:
		return GM_NUMA_PINNED;
	case -ENOMEM:
		return GM_NUMA_FULL;
	case -EACCES:
		return GM_NUMA_SHARED;
	case -ENOENT:
	case -EFAULT:
		return GM_NUMA_GONE;
	default:
		return GM_NUMA_OTHER;
	}
}

/* Leaves in the batch what should move. */
static void keep_wanted(struct gm_numa_batch *b)
{
	const struct gm_numa_move *move = b->move;
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (gm_numa_is_wanted(move, b->before[i])) {
			b->name[kept] = b->name[i];
			b->why[kept] = 0;
			b->before[kept++] = b->before[i];
		} else if (gm_numa_is_target(move, b->before[i])) {
			b->sum.there += gm_name_bytes(b->walk, b->name[i]);
		} else if (b->before[i] == -ENOENT) {
			b->sum.hidden += gm_name_bytes(b->walk, b->name[i]);
		}
	}
	b->n = kept;
}

/* Counts what arrived and leaves the others in the batch. */
static int keep_stayed(struct gm_numa_batch *b, int rc)
{
	bool failed = rc != 0;
	size_t kept = 0;

	for (size_t i = 0; i < b->n && !failed; i++)
		failed = b->why[i] < 0;
	rc = gm_numa_batch_look(b, b->n, b->after, failed ? GM_NUMA_EACH : GM_NUMA_SAMPLE);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (gm_numa_is_target(b->move, b->after[i])) {
			b->sum.bytes += gm_name_bytes(b->walk, b->name[i]);
			continue;
		}
		b->why[kept] = b->after[i] < 0 ? b->after[i] : b->why[i] ? b->why[i] : -EBUSY;
		b->before[kept] = b->before[i];
		b->name[kept++] = b->name[i];
	}
	if (rc == 0)
		b->n = kept;
	return rc;
}

/* Errors end the whole move; -ENOMEM is one page's affair and is in why[]. */
static int try_node(struct gm_numa_batch *b, int node)
{
	int rc;

	for (size_t i = 0; i < b->n; i++) {
		b->page[i] = gm_name_page(b->name[i]);
		b->node[i] = node;
	}
	rc = gm_numa_name(b->move->pid, b->n, b->page, b->node, b->status, &b->sum.calls);
	if (rc < 0 && rc != -ENOMEM)
		return rc;
	for (size_t i = 0; i < b->n; i++)
		b->why[i] = b->status[i] < 0 ? b->status[i] : 0;
	return keep_stayed(b, rc);
}

static bool any_left(const struct gm_numa_batch *b, int why)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->why[i] == why)
			return true;
	return false;
}

static int move_names(struct gm_numa_batch *b)
{
	const struct gm_numa_move *move = b->move;
	bool again = true;
	int rc = 0;

	for (size_t t = 0; t < move->to_count && b->n && rc == 0; t++) {
		rc = try_node(b, move->to[t]);
		/* Somebody may have held a page for a moment only. */
		if (rc == 0 && again && any_left(b, -EBUSY)) {
			again = false;
			rc = try_node(b, move->to[t]);
		}
		if (!any_left(b, -ENOMEM))
			break;
	}
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		size_t bytes = gm_name_bytes(b->walk, b->name[i]);

		/* What nobody asked about before may have been unknown to move_pages(2) all along. */
		if (b->before[i] == GM_NUMA_LEAVES && b->why[i] == -ENOENT) {
			b->sum.hidden += bytes;
			continue;
		}
		b->sum.left += bytes;
		b->sum.failed[reason(b->why[i])] += bytes;
	}
	b->n = 0;
	return rc;
}

int gm_numa_batch_move(struct gm_numa_batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->name[i] & GM_NAME_MAYBE) {
			rc = gm_numa_try_frames(b);
			break;
		}
	if (rc == 0)
		rc = gm_numa_batch_look(b, b->n, b->before, GM_NUMA_BEFORE);
	if (rc < 0)
		return rc;
	keep_wanted(b);
	return move_names(b);
}
