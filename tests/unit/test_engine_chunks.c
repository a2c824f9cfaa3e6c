/* SPDX-License-Identifier: MIT */
/*
 * test_engine_chunks: the engine's chunk table: found again whatever was added and forgotten in
 * between, and small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "engine/chunks.h"

#define MANY 20000u

/* Spread numbers have a leaf each; dense ones share them. */
static void check_numbers(uint64_t stride)
{
	struct gm_chunks t = {0};

	assert_int_equal(gm_chunks_find(&t, 1), GM_NO_CHUNK);
	assert_int_equal(gm_chunks_next(&t, GM_NO_CHUNK), GM_NO_CHUNK);
	for (uint64_t n = 1; n <= MANY; n++) {
		uint32_t id = gm_chunks_get(&t, n * stride);

		assert_int_not_equal(id, GM_NO_CHUNK);
		assert_int_equal(gm_chunk_number(&t, id), n * stride);
		assert_int_equal(gm_chunk_at(&t, id)->order, 0);
		gm_chunk_at(&t, id)->order = (uint32_t)n;
	}
	assert_int_equal(t.used, MANY);
	for (uint64_t n = 1; n <= MANY; n++) {
		uint32_t id = gm_chunks_find(&t, n * stride);

		if (id == GM_NO_CHUNK || gm_chunk_at(&t, id)->order != n)
			fail_msg("chunk %ju: expected as it was put in, got %s", (uintmax_t)n,
				 id == GM_NO_CHUNK ? "none" : "another");
		assert_int_equal(gm_chunks_get(&t, n * stride), id);
	}
	assert_int_equal(gm_chunks_find(&t, 0), GM_NO_CHUNK);
	assert_int_equal(gm_chunks_find(&t, (MANY + 1) * stride), GM_NO_CHUNK);
	assert_int_equal(t.used, MANY);
	gm_chunks_free(&t);
	assert_int_equal(gm_chunks_find(&t, stride), GM_NO_CHUNK);
}

static void test_spread(void **state)
{
	(void)state;
	check_numbers(977);
}

static void test_dense(void **state)
{
	(void)state;
	check_numbers(1);
}

/* Numbers whose low bits are equal. */
static void test_high(void **state)
{
	(void)state;
	check_numbers(1ull << 40);
}

/* Ids and pointers from before hold while the table grows. */
static void test_stay(void **state)
{
	struct gm_chunks t = {0};
	uint32_t id = gm_chunks_get(&t, 12345);
	struct gm_chunk *c = gm_chunk_at(&t, id);

	(void)state;
	c->heat = 77;
	for (uint64_t n = 1; n <= MANY; n++)
		gm_chunks_get(&t, n << 7);
	assert_ptr_equal(gm_chunk_at(&t, id), c);
	assert_int_equal(gm_chunks_find(&t, 12345), id);
	assert_int_equal(gm_chunk_number(&t, id), 12345);
	assert_int_equal(c->heat, 77);
	gm_chunks_free(&t);
}

/* Every one once, and those removed on the way do not end it. */
static void test_next(void **state)
{
	static uint8_t seen[MANY];
	struct gm_chunks t = {0};
	uint32_t left = 0;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (uint64_t n = 0; n < MANY; n++)
		gm_chunks_get(&t, n * 3);
	for (uint32_t id = gm_chunks_next(&t, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(&t, id)) {
		uint64_t n = gm_chunk_number(&t, id) / 3;

		assert_int_equal(gm_chunk_number(&t, id) % 3, 0);
		assert_in_range(n, 0, MANY - 1);
		seen[n]++;
		if (n / 100 % 2) /* whole leaves among them */
			gm_chunks_remove(&t, id);
		else
			left++;
	}
	for (uint64_t n = 0; n < MANY; n++)
		if (seen[n] != 1)
			fail_msg("chunk %ju was met %d times", (uintmax_t)n, seen[n]);
	assert_int_equal(t.used, left);
	for (uint64_t n = 0; n < MANY; n++)
		assert_int_equal(gm_chunks_find(&t, n * 3) == GM_NO_CHUNK, n / 100 % 2);
	gm_chunks_free(&t);
}

/* Added and removed at random, compared with a plain array. */
static void test_random(void **state)
{
	static uint32_t expected[MANY];
	struct gm_chunks t = {0};
	uint32_t used = 0;

	(void)state;
	srandom(1);
	memset(expected, 0, sizeof(expected));
	for (uint32_t i = 1; i <= 20 * MANY; i++) {
		uint64_t n = (uint64_t)random() % MANY;
		uint32_t id = gm_chunks_find(&t, n * 61);

		assert_int_equal(id == GM_NO_CHUNK, expected[n] == 0);
		if (id == GM_NO_CHUNK) {
			id = gm_chunks_get(&t, n * 61);
			assert_int_equal(gm_chunk_at(&t, id)->order, 0);
			gm_chunk_at(&t, id)->order = expected[n] = i;
			used++;
		} else {
			assert_int_equal(gm_chunk_at(&t, id)->order, expected[n]);
			gm_chunks_remove(&t, id);
			expected[n] = 0;
			used--;
		}
		assert_int_equal(t.used, used);
	}
	gm_chunks_free(&t);
}

/* A process whose memory wanders must not leave a trail. */
static void test_reuse(void **state)
{
	struct gm_chunks t = {0};
	uint32_t leaves = 0;

	(void)state;
	for (uint64_t at = 0; at < 1000; at++) {
		for (uint64_t n = 0; n < 256; n++)
			gm_chunks_get(&t, at * 100032 + n);
		for (uint64_t n = 0; n < 256; n++)
			gm_chunks_remove(&t, gm_chunks_find(&t, at * 100032 + n));
		if (at == 0)
			leaves = t.leaves;
		assert_int_equal(t.leaves, leaves);
		assert_int_equal(t.used, 0);
	}
	assert_int_equal(gm_chunks_next(&t, GM_NO_CHUNK), GM_NO_CHUNK);
	gm_chunks_free(&t);
}

static uint64_t mapped_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages * 4096ull;
}

static void test_small(void **state)
{
	uint32_t count = 1u << 20;
	struct gm_chunks t = {0};
	uint64_t before, bytes;

	(void)state;
	before = mapped_bytes();
	for (uint64_t n = 0; n < count; n++)
		gm_chunks_get(&t, 0x3f8000000ull + n);
	bytes = mapped_bytes() - before;
	if (bytes > 21ull * count)
		fail_msg("%ju bytes for %u chunks: %.1f each", (uintmax_t)bytes, count,
			 (double)bytes / count);
	gm_chunks_free(&t);
	assert_true(mapped_bytes() - before < 1u << 20);
}

/* Where there is no more memory the table goes on with what it has. */
static void test_no_memory(void **state)
{
	struct rlimit old, none = {0, 0};
	struct gm_chunks t = {0};
	uint64_t n = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	assert_int_not_equal(gm_chunks_get(&t, 64), GM_NO_CHUNK);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	while (n < MANY && gm_chunks_get(&t, (n + 1) * 64) != GM_NO_CHUNK)
		n++;
	for (uint64_t i = 1; i <= n; i += 2)
		gm_chunks_remove(&t, gm_chunks_find(&t, i * 64));
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	assert_in_range(n, 100, MANY - 1);
	assert_int_equal(t.used, n / 2);
	for (uint64_t i = 1; i <= n; i++)
		if ((gm_chunks_find(&t, i * 64) == GM_NO_CHUNK) != (i % 2 == 1))
			fail_msg("chunk %ju of %ju is lost or was kept", (uintmax_t)i,
				 (uintmax_t)n);
	for (uint64_t i = 1; i <= MANY; i++)
		assert_int_not_equal(gm_chunks_get(&t, i * 64), GM_NO_CHUNK);
	gm_chunks_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),	  cmocka_unit_test(test_dense),
		cmocka_unit_test(test_high),	  cmocka_unit_test(test_stay),
		cmocka_unit_test(test_next),	  cmocka_unit_test(test_random),
		cmocka_unit_test(test_reuse),	  cmocka_unit_test(test_small),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
