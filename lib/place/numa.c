/* SPDX-License-Identifier: MIT */
/*
 * numa.c: moves between nodes in large batches, by several threads, and what became of each page.
 *
 * Each move_pages(2) that moves empties the page caches of all CPUs first, so a call is worth many MiB. Where a
 * mapping's pages are numa_maps says; where it is not of one mind, each page is asked for.
 */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place/numa_batch.h"
#include "place/numa_maps.h"

#define BATCH_BYTES (16ul << 20)
#define LEAST_BYTES (4ul << 20) /* with several workers, whose batches get smaller to the end */

struct mover {
	const struct gm_numa_move *move;
	struct gm_numa_walk walk;
	size_t batch_pages;
	bool *leaves; /* of each range: all of its pages are on nodes to be left */

	pthread_mutex_t lock; /* of all below */
	size_t range;	      /* where the next batch begins */
	uintptr_t at;
	uint64_t ahead; /* bytes of address space, from there on */
	uint64_t budget;
	int error;
	struct gm_numa_moved sum;
};

/* ---- workers ----------------------------------------------------------------------------- */

/* The names that the budget allows; the first one beyond it is where the next batch begins. */
static void cut(struct mover *m, struct gm_numa_batch *b, size_t from, size_t n)
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

static size_t pages_in(const struct gm_numa_batch *b)
{
	return (size_t)(b->bytes / b->walk->page);
}

/* The next batch, under the lock. False: nothing is left, or the budget is used up. */
static bool take(struct mover *m, struct gm_numa_batch *b)
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
		for (size_t i = had; m->leaves[m->range] && i < had + (size_t)n; i++)
			b->name[i] |= GM_NAME_LEAVES;
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

static void *work(void *data)
{
	struct mover *m = data;
	size_t room = m->batch_pages, len = gm_numa_batch_bytes(room);
	/* Private and at once: half the price of faults in shared memory. The ranges were read before. */
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct gm_numa_batch b = { .move = m->move, .walk = &m->walk };
	int rc = 0;
	bool more = true;

	if (memory == MAP_FAILED)
		rc = -ENOMEM;
	else
		gm_numa_batch_init(&b, memory, room);
	while (rc == 0 && more) {
		uint64_t had = b.sum.bytes;

		pthread_mutex_lock(&m->lock);
		more = take(m, &b);
		pthread_mutex_unlock(&m->lock);
		if (!more)
			break;
		rc = gm_numa_batch_move(&b);
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

/* ---- what the kernel says of the whole process --------------------------------------------- */

struct survey {
	struct mover *m;
	size_t range;	 /* the first that does not end before the mapping */
	uintptr_t start; /* of the mapping before this one, and whether all of it leaves */
	bool leaves;
	uint64_t own, all;     /* bytes on nodes to be left: of what may move, and of everything */
	uint64_t there;	       /* of what may move, on a node of to[] */
	struct gm_node_set on; /* the nodes to be left that have any */
};

/* What lies in [start, end) has pages that do not leave. */
static void stays(struct survey *s, uintptr_t start, uintptr_t end)
{
	const struct gm_range *range = s->m->move->range;
	size_t count = s->m->move->count;

	while (s->range < count && range[s->range].end <= start)
		s->range++;
	for (size_t i = s->range; i < count && range[i].start < end; i++)
		s->m->leaves[i] = false;
}

static void survey_mapping(void *data, const struct gm_numa_mapping *mapping)
{
	const char *cursor = mapping->counts;
	struct survey *s = data;
	uint64_t bytes;
	int node;

	if (!s->leaves)
		stays(s, s->start, mapping->start);
	s->start = mapping->start;
	s->leaves = true;
	while (gm_numa_next(mapping, &cursor, &node, &bytes)) {
		if (gm_numa_is_wanted(s->m->move, node)) {
			gm_node_set_add(&s->on, node);
			s->all += bytes;
			s->own += mapping->own ? bytes : 0;
			continue;
		}
		s->leaves = false;
		s->there += mapping->own && gm_numa_is_target(s->m->move, node) ? bytes : 0;
	}
}

/* False: nothing is known, and each page is to be asked for. */
static bool survey(struct mover *m, struct survey *s)
{
	bool known;

	*s = (struct survey){ .m = m, .leaves = true };
	memset(m->leaves, 1, m->move->count * sizeof(m->leaves[0]));
	known = gm_numa_maps(m->move->pid, survey_mapping, s) == 0;
	if (!known || !s->leaves)
		stays(s, known ? s->start : 0, UINTPTR_MAX);
	return known;
}

#define SAMPLE 512

/* Whether most of what comes first are huge pages: naming their heads is faster than all else. */
static bool is_huge(const struct mover *m)
{
	size_t bytes = 0, huge = 0;
	uintptr_t name[SAMPLE];

	for (size_t i = 0; i < m->move->count && bytes < SAMPLE * m->walk.page; i++) {
		uintptr_t at = m->move->range[i].start, end = m->move->range[i].end;
		ssize_t n = 1;

		while (at < end && n > 0 && bytes < SAMPLE * m->walk.page) {
			n = gm_numa_walk(&m->walk, &at, end, name, SAMPLE);
			for (ssize_t k = 0; k < n; k++) {
				bytes += gm_name_bytes(&m->walk, name[k]);
				huge += name[k] & GM_NAME_HUGE ? m->walk.huge : 0;
			}
		}
	}
	return 2 * huge > bytes;
}

/* With CAP_SYS_NICE migrate_pages(2) moves what other processes map as well: all of libc, say. */
static bool takes_from_others(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &head, caps) < 0 || caps[0].effective >> CAP_SYS_NICE & 1;
}

/* One worker lets the kernel find small pages, which is faster than naming them. Returns whether all went. */
static bool go_whole(struct mover *m, struct survey *s)
{
	const struct gm_numa_move *move = m->move;
	uint64_t own = s->own;

	if (move->workers > 1 || s->all > move->whole_bytes || s->all > move->max_bytes || is_huge(m) ||
	    takes_from_others())
		return false;
	for (int32_t n = 0, node; (node = gm_node_set_nth(&s->on, (uint32_t)n)) >= 0; n++) {
		gm_numa_clear(move->pid, node, move->to[0]);
		m->sum.calls++;
	}
	if (m->sum.calls && !survey(m, s))
		return false;
	m->sum.bytes = own > s->own ? own - s->own : 0;
	return s->own == 0;
}

/* The ranges are all that may move of the process, so the kernel's sums are theirs. */
static void move_whole(struct mover *m, struct survey *s)
{
	uint64_t there = s->there;

	if (s->own && !go_whole(m, s)) {
		m->budget -= m->sum.bytes;
		work_together(m, m->move->workers);
	}
	m->sum.there = there;
}

int gm_numa_move(const struct gm_numa_move *move, struct gm_numa_moved *ret)
{
	struct mover m = { .move = move, .lock = PTHREAD_MUTEX_INITIALIZER, .budget = move->max_bytes };
	struct survey s;
	int rc;

	*ret = m.sum;
	if (move->to_count < 1 || move->to_count > GM_NUMA_TARGETS || move->workers < 1 ||
	    move->workers > GM_NUMA_WORKERS)
		return -EINVAL;
	rc = gm_numa_walk_open(&m.walk, move->pid);
	if (rc < 0)
		return rc;
	m.leaves = malloc(move->count + 1);
	if (!m.leaves) {
		m.error = -ENOMEM;
	} else {
		measure(&m);
		if (survey(&m, &s) && move->whole_bytes)
			move_whole(&m, &s);
		else
			work_together(&m, move->workers);
	}
	free(m.leaves);
	gm_numa_walk_close(&m.walk);
	*ret = m.sum;
	return m.error;
}
