/* SPDX-License-Identifier: MIT */
/*
 * test_weave: whose turn a chunk is, how much each device is to hold, and what is done about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/decide.h"
#include "agent/weave.h"

#define C GPUMEM_CHUNK_BYTES

static const uint32_t ratios[][2] = { { 0, 0 }, { 3, 1 }, { 1, 1 }, { 1, 3 }, { 5, 2 }, { 1000, 1 },
				      { 1, 1000 } };
#define RATIOS (sizeof(ratios) / sizeof(ratios[0]))

/* Devices 2, 3, 0, 1 of the table. */
static struct gpumem_plan plan_of(uint32_t count, uint32_t device, uint32_t host)
{
	struct gpumem_plan plan = { .placement = GPUMEM_PLACE_INTERLEAVE,
				    .device_count = count,
				    .ratio_device = device,
				    .ratio_host = host };

	for (uint32_t i = 0; i < count; i++)
		plan.device[i] = (uint8_t)((i + 2) % 4);
	return plan;
}

static void test_part(void **state)
{
	static const struct {
		uint32_t count, device, host;
		uint64_t total, part;
	} cases[] = {
		{ 1, 0, 0, 1000, 1000 },	   { 2, 0, 0, 1000, 500 },
		{ 4, 0, 0, 1000, 250 },		   { 1, 3, 1, 1000, 750 },
		{ 2, 3, 1, 1000, 375 },		   { 3, 3, 1, 1000, 250 },
		{ 1, 1, 1, 1000, 500 },		   { 1, 1, 3, 1000, 250 },
		{ 4, 5, 2, 2800, 500 },		   { 1, 3, 1, 0, 0 },
		{ 0, 3, 1, 1000, 0 },		   { 1, 0, 0, UINT64_MAX, UINT64_MAX },
		{ 1, 1, 1, UINT64_MAX, INT64_MAX }, { 2, 1000, 1000, 1ull << 60, 1ull << 58 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gpumem_plan plan = plan_of(cases[i].count, cases[i].device, cases[i].host);
		uint64_t part = gm_weave_part(&plan, cases[i].total);

		if (part != cases[i].part)
			fail_msg("%u devices, %u/%u of %ju: expected %ju, got %ju", cases[i].count,
				 cases[i].device, cases[i].host, (uintmax_t)cases[i].total,
				 (uintmax_t)cases[i].part, (uintmax_t)part);
	}
}

static uint64_t of(const struct gpumem_plan *plan, uint64_t from, uint64_t n, uint64_t count[])
{
	uint64_t host = 0;

	memset(count, 0, GPUMEM_MAX_DEVICES * sizeof(*count));
	for (uint64_t k = from; k < from + n; k++) {
		size_t turn = gm_weave_turn(plan, k);

		if (turn == GM_WEAVE_HOST)
			host++;
		else
			count[turn]++;
	}
	return host;
}

/* Over whole rounds of everybody the shares are exact, wherever the memory begins. */
static void test_turns(void **state)
{
	static const uint64_t begin[] = { 0, 1, 12345, 0x7f0000000000 / C, UINT64_MAX / C };
	uint64_t count[GPUMEM_MAX_DEVICES];

	(void)state;
	for (uint32_t n = 1; n <= 4; n++)
		for (size_t r = 0; r < RATIOS; r++)
			for (size_t b = 0; b < sizeof(begin) / sizeof(begin[0]); b++) {
				struct gpumem_plan plan = plan_of(n, ratios[r][0], ratios[r][1]);
				uint64_t device = ratios[r][0] ? ratios[r][0] : 1;
				uint64_t rounds = (device + ratios[r][1]) * n * 12, host;

				host = of(&plan, begin[b], rounds, count);
				assert_int_equal(host, (uint64_t)ratios[r][1] * n * 12);
				for (uint8_t i = 0; i < 4; i++)
					assert_int_equal(count[i], (i + 2u) % 4 < n ? device * 12 : 0);
			}
}

/* Neighbours alternate: no stretch of one round lacks any device that has a turn in it. */
static void test_neighbours(void **state)
{
	uint64_t count[GPUMEM_MAX_DEVICES];

	(void)state;
	for (uint32_t n = 1; n <= 4; n++) {
		struct gpumem_plan plan = plan_of(n, 0, 0);

		for (uint64_t k = 0; k < 100; k++) {
			assert_int_equal(of(&plan, k, n, count), 0);
			for (uint8_t i = 0; i < 4; i++)
				assert_int_equal(count[i], (i + 2u) % 4 < n);
		}
		plan = plan_of(n, 1, 1);
		for (uint64_t k = 0; k < 100; k++)
			assert_int_equal(gm_weave_turn(&plan, k) == GM_WEAVE_HOST, k % 2);
	}
	assert_int_equal(gm_weave_turn(&(struct gpumem_plan){ 0 }, 5), GM_WEAVE_HOST);
}

static void test_target(void **state)
{
	struct gpumem_plan plan = plan_of(2, 1, 1); /* 2, host, 3, host */
	struct gm_weave w = { .on = true };

	(void)state;
	/* No room: everything stays. */
	for (uint64_t k = 0; k < 8; k++)
		assert_int_equal(gm_weave_target(&w, &plan, k, C), GM_WEAVE_HOST);
	w.room[2] = w.room[3] = 4 * C;
	assert_int_equal(gm_weave_target(&w, &plan, 0, C), 2);
	assert_int_equal(gm_weave_target(&w, &plan, 1, C), GM_WEAVE_HOST);
	assert_int_equal(gm_weave_target(&w, &plan, 2, C), 3);
	assert_int_equal(gm_weave_target(&w, &plan, 3, C), GM_WEAVE_HOST);
	assert_int_equal(gm_weave_target(&w, &plan, 4, C), 2);
	/* Half a chunk of room is enough for one, less is not. */
	w.room[2] = C / 2;
	assert_int_equal(gm_weave_target(&w, &plan, 0, C), 2);
	w.room[2] = C / 2 - 1;
	assert_int_equal(gm_weave_target(&w, &plan, 0, C), GM_WEAVE_HOST);
	assert_int_equal(gm_weave_target(&w, &plan, 0, C / 4), 2);
	/* A full device takes not even a page. */
	w.room[2] = 0;
	assert_int_equal(gm_weave_target(&w, &plan, 0, 1), GM_WEAVE_HOST);
	/* Any will do: the one that lacks most, for the host's turns too, of the plan's devices alone. */
	w.any = true;
	w.room[0] = 100 * C;
	assert_int_equal(gm_weave_target(&w, &plan, 0, C), 3);
	assert_int_equal(gm_weave_target(&w, &plan, 1, C), 3);
	w.room[2] = 5 * C;
	assert_int_equal(gm_weave_target(&w, &plan, 1, C), 2);
	assert_int_equal(gm_weave_target(&w, &plan, 2, C), 3);
	w.room[2] = w.room[3] = C / 4;
	assert_int_equal(gm_weave_target(&w, &plan, 1, C), GM_WEAVE_HOST);
}

/* Others go only after a pass in which nobody's turn was left, and while it is worth a chunk. */
static void test_pass(void **state)
{
	struct gm_weave w = { .on = true, .moved = true };

	(void)state;
	w.room[3] = C;
	gm_weave_pass(&w);
	assert_false(w.any);
	assert_false(w.moved);
	gm_weave_pass(&w);
	assert_true(w.any);
	w.moved = true;
	gm_weave_pass(&w);
	assert_false(w.any);
	w.room[3] = C - 1;
	gm_weave_pass(&w);
	assert_false(w.any);
	w.room[GPUMEM_MAX_DEVICES - 1] = 2 * C;
	gm_weave_pass(&w);
	assert_true(w.any);
}

/* The whole of a process placed pass by pass: the ratio comes out, whatever chunks it uses. */
static void test_converges(void **state)
{
	enum { CHUNKS = 840 };

	(void)state;
	for (uint64_t stride = 1; stride <= 8; stride++)
		for (uint32_t n = 1; n <= 4; n++)
			for (size_t r = 0; r < 5; r++) {
				struct gpumem_plan plan = plan_of(n, ratios[r][0], ratios[r][1]);
				uint64_t part = gm_weave_part(&plan, CHUNKS * C);
				size_t at[CHUNKS];
				struct gm_weave w = { .on = true };

				for (int k = 0; k < CHUNKS; k++)
					at[k] = GM_WEAVE_HOST;
				for (uint32_t i = 0; i < n; i++)
					w.room[plan.device[i]] = part;
				for (int pass = 0; pass < 4; pass++) {
					for (uint64_t k = 0; k < CHUNKS; k++) {
						if (at[k] != GM_WEAVE_HOST)
							continue;
						at[k] = gm_weave_target(&w, &plan, k * stride, C);
						if (at[k] == GM_WEAVE_HOST)
							continue;
						w.room[at[k]] -= C < w.room[at[k]] ? C :
										     w.room[at[k]];
						w.moved = true;
					}
					gm_weave_pass(&w);
				}
				for (uint32_t i = 0; i < n; i++)
					if (w.room[plan.device[i]] >= C)
						fail_msg("stride %ju, %u devices, %u/%u: device %u "
							 "lacks %ju of %ju chunks",
							 (uintmax_t)stride, n, ratios[r][0],
							 ratios[r][1], plan.device[i],
							 (uintmax_t)(w.room[plan.device[i]] / C),
							 (uintmax_t)(part / C));
			}
}

static struct gm_standing standing(uint64_t own, uint64_t part, uint64_t room)
{
	return (struct gm_standing){ .placement = GPUMEM_PLACE_INTERLEAVE,
				     .own = own,
				     .job = own,
				     .job_limit = own + room,
				     .step_high = UINT64_MAX,
				     .weaves = true,
				     .weave_bytes = part,
				     .share = { .room = room, .cold_room = room } };
}

static void test_admits(void **state)
{
	struct gm_standing s = standing(10 * C, 30 * C, 100 * C);
	struct gm_decision d = gm_decide(&s);

	(void)state;
	/* What the part lacks, the home device or not, in use or not. */
	assert_int_equal(d.admit_bytes, 20 * C);
	assert_int_equal(d.cold_bytes, 20 * C);
	assert_int_equal(d.evict_bytes, 0);
	assert_false(d.exchange);
	s.first_choice = true;
	assert_int_equal(gm_decide(&s).admit_bytes, 20 * C);
	/* A step's own limit. */
	s.step = 10 * C;
	s.step_high = 15 * C;
	assert_int_equal(gm_decide(&s).admit_bytes, 5 * C);
	s.step_high = 9 * C;
	assert_int_equal(gm_decide(&s).admit_bytes, 0);
	/* The limit is smaller than the part: heat decides about what there is room for. */
	s = standing(10 * C, 30 * C, 4 * C);
	d = gm_decide(&s);
	assert_int_equal(d.admit_bytes, 4 * C);
	assert_int_equal(d.cold_bytes, 4 * C);
	assert_true(d.exchange);
	s = standing(10 * C, 30 * C, 20 * C);
	assert_false(gm_decide(&s).exchange);
	/* It has its part. */
	s = standing(30 * C, 30 * C, 100 * C);
	d = gm_decide(&s);
	assert_int_equal(d.admit_bytes, 0);
	assert_int_equal(d.evict_bytes, 0);
	assert_false(d.exchange);
}

static void test_gives(void **state)
{
	struct gm_standing s = standing(32 * C - 1, 30 * C, 100 * C);
	struct gm_decision d = gm_decide(&s);

	(void)state;
	/* Less than two chunks beyond the part are not worth a move. */
	assert_int_equal(d.evict_bytes, 0);
	assert_int_equal(d.admit_bytes, 0);
	s.own = 32 * C;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 2 * C);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_POLICY);
	assert_false(d.must);
	assert_false(d.all);
	assert_int_equal(d.admit_bytes, 0);
	/* The process became small. */
	s.weave_bytes = 0;
	assert_int_equal(gm_decide(&s).evict_bytes, 32 * C);
	/* A limit that asks for more, */
	s.weave_bytes = 30 * C;
	s.job_limit = 22 * C;
	s.share.give = 10 * C;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 10 * C);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_LIMIT);
	assert_true(d.must);
	/* and one that asks for less than the part does: strict all the same. */
	s.weave_bytes = 10 * C;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 22 * C);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_LIMIT);
	assert_true(d.must);
	/* Pressure is not strict. */
	s.job_limit = 100 * C;
	s.share.give = 0;
	s.pressure = 3 * C;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 22 * C);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_POLICY);
	assert_false(d.must);
	s.weave_bytes = 40 * C;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 3 * C);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_PRESSURE);
	assert_int_equal(d.admit_bytes, 0);
}

/* What surrounds the process, and what is asked for, come first. */
static void test_surroundings(void **state)
{
	struct gm_standing s = standing(10 * C, 30 * C, 100 * C);
	struct gm_decision d;

	(void)state;
	s.memcg_near = true;
	d = gm_decide(&s);
	assert_int_equal(d.admit_bytes, 0);
	assert_int_equal(d.stay_reason, GPUMEM_REASON_MEMCG);
	assert_false(d.exchange);
	s.weave_bytes = 5 * C;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 5 * C);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_POLICY);
	s.memcg_near = false;
	s.weave_bytes = 30 * C;
	s.request = GPUMEM_REQUEST_EVICT;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 10 * C);
	assert_true(d.all);
	s.request = GPUMEM_REQUEST_MIGRATE;
	d = gm_decide(&s);
	assert_int_equal(d.admit_bytes, 100 * C);
	s.request = GPUMEM_REQUEST_NONE;
	s.suspended = true;
	d = gm_decide(&s);
	assert_int_equal(d.evict_bytes, 10 * C);
	assert_int_equal(d.evict_reason, GPUMEM_REASON_SUSPENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part),	 cmocka_unit_test(test_turns),
		cmocka_unit_test(test_neighbours), cmocka_unit_test(test_target),
		cmocka_unit_test(test_pass),	 cmocka_unit_test(test_converges),
		cmocka_unit_test(test_admits),	 cmocka_unit_test(test_gives),
		cmocka_unit_test(test_surroundings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
