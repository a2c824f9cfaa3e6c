/* SPDX-License-Identifier: MIT */
/*
 * test_duel: what becomes of the device when the duel is between more than heat and pin.
 */
#include "engine_process.h"

/* A driver that takes in who misses. Returns whether it was a hit. */
static bool access_to(struct process *p, uint32_t n)
{
	uint32_t out;

	if (gm_chunk_at(&p->chunks, p->id[n])->device_pages) {
		touched(p, n);
		return true;
	}
	gm_engine_faulted(&p->engine, p->id[n]);
	if (p->engine.resident == 100) {
		gm_engine_victims(&p->engine, 1, true, &out);
		went(p, (uint32_t)gm_chunk_number(&p->chunks, out), true);
	}
	came(p, n);
	return false;
}

/* A hot half beside a stream: what is touched often stays, what streams by passes through one
 * place. */
static void test_often(void **state)
{
	uint64_t late = 0;
	struct process p;
	uint32_t out, stream = 0;

	(void)state;
	srandom(3);
	begin(&p, GPUMEM_EVICT_DUEL, 200, 100);
	assert_int_equal(gm_engine_force(&p.engine), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t n = i % 2 ? 100 + stream++ % 100 : (uint32_t)random() % 90;

		late += access_to(&p, n) && i >= 10000;
		if (i % 200 == 199)
			epochs(&p, 1);
	}
	/* The hot half is half of all touches, and ten places more are for the stream. */
	assert_in_range(late, 5000, 5700);
	/* Of those that came lately too: whoever came last leaves first, when it must be. */
	assert_int_equal(gm_engine_set_order(&p.engine, GPUMEM_EVICT_PIN), 0);
	gm_engine_victims(&p.engine, 1, true, &out);
	went(&p, (uint32_t)gm_chunk_number(&p.chunks, out), true);
	for (stream = 100; gm_chunk_at(&p.chunks, p.id[stream])->device_pages;)
		stream++;
	came(&p, stream);
	assert_int_equal(victim(&p, true), stream);
	end(&p);
}

/* Hits on 90 chunks that a device gets which sweeps over 200 others had filled. */
static uint32_t hits_after_sweeps(unsigned without)
{
	struct process p;
	uint32_t hits = 0;

	srandom(7);
	begin(&p, GPUMEM_EVICT_DUEL, 300, 100);
	assert_int_equal(gm_engine_force(&p.engine), 0);
	for (uint32_t i = 0; i < 4000; i++) {
		access_to(&p, i % 200);
		if (i % 100 == 99)
			epochs(&p, 1);
	}
	assert_int_equal(p.engine.arm, GPUMEM_RULE_PIN);
	p.engine.without = without;
	for (uint32_t i = 0; i < 4000; i++)
		hits += access_to(&p, 200 + (uint32_t)random() % 90);
	end(&p);
	return hits;
}

/* By itself pin lets one come for the other. Others' shadows tell, before the epoch is over. */
static void test_other_data(void **state)
{
	(void)state;
	assert_in_range(hits_after_sweeps(GM_WITHOUT_MIDWAY), 0, 400);
	assert_in_range(hits_after_sweeps(0), 3000, 4000);
}

/* Pin's shadow is what the device holds when pin comes to decide: half of all touches meet it, whatever was there. */
static void test_pinned(void **state)
{
	struct gm_engine_view view;
	struct process p;

	(void)state;
	begin(&p, GPUMEM_EVICT_DUEL, 200, 100);
	assert_int_equal(gm_engine_force(&p.engine), 0);
	p.engine.arm = GPUMEM_RULE_HEAT;
	p.engine.without = GM_WITHOUT_OFTEN;
	for (uint32_t i = 0; p.engine.arm != GPUMEM_RULE_PIN; i++) {
		assert_in_range(i, 0, 10000);
		access_to(&p, i % 200);
		if (i % 100 == 99)
			epochs(&p, 1);
	}
	for (uint32_t i = 0; i < 3000; i++) {
		access_to(&p, i % 200);
		if (i % 100 == 99)
			epochs(&p, 1);
	}
	assert_int_equal(p.engine.arm, GPUMEM_RULE_PIN);
	gm_engine_look(&p.engine, &view);
	assert_in_range(view.seen_permille, 450, 510);
	assert_in_range(view.hit_permille[1], view.seen_permille - 20, view.seen_permille + 20);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_often),
		cmocka_unit_test(test_other_data),
		cmocka_unit_test(test_pinned),
	};

	return cmocka_run_group_tests_name("duel", tests, NULL, NULL);
}
