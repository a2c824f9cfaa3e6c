/* SPDX-License-Identifier: MIT */
/*
 * test_cgroup: the job's level of the cgroup lines that Slurm's versions and settings give.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "discover/cgroup.h"

static void test_level(void **state)
{
	static const struct {
		const char *line;
		int rc;
		const char *level;
	} cases[] = {
		{ "0::/system.slice/slurmstepd.scope/job_5/step_0/slurm\n", 0,
		  "/system.slice/slurmstepd.scope/job_5" },
		{ "0::/system.slice/slurmstepd.scope/job_5/step_batch/user/task_0\n", 0,
		  "/system.slice/slurmstepd.scope/job_5" },
		{ "0::/system.slice/n1_slurmstepd.scope/job_5/step_extern/slurm\n", 0,
		  "/system.slice/n1_slurmstepd.scope/job_5" },
		{ "0::/system.slice/slurmstepd.scope/sEKNKTV3WPV500/step_0/slurm\n", 0,
		  "/system.slice/slurmstepd.scope/sEKNKTV3WPV500" },
		{ "0::/batch.slice/slurmstepd.scope/job_5/step_0/user\n", 0,
		  "/batch.slice/slurmstepd.scope/job_5" },
		{ "0::/job_5/step_0", 0, "/job_5" },
		{ "0::/step_0/slurm\n", -ENOENT, NULL },
		{ "0::/\n", -ENOENT, NULL },
		{ "0::/system.slice/slurmd.service\n", -ENOENT, NULL },
		{ "0::/user.slice/user-1000.slice/session-2.scope\n", -ENOENT, NULL },
		{ "9:freezer:/slurm/uid_1000/job_5/step_0\n", -ENOENT, NULL },
		{ "1:name=systemd:/slurm_n1/uid_1000/job_5/step_0\n", -ENOENT, NULL },
		{ "", -ENOENT, NULL },
		{ "0::", -ENOENT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char level[256] = "untouched";
		int rc = gm_job_level(cases[i].line, level, sizeof(level));

		if (rc != cases[i].rc ||
		    strcmp(level, cases[i].level ? cases[i].level : "untouched") != 0)
			fail_msg("%s: expected %d %s, got %d %s", cases[i].line, cases[i].rc,
				 cases[i].level, rc, level);
	}
}

static void test_room(void **state)
{
	char level[8];

	(void)state;
	assert_int_equal(gm_job_level("0::/sevenok/step_0", level, sizeof(level)), -ENOSPC);
	assert_int_equal(gm_job_level("0::/sixsix/step_0", level, sizeof(level)), 0);
	assert_string_equal(level, "/sixsix");
}

static void test_step(void **state)
{
	char level[64];

	(void)state;
	assert_int_equal(gm_step_level("0::/s/job_5/step_0/slurm\n", level, sizeof(level)), 0);
	assert_string_equal(level, "/s/job_5/step_0");
	assert_int_equal(gm_step_level("0::/s/job_5/step_batch\n", level, sizeof(level)), 0);
	assert_string_equal(level, "/s/job_5/step_batch");
	assert_int_equal(gm_step_level("0::/s/job_5\n", level, sizeof(level)), -ENOENT);
	assert_int_equal(gm_step_level("0::/job_5/step_0/slurm", level, 13), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_level), cmocka_unit_test(test_room),
					    cmocka_unit_test(test_step) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
