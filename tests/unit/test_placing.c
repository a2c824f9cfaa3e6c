/* SPDX-License-Identifier: MIT */
/*
 * test_placing: what a process with an agent makes of the memory policy it was started with. The devices are
 * this machine's node 0 and a node that is not there.
 */
#include <string.h>
#include <sys/wait.h>

#include "agent/placing.h"
#include "place/mempolicy.h"
#include "record.h"

#define NO_NODE 1000
#define BYTES (1ull << 30)

static struct record *record;

static int mode(void)
{
	struct gm_mempolicy p;

	return gm_mempolicy_get(&p) < 0 ? -1 : p.mode;
}

static int set(int new_mode, int node)
{
	struct gm_mempolicy p = { .mode = new_mode };

	if (node >= 0)
		p.nodes[node / 64] = 1ul << node % 64;
	return gm_mempolicy_set(&p);
}

#define PLAN(place, devices) "v2,place=" place ",step=0,task=0," devices

static const struct {
	const char *what, *plan;
	int start, node, adopted, before_exec;
	uint64_t limit;
} cases[] = {
	{ "bind", PLAN("bind", "dev=0:max"), GM_MPOL_BIND, 0, GM_MPOL_PREFERRED_MANY, GM_MPOL_BIND,
	  BYTES },
	{ "prefer", PLAN("prefer", "dev=0:max"), GM_MPOL_PREFERRED, 0, GM_MPOL_PREFERRED,
	  GM_MPOL_PREFERRED, BYTES },
	{ "prefer, the job's limit", PLAN("prefer", "dev=0:max"), GM_MPOL_PREFERRED, 0, GM_MPOL_LOCAL,
	  GM_MPOL_PREFERRED, BYTES / 2 },
	{ "prefer, the step's limit", PLAN("prefer", "dev=0:4096"), GM_MPOL_PREFERRED, 0,
	  GM_MPOL_LOCAL, GM_MPOL_PREFERRED, BYTES },
	{ "a parent's: by execl()", PLAN("prefer", "dev=0:4096"), GM_MPOL_LOCAL, -1, GM_MPOL_LOCAL,
	  GM_MPOL_PREFERRED, BYTES },
	{ "interleave", PLAN("interleave", "dev=0:max"), GM_MPOL_INTERLEAVE, 0, GM_MPOL_INTERLEAVE,
	  GM_MPOL_INTERLEAVE, BYTES },
	{ "weights of before", PLAN("interleave", "dev=0:4096"), GM_MPOL_WEIGHTED_INTERLEAVE, 0,
	  GM_MPOL_LOCAL, GM_MPOL_WEIGHTED_INTERLEAVE, BYTES },
	/* The user's own stays. */
	{ "none", PLAN("bind", "dev=0:max"), GM_MPOL_DEFAULT, -1, GM_MPOL_DEFAULT, GM_MPOL_DEFAULT,
	  BYTES },
	{ "of another mode", PLAN("prefer", "dev=0:4096"), GM_MPOL_INTERLEAVE, 0, GM_MPOL_INTERLEAVE,
	  GM_MPOL_INTERLEAVE, BYTES },
	{ "of another node", PLAN("prefer", "dev=1:4096"), GM_MPOL_PREFERRED, 0, GM_MPOL_PREFERRED,
	  GM_MPOL_PREFERRED, BYTES },
	/* What is wrong changes nothing. */
	{ "no plan", "v1", GM_MPOL_BIND, 0, GM_MPOL_BIND, GM_MPOL_BIND, BYTES },
	{ "no such device", PLAN("bind", "dev=2:max"), GM_MPOL_BIND, 0, GM_MPOL_BIND, GM_MPOL_BIND,
	  BYTES },
};

/* Older kernels have substitutes. */
static int is(int want)
{
	int now = mode();

	return now == want ||
	       (want == GM_MPOL_PREFERRED_MANY && now == GM_MPOL_PREFERRED) ||
	       (want == GM_MPOL_WEIGHTED_INTERLEAVE && now == GM_MPOL_INTERLEAVE);
}

static int adopt(size_t i)
{
	bool changed;

	if (set(cases[i].start, cases[i].node) < 0)
		return 77;
	gm_placing_adopt(record->dir, cases[i].plan);
	if (!is(cases[i].adopted))
		return 1;
	changed = gm_placing_before_exec();
	if (!is(cases[i].before_exec))
		return 2;
	gm_placing_after_exec(changed);
	if (!is(cases[i].adopted))
		return 3;
	/* What the program set itself is what it executes others with. */
	set(GM_MPOL_INTERLEAVE, 0);
	if (is(cases[i].adopted))
		return 0;
	changed = gm_placing_before_exec();
	if (changed || !is(GM_MPOL_INTERLEAVE))
		return 4;
	gm_placing_after_exec(changed);
	return is(GM_MPOL_INTERLEAVE) ? 0 : 5;
}

static void test_adopt(void **state)
{
	record = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gpumem_error err = { 0 };
		int status;
		pid_t pid;

		record->spec.device[0].kind = GPUMEM_KIND_NUMA_SHARED;
		record->spec.device[0].node = 0;
		record->spec.device[1].kind = GPUMEM_KIND_NUMA;
		record->spec.device[1].node = NO_NODE;
		for (int k = 0; k < 2; k++) {
			record->spec.device[k].kfd_id = 0;
			record->spec.device[k].bytes = BYTES;
			record->spec.device[k].max_bytes = BYTES;
			record->spec.device[k].limit_bytes = cases[i].limit;
		}
		if (gpumem_job_create(&record->spec, &err) != 0)
			fail_msg("%s", err.text);
		pid = fork();
		if (pid == 0)
			_exit(adopt(i));
		assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
		if (status != 0)
			fail_msg("%s: status %x", cases[i].what, (unsigned)status);
		unlink(record->limits);
		unlink(record->ledger);
		rmdir(record->dir);
	}
}

/* Without a record, before it was adopted, and twice. */
static void test_nothing(void **state)
{
	struct record *r = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		set(GM_MPOL_BIND, 0);
		gm_placing_after_exec(gm_placing_before_exec());
		gm_placing_adopt("/nowhere", cases[0].plan);
		gm_placing_adopt(r->dir, cases[0].plan);
		_exit(mode() != GM_MPOL_BIND);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { with_spec(test_adopt), with_spec(test_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
