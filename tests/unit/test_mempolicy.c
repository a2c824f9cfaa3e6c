/* SPDX-License-Identifier: MIT */
/*
 * test_mempolicy: plans in the kernel's words, and those words set and read back on this machine's node 0.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "discover/node_now.h"
#include "place/mempolicy.h"

#define NO_NODE 1000 /* no machine here has as many */
#define N(n) (1ul << (n))

#define SVM GPUMEM_KIND_SVM
#define NUMA GPUMEM_KIND_NUMA
#define SHARED GPUMEM_KIND_NUMA_SHARED
#define PREFER GPUMEM_PLACE_PREFER
#define BIND GPUMEM_PLACE_BIND
#define HOST GPUMEM_PLACE_HOST
#define ADVISE GPUMEM_PLACE_ADVISE
#define OFF GPUMEM_PLACE_OFF
#define WEAVE GPUMEM_PLACE_INTERLEAVE

/* The device at index i has node 2i + 1. */
static struct gm_place_devices table(enum gpumem_kind kind)
{
	struct gm_place_devices d = { .count = 4 };

	for (int i = 0; i < 4; i++) {
		d.device[i].kind = kind;
		d.device[i].node = 2 * i + 1;
	}
	return d;
}

static struct gpumem_plan plan_of(enum gpumem_placement placement, uint32_t count, uint8_t first,
				  uint32_t device, uint32_t host)
{
	struct gpumem_plan plan = { .placement = placement,
				    .device_count = count,
				    .ratio_device = device,
				    .ratio_host = host };

	for (uint32_t i = 0; i < count; i++)
		plan.device[i] = (uint8_t)((first + i) % 4);
	return plan;
}

static void test_of_plan(void **state)
{
	static const struct {
		const char *what;
		enum gpumem_placement placement;
		enum gpumem_kind kind;
		uint32_t count;
		uint8_t first;
		uint32_t ratio_device, ratio_host;
		int host;
		bool weighted;
		int mode;
		unsigned long nodes;
	} cases[] = {
		{ "prefer", PREFER, NUMA, 1, 2, 0, 0, 0, false, GM_MPOL_PREFERRED, N(5) },
		{ "prefer, the nearest of four", PREFER, NUMA, 4, 1, 0, 0, 0, false,
		  GM_MPOL_PREFERRED, N(3) },
		{ "prefer, shared", PREFER, SHARED, 2, 0, 0, 0, 0, false, GM_MPOL_PREFERRED, N(1) },
		{ "prefer, behind KFD", PREFER, SVM, 4, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "prefer, no device", PREFER, NUMA, 0, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "bind", BIND, NUMA, 1, 0, 0, 0, 0, false, GM_MPOL_BIND, N(1) },
		{ "bind, four", BIND, NUMA, 4, 3, 0, 0, 0, false, GM_MPOL_BIND,
		  N(1) | N(3) | N(5) | N(7) },
		{ "bind, shared", BIND, SHARED, 2, 1, 0, 0, 0, false, GM_MPOL_BIND, N(3) | N(5) },
		{ "bind, behind KFD", BIND, SVM, 1, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "interleave", WEAVE, NUMA, 1, 0, 0, 0, 0, false, GM_MPOL_INTERLEAVE, N(1) },
		{ "interleave, two", WEAVE, NUMA, 2, 2, 0, 0, 0, false, GM_MPOL_INTERLEAVE,
		  N(5) | N(7) },
		{ "interleave, ratio", WEAVE, NUMA, 1, 0, 3, 1, 0, false, GM_MPOL_INTERLEAVE,
		  N(1) | N(0) },
		{ "interleave, ratio and weights", WEAVE, NUMA, 2, 0, 3, 1, 8, true,
		  GM_MPOL_WEIGHTED_INTERLEAVE, N(1) | N(3) | N(8) },
		{ "interleave, ratio, no host", WEAVE, NUMA, 2, 0, 3, 1, -1, false,
		  GM_MPOL_INTERLEAVE, N(1) | N(3) },
		{ "interleave, shared", WEAVE, SHARED, 4, 0, 1, 1, 0, false, GM_MPOL_INTERLEAVE,
		  N(0) | N(1) | N(3) | N(5) | N(7) },
		{ "interleave, behind KFD", WEAVE, SVM, 4, 0, 3, 1, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "advise keeps balancing away", ADVISE, NUMA, 2, 0, 0, 0, 0, false, GM_MPOL_LOCAL, 0 },
		{ "advise, shared", ADVISE, SHARED, 2, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "advise, behind KFD", ADVISE, SVM, 2, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "host", HOST, NUMA, 2, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "host, shared", HOST, SHARED, 2, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
		{ "off", OFF, NUMA, 2, 0, 0, 0, 0, false, GM_MPOL_DEFAULT, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gm_place_devices devices = table(cases[i].kind);
		struct gpumem_plan plan = plan_of(cases[i].placement, cases[i].count, cases[i].first,
						  cases[i].ratio_device, cases[i].ratio_host);
		struct gm_mempolicy p, want = { .mode = cases[i].mode, .nodes = { cases[i].nodes } };

		memset(&p, 0xff, sizeof(p));
		gm_mempolicy_for(&plan, &devices, cases[i].host, cases[i].weighted, &p);
		if (p.mode != want.mode || memcmp(p.nodes, want.nodes, sizeof(p.nodes)) != 0)
			fail_msg("%s: expected mode %d of %lx, got mode %d of %lx", cases[i].what,
				 want.mode, want.nodes[0], p.mode, p.nodes[0]);
	}
}

/* Devices of two kinds, nodes that are not known, nodes beyond the first word and beyond all. */
static void test_odd_nodes(void **state)
{
	struct gm_place_devices devices = table(NUMA);
	struct gpumem_plan plan = plan_of(BIND, 4, 0, 0, 0);
	struct gm_mempolicy p;

	(void)state;
	devices.device[0].kind = SVM;
	devices.device[1].node = -1;
	devices.device[2].node = 250;
	gm_mempolicy_for(&plan, &devices, -1, false, &p);
	assert_int_equal(p.mode, GM_MPOL_BIND);
	assert_int_equal(p.nodes[0], N(7));
	assert_int_equal(p.nodes[250 / 64], N(250 % 64));
	plan.placement = PREFER;
	gm_mempolicy_for(&plan, &devices, -1, false, &p);
	assert_int_equal(p.nodes[0], 0);
	assert_int_equal(p.nodes[250 / 64], N(250 % 64));
	plan.device_count = 2;
	gm_mempolicy_for(&plan, &devices, -1, false, &p);
	assert_int_equal(p.mode, GM_MPOL_DEFAULT);
	plan.device_count = 3;
	devices.device[2].node = (int)GM_MEMPOLICY_NODES; /* not written behind the end */
	gm_mempolicy_for(&plan, &devices, -1, false, &p);
	for (size_t i = 0; i < sizeof(p.nodes) / sizeof(p.nodes[0]); i++)
		assert_int_equal(p.nodes[i], 0);
}

static void test_of_agent(void **state)
{
	static const struct {
		const char *what;
		enum gpumem_placement placement;
		uint32_t count;
		int task;
		bool limited;
		int agent;
	} cases[] = {
		{ "prefer", PREFER, 1, GM_MPOL_PREFERRED, false, GM_MPOL_PREFERRED },
		{ "prefer, a limit", PREFER, 1, GM_MPOL_PREFERRED, true, GM_MPOL_LOCAL },
		{ "prefer of several", PREFER, 4, GM_MPOL_PREFERRED, false, GM_MPOL_PREFERRED },
		{ "bind kills nobody", BIND, 1, GM_MPOL_BIND, false, GM_MPOL_PREFERRED_MANY },
		{ "bind of several", BIND, 4, GM_MPOL_BIND, false, GM_MPOL_PREFERRED_MANY },
		{ "bind, a limit", BIND, 2, GM_MPOL_BIND, true, GM_MPOL_LOCAL },
		{ "interleave over one", WEAVE, 1, GM_MPOL_INTERLEAVE, false, GM_MPOL_INTERLEAVE },
		{ "with weights", WEAVE, 1, GM_MPOL_WEIGHTED_INTERLEAVE, false,
		  GM_MPOL_WEIGHTED_INTERLEAVE },
		{ "over several: by chunks", WEAVE, 2, GM_MPOL_INTERLEAVE, false, GM_MPOL_LOCAL },
		{ "interleave, a limit", WEAVE, 1, GM_MPOL_WEIGHTED_INTERLEAVE, true, GM_MPOL_LOCAL },
		{ "advise", ADVISE, 1, GM_MPOL_LOCAL, false, GM_MPOL_LOCAL },
		{ "advise, a limit", ADVISE, 1, GM_MPOL_LOCAL, true, GM_MPOL_LOCAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gpumem_plan plan = plan_of(cases[i].placement, cases[i].count, 0, 0, 0);
		struct gm_mempolicy task = { .mode = cases[i].task, .nodes = { N(1) | N(3) } }, p;

		if (task.mode == GM_MPOL_LOCAL)
			task.nodes[0] = 0;
		gm_mempolicy_of_agent(&task, &plan, cases[i].limited, &p);
		if (p.mode != cases[i].agent)
			fail_msg("%s: expected mode %d, got %d", cases[i].what, cases[i].agent,
				 p.mode);
		assert_int_equal(p.nodes[0], p.mode == GM_MPOL_LOCAL ? 0 : N(1) | N(3));
	}
}

/* In a child: the policy of the test itself stays. Returns its exit status. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int same_as_set(int mode, unsigned long node0, int or_mode)
{
	struct gm_mempolicy set = { .mode = mode, .nodes = { node0 } }, got;

	if (gm_mempolicy_set(&set) < 0 || gm_mempolicy_get(&got) < 0)
		return 0;
	return (got.mode == mode || got.mode == or_mode) && memcmp(got.nodes, set.nodes, sizeof(got.nodes)) == 0;
}

static int round_trip(void)
{
	struct gm_mempolicy none = { .mode = GM_MPOL_BIND }, got;
	const int one_node[] = { GM_MPOL_PREFERRED, GM_MPOL_BIND, GM_MPOL_INTERLEAVE };

	for (size_t i = 0; i < 3; i++)
		if (!same_as_set(one_node[i], 1, one_node[i]))
			return 1;
	if (!same_as_set(GM_MPOL_PREFERRED_MANY, 1, GM_MPOL_PREFERRED))
		return 2;
	if (!same_as_set(GM_MPOL_WEIGHTED_INTERLEAVE, 1, GM_MPOL_INTERLEAVE))
		return 3;
	if (!same_as_set(GM_MPOL_LOCAL, 0, GM_MPOL_LOCAL))
		return 4;
	/* What is refused changes nothing. */
	none.nodes[NO_NODE / 64] = N(NO_NODE % 64);
	for (none.mode = GM_MPOL_PREFERRED; none.mode <= GM_MPOL_WEIGHTED_INTERLEAVE; none.mode++)
		if (none.mode != GM_MPOL_LOCAL && gm_mempolicy_set(&none) != -EINVAL)
			return 5;
	if (gm_mempolicy_get(&got) < 0 || got.mode != GM_MPOL_LOCAL)
		return 6;
	if (!same_as_set(GM_MPOL_DEFAULT, 0, GM_MPOL_DEFAULT))
		return 7;
	return 0;
}

static void test_round_trip(void **state)
{
	(void)state;
	assert_int_equal(in_child(round_trip), 0);
}

static struct gpumem_job_device job_device(enum gpumem_kind kind, int node)
{
	struct gpumem_job_device d = { .kind = (uint32_t)kind, .node = node };

	return d;
}

static int set_of_plan(void)
{
	struct gpumem_job_device here = job_device(SHARED, 0), nowhere = job_device(NUMA, NO_NODE),
				 svm = job_device(SVM, 0);
	struct gpumem_plan plan = plan_of(BIND, 1, 0, 0, 0);
	struct gpumem_error err = { 0 };
	struct gm_mempolicy got;

	/* Nothing to say is no error. */
	if (gpumem_plan_set_mempolicy(&plan, &svm, 1, &err) != 0 || gm_mempolicy_get(&got) < 0 ||
	    got.mode != GM_MPOL_DEFAULT)
		return 1;
	if (gpumem_plan_set_mempolicy(&plan, &nowhere, 1, &err) != -EINVAL ||
	    strncmp(err.text, "set_mempolicy: ", 15) != 0)
		return 2;
	if (gpumem_plan_set_mempolicy(&plan, &here, 1, &err) != 0 || gm_mempolicy_get(&got) < 0 ||
	    got.mode != GM_MPOL_BIND || got.nodes[0] != 1)
		return 3;
	/* What is in force already is the user's. */
	plan.placement = PREFER;
	if (gpumem_plan_set_mempolicy(&plan, &here, 1, &err) != -EEXIST ||
	    !strstr(err.text, "in force already") || gm_mempolicy_get(&got) < 0 ||
	    got.mode != GM_MPOL_BIND)
		return 4;
	return 0;
}

static int set_advise(void)
{
	struct gpumem_job_device nowhere = job_device(NUMA, NO_NODE);
	struct gpumem_plan plan = plan_of(ADVISE, 1, 0, 0, 0);
	struct gm_mempolicy got;

	return gpumem_plan_set_mempolicy(&plan, &nowhere, 1, NULL) != 0 ||
	       gm_mempolicy_get(&got) < 0 || got.mode != GM_MPOL_LOCAL;
}

static void test_set_of_plan(void **state)
{
	(void)state;
	assert_int_equal(in_child(set_of_plan), 0);
	assert_int_equal(in_child(set_advise), 0);
}

/* Weights are the whole machine's, so none is set here. */
static void test_weights(void **state)
{
	struct gpumem_job_device device[2] = { job_device(NUMA, NO_NODE), job_device(NUMA, NO_NODE) };
	struct gpumem_policy policy;
	unsigned weight = 0;
	int rc = gm_node_weight(0, &weight);

	(void)state;
	assert_true(rc == -ENOENT || (rc == 0 && weight >= 1 && weight <= 255));
	assert_int_equal(gm_node_weight(NO_NODE, &weight), -ENOENT);
	assert_true(gm_node_set_weight(NO_NODE, 1) < 0);

	assert_int_equal(gpumem_policy_parse("prefer", &policy, NULL), 0);
	assert_int_equal(gpumem_policy_weigh(&policy, device, 2, NULL), 0);
	assert_int_equal(gpumem_policy_parse("interleave", &policy, NULL), 0);
	assert_int_equal(gpumem_policy_weigh(&policy, device, 2, NULL), 0);
	assert_int_equal(gpumem_policy_parse("interleave:3/1", &policy, NULL), 0);
	assert_int_equal(gpumem_policy_weigh(&policy, device, 0, NULL), 0);
	assert_true(gpumem_policy_weigh(&policy, device, 2, NULL) < 0);
	/* 999/1000 of two devices do not fit into 255. */
	assert_int_equal(gpumem_policy_parse("interleave:999/1000", &policy, NULL), 0);
	assert_int_equal(gpumem_policy_weigh(&policy, device, 2, NULL), 0);
	device[0].kind = SHARED;
	assert_int_equal(gpumem_policy_parse("interleave:3/1", &policy, NULL), 0);
	assert_int_equal(gpumem_policy_weigh(&policy, device, 2, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_plan),	   cmocka_unit_test(test_odd_nodes),
		cmocka_unit_test(test_of_agent),   cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_set_of_plan), cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
