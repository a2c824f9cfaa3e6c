/* SPDX-License-Identifier: MIT */
/*
 * test_pace: when a process is looked at, and what goes for what: suspend, exchange, quiet times.
 */
#include "proc_fixture.h"
#include "base/clock.h"

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

/* Passes are rare while nothing speaks for one; new memory, room, a call or the doorbell end that at once. */
static void test_quiet(void **state)
{
	uint32_t pass;

	start(*state, PREFER_0);
	limit(0, 4 * GPUMEM_CHUNK_BYTES);
	fake_fill(0, 6 * CHUNK);
	passes(4);
	expect_on_0(4 * CHUNK);
	fake.quiet = true;
	passes(3);
	pass = p.pass;
	passes(100);
	assert_int_equal(p.pass, pass);
	/* A page here and there is not worth a pass; many are, but may be old ones that are written again. */
	fake.signs.faults += GM_SIGNS_FEW - 1;
	fake.signs.own += GM_SIGNS_FEW - 1;
	passes(1);
	assert_int_equal(p.pass, pass);
	fake.signs.faults++;
	p.pass_soon_ns = UINT64_MAX;
	passes(1);
	assert_int_equal(p.pass, pass);
	p.pass_soon_ns = 0;
	passes(1);
	assert_int_equal(p.pass, pass + 1);
	/* A heap that grows, and a mapping. */
	fake.signs.own++;
	passes(2);
	assert_int_equal(p.pass, pass + 1);
	fake.signs.own += GM_SIGNS_FEW;
	passes(2);
	assert_int_equal(p.pass, pass + 2);
	fake.signs.mapped--;
	passes(2);
	assert_int_equal(p.pass, pass + 3);
	/* What a sweep met and no pass has seen. */
	p.sweep.unseen = true;
	passes(2);
	assert_int_equal(p.pass, pass + 4);
	/* Room, without the doorbell: another process let go of it. What came in is looked at once more. */
	atomic_store(&p.ledger.file->head.device[0].limit_bytes, 5 * GPUMEM_CHUNK_BYTES);
	passes(9);
	expect_on_0(5 * CHUNK);
	assert_int_equal(p.pass, pass + 6);
	/* The doorbell. */
	atomic_fetch_add(&p.ledger.file->head.doorbell, 1);
	passes(9);
	assert_int_equal(p.pass, pass + 7);
	/* And the time. */
	p.pass_not_before_ns = gm_now_ns(CLOCK_MONOTONIC);
	passes(9);
	assert_int_equal(p.pass, pass + 8);
}

/* Where no page fault says that something was written, a sweep does not look, and waits longer. */
static void test_quiet_sweeps(void **state)
{
	struct gm_sweep *s = &p.sweep;

	start(*state, PREFER_0);
	s->probed = true;
	s->way = GM_TOUCHED_PAGEMAP;
	fake_fill(0, 2 * CHUNK);
	passes(2);
	fake.signs.faults = 1000;
	fake.quiet = true;
	assert_true(gm_proc_sweep(&p, LONG, 5));
	assert_false(s->quiet);
	/* Nothing since: not before its time, and without a look. */
	assert_false(gm_proc_sweep(&p, LONG, 5));
	assert_true(s->quiet_before_ns > s->not_before_ns);
	s->not_before_ns = 0;
	assert_false(gm_proc_sweep(&p, LONG, 5));
	s->quiet_before_ns = 0;
	s->at = 0;
	assert_true(gm_proc_sweep(&p, LONG, 5));
	assert_true(s->quiet);
	assert_int_equal(s->at, 0);
	/* A page here and there: later; more: as soon as the last look is paid for. */
	s->not_before_ns = 0;
	s->few_before_ns = s->quiet_before_ns = UINT64_MAX;
	fake.signs.faults += GM_SIGNS_FEW - 1;
	assert_false(gm_proc_sweep(&p, LONG, 5));
	fake.signs.faults++;
	assert_true(gm_proc_sweep(&p, LONG, 5));
	assert_int_not_equal(s->at, 0);
	/* The GPU's events alone. */
	s->not_before_ns = 0;
	assert_false(gm_proc_sweep(&p, LONG, 5));
	s->events = true;
	assert_true(gm_proc_sweep(&p, LONG, 5));
	assert_false(gm_proc_sweep(&p, LONG, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		one(test_suspend),
		one(test_exchange),
		one(test_quiet),
		one(test_quiet_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
