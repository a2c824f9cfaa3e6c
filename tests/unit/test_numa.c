/* SPDX-License-Identifier: MIT */
/*
 * test_numa: naming pages and counting them, on whatever nodes the machine has; the moves
 * themselves are tests/guest/numa-move.t's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "place/numa.h"
#include "place/numa_maps.h"
#include "place/numa_queue.h"
#include "place/numa_walk.h"

static size_t page;

static char *map(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

/* -1: the kernel, or a sandbox, has no move_pages(2). */
static int node_of(void *p)
{
	int status = -1;

	if (syscall(SYS_move_pages, 0, 1ul, &p, NULL, &status, 0) < 0)
		return -1;
	return status;
}

static struct gm_numa_move one(const struct gm_range *r, int node)
{
	return (struct gm_numa_move){ .range = r, .count = 1, .to = { node }, .to_count = 1,
				      .workers = 1, .max_bytes = UINT64_MAX };
}

static void need_move_pages(void)
{
	char *p = map(page);
	int node;

	*p = 1;
	node = node_of(p);
	munmap(p, page);
	if (node < 0)
		skip();
}

static void test_there(void **state)
{
	size_t len = 1000 * page;
	char *p = map(len);
	struct gm_range r = { (uintptr_t)p, (uintptr_t)p + len };
	struct gm_node_set from = { 0 };
	struct gm_numa_moved moved;
	int node;

	(void)state;
	need_move_pages();
	for (size_t i = 0; i < 1000; i++)
		if (i % 3)
			p[i * page] = 1;
	node = node_of(p + page);
	gm_node_set_add(&from, node + 1);
	for (unsigned workers = 1; workers <= 4; workers++) {
		struct gm_numa_move m = one(&r, node);

		m.workers = workers;
		assert_int_equal(gm_numa_move(&m, &moved), 0);
		assert_int_equal(moved.there, 666 * page);
		assert_int_equal(moved.bytes + moved.left, 0);
		m.from = &from;
		assert_int_equal(gm_numa_move(&m, &moved), 0);
		assert_int_equal(moved.calls, 0);
	}
	assert_int_equal(gm_numa_put(p, len, node), 0);
	assert_int_equal(node_of(p), -ENOENT); /* holes stay holes */
	munmap(p, len);
}

static void test_no_such_node(void **state)
{
	size_t len = 8 * page;
	char *p = map(len);
	struct gm_range r = { (uintptr_t)p, (uintptr_t)p + len };
	struct gm_numa_move m = one(&r, 1000);
	struct gm_numa_moved moved;
	int rc;

	(void)state;
	need_move_pages();
	memset(p, 1, len);
	rc = gm_numa_move(&m, &moved);
	assert_true(rc == -ENODEV || rc == -EINVAL);
	assert_int_equal(moved.bytes, 0);
	rc = gm_numa_put(p, len, 1000);
	assert_true(rc == -ENODEV || rc == -EINVAL);
	rc = gm_numa_put(p, len, -1);
	assert_true(rc == -ENODEV || rc == -EINVAL);
	assert_int_equal(p[len - 1], 1);
	munmap(p, len);
}

static void test_arguments(void **state)
{
	char *p = map(page);
	struct gm_range r = { (uintptr_t)p, (uintptr_t)p + page };
	struct gm_numa_move m = one(&r, 0);
	struct gm_numa_moved moved;
	pid_t gone = fork();

	(void)state;
	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	assert_int_equal(gm_numa_put(p + 1, page, 0), -EINVAL);
	assert_int_equal(gm_numa_put(p, 1, 0), -EINVAL);
	m.workers = 0;
	assert_int_equal(gm_numa_move(&m, &moved), -EINVAL);
	m.workers = 9;
	assert_int_equal(gm_numa_move(&m, &moved), -EINVAL);
	m.workers = 1;
	m.to_count = 0;
	assert_int_equal(gm_numa_move(&m, &moved), -EINVAL);
	m.to_count = 1;
	m.pid = gone;
	assert_int_equal(gm_numa_move(&m, &moved), -ESRCH);
	munmap(p, page);
}

/* What is not present is passed over; a frame of small pages is not taken for a huge one where the
 * kernel tells. */
static void test_walk(void **state)
{
	size_t huge = gm_numa_huge_bytes(), n = huge / page, len = 3 * huge;
	char *p = map(len), *frame;
	struct gm_numa_walk w;
	uintptr_t *name = test_calloc(2 * n, sizeof(*name)), at, end;
	ssize_t got;

	(void)state;
	frame = (char *)(((uintptr_t)p + huge - 1) & ~(uintptr_t)(huge - 1));
	memset(frame, 1, huge);
	frame[huge + 3 * page] = 1;
	assert_int_equal(gm_numa_walk_open(&w, 0), 0);
	for (int scan = w.scan; scan >= 0; scan--) {
		w.scan = scan;
		at = (uintptr_t)frame;
		end = at + 2 * huge;
		got = gm_numa_walk(&w, &at, end, name, 2 * n);
		assert_int_equal(at, end);
		assert_int_equal(got, (scan ? n : 1) + 1);
		assert_int_equal(name[0], (uintptr_t)frame | (scan ? 0 : GM_NAME_MAYBE));
		assert_int_equal(name[got - 1], (uintptr_t)frame + huge + 3 * page);
		/* No room for two frames: the second one is the next call's. */
		at = (uintptr_t)frame;
		got = gm_numa_walk(&w, &at, end, name, n + 5);
		assert_int_equal(at, (uintptr_t)frame + huge);
		assert_int_equal(got, scan ? n : 1);
		/* A part of a frame is never named by its head. */
		at = (uintptr_t)frame + page;
		got = gm_numa_walk(&w, &at, (uintptr_t)frame + huge, name, 2 * n);
		assert_int_equal(got, n - 1);
		assert_int_equal(name[0], (uintptr_t)frame + page);
	}
	gm_numa_walk_close(&w);
	test_free(name);
	munmap(p, len);
}

static void test_maps_lines(void **state)
{
	static const struct {
		const char *line;
		bool parses, own;
		uintptr_t start;
		uint64_t on_1, on_12; /* bytes */
	} cases[] = {
		{ "7f1200000000 default anon=8 dirty=8 active=0 N1=3 N12=5 kernelpagesize_kB=4\n", true, true,
		  0x7f1200000000, 3 * 4096, 5 * 4096 },
		{ "7f12 bind:12 anon=2 dirty=2 N12=2 kernelpagesize_kB=64\n", true, true, 0x7f12, 0, 2 * 65536 },
		{ "5555 prefer (many):1,12 heap anon=1 N1=1 kernelpagesize_kB=4\n", true, true, 0x5555, 4096, 0 },
		{ "7ffd default stack anon=3 dirty=3 N1=3 kernelpagesize_kB=4\n", true, false, 0x7ffd, 3 * 4096, 0 },
		{ "7f00 default file=/N12=7/x\\040N12=9 mapped=1 N1=1 kernelpagesize_kB=4\n", true, false, 0x7f00, 4096, 0 },
		{ "7f01 default\n", true, true, 0x7f01, 0, 0 },
		{ "\n", false, false, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gm_numa_mapping m;
		uint64_t bytes, on_1 = 0, on_12 = 0;
		const char *cursor;
		int node;

		if (gm_numa_mapping_parse(cases[i].line, &m) != cases[i].parses)
			fail_msg("case %zu: expected %d", i, cases[i].parses);
		if (!cases[i].parses)
			continue;
		assert_int_equal(m.own, cases[i].own);
		assert_int_equal(m.start, cases[i].start);
		for (cursor = m.counts; gm_numa_next(&m, &cursor, &node, &bytes);) {
			on_1 += node == 1 ? bytes : 0;
			on_12 += node == 12 ? bytes : 0;
		}
		assert_int_equal(on_1, cases[i].on_1);
		assert_int_equal(on_12, cases[i].on_12);
	}
}

/* Pieces for devices that are no nodes pass the queue by; what it says must not be about an older move of theirs. */
static void test_queue_forgets(void **state)
{
	struct gm_numa_queue q = { 0 };
	char *p = map(page);

	(void)state;
	need_move_pages();
	*p = 1;
	assert_int_equal(gm_numa_queue_add(&q, p, page, 63), 0);
	gm_numa_queue_move(&q);
	assert_int_equal(gm_numa_queue_why(&q, p, page), -ENODEV);
	gm_numa_queue_move(&q);
	assert_int_equal(gm_numa_queue_why(&q, p, page), 0);
	gm_numa_queue_free(&q);
	munmap(p, page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there), cmocka_unit_test(test_no_such_node),
		cmocka_unit_test(test_arguments), cmocka_unit_test(test_walk),
		cmocka_unit_test(test_maps_lines), cmocka_unit_test(test_queue_forgets),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
