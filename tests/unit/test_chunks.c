/* SPDX-License-Identifier: MIT */
/*
 * test_chunks: the chunk table: found again whatever was added and forgotten in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "agent/chunks.h"

#define MANY 20000u

static uint8_t reported[MANY + 1];

static void note_gone(void *data, const struct gm_chunk *c)
{
	(void)data;
	assert_in_range(c->number, 1, MANY);
	reported[c->number]++;
}

static void test_grow(void **state)
{
	struct gm_chunks t = { 0 };

	(void)state;
	assert_null(gm_chunks_find(&t, 1));
	for (uint64_t n = 1; n <= MANY; n++) {
		struct gm_chunk *c = gm_chunks_get(&t, n * 977);

		assert_non_null(c);
		assert_int_equal(c->number, n * 977);
		assert_int_equal(c->device_pages, 0);
		c->device_pages = (uint16_t)n;
	}
	assert_int_equal(t.used, MANY);
	for (uint64_t n = 1; n <= MANY; n++) {
		struct gm_chunk *c = gm_chunks_find(&t, n * 977);

		if (!c || c->device_pages != (uint16_t)n)
			fail_msg("chunk %ju: expected as it was put in, got %s", (uintmax_t)n,
				 c ? "another" : "none");
		assert_ptr_equal(gm_chunks_get(&t, n * 977), c);
	}
	assert_null(gm_chunks_find(&t, 978));
	assert_int_equal(t.used, MANY);
	gm_chunks_free(&t);
	assert_null(gm_chunks_find(&t, 977));
}

/* Numbers that fall on one place of the table. */
static void test_collisions(void **state)
{
	struct gm_chunks t = { 0 };

	(void)state;
	for (uint64_t n = 1; n <= 500; n++)
		gm_chunks_get(&t, n << 40)->device_pages = (uint16_t)n;
	for (uint64_t n = 1; n <= 500; n++)
		assert_int_equal(gm_chunks_find(&t, n << 40)->device_pages, n);
	gm_chunks_free(&t);
}

static void fill(struct gm_chunks *t, uint8_t pass)
{
	for (uint64_t n = 1; n <= MANY; n++) {
		struct gm_chunk *c = gm_chunks_get(t, n);

		c->pass = pass;
		c->device_pages = 7;
	}
}

static void test_sweep(void **state)
{
	struct gm_chunks t = { 0 };

	(void)state;
	srandom(1);
	memset(reported, 0, sizeof(reported));
	fill(&t, 1);
	for (uint64_t n = 1; n <= MANY; n++)
		gm_chunks_find(&t, n)->pass = random() % 2 ? 2 : 1;
	for (uint64_t n = 1; n <= MANY; n++)
		reported[n] = gm_chunks_find(&t, n)->pass == 2 ? 0x40 : 0;
	gm_chunks_sweep(&t, 2, note_gone, NULL);
	for (uint64_t n = 1; n <= MANY; n++) {
		struct gm_chunk *c = gm_chunks_find(&t, n);

		if (reported[n] != (c ? 0x40 : 1))
			fail_msg("chunk %ju: expected %s, got %s reported %d times", (uintmax_t)n,
				 reported[n] & 0x40 ? "kept" : "gone and reported once",
				 c ? "kept," : "gone,", reported[n] & 0x3f);
		if (c)
			assert_int_equal(c->device_pages, 7);
	}
	gm_chunks_free(&t);
}

/* What the application keeps out is remembered while nothing is there. */
static void test_kept_out(void **state)
{
	struct gm_chunks t = { 0 };
	struct gm_chunk *c;

	(void)state;
	memset(reported, 0, sizeof(reported));
	fill(&t, 1);
	gm_chunks_find(&t, 42)->flags = GM_CHUNK_OUT;
	gm_chunks_sweep(&t, 2, note_gone, NULL);
	assert_int_equal(t.used, 1);
	c = gm_chunks_find(&t, 42);
	assert_non_null(c);
	assert_int_equal(c->flags, GM_CHUNK_OUT);
	assert_int_equal(c->device_pages, 0);
	gm_chunks_sweep(&t, 3, note_gone, NULL);
	assert_non_null(gm_chunks_find(&t, 42));
	for (uint64_t n = 1; n <= MANY; n++)
		if (reported[n] != 1)
			fail_msg("chunk %ju: expected reported once, got %d times", (uintmax_t)n,
				 reported[n]);
	gm_chunks_free(&t);
}

static void test_oldest(void **state)
{
	struct gm_chunks t = { 0 };
	struct gm_chunk got[100];

	(void)state;
	assert_int_equal(gm_chunks_oldest(&t, 0, got, 100), 0);
	for (uint64_t n = 1; n <= 100; n++) {
		struct gm_chunk *c = gm_chunks_get(&t, n);

		c->device = n % 2;
		c->moved_order = (uint32_t)(n * 37 % 101);
		c->device_pages = n > 90 ? 0 : 1;
	}
	for (size_t most = 1; most <= 100; most += 11) {
		size_t count = gm_chunks_oldest(&t, 1, got, most);

		assert_int_equal(count, most < 45 ? most : 45);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(got[i].device, 1);
			assert_int_equal(got[i].device_pages, 1);
			if (i)
				assert_true(got[i - 1].moved_order < got[i].moved_order);
		}
		/* Nothing that was left out is older. */
		for (uint64_t n = 1; n <= 90 && count == most; n += 2)
			if (gm_chunks_find(&t, n)->moved_order < got[count - 1].moved_order) {
				size_t i = 0;

				while (i < count && got[i].number != n)
					i++;
				assert_true(i < count);
			}
	}
	assert_int_equal(gm_chunks_oldest(&t, 2, got, 100), 0);
	gm_chunks_free(&t);
}

/* Where there is no more memory the table goes on with what it has. */
static void test_no_memory(void **state)
{
	struct rlimit old, none = { 0, 0 };
	struct gm_chunks t = { 0 };
	uint64_t n = 0;

	(void)state;
	memset(reported, 0, sizeof(reported));
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	assert_non_null(gm_chunks_get(&t, 1));
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	while (gm_chunks_get(&t, n + 1)) {
		n++;
		gm_chunks_find(&t, n)->pass = n % 3 ? 1 : 2;
	}
	gm_chunks_sweep(&t, 2, note_gone, NULL);
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	assert_in_range(n, 100, MANY);
	assert_int_equal(t.used, n / 3);
	for (uint64_t i = 1; i <= n; i++)
		if ((gm_chunks_find(&t, i) == NULL) != (i % 3 != 0))
			fail_msg("chunk %ju of %ju is lost or was kept", (uintmax_t)i, (uintmax_t)n);
	assert_non_null(gm_chunks_get(&t, MANY));
	gm_chunks_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),	 cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_sweep),	 cmocka_unit_test(test_kept_out),
		cmocka_unit_test(test_oldest),	cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
