/* SPDX-License-Identifier: MIT */
/*
 * test_gres: which GPUs are a task's, from the lists that Slurm leaves.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "gres.h"

static struct gres_list list(const char *text)
{
	struct gres_list l = { 0 };

	assert_int_equal(gres_parse(text, &l), 0);
	return l;
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int rc;
		size_t count;
		unsigned last;
	} cases[] = {
		{ "", 0, 0, 0 },	  { "3", 0, 1, 3 },	     { "0,2", 0, 2, 2 },
		{ "0-3", 0, 4, 3 },	  { "1,4-5", 0, 3, 5 },	     { "3-1", -EINVAL, 0, 0 },
		{ "0-99", -EINVAL, 0, 0 }, { "GPU-12ab", -EINVAL, 0, 0 }, { "0;1", -EINVAL, 0, 0 },
		{ "-1", -EINVAL, 0, 0 },  { "99999", -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gres_list l = { 0 };

		assert_int_equal(gres_parse(cases[i].text, &l), cases[i].rc);
		assert_int_equal(l.count, cases[i].count);
		if (l.count)
			assert_int_equal(l.index[l.count - 1], cases[i].last);
	}
}

static void test_task(void **state)
{
	/* The rows are what Slurm 22.05 shows; see tests/vm/README.md. */
	static const struct {
		const char *what, *step, *permitted, *visible_step, *visible_task, *expected;
	} cases[] = {
		{ "bound by cgroup, second task", "0,1", "1", "0,1", "0", "1" },
		{ "bound by variable alone", "0,1", "0,1", "0,1", "1", "1" },
		{ "unbound", "0,1", "0,1", "0,1", "0,1", "0,1" },
		{ "step holds another part, cgroup counts within it", "2,3", "2,3", "0,1", "1", "3" },
		{ "step holds another part, no cgroup", "2,3", "2,3", "2,3", "3", "3" },
		{ "one GPU that is not the first", "1", "1", "0", "0", "1" },
		{ "no variable", "1,2", "1,2", "", "", "1,2" },
		{ "variable out of range", "1,2", "1,2", "0,1", "7", "1,2" },
		{ "cgroup forbids all: the list stands", "1,2", "", "0,1", "0", "1" },
		{ "two of three by cgroup, one of them by variable", "0,1,3", "1,3", "0,1,2", "1", "3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gres_list step = list(cases[i].step), permitted = list(cases[i].permitted);
		struct gres_list visible_step = list(cases[i].visible_step);
		struct gres_list visible_task = list(cases[i].visible_task);
		struct gres_list want = list(cases[i].expected), got;

		gres_of_task(&step, &permitted, &visible_step, &visible_task, &got);
		if (got.count != want.count ||
		    memcmp(got.index, want.index, want.count * sizeof(want.index[0])) != 0)
			fail_msg("%s: expected %s, got %zu GPUs beginning with %u", cases[i].what,
				 cases[i].expected, got.count, got.index[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_task) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
