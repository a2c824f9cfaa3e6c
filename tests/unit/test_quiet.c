/* SPDX-License-Identifier: MIT */
/*
 * test_quiet: when the agent looks at a process's memory: seldom while nothing happens to it. Memory and devices
 * are tables, and so are the signs of life.
 */
#include "proc_fixture.h"
#include "base/clock.h"

/* Passes are rare while nothing speaks for one; new memory, room, a call or the doorbell end that at once. */
static void test_quiet(void **state)
{
	uint32_t pass;

	start(*state, PREFER_0);
	atomic_store(&p.ledger.file->head.device[0].limit_bytes, 4 * GPUMEM_CHUNK_BYTES);
	fake_fill(0, 6 * CHUNK);
	passes(4);
	assert_int_equal(fake_count(ON_0, 0, FAKE_PAGES), 4 * CHUNK);
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
	assert_int_equal(fake_count(ON_0, 0, FAKE_PAGES), 5 * CHUNK);
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
	s->not_before_ns = 0;
	assert_false(gm_proc_sweep(&p, LONG, 5));
	for (unsigned i = 0; i < 8; i++) {
		s->quiet_before_ns = 0;
		s->at = 0;
		assert_true(gm_proc_sweep(&p, LONG, 5));
		assert_true(s->quiet);
		assert_int_equal(s->at, 0);
	}
	/* Each later than the one before. */
	assert_true(s->quiet_before_ns > gm_now_ns(CLOCK_MONOTONIC) + 1000000000u);
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
	const struct CMUnitTest tests[] = { one(test_quiet), one(test_quiet_sweeps) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
