/* SPDX-License-Identifier: MIT */
/*
 * test_trial: an arm that missed more than the one before it goes, and stays out longer each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/trial.h"

#define ALL 100u

/* Epochs in which half of all chunks are touched; who decides after them. */
static unsigned epochs(struct gm_trial *t, unsigned arm, unsigned count, uint64_t misses)
{
	while (count-- > 0)
		arm = gm_trial_epoch(t, arm, misses, ALL / 2, ALL);
	return arm;
}

static void test_better(void **state)
{
	struct gm_trial t = { 0 };

	(void)state;
	assert_int_equal(epochs(&t, 0, 4, 40), 0);
	gm_trial_begin(&t, 0, ALL);
	/* The first epoch was half the other's. */
	assert_int_equal(epochs(&t, 1, 1, 1000), 1);
	assert_int_equal(epochs(&t, 1, 20, 41), 1);
	/* Not on trial any more. */
	assert_int_equal(epochs(&t, 1, 20, 90), 1);
	assert_false(gm_trial_is_out(&t, 0));
	assert_false(gm_trial_is_out(&t, 1));
}

static void test_worse(void **state)
{
	struct gm_trial t = { 0 };
	unsigned out = 0;

	(void)state;
	assert_int_equal(epochs(&t, 0, 4, 20), 0);
	for (unsigned rounds = 16; rounds <= 128; rounds *= 2) {
		gm_trial_begin(&t, 0, ALL);
		assert_int_equal(epochs(&t, 2, 2, 30), 2);
		assert_int_equal(epochs(&t, 2, 1, 30), 0);
		for (out = 0; gm_trial_is_out(&t, 2); out++)
			assert_int_equal(epochs(&t, 0, 1, 20), 0);
		/* Two epochs are a round. */
		assert_int_equal(out, 2 * (rounds < 64 ? rounds : 64));
	}
}

/* Whoever is chosen and left again before it could be judged would be chosen again and again. */
static void test_left_early(void **state)
{
	struct gm_trial t = { 0 };

	(void)state;
	assert_int_equal(epochs(&t, 0, 4, 20), 0);
	gm_trial_begin(&t, 0, ALL);
	assert_int_equal(epochs(&t, 2, 2, 20), 2);
	assert_false(gm_trial_is_out(&t, 2));
	gm_trial_begin(&t, 2, ALL);
	assert_true(gm_trial_is_out(&t, 2));
	assert_false(gm_trial_is_out(&t, 0));
	/* Who came back stands its own trial, and then may be left. */
	assert_int_equal(epochs(&t, 0, 4, 20), 0);
	gm_trial_begin(&t, 0, ALL);
	assert_false(gm_trial_is_out(&t, 0));
}

/* Half as many faults again: the program went on to other data, and who was out may be tried on it. */
static void test_other_data(void **state)
{
	struct gm_trial t = { 0 };

	(void)state;
	assert_int_equal(epochs(&t, 0, 4, 20), 0);
	gm_trial_begin(&t, 0, ALL);
	assert_int_equal(epochs(&t, 2, 3, 30), 0);
	assert_int_equal(epochs(&t, 0, 4, 32), 0);
	assert_true(gm_trial_is_out(&t, 2));
	assert_int_equal(epochs(&t, 0, 1, 52), 0);
	assert_false(gm_trial_is_out(&t, 2));
}

/* Nothing to compare with, nothing touched: the shadows are believed. */
static void test_unknown(void **state)
{
	struct gm_trial t = { 0 };

	(void)state;
	gm_trial_begin(&t, 0, ALL);
	assert_int_equal(epochs(&t, 1, 10, 1000), 1);
	gm_trial_begin(&t, 1, ALL);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(gm_trial_epoch(&t, 2, 0, 0, 0), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_better),
		cmocka_unit_test(test_worse),
		cmocka_unit_test(test_left_early),
		cmocka_unit_test(test_other_data),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
