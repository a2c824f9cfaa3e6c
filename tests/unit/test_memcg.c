/* SPDX-License-Identifier: MIT */
/*
 * test_memcg: the credit for device memory is given once, however often and by however many it is
 * asked for, and again when Slurm has taken it away.
 */
#include <errno.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "cgroup_tree.h"

#define MAX_FILE JOB_CGROUP "/memory.max"
#define HIGH_FILE JOB_CGROUP "/memory.high"
#define BASE "629145600"      /* 600 MiB */
#define ONE "696254464"	      /* and 64 MiB */
#define BOTH "763363328"      /* and 64 MiB more */
#define OTHER_BASE "104857600" /* 100 MiB */
#define OTHER_BOTH "239075328"

static const uint8_t both[] = { 0, 1 };

static int credit(const struct tree *t)
{
	return gpumem_job_credit_memory(t->ctx, t->r->state, JOB, NULL);
}

static void test_once(void **state)
{
	struct tree *t = *state;

	tree_write(t, MAX_FILE, BASE "\n");
	tree_write(t, HIGH_FILE, BASE "\n");
	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 2, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(credit(t), 0);
		assert_string_equal(tree_read(t, MAX_FILE), BOTH);
		assert_string_equal(tree_read(t, HIGH_FILE), BOTH);
	}
}

/* Memory that CPU and GPU share is the job's already; a node of the GPU's own is not. */
static void test_kinds(void **state)
{
	struct tree *t = *state;

	tree_write(t, MAX_FILE, BASE "\n");
	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 2, NULL), 0);
	tree_set_kind(t, 0, GPUMEM_KIND_NUMA_SHARED);
	tree_set_kind(t, 1, GPUMEM_KIND_NUMA);
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), ONE);
}

/* The next step: Slurm writes what it knows. */
static void test_rewritten(void **state)
{
	struct tree *t = *state;

	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 2, NULL), 0);
	for (int i = 0; i < 3; i++) {
		tree_write(t, MAX_FILE, BASE "\n");
		tree_write(t, HIGH_FILE, "max\n");
		assert_int_equal(credit(t), 0);
		assert_string_equal(tree_read(t, MAX_FILE), BOTH);
		assert_string_equal(tree_read(t, HIGH_FILE), "max");
	}
	/* The job was given less memory meanwhile. */
	tree_write(t, MAX_FILE, OTHER_BASE "\n");
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), OTHER_BOTH);
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), OTHER_BOTH);
}

/* Without a prolog the steps say which devices there are, each its own. */
static void test_more_devices(void **state)
{
	struct tree *t = *state;

	tree_write(t, MAX_FILE, BASE "\n");
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), BASE);
	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 1, NULL), 0);
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), ONE);
	assert_int_equal(gpumem_job_give(t->r->state, JOB, both + 1, 1, NULL), 0);
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), BOTH);
	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 1, NULL), 0);
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), BOTH);
}

static void test_unlimited(void **state)
{
	struct tree *t = *state;

	tree_write(t, MAX_FILE, "max\n");
	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 2, NULL), 0);
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), "max");
	/* A limit that comes later counts. */
	tree_write(t, MAX_FILE, BASE "\n");
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), BOTH);
}

/* Steps that start at once. */
static void test_race(void **state)
{
	struct tree *t = *state;

	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 2, NULL), 0);
	for (int round = 0; round < 50; round++) {
		tree_write(t, MAX_FILE, BASE "\n");
		for (int i = 0; i < 4; i++)
			if (fork() == 0)
				_exit(credit(t) == 0 ? 0 : 1);
		for (int i = 0, status; i < 4; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		assert_string_equal(tree_read(t, MAX_FILE), BOTH);
	}
}

/* Who may read the limits may lock them; nobody waits for that. */
static void test_locked(void **state)
{
	struct tree *t = *state;
	int fd = open(t->r->limits, O_RDONLY);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	tree_write(t, MAX_FILE, BASE "\n");
	assert_int_equal(gpumem_job_give(t->r->state, JOB, both, 2, NULL), 0);
	assert_int_equal(credit(t), 0);
	assert_string_equal(tree_read(t, MAX_FILE), BOTH);
	close(fd);
}

static void test_missing(void **state)
{
	struct tree *t = *state;
	struct gpumem_error err;
	uint8_t none = 2;

	assert_int_equal(gpumem_job_credit_memory(t->ctx, t->r->state, JOB, &err), -ENOENT);
	assert_non_null(strstr(err.text, "job_7/memory.max: No such file"));
	tree_write(t, MAX_FILE, "lots\n");
	assert_int_equal(credit(t), -EPROTO);
	assert_int_equal(gpumem_job_credit_memory(t->ctx, t->r->state, JOB + 1, &err), -ENOENT);
	tree_note_cgroup(t, "");
	assert_int_equal(gpumem_job_credit_memory(t->ctx, t->r->state, JOB, &err), -ENOENT);
	assert_string_equal(err.text, "job 7: its cgroup is not known");
	assert_int_equal(gpumem_job_give(t->r->state, JOB, &none, 1, &err), -ERANGE);
}

static void test_step(void **state)
{
	struct tree *t = *state;

	tree_write(t, JOB_CGROUP "/step_0/user/memory.max", BASE "\n");
	assert_int_equal(gpumem_step_credit_memory(t->ctx, JOB_CGROUP "/step_0", LIMIT + 5, NULL), 0);
	assert_string_equal(tree_read(t, JOB_CGROUP "/step_0/user/memory.max"), ONE);
	tree_write(t, JOB_CGROUP "/step_0/user/memory.max", "max\n");
	assert_int_equal(gpumem_step_credit_memory(t->ctx, JOB_CGROUP "/step_0", LIMIT, NULL), 0);
	assert_string_equal(tree_read(t, JOB_CGROUP "/step_0/user/memory.max"), "max");
	assert_int_equal(gpumem_step_credit_memory(t->ctx, JOB_CGROUP "/step_1", LIMIT, NULL), -ENOENT);
}

static void test_given(void **state)
{
	struct tree *t = *state;
	struct gpumem_job *job;

	assert_int_equal(gpumem_job_give(t->r->state, JOB, both + 1, 1, NULL), 0);
	assert_int_equal(gpumem_job_open(t->r->state, JOB, false, &job, NULL), 0);
	assert_false(gpumem_job_given(job, 0));
	assert_true(gpumem_job_given(job, 1));
	assert_false(gpumem_job_given(job, 99));
	assert_false(gpumem_job_reported(job));
	gpumem_job_close(job);
	assert_int_equal(gpumem_job_note_report(t->r->state, JOB, NULL), 0);
	assert_int_equal(gpumem_job_open(t->r->state, JOB, false, &job, NULL), 0);
	assert_true(gpumem_job_given(job, 1));
	assert_true(gpumem_job_reported(job));
	gpumem_job_close(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_tree(test_once),	   with_tree(test_kinds),     with_tree(test_rewritten),
		with_tree(test_more_devices),
		with_tree(test_unlimited), with_tree(test_race),      with_tree(test_missing),
		with_tree(test_step),	   with_tree(test_given),     with_tree(test_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
