/* SPDX-License-Identifier: MIT */
/*
 * test_often: the mean of touches per epoch, of what is told of one by one and of what is told of by a bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/often.h"

#define CHUNKS 100u
#define LONG 2000u /* epochs; the memory is 128 with half of the chunks touched */

/* In each epoch every second chunk is touched, each `faults` times where it faults at all. */
static void epoch(struct gm_often *o, unsigned faults)
{
	for (unsigned i = 0; i < faults; i++)
		gm_often_fault(o, i == 0);
	gm_often_epoch(o, CHUNKS / 2, CHUNKS);
}

static void near(uint32_t value, uint32_t touches_x10)
{
	int64_t off = (int64_t)value - (int64_t)(GM_OFTEN_ONE * touches_x10 / 10);

	assert_in_range(off + GM_OFTEN_ONE / 8, 0, 2 * (GM_OFTEN_ONE / 8));
}

static void test_bits(void **state)
{
	uint16_t always = 0, half = 0, never = GM_OFTEN_ONE;
	struct gm_often o;

	(void)state;
	gm_often_begin(&o);
	for (unsigned n = 0; n < LONG; n++) {
		epoch(&o, 0);
		always = gm_often_value(&o, always, true, false);
		half = gm_often_value(&o, half, n % 2, false);
		never = gm_often_value(&o, never, false, false);
	}
	near(always, 10);
	near(half, 5);
	near(never, 0);
}

/* Three faults of one chunk in an epoch: so many a bit stands for, too. */
static void test_faults(void **state)
{
	uint16_t faulted = 0, bit = 0;
	struct gm_often o;

	(void)state;
	gm_often_begin(&o);
	for (unsigned n = 0; n < LONG; n++) {
		for (unsigned i = 1; i < 3; i++)
			faulted = gm_often_more(&o, faulted);
		epoch(&o, 3);
		faulted = gm_often_value(&o, faulted, true, true);
		bit = gm_often_value(&o, bit, true, false);
	}
	near(faulted, 30);
	near(bit, 30);
	/* Long after the last fault nothing says that a bit is more than a touch. */
	for (unsigned n = 0; n < LONG; n++) {
		epoch(&o, 0);
		bit = gm_often_value(&o, bit, true, false);
	}
	near(bit, 10);
}

/* As many touches make as much of a difference in few epochs as in many. */
static void test_pace(void **state)
{
	uint16_t few = 0, many = 0;
	struct gm_often o;

	(void)state;
	gm_often_begin(&o);
	for (unsigned n = 0; n < 20; n++) {
		gm_often_epoch(&o, 4 * CHUNKS, CHUNKS);
		few = gm_often_value(&o, few, true, false);
	}
	for (unsigned n = 0; n < 320; n++) {
		gm_often_epoch(&o, CHUNKS / 4, CHUNKS);
		many = gm_often_value(&o, many, true, false);
	}
	assert_in_range(few, GM_OFTEN_ONE * 6 / 10, GM_OFTEN_ONE * 8 / 10);
	assert_in_range(many, few - GM_OFTEN_ONE / 20, few + GM_OFTEN_ONE / 20);
	/* Nothing is touched: nobody is forgotten. */
	gm_often_epoch(&o, 0, CHUNKS);
	assert_int_equal(gm_often_value(&o, many, false, false), many);
	/* However many chunks there are, a touch counts. */
	gm_often_epoch(&o, 1, 1 << 20);
	assert_true(gm_often_value(&o, 0, true, false) > 0);
}

static void test_most(void **state)
{
	uint16_t value = 0;
	struct gm_often o;

	(void)state;
	gm_often_begin(&o);
	for (unsigned n = 0; n < LONG; n++) {
		for (unsigned i = 0; i < 100; i++)
			value = gm_often_more(&o, value);
		epoch(&o, 100);
		value = gm_often_value(&o, value, true, true);
	}
	assert_in_range(value, 7 * GM_OFTEN_ONE, UINT16_MAX);
}

/* In a sweep one of two chunks is always a touch ahead: no reason to exchange them. */
static void test_a_touch_is_chance(void **state)
{
	uint16_t a = 0, b = 0;
	struct gm_often o;

	(void)state;
	gm_often_begin(&o);
	for (int epoch = 0; epoch < 40; epoch++) {
		gm_often_epoch(&o, 8, 40);
		a = gm_often_value(&o, a, epoch % 10 == 0, false);
		b = gm_often_value(&o, b, epoch % 10 == 5, false);
		if (gm_often_better(&o, a, b) || gm_often_better(&o, b, a))
			fail_msg("epoch %d: %u and %u of %u a touch are exchanged", epoch, a, b,
				 (unsigned)(GM_OFTEN_ONE * o.pace / 4096));
	}
	/* Three times as often is seen within a few rounds. */
	for (int epoch = 0; epoch < 40; epoch++) {
		gm_often_epoch(&o, 8, 40);
		a = gm_often_value(&o, a, epoch % 3 == 0, false);
		b = gm_often_value(&o, b, epoch % 10 == 5, false);
	}
	assert_true(gm_often_better(&o, a, b));
	assert_false(gm_often_better(&o, b, a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_a_touch_is_chance),
	};

	return cmocka_run_group_tests_name("often", tests, NULL, NULL);
}
