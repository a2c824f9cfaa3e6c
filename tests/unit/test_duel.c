/* SPDX-License-Identifier: MIT */
/*
 * test_duel: what becomes of the device when the duel is between more than heat and pin.
 */
#include "engine_process.h"

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
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t n = i % 2 ? 100 + stream++ % 100 : (uint32_t)random() % 90;

		if (gm_chunk_at(&p.chunks, p.id[n])->device_pages) {
			touched(&p, n);
			late += i >= 10000;
		} else {
			gm_engine_faulted(&p.engine, p.id[n]);
			if (p.engine.resident == 100) {
				gm_engine_victims(&p.engine, 1, true, &out);
				went(&p, (uint32_t)gm_chunk_number(&p.chunks, out), true);
			}
			came(&p, n);
		}
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

/* Accesses that met the device: it holds what nobody uses when pin comes to decide. */
static uint32_t hits_by_pin(unsigned without)
{
	uint32_t out, hits = 0;
	struct process p;

	srandom(7);
	begin(&p, GPUMEM_EVICT_DUEL, 200, 100);
	for (uint32_t n = 0; n < 200; n++)
		touched(&p, n);
	for (uint32_t n = 100; n < 200; n++)
		came(&p, n);
	epochs(&p, 3);
	p.engine.arm = GPUMEM_RULE_PIN;
	p.engine.without = GM_WITHOUT_MIDWAY | without;
	for (uint32_t i = 0; i < 4000; i++) {
		uint32_t n = (uint32_t)random() % 90;

		if (gm_chunk_at(&p.chunks, p.id[n])->device_pages) {
			hits++;
			continue;
		}
		gm_engine_faulted(&p.engine, p.id[n]);
		gm_engine_victims(&p.engine, 1, true, &out);
		went(&p, (uint32_t)gm_chunk_number(&p.chunks, out), true);
		came(&p, n);
	}
	end(&p);
	return hits;
}

/* By itself pin lets one come for the other. The shadow knows better, so it tries. */
static void test_astray(void **state)
{
	(void)state;
	assert_in_range(hits_by_pin(GM_WITHOUT_EXPLORING), 0, 400);
	assert_in_range(hits_by_pin(0), 2000, 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_often),
		cmocka_unit_test(test_astray),
	};

	return cmocka_run_group_tests_name("duel", tests, NULL, NULL);
}
