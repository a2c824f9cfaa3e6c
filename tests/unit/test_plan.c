/* SPDX-License-Identifier: MIT */
/*
 * test_plan.c: the order of the devices, the step's limits, and the line that carries them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gpumem.h"

#define G (1ull << 30)

static const uint64_t sizes[GPUMEM_MAX_DEVICES] = {
	64 * G, 64 * G, 64 * G, 64 * G, 64 * G, 64 * G, 64 * G, 64 * G,
	64 * G, 64 * G, 64 * G, 64 * G, 64 * G, 64 * G, 64 * G, 64 * G,
};

static const struct {
	const char *policy;
	size_t count;
	uint8_t device[4];
	uint32_t distance[4];
	uint32_t task;
	const char *plan;
} made[] = {
	{"prefer", 1, {0}, {10}, 0, "v2,place=prefer,step=7,task=0,dev=0:max"},
	{"prefer", 1, {5}, {10}, 3, "v2,place=prefer,step=7,task=3,dev=5:max"},
	/* nearest first, whatever the table's order */
	{"prefer",
	 3,
	 {0, 1, 2},
	 {30, 10, 20},
	 0,
	 "v2,place=prefer,step=7,task=0,dev=1:max,dev=2:max,dev=0:max"},
	{"prefer",
	 3,
	 {4, 2, 9},
	 {10, 20, 5},
	 8,
	 "v2,place=prefer,step=7,task=8,dev=9:max,dev=4:max,dev=2:max"},
	/* equal ones are rotated by the task's number */
	{"prefer", 2, {0, 1}, {10, 10}, 0, "v2,place=prefer,step=7,task=0,dev=0:max,dev=1:max"},
	{"prefer", 2, {0, 1}, {10, 10}, 1, "v2,place=prefer,step=7,task=1,dev=1:max,dev=0:max"},
	{"prefer", 2, {0, 1}, {10, 10}, 2, "v2,place=prefer,step=7,task=2,dev=0:max,dev=1:max"},
	{"prefer",
	 2,
	 {0, 1},
	 {10, 10},
	 4294967295u,
	 "v2,place=prefer,step=7,task=4294967295,dev=1:max,dev=0:max"},
	/* each group by itself */
	{"prefer",
	 4,
	 {0, 1, 2, 3},
	 {20, 10, 20, 10},
	 1,
	 "v2,place=prefer,step=7,task=1,dev=3:max,dev=1:max,dev=2:max,dev=0:max"},
	{"prefer",
	 4,
	 {0, 1, 2, 3},
	 {10, 10, 10, 40},
	 2,
	 "v2,place=prefer,step=7,task=2,dev=2:max,dev=0:max,dev=1:max,dev=3:max"},
	{"bind,limit=64M",
	 2,
	 {0, 2},
	 {20, 10},
	 1,
	 "v2,place=bind,step=7,task=1,dev=2:67108864,dev=0:67108864"},
	/* a share of the device, to the page below */
	{"prefer,limit=50%", 1, {0}, {10}, 0, "v2,place=prefer,step=7,task=0,dev=0:34359738368"},
	{"prefer,limit=33%", 1, {0}, {10}, 0, "v2,place=prefer,step=7,task=0,dev=0:22677426176"},
	{"prefer,limit=100%", 1, {0}, {10}, 0, "v2,place=prefer,step=7,task=0,dev=0:68719476736"},
	{"interleave", 1, {3}, {10}, 0, "v2,place=interleave,step=7,task=0,dev=3:max"},
	{"interleave:3/1,limit=64M",
	 2,
	 {0, 1},
	 {10, 10},
	 1,
	 "v2,place=interleave,step=7,task=1,ratio=3/1,dev=1:67108864,dev=0:67108864"},
	{"interleave:1000/1000,high=90%",
	 1,
	 {0},
	 {10},
	 0,
	 "v2,place=interleave,step=7,task=0,ratio=1000/1000,high=90,dev=0:max"},
	{"advise", 1, {3}, {10}, 0, "v2,place=advise,step=7,task=0,dev=3:max"},
	{"host", 0, {0}, {0}, 2, "v2,place=host,step=7,task=2"},
	{"off", 0, {0}, {0}, 2, "v2,place=off,step=7,task=2"},
};

static void test_make(void **state)
{
	struct gpumem_policy policy;
	struct gpumem_plan plan;
	struct gpumem_error err;
	char text[GPUMEM_PLAN_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		assert_int_equal(gpumem_policy_parse(made[i].policy, &policy, NULL), 0);
		if (gpumem_plan_make(&policy, made[i].device, made[i].distance, made[i].count,
				     sizes, 7, made[i].task, &plan, &err) != 0)
			fail_msg("%s: %s", made[i].plan, err.text);
		assert_int_equal(gpumem_plan_print(&plan, text, sizeof(text)), 0);
		assert_string_equal(text, made[i].plan);
	}
}

/* The limits are kept by table index, and device_bytes comes in the order of device[]. */
static void test_limits(void **state)
{
	static const uint8_t device[] = {6, 1};
	static const uint32_t distance[] = {20, 10};
	static const uint64_t bytes[] = {100 * 4096, 50 * 4096};
	struct gpumem_policy policy;
	struct gpumem_plan plan;
	size_t i;

	(void)state;
	assert_int_equal(gpumem_policy_parse("prefer,limit=10%", &policy, NULL), 0);
	assert_int_equal(gpumem_plan_make(&policy, device, distance, 2, bytes, 0, 0, &plan, NULL),
			 0);
	assert_int_equal(plan.limit_bytes[6], 10 * 4096);
	assert_int_equal(plan.limit_bytes[1], 5 * 4096);
	for (i = 0; i < GPUMEM_MAX_DEVICES; i++)
		assert_true(i == 1 || i == 6 || plan.limit_bytes[i] == UINT64_MAX);
	assert_int_equal(plan.device_count, 2);
	assert_int_equal(plan.device[0], 1);
	assert_int_equal(plan.device[1], 6);
	/* 99% of a size that 100 does not divide, near the top of 64 bits */
	assert_int_equal(gpumem_policy_parse("prefer,limit=99%", &policy, NULL), 0);
	assert_int_equal(gpumem_plan_make(&policy, device, distance, 1,
					  (const uint64_t[]){UINT64_MAX}, 0, 0, &plan, NULL),
			 0);
	assert_true(plan.limit_bytes[6] == 18262276632972455936ull);
}

static void test_make_bad(void **state)
{
	static const uint8_t far[] = {16}, twice[] = {3, 3};
	static const uint32_t distance[17];
	static const uint8_t many[17];
	struct gpumem_policy policy;
	struct gpumem_plan plan = {.task_id = 99};
	struct gpumem_error err;

	(void)state;
	assert_int_equal(gpumem_policy_parse("prefer", &policy, NULL), 0);
	assert_int_equal(gpumem_plan_make(&policy, far, distance, 1, sizes, 0, 0, &plan, &err),
			 -EINVAL);
	assert_string_equal(err.text, "no device can have the index 16");
	assert_int_equal(gpumem_plan_make(&policy, twice, distance, 2, sizes, 0, 0, &plan, &err),
			 -EINVAL);
	assert_string_equal(err.text, "device 3 is given twice");
	assert_int_equal(gpumem_plan_make(&policy, many, distance, 17, sizes, 0, 0, &plan, &err),
			 -EINVAL);
	assert_string_equal(err.text, "17 devices; the most is 16");
	assert_int_equal(gpumem_plan_make(&policy, many, distance, 0, sizes, 0, 0, &plan, &err),
			 -EINVAL);
	assert_string_equal(err.text, "prefer needs a device");
	assert_string_equal(err.where, "plan");
	assert_int_equal(plan.task_id, 99);
}

#define HEAD "v2,place=prefer,step=0,task=1"
#define WEAVE "v2,place=interleave,step=0,task=1"
#define AT "not a plan of this version at "

static const struct {
	const char *in, *error;
} bad[] = {
	{"", AT "''"},
	{"v2", AT "''"},
	{"v1,place=prefer,step=0,task=1,dev=0:max", AT "'v1,place=prefer,step=0,task=1,dev=0:max'"},
	{HEAD ",evict=,dev=0:max", AT "'dev=0:max'"},
	{HEAD ",evict=LRF,dev=0:max", AT "'dev=0:max'"},
	{HEAD ",low=88,high=95,dev=0:max", AT "'high=95,dev=0:max'"},
	{HEAD ",high=0,dev=0:max", AT "'dev=0:max'"},
	{HEAD ",high=101,dev=0:max", AT "'dev=0:max'"},
	{HEAD ",bw=64M,dev=0:max", AT "'dev=0:max'"},
	{HEAD ",suspend=maybe,dev=0:max", AT "'dev=0:max'"},
	{WEAVE, AT "''"},
	{HEAD ",ratio=3/1,dev=0:max", AT "'dev=0:max'"},
	{"v2,place=host,step=0,task=1,ratio=3/1", AT "''"},
	{WEAVE ",ratio=,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=3,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=/,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=3/,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=/1,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=0/1,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=3/0,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=03/1,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=3/01,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=-3/1,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=3/1/1,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",ratio=4294967296/1,dev=0:max", AT "'dev=0:max'"},
	{WEAVE ",evict=lrf,ratio=3/1,dev=0:max", AT "'ratio=3/1,dev=0:max'"},
	{WEAVE ",ratio=3/1,ratio=3/1,dev=0:max", AT "'ratio=3/1,dev=0:max'"},
	{"v21,place=prefer", AT "'place=prefer'"},
	{"V1,place=prefer", AT "'V1,place=prefer'"},
	{" " HEAD ",dev=0:max", AT "' v2,place=prefer,step=0,task=1,dev=0:max'"},
	{"v2,step=0,task=1,dev=0:max", AT "'step=0,task=1,dev=0:max'"},
	{"v2,place=,step=0", AT "'step=0'"},
	{"v2,place=near,step=0", AT "'step=0'"},
	{"v2,place=Prefer,step=0", AT "'step=0'"},
	{"v2,place=prefer,step=,task=1,dev=0:max", AT "'task=1,dev=0:max'"},
	{"v2,place=prefer,step=-1,task=1,dev=0:max", AT "'task=1,dev=0:max'"},
	{"v2,place=prefer,step=01,task=1,dev=0:max", AT "'task=1,dev=0:max'"},
	{"v2,place=prefer,step=4294967296,task=1,dev=0:max", AT "'task=1,dev=0:max'"},
	{"v2,place=prefer,step=0,task=x,dev=0:max", AT "'dev=0:max'"},
	{"v2,place=prefer,step=0,dev=0:max", AT "'dev=0:max'"},
	{"v2,place=prefer,task=1,step=0,dev=0:max", AT "'task=1,step=0,dev=0:max'"},
	{HEAD, AT "''"},
	{HEAD ",", AT "'v2,place=prefer,step=0,task=1,'"},
	{HEAD ",dev=0:max,", AT "'v2,place=prefer,step=0,task=1,dev=0:max,'"},
	{HEAD ",,dev=0:max", AT "',dev=0:max'"},
	{HEAD ",dev=0", AT "''"},
	{HEAD ",dev=0:", AT "''"},
	{HEAD ",dev=:max", AT "''"},
	{HEAD ",dev=0:maxi", AT "''"},
	{HEAD ",dev=0:MAX", AT "''"},
	{HEAD ",dev=0:64M", AT "''"},
	{HEAD ",dev=0:-1", AT "''"},
	{HEAD ",dev=00:max", AT "''"},
	{HEAD ",dev=0:00", AT "''"},
	{HEAD ",dev=16:max", AT "''"},
	{HEAD ",dev=0:18446744073709551615", AT "''"}, /* that is max */
	{HEAD ",dev=0:18446744073709551616", AT "''"},
	{HEAD ",dev=0:max,dev=0:max", "device 0 is given twice"},
	{HEAD ",dev=0:max,evil=\x1b[2J", AT "'evil=\\x1b[2J'"},
	{HEAD ",dev=0:max,dev=1:max,dev=2:max,dev=3:max,dev=4:max,dev=5:max,dev=6:max,dev=7:max,"
	      "dev=8:max,dev=9:max,dev=10:max,dev=11:max,dev=12:max,dev=13:max,dev=14:max,"
	      "dev=15:max,dev=0:max",
	 AT "'dev=0:max'"},
};

static void test_parse_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gpumem_plan plan = {.task_id = 99};
		struct gpumem_error err = {0};

		if (gpumem_plan_parse(bad[i].in, &plan, &err) != -EINVAL)
			fail_msg("'%s' is accepted", bad[i].in);
		if (strcmp(err.text, bad[i].error) != 0)
			fail_msg("'%s' gives\n  %s, not\n  %s", bad[i].in, err.text, bad[i].error);
		assert_int_equal(plan.task_id, 99);
	}
}

/* No line is read beyond GPUMEM_PLAN_LEN. */
static void test_parse_long(void **state)
{
	char text[2 * GPUMEM_PLAN_LEN];
	struct gpumem_plan plan;

	(void)state;
	memset(text, '1', sizeof(text));
	memcpy(text, "v2,place=prefer,step=", 21);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(gpumem_plan_parse(text, &plan, NULL), -EINVAL);
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void random_plan(struct gpumem_plan *p)
{
	uint8_t all[GPUMEM_MAX_DEVICES];
	size_t i, j;

	memset(p, 0, sizeof(*p));
	p->placement = (enum gpumem_placement)(1 + random64() % 6);
	p->step_id = (uint32_t)(random64() >> random64() % 64);
	p->task_id = (uint32_t)(random64() >> random64() % 64);
	p->device_count = (uint32_t)(1 + random64() % GPUMEM_MAX_DEVICES);
	if (p->placement == GPUMEM_PLACE_INTERLEAVE && random64() % 2) {
		p->ratio_device = (uint32_t)(1 + (random64() >> (33 + random64() % 31)));
		p->ratio_host = (uint32_t)(1 + (random64() >> (33 + random64() % 31)));
	}
	for (i = 0; i < GPUMEM_MAX_DEVICES; i++) {
		j = random64() % (i + 1);
		all[i] = all[j];
		all[j] = (uint8_t)i;
		p->limit_bytes[i] = UINT64_MAX;
	}
	for (i = 0; i < p->device_count; i++) {
		p->device[i] = all[i];
		if (random64() % 2)
			p->limit_bytes[all[i]] = random64() >> random64() % 64;
	}
}

static void test_round_trip(void **state)
{
	struct gpumem_plan plan, again;
	char text[GPUMEM_PLAN_LEN];
	struct gpumem_error err;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		random_plan(&plan);
		memset(&again, 0, sizeof(again));
		assert_int_equal(gpumem_plan_print(&plan, text, sizeof(text)), 0);
		if (gpumem_plan_parse(text, &again, &err) != 0)
			fail_msg("%s: %s", text, err.text);
		if (again.placement != plan.placement || again.step_id != plan.step_id ||
		    again.task_id != plan.task_id || again.device_count != plan.device_count ||
		    again.ratio_device != plan.ratio_device || again.ratio_host != plan.ratio_host ||
		    memcmp(again.device, plan.device, sizeof(plan.device)) != 0 ||
		    memcmp(again.limit_bytes, plan.limit_bytes, sizeof(plan.limit_bytes)) != 0)
			fail_msg("%s comes back as another plan", text);
	}
}

/* The longest plan there can be fits, and a shorter buffer is refused. */
static void test_longest(void **state)
{
	struct gpumem_plan plan = {.placement = GPUMEM_PLACE_INTERLEAVE,
				   .step_id = UINT32_MAX,
				   .task_id = UINT32_MAX,
				   .ratio_device = UINT32_MAX,
				   .ratio_host = UINT32_MAX,
				   .evict = GPUMEM_EVICT_HEAT,
				   .high_percent = 100,
				   .low_percent = 100,
				   .bandwidth_bytes = UINT64_MAX,
				   .suspend = GPUMEM_SUSPEND_EVICT,
				   .device_count = GPUMEM_MAX_DEVICES};
	char text[GPUMEM_PLAN_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < GPUMEM_MAX_DEVICES; i++) {
		plan.device[i] = (uint8_t)i;
		plan.limit_bytes[i] = UINT64_MAX - 1;
	}
	assert_int_equal(gpumem_plan_print(&plan, text, sizeof(text)), 0);
	assert_int_equal(gpumem_plan_parse(text, &plan, NULL), 0);
	assert_int_equal(plan.device_count, GPUMEM_MAX_DEVICES);
	assert_int_equal(plan.ratio_host, UINT32_MAX);
	assert_int_equal(gpumem_plan_print(&plan, text, strlen(text)), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),	   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_make_bad),   cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_parse_long), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
