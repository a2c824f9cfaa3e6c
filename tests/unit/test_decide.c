/* SPDX-License-Identifier: MIT */
/*
 * test_decide: what a process should do about a device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/decide.h"

#define NONE UINT64_MAX

#define PREFER GPUMEM_PLACE_PREFER
#define BIND GPUMEM_PLACE_BIND
#define HOST GPUMEM_PLACE_HOST
#define ADVISE GPUMEM_PLACE_ADVISE
#define INTERLEAVE GPUMEM_PLACE_INTERLEAVE
#define NO GPUMEM_REQUEST_NONE
#define EVICT GPUMEM_REQUEST_EVICT
#define MIGRATE GPUMEM_REQUEST_MIGRATE

/* The own process and another one that holds the rest of the job's bytes. */
static struct gm_decision decide(struct gm_standing s)
{
	const struct gm_levels levels = { s.job_limit, s.job_limit, false };
	struct gm_holder holder[2] = { { .charged = s.own }, { .charged = s.job - s.own } };

	gm_share(holder, s.job > s.own ? 2 : 1, 0, &levels, &s.share);
	return gm_decide(&s);
}

/* What was evicted and is not in use leaves room up to the high mark for what is, unless that never comes. */
static void test_cold(void **state)
{
	const struct gm_levels levels = { .high = 100, .low = 90 };
	struct gm_standing s = { .placement = PREFER, .first_choice = true, .trades = true, .own = 85, .job = 85,
				 .job_limit = 100, .step_high = NONE };
	struct gm_holder holder = { .charged = 85 };

	(void)state;
	gm_share(&holder, 1, 0, &levels, &s.share);
	assert_int_equal(gm_decide(&s).admit_bytes, 15);
	assert_int_equal(gm_decide(&s).cold_bytes, 5);
	s.trades = false;
	assert_int_equal(gm_decide(&s).cold_bytes, 15);
	s.trades = true;
	s.request = MIGRATE;
	assert_int_equal(gm_decide(&s).cold_bytes, 15);
}

static void test_table(void **state)
{
	static const struct {
		const char *what;
		enum gpumem_placement placement;
		enum gpumem_request request;
		bool first;
		uint64_t own, job, step, limit, step_high;
		uint64_t evict, admit;
		enum gpumem_reason reason;
	} cases[] = {
		{ "room", PREFER, NO, true, 0, 0, 0, 64, NONE, 0, 64, 0 },
		{ "bind is prefer", BIND, NO, true, 10, 10, 10, 64, NONE, 0, 54, 0 },
		{ "another device", PREFER, NO, false, 0, 0, 0, 64, NONE, 0, 0, 0 },
		{ "advise moves nothing", ADVISE, NO, true, 0, 0, 0, 64, NONE, 0, 0, 0 },
		{ "advise, asked", ADVISE, MIGRATE, false, 0, 0, 0, 64, NONE, 0, 64, 0 },
		{ "interleave over other devices", INTERLEAVE, NO, true, 0, 0, 0, 64, NONE, 0, 0, 0 },
		{ "host takes all back", HOST, NO, true, 10, 20, 10, 64, NONE, 10, 0,
		  GPUMEM_REASON_POLICY },
		{ "host, asked", HOST, MIGRATE, true, 10, 20, 10, 64, NONE, 0, 44, 0 },
		{ "asked to leave", PREFER, EVICT, true, 10, 20, 10, 64, NONE, 10, 0,
		  GPUMEM_REASON_ASKED },
		{ "asked to leave, nothing there", PREFER, EVICT, true, 0, 20, 0, 64, NONE, 0, 0,
		  GPUMEM_REASON_ASKED },
		{ "at the job's limit", PREFER, NO, true, 64, 64, 64, 64, NONE, 0, 0, 0 },
		{ "at the step's limit", PREFER, NO, true, 32, 40, 32, 64, 32, 0, 0, 0 },
		{ "room up to the step's limit", PREFER, NO, true, 20, 20, 20, 64, 32, 0, 12, 0 },
		{ "asking breaks no limit", PREFER, MIGRATE, true, 64, 64, 64, 64, NONE, 0, 0, 0 },
		{ "alone over the limit", PREFER, NO, true, 80, 80, 80, 64, NONE, 16, 0,
		  GPUMEM_REASON_LIMIT },
		{ "half of what is over", PREFER, NO, true, 40, 80, 40, 64, NONE, 8, 0,
		  GPUMEM_REASON_LIMIT },
		{ "over, but below the fair share", PREFER, NO, true, 30, 90, 30, 80, NONE, 0, 0, 0 },
		{ "over the step's limit alone", PREFER, NO, true, 30, 40, 40, 64, 20, 15, 0,
		  GPUMEM_REASON_LIMIT },
		{ "over both: the larger", PREFER, NO, true, 50, 100, 50, 90, 20, 30, 0,
		  GPUMEM_REASON_LIMIT },
		{ "limit 0", PREFER, NO, true, 7, 7, 7, 0, NONE, 7, 0, GPUMEM_REASON_LIMIT },
		{ "limit 0, nothing there", PREFER, NO, true, 0, 0, 0, 0, NONE, 0, 0, 0 },
		{ "large numbers do not overflow", PREFER, NO, true, 1ull << 62, 1ull << 63, 0,
		  1ull << 62, NONE, 1ull << 61, 0, GPUMEM_REASON_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gm_decision d = decide((struct gm_standing){
			.placement = cases[i].placement,
			.request = cases[i].request,
			.first_choice = cases[i].first,
			.own = cases[i].own,
			.job = cases[i].job,
			.job_limit = cases[i].limit,
			.step = cases[i].step,
			.step_high = cases[i].step_high,
		});

		if (d.evict_bytes != cases[i].evict || d.admit_bytes != cases[i].admit ||
		    (cases[i].evict && d.evict_reason != cases[i].reason))
			fail_msg("%s: expected evict %ju (%s) admit %ju, got evict %ju (%s) admit "
				 "%ju",
				 cases[i].what, (uintmax_t)cases[i].evict,
				 gpumem_reason_name(cases[i].reason), (uintmax_t)cases[i].admit,
				 (uintmax_t)d.evict_bytes, gpumem_reason_name(d.evict_reason),
				 (uintmax_t)d.admit_bytes);
	}
}

/* What surrounds the process comes before its policy. */
static void test_surroundings(void **state)
{
	struct gm_standing s = { .placement = PREFER, .first_choice = true, .own = 40, .job = 40,
				 .job_limit = 64, .step_high = NONE };
	struct gm_decision d;

	(void)state;
	s.memcg_near = true;
	d = decide(s);
	assert_int_equal(d.admit_bytes, 0);
	assert_false(d.exchange);
	assert_int_equal(d.stay_reason, GPUMEM_REASON_MEMCG);
	s.memcg_near = false;
	s.pressure = 8;
	d = decide(s);
	assert_int_equal(d.stay_reason, GPUMEM_REASON_NONE);
	assert_int_equal(d.evict_bytes, 8);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_PRESSURE);
	assert_false(d.must);
	s.pressure = 100;
	assert_int_equal(decide(s).evict_bytes, 40);
	s.suspended = true;
	d = decide(s);
	assert_int_equal(d.evict_bytes, 40);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_SUSPENDED);
	assert_true(d.must);
	s.suspended = false;
	s.pressure = 0;
	assert_true(decide(s).exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table),
					    cmocka_unit_test(test_cold),
					    cmocka_unit_test(test_surroundings) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
