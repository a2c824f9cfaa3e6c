/* SPDX-License-Identifier: MIT */
/*
 * test_exchange: what goes for what, and what a suspend takes off and brings back.
 */
#include "proc_fixture.h"

/* One chunk on each device; all leave for a suspend, and each comes back to its own. */
static void suspend_and_resume(void)
{
	atomic_store(&p.suspended, true);
	while (gm_proc_settle(&p, LONG))
		;
	assert_int_equal(fake_count(HOST, 0, 2 * CHUNK), 2 * CHUNK);
	assert_int_equal(atomic_load(&p.ledger.slot->device[0].charged), 0);
	assert_int_equal(atomic_load(&p.ledger.slot->device[1].charged), 0);
	atomic_store(&p.suspended, false);
	gm_proc_settle(&p, LONG);
	while (gm_proc_return(&p, LONG))
		;
	assert_int_equal(fake_count(ON_0, 0, CHUNK), CHUNK);
	assert_int_equal(fake_count(ON_1, CHUNK, 2 * CHUNK), CHUNK);
	assert_int_equal(atomic_load(&p.ledger.slot->device[1].charged), CHUNK * PAGE);
}

static void test_suspend(void **state)
{
	uint64_t bytes;

	start(*state, PREFER_0);
	fake_fill(0, 2 * CHUNK);
	gm_proc_open(&p);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(CHUNK), CHUNK * PAGE, 1, &bytes), 0);
	passes(4);
	suspend_and_resume();
	suspend_and_resume();
	/* Out of memory for the engine: oldest first, and everything else as before. */
	gm_engine_fini(&p.engine);
	p.engine_on = false;
	suspend_and_resume();
}

/* Tries to move out of a chunk. */
static unsigned tries_out(unsigned chunk)
{
	unsigned n = 0;

	for (unsigned i = 0; i < fake.calls && i < 64; i++)
		n += fake.log[i].page / CHUNK == chunk && fake.log[i].index == GM_PLACE_HOST;
	return n;
}

/* What would not move is no victim for a while: others are. */
static void test_exchange(void **state)
{
	uint64_t first = FAKE_BASE / GPUMEM_CHUNK_BYTES;

	start(*state, PREFER_0);
	limit(0, 2 * GPUMEM_CHUNK_BYTES);
	fake_fill(0, 3 * CHUNK);
	passes(4);
	assert_int_equal(fake_count(ON_0, 0, 2 * CHUNK), 2 * CHUNK);
	memset(fake.pinned, true, CHUNK);
	for (int i = 0; i < 6; i++) {
		gm_engine_faulted(&p.engine, gm_chunks_find(&p.chunks, first + 2));
		gm_engine_epoch(&p.engine);
		gm_proc_settle(&p, LONG);
		gm_proc_exchange(&p, LONG);
	}
	assert_int_equal(tries_out(0), 1);
	assert_int_equal(fake_count(ON_0, 0, CHUNK), CHUNK);
	assert_int_equal(fake_count(HOST, CHUNK, 2 * CHUNK), CHUNK);
	assert_int_equal(fake_count(ON_0, 2 * CHUNK, 3 * CHUNK), CHUNK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		one(test_suspend),
		one(test_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
