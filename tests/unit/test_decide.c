/* SPDX-License-Identifier: MIT */
/*
 * test_decide: what a process should do about a device, and that processes which decide alone
 * reach the limit together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
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

static void test_table(void **state)
{
	static const struct {
		const char *what;
		struct gm_standing s; /* placement, request, first, own, job, step, limits */
		uint64_t evict;
		bool admit;
	} cases[] = {
		{ "room", { PREFER, NO, true, 0, 0, 0, 64, NONE }, 0, true },
		{ "bind is prefer", { BIND, NO, true, 10, 10, 10, 64, NONE }, 0, true },
		{ "another device", { PREFER, NO, false, 0, 0, 0, 64, NONE }, 0, false },
		{ "advise moves nothing", { ADVISE, NO, true, 0, 0, 0, 64, NONE }, 0, false },
		{ "advise, asked", { ADVISE, MIGRATE, false, 0, 0, 0, 64, NONE }, 0, true },
		{ "interleave is not carried out", { INTERLEAVE, NO, true, 0, 0, 0, 64, NONE }, 0, false },
		{ "host takes all back", { HOST, NO, true, 10, 20, 10, 64, NONE }, 10, false },
		{ "host, asked", { HOST, MIGRATE, true, 10, 20, 10, 64, NONE }, 0, true },
		{ "asked to leave", { PREFER, EVICT, true, 10, 20, 10, 64, NONE }, 10, false },
		{ "asked to leave, nothing there", { PREFER, EVICT, true, 0, 20, 0, 64, NONE }, 0, false },
		{ "at the job's limit", { PREFER, NO, true, 64, 64, 64, 64, NONE }, 0, false },
		{ "at the step's limit", { PREFER, NO, true, 32, 40, 32, 64, 32 }, 0, false },
		{ "asking breaks no limit", { PREFER, MIGRATE, true, 64, 64, 64, 64, NONE }, 0, false },
		{ "alone over the limit", { PREFER, NO, true, 80, 80, 80, 64, NONE }, 16, false },
		{ "half of what is over", { PREFER, NO, true, 40, 80, 40, 64, NONE }, 8, false },
		{ "a third of 10, rounded up", { PREFER, NO, true, 30, 90, 30, 80, NONE }, 4, false },
		{ "one byte over, all give one", { PREFER, NO, true, 1, 65, 1, 64, NONE }, 1, false },
		{ "over the step's limit alone", { PREFER, NO, true, 30, 40, 40, 64, 20 }, 15, false },
		{ "over both: the larger", { PREFER, NO, true, 50, 100, 50, 90, 20 }, 30, false },
		{ "over, but not through me", { PREFER, NO, true, 0, 80, 0, 64, NONE }, 0, false },
		{ "limit 0", { PREFER, NO, true, 7, 7, 7, 0, NONE }, 7, false },
		{ "limit 0, nothing there", { PREFER, NO, true, 0, 0, 0, 0, NONE }, 0, false },
		{ "no limit at all", { PREFER, NO, true, 7, 7, 7, NONE, NONE }, 0, true },
		{ "large numbers do not overflow",
		  { PREFER, NO, true, 1ull << 62, 1ull << 63, 0, 1ull << 62, NONE }, 1ull << 61, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gm_decision d = gm_decide(&cases[i].s);

		if (d.evict_bytes != cases[i].evict || d.admit != cases[i].admit)
			fail_msg("%s: expected evict %ju admit %d, got evict %ju admit %d",
				 cases[i].what, (uintmax_t)cases[i].evict, cases[i].admit,
				 (uintmax_t)d.evict_bytes, d.admit);
	}
}

/* All processes see the same sum, none sees what the others do. */
static void test_together(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		size_t n = 1 + (size_t)random() % 200;
		uint64_t held[200], sum = 0, left = 0, limit;

		for (size_t i = 0; i < n; i++) {
			held[i] = (uint64_t)(random() % 512) * GPUMEM_CHUNK_BYTES;
			sum += held[i];
		}
		limit = sum ? (uint64_t)random() * 4096 % sum : 0;
		for (size_t i = 0; i < n; i++) {
			struct gm_standing s = { PREFER, NO, true, held[i], sum, 0, limit, NONE };
			uint64_t give = gm_decide(&s).evict_bytes;
			uint64_t chunks = (give + GPUMEM_CHUNK_BYTES - 1) / GPUMEM_CHUNK_BYTES;

			assert_true(give <= held[i]);
			left += held[i] - chunks * GPUMEM_CHUNK_BYTES;
		}
		if (left > limit || left + n * GPUMEM_CHUNK_BYTES < limit)
			fail_msg("round %d, %zu processes, limit %ju: expected at most that and at "
				 "most %zu chunks less, got %ju",
				 round, n, (uintmax_t)limit, n, (uintmax_t)left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table),
					    cmocka_unit_test(test_together) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
