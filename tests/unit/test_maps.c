/* SPDX-License-Identifier: MIT */
/*
 * test_maps: which lines of /proc/PID/maps may move, and the list that is read from them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "place/maps.h"

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		bool eligible;
	} cases[] = {
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0 ", true },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0", true },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0 \n", true },
		{ "7f0000000000-7f0000200000 rwxp 00000000 00:00 0 ", true },
		{ "7f0000000000-7f0000200000 rw-p 7f0000000 00:00 0 ", true },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0     [heap]", true },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0     [anon:glibc: malloc]", true },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0     [stack]", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0     [stack:77]", false },
		{ "7f0000000000-7f0000200000 r--p 00000000 00:00 0     [vvar]", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0     [vvar]", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0     [anon_shmem:x]", false },
		{ "7f0000000000-7f0000200000 r--p 00000000 00:00 0 ", false },
		{ "7f0000000000-7f0000200000 ---p 00000000 00:00 0 ", false },
		{ "7f0000000000-7f0000200000 -w-p 00000000 00:00 0 ", false },
		{ "7f0000000000-7f0000200000 rw-s 00000000 00:00 0 ", false },
		{ "7f0000000000-7f0000200000 rw-s 00000000 00:01 12   /dev/zero (deleted)", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:01 12   /dev/zero", false },
		{ "7f0000000000-7f0000200000 rw-p 00001000 08:01 4711 /usr/lib/libc.so.6", false },
		{ "7f0000000000-7f0000200000 rw-p 00001000 08:01 4711 /a path/with [heap]", false },
		{ "7f0000000000-7f0000200000 rw-p 00001000 08:01 4711", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:0f 9 /anon_hugepage (deleted)", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0 /dev/kfd", false },
		{ "7f0000200000-7f0000200000 rw-p 00000000 00:00 0 ", false },
		{ "7f0000200000-7f0000000000 rw-p 00000000 00:00 0 ", false },
		{ "7f0000000000-7f0000200000 rw-p", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 ", false },
		{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 x", false },
		{ "7f0000000000-7f0000200000 ", false },
		{ "7f0000000000-7f0000200000 r", false },
		{ "7f0000000000-", false },
		{ "7f0000000000", false },
		{ "zz-7f0000200000 rw-p 00000000 00:00 0 ", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gm_range r = { 1, 2 };
		bool got = gm_maps_eligible(cases[i].line, &r);

		if (got != cases[i].eligible)
			fail_msg("\"%s\": expected %d, got %d", cases[i].line, cases[i].eligible, got);
		assert_int_equal(r.start, got ? 0x7f0000000000 : 1);
		assert_int_equal(r.end, got ? 0x7f0000200000 : 2);
	}
}

static bool covered(const struct gm_ranges *r, const void *p)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->range[i].start <= (uintptr_t)p && (uintptr_t)p < r->range[i].end)
			return true;
	return false;
}

static void *map(void *at, size_t len, int prot, int flags)
{
	void *p = mmap(at, len, prot, flags | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void test_own(void **state)
{
	char *p = map(NULL, 16 << 12, PROT_NONE, MAP_PRIVATE);
	char *shared = map(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
	struct gm_ranges r = { 0 };

	(void)state;
	map(p, 4 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	map(p + (8 << 12), 4 << 12, PROT_READ, MAP_PRIVATE);
	assert_int_equal(gm_maps_read(&r), 0);
	assert_true(covered(&r, p));
	assert_true(covered(&r, p + (4 << 12) - 1));
	assert_false(covered(&r, p + (4 << 12)));
	assert_false(covered(&r, p + (8 << 12)));
	assert_false(covered(&r, shared));
	assert_false(covered(&r, r.range));
	for (size_t i = 1; i < r.count; i++)
		assert_true(r.range[i - 1].end < r.range[i].start);
	munmap(p, 16 << 12);
	assert_int_equal(gm_maps_read(&r), 0);
	assert_false(covered(&r, p));
	munmap(shared, 4096);
	gm_maps_free(&r);
	assert_int_equal(r.count, 0);
}

/* More ranges than the list has room for at first, and more text than one read(2) gives. */
static void test_many(void **state)
{
	enum { N = 2000 };
	char *p = map(NULL, (2 * N) << 12, PROT_NONE, MAP_PRIVATE);
	struct gm_ranges r = { 0 };
	size_t inside = 0;

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_int_equal(mprotect(p + (2 * i << 12), 4096, PROT_READ | PROT_WRITE), 0);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(gm_maps_read(&r), 0);
		inside = 0;
		for (size_t i = 0; i < r.count; i++)
			inside += r.range[i].start >= (uintptr_t)p &&
				  r.range[i].end <= (uintptr_t)p + ((2ul * N) << 12);
		assert_int_equal(inside, N);
	}
	for (size_t i = 0; i < N; i++)
		assert_true(covered(&r, p + (2 * i << 12)));
	/* Without the gaps they are one mapping to us, whatever the kernel makes of it. */
	assert_int_equal(mprotect(p, (2ul * N) << 12, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(gm_maps_read(&r), 0);
	inside = 0;
	for (size_t i = 0; i < r.count; i++)
		inside += r.range[i].start < (uintptr_t)p + ((2ul * N) << 12) &&
			  r.range[i].end > (uintptr_t)p;
	assert_int_equal(inside, 1);
	munmap(p, (2ul * N) << 12);
	gm_maps_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_own),
					    cmocka_unit_test(test_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
