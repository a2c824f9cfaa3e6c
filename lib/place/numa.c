/* SPDX-License-Identifier: MIT */
/*
 * numa.c: moves between nodes in large batches, by several threads, and what became of each page.
 *
 * Each move_pages(2) that moves empties the page caches of all CPUs first, so a call is worth
 * many MiB. Its answers are incomplete when pages stay; where pages are is looked at before and
 * afterwards, by a sample where the sample is of one mind.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place/numa.h"
#include "place/numa_walk.h"

#define BATCH_BYTES (64ul << 20)
#define LEAST_BYTES (4ul << 20) /* with several workers, whose batches get smaller to the end */
#define GROUP 512 /* frames looked into by one call */
#define STRIDE_BITS 5
#define STRIDE (1u << STRIDE_BITS)
#define NOT_ASKED INT_MIN
#define TO_ASK (INT_MIN + 1)

struct mover {
	const struct gm_numa_move *move;
	struct gm_numa_walk walk;
	size_t batch_pages;
	bool exact; /* a page must not move because its neighbours do */

	pthread_mutex_t lock; /* of all below */
	size_t range;	      /* where the next batch begins */
	uintptr_t at;
	uint64_t ahead; /* bytes of address space, from there on */
	uint64_t budget;
	int error;
	struct gm_numa_moved sum;
};

/* What one worker is at. Each list has room for batch_pages. */
struct batch {
	struct mover *m;
	size_t n;
	uint64_t bytes; /* taken from the budget */
	uintptr_t *name;
	int *before; /* where each was */
	int *why;    /* a status: why it did not move */
	int *after;
	void **page; /* the last three: for calls */
	int *node, *status;
	struct gm_numa_moved sum;
};

static bool is_target(const struct gm_numa_move *move, int node)
{
	for (size_t i = 0; i < move->to_count; i++)
		if (move->to[i] == node)
			return true;
	return false;
}

static bool is_wanted(const struct gm_numa_move *move, int node)
{
	return node >= 0 && !is_target(move, node) && (!move->from || gm_node_set_has(move->from, node));
}

/* ---- where pages are --------------------------------------------------------------------- */

/* Asks for all that is NOT_ASKED in out[], or for what is TO_ASK. */
static int ask(struct batch *b, size_t n, int *out, int what)
{
	size_t asked = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		if (out[i] == what)
			b->page[asked++] = gm_name_page(b->name[i]);
	if (asked && syscall(SYS_move_pages, b->m->move->pid, asked, b->page, NULL, b->status, 0) < 0)
		return -errno;
	for (size_t i = 0; i < n && at < asked; i++)
		if (out[i] == what)
			out[i] = b->status[at++];
	return 0;
}

/* One of each STRIDE, not in step with anything the program does; huge pages all. */
static void pick(const struct batch *b, size_t n, int *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = b->name[i] & GM_NAME_FLAGS ? TO_ASK : NOT_ASKED;
	for (size_t block = 0; block * STRIDE < n; block++) {
		size_t i = block * STRIDE + ((uint32_t)(block + 1) * 2654435761u >> (32 - STRIDE_BITS));

		out[i < n ? i : n - 1] = TO_ASK;
	}
}

/* What the sample says of a frame holds for all of it, if all of the sample says the same; but not what
 * would leave a page where it is. */
static void spread(const struct batch *b, size_t n, int *out, bool final)
{
	const uintptr_t frame = ~(uintptr_t)(b->m->walk.huge - 1);

	for (size_t from = 0, to; from < n; from = to) {
		int said = NOT_ASKED;
		bool same = true;

		for (to = from; to < n && ((b->name[to] ^ b->name[from]) & frame) == 0; to++) {
			if (out[to] != NOT_ASKED && said == NOT_ASKED)
				said = out[to];
			same = same && (out[to] == NOT_ASKED || out[to] == said);
		}
		for (size_t i = from; i < to && same && (final || is_wanted(b->m->move, said)); i++)
			out[i] = said;
	}
}

enum how { EXACT, BEFORE, AFTER };

/* The node of the batch's first n names, or a status below 0. */
static int look(struct batch *b, size_t n, int *out, enum how how)
{
	int rc;

	if (how == EXACT) {
		for (size_t i = 0; i < n; i++)
			out[i] = NOT_ASKED;
	} else {
		pick(b, n, out);
		rc = ask(b, n, out, TO_ASK);
		if (rc < 0)
			return rc;
		spread(b, n, out, how == AFTER);
	}
	return ask(b, n, out, NOT_ASKED);
}

/* ---- one batch --------------------------------------------------------------------------- */

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
static void keep_wanted(struct batch *b)
{
	const struct gm_numa_move *move = b->m->move;
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (is_wanted(move, b->before[i])) {
			b->name[kept] = b->name[i];
			b->why[kept] = 0;
			b->before[kept++] = b->before[i];
		} else if (is_target(move, b->before[i])) {
			b->sum.there += gm_name_bytes(&b->m->walk, b->name[i]);
		} else if (b->before[i] == -ENOENT) {
			b->sum.hidden += gm_name_bytes(&b->m->walk, b->name[i]);
		}
	}
	b->n = kept;
}

/* Counts what arrived and leaves the others in the batch. */
static int keep_stayed(struct batch *b, int rc)
{
	bool failed = rc != 0;
	size_t kept = 0;

	for (size_t i = 0; i < b->n && !failed; i++)
		failed = b->why[i] < 0;
	rc = look(b, b->n, b->after, failed ? EXACT : AFTER);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (is_target(b->m->move, b->after[i])) {
			b->sum.bytes += gm_name_bytes(&b->m->walk, b->name[i]);
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
static int try_node(struct batch *b, int node)
{
	int rc;

	for (size_t i = 0; i < b->n; i++) {
		b->page[i] = gm_name_page(b->name[i]);
		b->node[i] = node;
	}
	rc = gm_numa_name(b->m->move->pid, b->n, b->page, b->node, b->status, &b->sum.calls);
	if (rc < 0 && rc != -ENOMEM)
		return rc;
	for (size_t i = 0; i < b->n; i++)
		b->why[i] = b->status[i] < 0 ? b->status[i] : 0;
	return keep_stayed(b, rc);
}

static bool any_left(const struct batch *b, int why)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->why[i] == why)
			return true;
	return false;
}

static int move_names(struct batch *b)
{
	const struct gm_numa_move *move = b->m->move;
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
		size_t bytes = gm_name_bytes(&b->m->walk, b->name[i]);

		b->sum.left += bytes;
		b->sum.failed[reason(b->why[i])] += bytes;
	}
	b->n = 0;
	return rc;
}

/* ---- kernels that do not tell huge pages ------------------------------------------------- */

#define LOOKS 3 /* pages of a frame beside its head */

/* Where these pages of each frame are: all on a target, none, or something else. */
static int look_inside(struct batch *b, size_t n, int *out)
{
	const struct gm_numa_walk *w = &b->m->walk;
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
		rc = syscall(SYS_move_pages, b->m->move->pid, k, page, NULL, status, 0) < 0 ? -errno : 0;
		k = 0;
		for (size_t i = from; i < to; i++) {
			out[i] = 0;
			for (int j = 0; j < LOOKS; j++)
				out[i] += is_target(b->m->move, status[k++]);
		}
	}
	return rc;
}

/* Frames first: the names that may be huge come before the others. Returns how many. */
static size_t frames_first(struct batch *b)
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
static void expand(struct batch *b, const uintptr_t *frame, size_t frames)
{
	const struct gm_numa_walk *w = &b->m->walk;

	for (size_t i = 0; i < frames; i++)
		for (size_t at = frame[i] & HEAD_MOVED ? w->page : 0; at < w->huge; at += w->page)
			b->name[b->n++] = (frame[i] & ~GM_NAME_FLAGS) + at;
}

/*
 * Names the heads of full frames alone and looks which frames followed. Those did move; all pages of
 * the others are named by whoever comes next.
 */
static int try_frames(struct batch *b)
{
	const struct gm_numa_move *move = b->m->move;
	size_t all = b->n, frames = frames_first(b), named = 0, open = 0;
	uintptr_t *rest = (uintptr_t *)b->page;
	int rc = 0;

	b->n = frames;
	rc = look(b, frames, b->before, EXACT);
	if (rc == 0)
		rc = look_inside(b, frames, b->why);
	for (size_t i = 0; i < frames && rc == 0; i++) {
		/* A page inside is there already, or not to move: nothing would be told by the others. */
		bool ask_head = b->why[i] == 0 && is_wanted(move, b->before[i]);
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
		rc = look(b, named, b->node, EXACT);
	if (rc < 0)
		return rc;
	/* Names to be expanded are kept aside: room for one more list is in `page`. */
	for (size_t i = 0; i < frames; i++) {
		bool moved = i < named && is_target(move, b->node[i]), whole = moved && b->after[i] == LOOKS;

		if (moved)
			b->sum.bytes += whole ? b->m->walk.huge : b->m->walk.page;
		if (!whole)
			rest[open++] = b->name[i] | (moved ? HEAD_MOVED : 0);
	}
	memmove(b->name, b->name + frames, (all - frames) * sizeof(b->name[0]));
	b->n = all - frames;
	expand(b, rest, open);
	return 0;
}

static int move_batch(struct batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->name[i] & GM_NAME_MAYBE) {
			rc = try_frames(b);
			break;
		}
	if (rc == 0)
		rc = look(b, b->n, b->before, b->m->exact ? EXACT : BEFORE);
	if (rc < 0)
		return rc;
	keep_wanted(b);
	return move_names(b);
}

/* ---- workers ----------------------------------------------------------------------------- */

/* The names that the budget allows; the first one beyond it is where the next batch begins. */
static void cut(struct mover *m, struct batch *b, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++) {
		size_t bytes = gm_name_bytes(&m->walk, b->name[i]);

		if (bytes > m->budget) {
			m->at = b->name[i] & ~GM_NAME_FLAGS;
			break;
		}
		m->budget -= bytes;
		b->bytes += bytes;
		b->n++;
	}
}

/* Half of what would be this worker's part, so that nobody waits long for the last one. */
static size_t pages_now(const struct mover *m)
{
	uint64_t pages = m->ahead / m->walk.page / m->move->workers / 2;
	size_t frame = m->walk.huge / m->walk.page, least = LEAST_BYTES / m->walk.page;

	if (m->move->workers == 1 || pages > m->batch_pages)
		return m->batch_pages;
	pages = (pages < least ? least : pages) / frame * frame;
	return pages ? (size_t)pages : frame;
}

static size_t pages_in(const struct batch *b)
{
	return (size_t)(b->bytes / b->m->walk.page);
}

/* The next batch, under the lock. False: nothing is left, or the budget is used up. */
static bool take(struct mover *m, struct batch *b)
{
	const struct gm_numa_move *move = m->move;
	size_t most = pages_now(m);

	b->n = 0;
	b->bytes = 0;
	while (!m->error && m->range < move->count && pages_in(b) < most) {
		const struct gm_range *r = &move->range[m->range];
		size_t room = most - pages_in(b), had = b->n;
		uintptr_t begin = m->at > r->start ? m->at : r->start;
		ssize_t n;

		/* A frame is not begun that does not fit. */
		if (b->n && room < m->walk.huge / m->walk.page)
			break;
		m->at = begin;
		n = gm_numa_walk(&m->walk, &m->at, r->end, b->name + b->n, room);
		if (n < 0) {
			m->error = (int)n;
			break;
		}
		cut(m, b, had, (size_t)n);
		m->ahead -= m->at - begin;
		if (b->n - had < (size_t)n)
			break;
		if (m->at >= r->end) {
			m->range++;
			m->at = 0;
		}
	}
	return !m->error && b->n;
}

static void add_up(struct gm_numa_moved *sum, const struct gm_numa_moved *more)
{
	sum->bytes += more->bytes;
	sum->there += more->there;
	sum->left += more->left;
	sum->hidden += more->hidden;
	for (int i = 0; i < GM_NUMA_FAILS; i++)
		sum->failed[i] += more->failed[i];
	sum->calls += more->calls;
}

#define PER_PAGE (sizeof(uintptr_t) + sizeof(void *) + 5 * sizeof(int))

static void *work(void *data)
{
	struct mover *m = data;
	size_t room = m->batch_pages, len = room * PER_PAGE;
	/* Private and at once: half the price of faults in shared memory. The ranges were read before. */
	char *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct batch b = { .m = m };
	int rc = 0;
	bool more = true;

	if (memory == MAP_FAILED) {
		rc = -ENOMEM;
	} else {
		b.name = (uintptr_t *)memory;
		b.page = (void **)(b.name + room);
		b.before = (int *)(b.page + room);
		b.why = b.before + room;
		b.after = b.why + room;
		b.node = b.after + room;
		b.status = b.node + room;
	}
	while (rc == 0 && more) {
		uint64_t had = b.sum.bytes;

		pthread_mutex_lock(&m->lock);
		more = take(m, &b);
		pthread_mutex_unlock(&m->lock);
		if (!more)
			break;
		rc = move_batch(&b);
		pthread_mutex_lock(&m->lock);
		had = b.sum.bytes - had;
		m->budget += had < b.bytes ? b.bytes - had : 0;
		pthread_mutex_unlock(&m->lock);
	}
	if (memory != MAP_FAILED)
		munmap(memory, len);
	pthread_mutex_lock(&m->lock);
	if (rc < 0 && !m->error)
		m->error = rc;
	add_up(&m->sum, &b.sum);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static void work_together(struct mover *m, unsigned workers)
{
	pthread_t thread[GM_NUMA_WORKERS];
	unsigned started = 0;
	sigset_t all, old;

	/* Signals are for the threads that were there. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (started + 1 < workers && pthread_create(&thread[started], NULL, work, m) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	work(m);
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	/* What others gave back of the budget after the last look at it. */
	if (started && !m->error && m->range < m->move->count && m->budget >= m->walk.page)
		work(m);
}

static void measure(struct mover *m)
{
	const struct gm_numa_walk *w = &m->walk;
	uint64_t bytes;

	for (size_t i = 0; i < m->move->count; i++)
		m->ahead += m->move->range[i].end - m->move->range[i].start;
	bytes = m->ahead < BATCH_BYTES ? m->ahead : BATCH_BYTES;
	bytes = (bytes + w->huge - 1) & ~(uint64_t)(w->huge - 1);
	m->batch_pages = (size_t)(bytes / w->page);
}

int gm_numa_move(const struct gm_numa_move *move, struct gm_numa_moved *ret)
{
	struct mover m = { .move = move, .lock = PTHREAD_MUTEX_INITIALIZER };
	int rc;

	*ret = m.sum;
	if (move->to_count < 1 || move->to_count > GM_NUMA_TARGETS || move->workers < 1 ||
	    move->workers > GM_NUMA_WORKERS)
		return -EINVAL;
	rc = gm_numa_walk_open(&m.walk, move->pid);
	if (rc < 0)
		return rc;
	measure(&m);
	m.budget = move->max_bytes;
	m.exact = move->from;
	work_together(&m, move->workers);
	gm_numa_walk_close(&m.walk);
	*ret = m.sum;
	return m.error;
}
