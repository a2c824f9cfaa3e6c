/* SPDX-License-Identifier: MIT */
/*
 * test_outside: which processes have no agent, what they have on a node, and what is refused. The moves
 * themselves are tests/guest/outside.t's.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "record.h"

#define BYTES (4ul << 20)

static struct gpumem_ctx *ctx;

struct scene {
	struct gpumem_job *job;
	pid_t child;
};

/* A process that has BYTES, said to be in the job's cgroup by a folder that looks like one. */
static pid_t child_with_memory(void)
{
	int ready[2];
	char c = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(p, 1, BYTES);
		if (write(ready[1], &c, 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static struct scene open_scene(void **state)
{
	struct record *r = *state;
	struct scene s = { .child = child_with_memory() };
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", r->state);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "%d\n%d\n", (int)s.child, (int)getpid());
	fclose(f);
	r->spec.cgroup = r->state;
	r->spec.device[0].kind = GPUMEM_KIND_NUMA;
	r->spec.device[0].node = 0;
	assert_int_equal(gpumem_job_create(&r->spec, NULL), 0);
	assert_int_equal(gpumem_job_open(r->state, JOB, true, &s.job, NULL), 0);
	return s;
}

static void close_scene(struct scene *s)
{
	gpumem_job_close(s->job);
	kill(s->child, SIGKILL);
	waitpid(s->child, NULL, 0);
}

static void test_bytes(void **state)
{
	struct scene s = open_scene(state);
	uint64_t bytes = 1;

	if (access("/proc/self/numa_maps", R_OK) == 0 && access("/sys/devices/system/node/node1", F_OK) != 0) {
		assert_int_equal(gpumem_job_outside_bytes(s.job, 0, 0, &bytes), 0);
		assert_true(bytes >= BYTES && bytes < 64 * BYTES);
		assert_int_equal(gpumem_job_outside_bytes(s.job, s.child, 0, &bytes), 0);
		assert_true(bytes >= BYTES);
	}
	assert_int_equal(gpumem_job_outside_bytes(s.job, getpid(), 0, &bytes), 0);
	assert_int_equal(bytes, 0); /* the caller is nobody to be moved */
	assert_int_equal(gpumem_job_outside_bytes(s.job, 0, 1, &bytes), 0);
	assert_int_equal(bytes, 0); /* no NUMA node */
	assert_int_equal(gpumem_job_outside_bytes(s.job, 0, 2, &bytes), -ERANGE);
	close_scene(&s);
}

/* What the kernel says, by a file as it writes it; files' pages count. */
static void test_kernel(void **state)
{
	struct record *r = *state;
	struct scene s = open_scene(state);
	uint64_t bytes = 1;
	char path[128];
	FILE *f;

	assert_int_equal(gpumem_job_kernel_bytes(s.job, 0, &bytes), -ENOENT);
	snprintf(path, sizeof(path), "%s/memory.numa_stat", r->state);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("anon N0=8192 N10=77\nfile N0=4096 N10=88\nkernel_stack N0=16384 N10=0\nshmem N0=4096 N10=0\n"
	      "inactive_anon N0=1 N10=1\n", f);
	fclose(f);
	assert_int_equal(gpumem_job_kernel_bytes(s.job, 0, &bytes), 0);
	assert_int_equal(bytes, 12288);
	assert_int_equal(gpumem_job_kernel_bytes(s.job, 1, &bytes), -ENOTSUP);
	assert_int_equal(gpumem_job_kernel_bytes(s.job, 2, &bytes), -ERANGE);
	f = fopen(path, "we");
	fputs("anon N1=8192\nfile N1=4096\n", f);
	fclose(f);
	assert_int_equal(gpumem_job_kernel_bytes(s.job, 0, &bytes), -EPROTO);
	unlink(path);
	close_scene(&s);
}

static void test_refused(void **state)
{
	struct scene s = open_scene(state);
	struct gpumem_error err = { 0 };
	struct gpumem_moved moved;

	assert_int_equal(gpumem_job_move_outside(ctx, s.job, 0, 1, true, 1, 1, &moved, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "0000:c1:00.0 is no NUMA node"));
	assert_int_equal(gpumem_job_move_outside(ctx, s.job, 0, 2, true, 1, 1, &moved, &err), -ERANGE);
	assert_int_equal(gpumem_job_move_outside(ctx, s.job, 0, 0, true, 1, 0, &moved, &err), -EINVAL);
	assert_int_equal(gpumem_job_move_outside(ctx, s.job, 0, 0, true, 1, 9, &moved, &err), -EINVAL);
	assert_int_equal(gpumem_job_move_outside(ctx, s.job, getppid(), 0, true, 1, 1, &moved, &err),
			 -ESRCH);
	assert_non_null(strstr(err.text, "without an agent"));
	close_scene(&s);
}

/* On POWER9 devices' nodes count down from 255. */
static void test_high_node(void **state)
{
	struct record *r = *state;
	struct gpumem_error err = { 0 };
	struct gpumem_moved moved = { 0 };
	const char *srcdir = getenv("SRCDIR");
	struct gpumem_ctx *power9;
	char root[4096];
	struct scene s;

	r->spec.device[1].kind = GPUMEM_KIND_NUMA;
	r->spec.device[1].node = 255;
	s = open_scene(state);
	assert_int_equal(gpumem_new(&power9), 0);
	snprintf(root, sizeof(root), "%s/tests/fixtures/power9-v100", srcdir ? srcdir : ".");
	assert_int_equal(gpumem_set_root(power9, root, NULL), 0);
	for (int to_device = 0; to_device < 2; to_device++) {
		assert_int_equal(gpumem_job_move_outside(power9, s.job, 0, 1, to_device, 0, 1, &moved, &err), 0);
		assert_int_equal(moved.processes, 1);
		assert_int_equal(moved.bytes, 0);
	}
	gpumem_unref(power9);
	close_scene(&s);
}

/* Nobody is left: nothing to do is no error. */
static void test_nobody(void **state)
{
	struct scene s = open_scene(state);
	struct gpumem_moved moved = { .processes = 9 };

	kill(s.child, SIGKILL);
	waitpid(s.child, NULL, 0);
	assert_int_equal(gpumem_job_move_outside(ctx, s.job, 0, 0, true, UINT64_MAX, 2, &moved, NULL), 0);
	assert_int_equal(moved.processes, 0);
	assert_int_equal(moved.bytes, 0);
	gpumem_job_close(s.job);
}

static int remove_all(void **state)
{
	struct record *r = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/cgroup.procs", r->state);
	unlink(path);
	return record_free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes, record_new, remove_all),
		cmocka_unit_test_setup_teardown(test_kernel, record_new, remove_all),
		cmocka_unit_test_setup_teardown(test_refused, record_new, remove_all),
		cmocka_unit_test_setup_teardown(test_high_node, record_new, remove_all),
		cmocka_unit_test_setup_teardown(test_nobody, record_new, remove_all),
	};
	int rc;

	if (gpumem_new(&ctx) < 0)
		return 77;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	gpumem_unref(ctx);
	return rc;
}
