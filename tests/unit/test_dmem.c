/* SPDX-License-Identifier: MIT */
/*
 * test_dmem: the kernel's wall: written for every device it counts, read back, noted; and nothing where
 * it cannot be had.
 */
#include <errno.h>

#include "cgroup_tree.h"

#define ROOT "/sys/fs/cgroup"
#define WALL_FILE JOB_CGROUP "/dmem.max"
#define R0 "drm/0000:c0:00.0/vram"
#define R1 "drm/0000:c1:00.0/vram"
#define CAPACITY R0 " 68702699520\n" R1 " 68702699520\n"
#define WALLS R0 " 67108864\n" R1 " 67108864"

static int wall(const struct tree *t, struct gpumem_error *err)
{
	return gpumem_job_wall(t->ctx, t->r->state, JOB, err);
}

static uint64_t noted(const struct tree *t, size_t i)
{
	struct gpumem_job_device d;
	struct gpumem_job *job;

	assert_int_equal(gpumem_job_open(t->r->state, JOB, true, &job, NULL), 0);
	assert_int_equal(gpumem_job_device(job, i, &d), 0);
	gpumem_job_close(job);
	return d.wall_bytes;
}

static void kernel_with_dmem(const struct tree *t)
{
	tree_write(t, ROOT "/cgroup.controllers", "cpuset cpu io memory pids rdma dmem\n");
	tree_write(t, ROOT "/cgroup.subtree_control", "cpuset memory\n");
	tree_write(t, ROOT "/system.slice/cgroup.subtree_control", "cpu dmem memory\n");
	tree_write(t, SCOPE "/cgroup.subtree_control", "\n");
	tree_write(t, JOB_CGROUP "/cgroup.subtree_control", "memory\n");
	tree_write(t, ROOT "/dmem.capacity", CAPACITY);
	tree_write(t, WALL_FILE, R0 " max\n" R1 " max\n");
}

static void test_wall(void **state)
{
	struct tree *t = *state;

	kernel_with_dmem(t);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(wall(t, NULL), 0);
		assert_string_equal(tree_read(t, WALL_FILE), WALLS);
		assert_int_equal(noted(t, 0), LIMIT);
		assert_int_equal(noted(t, 1), LIMIT);
	}
	/* Switched on where it was off, and in the folders above the job alone. */
	assert_string_equal(tree_read(t, ROOT "/cgroup.subtree_control"), "+dmem");
	assert_string_equal(tree_read(t, ROOT "/system.slice/cgroup.subtree_control"),
			    "cpu dmem memory");
	assert_string_equal(tree_read(t, SCOPE "/cgroup.subtree_control"), "+dmem");
	assert_string_equal(tree_read(t, JOB_CGROUP "/cgroup.subtree_control"), "memory");
}

/* Names of regions are the drivers' business. */
static void test_other_names(void **state)
{
	struct tree *t = *state;

	kernel_with_dmem(t);
	tree_write(t, ROOT "/dmem.capacity",
		   "drm/0000:c0:00.0/gtt 100\ndrm/0000:c0:00.0/vram0 200\ndrm/0000:d5:00.0/vram 3\n");
	tree_write(t, WALL_FILE, "drm/0000:c0:00.0/vram0 max\n");
	assert_int_equal(wall(t, NULL), 0);
	assert_string_equal(tree_read(t, WALL_FILE), "drm/0000:c0:00.0/vram0 67108864");
	assert_int_equal(noted(t, 0), LIMIT);
	assert_int_equal(noted(t, 1), 0);
}

static void test_raised_limit(void **state)
{
	struct tree *t = *state;
	struct gpumem_job *job;

	kernel_with_dmem(t);
	assert_int_equal(gpumem_job_open(t->r->state, JOB, true, &job, NULL), 0);
	assert_int_equal(gpumem_job_set_limit(job, 0, MAX, NULL), 0);
	assert_int_equal(gpumem_job_set_limit(job, 1, 4096, NULL), 0);
	assert_string_equal(gpumem_job_state_dir(job), t->r->state);
	gpumem_job_close(job);
	assert_int_equal(wall(t, NULL), 0);
	assert_int_equal(noted(t, 0), MAX);
	assert_int_equal(noted(t, 1), LIMIT);
}

/* A record that a user made may name any cgroup. */
static void test_not_roots(void **state)
{
	struct tree *t = *state;
	struct gpumem_error err;

	if (geteuid() != 0)
		skip();
	kernel_with_dmem(t);
	assert_int_equal(chown(t->r->limits, 65534, 65534), 0);
	assert_int_equal(wall(t, &err), -EPERM);
	assert_string_equal(err.text, "job 7: its record is not root's");
	assert_string_equal(tree_read(t, WALL_FILE), R0 " max\n" R1 " max");
}

static void test_none(void **state)
{
	struct tree *t = *state;
	struct gpumem_error err;

	/* No cgroups at all, v2 without the controller, one that counts something else. */
	assert_int_equal(wall(t, NULL), -ENOTSUP);
	tree_write(t, ROOT "/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
	tree_write(t, ROOT "/dmem.capacity", CAPACITY);
	assert_int_equal(wall(t, NULL), -ENOTSUP);
	tree_write(t, ROOT "/cgroup.controllers", "cpuset xdmem dmemx\n");
	assert_int_equal(wall(t, NULL), -ENOTSUP);
	tree_write(t, ROOT "/cgroup.controllers", "dmem\n");
	tree_write(t, ROOT "/dmem.capacity", "drm/0000:d5:00.0/vram 3\n");
	assert_int_equal(wall(t, &err), -ENOTSUP);
	assert_string_equal(err.text, "the kernel's dmem controller does not count these devices");
	/* The controller is there, but nobody lets the job have it. */
	tree_write(t, ROOT "/dmem.capacity", CAPACITY);
	assert_int_equal(wall(t, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "/dmem.max: No such file"));
	assert_int_equal(noted(t, 0), 0);
	tree_note_cgroup(t, "");
	assert_int_equal(wall(t, NULL), -ENOENT);
}

/* Memory that is a NUMA node is not the controller's, whatever it has by that name. */
static void test_nodes(void **state)
{
	struct tree *t = *state;

	kernel_with_dmem(t);
	tree_set_kind(t, 0, GPUMEM_KIND_NUMA);
	assert_int_equal(wall(t, NULL), 0);
	assert_string_equal(tree_read(t, WALL_FILE), R1 " 67108864");
	assert_int_equal(noted(t, 0), 0);
	assert_int_equal(noted(t, 1), LIMIT);
	tree_set_kind(t, 1, GPUMEM_KIND_NUMA_SHARED);
	assert_int_equal(wall(t, NULL), -ENOTSUP);
}

static void test_left(void **state)
{
	struct tree *t = *state;
	struct gpumem_job *job;
	uint64_t bytes = 5;

	kernel_with_dmem(t);
	assert_int_equal(gpumem_job_open(t->r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_wall_used(t->ctx, job, "0000:c0:00.0", &bytes), -ENODATA);
	assert_int_equal(bytes, 5);
	tree_write(t, JOB_CGROUP "/dmem.current", R0 " 0\n" R1 " 8192\n");
	assert_int_equal(gpumem_job_wall_used(t->ctx, job, "0000:c0:00.0", &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(gpumem_job_wall_used(t->ctx, job, "0000:c1:00.0", &bytes), 0);
	assert_int_equal(bytes, 8192);
	assert_int_equal(gpumem_job_wall_used(t->ctx, job, "0000:c2:00.0", &bytes), -ENODATA);
	gpumem_job_close(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_tree(test_wall), with_tree(test_other_names), with_tree(test_raised_limit),
		with_tree(test_none), with_tree(test_nodes), with_tree(test_left),
		with_tree(test_not_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
