/* SPDX-License-Identifier: MIT */
/*
 * test_share: processes that compute alone reach the same goal: the level kept, borrowers before
 * owners, the coldest first, room for who is owed it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/share.h"

#define M (1ull << 20)

static struct gm_share of(const struct gm_holder *h, size_t n, size_t own, uint64_t high,
			  uint64_t low)
{
	const struct gm_levels levels = { high, low, false };
	struct gm_share s;

	gm_share(h, n, own, &levels, &s);
	return s;
}

/* The level is met whoever holds how much of what heat, and nobody is emptied for it. */
static void test_level(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 3000; round++) {
		size_t n = 1 + (size_t)random() % 40;
		struct gm_holder h[40] = { { 0 } };
		uint64_t sum = 0, high, low, given = 0;

		for (size_t k = 0; k < n; k++) {
			for (unsigned c = 0; c < GPUMEM_HEAT_CLASSES; c++) {
				h[k].class_bytes[c] = (uint64_t)(random() % 64) * 2 * M;
				h[k].charged += h[k].class_bytes[c];
			}
			sum += h[k].charged;
		}
		high = sum * (uint64_t)(random() % 120) / 100;
		low = high * 93 / 100;
		for (size_t k = 0; k < n; k++) {
			struct gm_share s = of(h, n, k, high, low);

			assert_true(s.give <= h[k].charged);
			given += s.give;
		}
		if (sum <= high && given)
			fail_msg("round %d: below the mark %ju bytes were given", round,
				 (uintmax_t)given);
		if (sum > high && (sum - given > low || given > sum - low + n * 2 * M + n * 4096))
			if (sum - given > low)
				fail_msg("round %d: %ju of %ju given, down to %ju wanted", round,
					 (uintmax_t)given, (uintmax_t)sum, (uintmax_t)low);
	}
}

static void test_coldest_first(void **state)
{
	struct gm_holder h[2] = { { .charged = 60 * M }, { .charged = 60 * M } };

	(void)state;
	h[0].class_bytes[0] = 40 * M;
	h[0].class_bytes[6] = 20 * M;
	h[1].class_bytes[6] = 60 * M;
	/* Both borrow 10; the cold ones of the first cover what has to go. */
	assert_int_equal(of(h, 2, 0, 100 * M, 110 * M).give, 10 * M);
	assert_int_equal(of(h, 2, 1, 100 * M, 110 * M).give, 0);
	/* More: the first gives all that is cold and borrowed, then both of the same heat. */
	assert_int_equal(of(h, 2, 0, 100 * M, 100 * M).give, 10 * M);
	assert_int_equal(of(h, 2, 1, 100 * M, 100 * M).give, 10 * M);
	/* Beyond what is borrowed the rest comes from the coldest, whosesoever. */
	assert_int_equal(of(h, 2, 0, 100 * M, 90 * M).give, 30 * M);
	assert_int_equal(of(h, 2, 1, 100 * M, 90 * M).give, 10 * M);
}

static void test_owner_is_owed(void **state)
{
	struct gm_holder h[3] = { { .charged = 90 * M },
				  { .charged = 6 * M },
				  { .charged = 0, .wanted = 80 * M } };
	struct gm_share s;

	(void)state;
	h[0].class_bytes[6] = 90 * M;
	/* One wants 6 of 100, so the parts of the others are 47: the late one is owed that, of which
	 * 4 are free. */
	s = of(h, 3, 0, 100 * M, 90 * M);
	assert_int_equal(s.fair, 47 * M);
	assert_int_equal(s.give, 43 * M);
	assert_int_equal(s.room, 0);
	assert_false(s.over);
	s = of(h, 3, 1, 100 * M, 90 * M);
	assert_int_equal(s.give, 0);
	assert_int_equal(s.room, 0);
	s = of(h, 3, 2, 100 * M, 90 * M);
	assert_int_equal(s.give, 0);
	assert_int_equal(s.room, 4 * M);
	/* As soon as it is there, the late one takes it all. */
	h[0].charged = 47 * M;
	assert_int_equal(of(h, 3, 2, 100 * M, 90 * M).room, 47 * M);
	assert_int_equal(of(h, 3, 0, 100 * M, 90 * M).room, 0);
	assert_int_equal(of(h, 3, 0, 100 * M, 90 * M).give, 0);
	/* Who wants nothing is owed nothing. */
	h[2].wanted = 0;
	assert_int_equal(of(h, 3, 0, 100 * M, 90 * M).room, 47 * M);
	/* Less than a chunk is not worth a round. */
	h[0].charged = 94 * M;
	h[2].wanted = M;
	assert_int_equal(of(h, 3, 0, 100 * M, 90 * M).give, 0);
}

static void test_alone(void **state)
{
	struct gm_holder h = { .charged = 80, .wanted = 1000 };

	(void)state;
	assert_int_equal(of(&h, 1, 0, 100, 90).room, 20);
	assert_int_equal(of(&h, 1, 0, 100, 90).cold_room, 10);
	assert_int_equal(of(&h, 1, 0, 80, 80).room, 0);
	assert_int_equal(of(&h, 1, 0, 79, 70).give, 10);
	assert_int_equal(of(&h, 1, 0, 0, 0).give, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level),	      cmocka_unit_test(test_coldest_first),
		cmocka_unit_test(test_owner_is_owed), cmocka_unit_test(test_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
