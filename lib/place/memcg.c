/* SPDX-License-Identifier: MIT */
/*
 * memcg.c: the devices' bytes of a job on top of its memory limits.
 *
 * A page keeps its charge to the memory cgroup when it moves to a device, and cannot be reclaimed
 * there: without this a job pays for device memory out of its --mem.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define GM_WHERE "memcg"
#include "base/cleanup.h"
#include "base/ctx.h"
#include "discover/cgroup.h"
#include "ledger/change.h"
#include "place/cgroup_file.h"
#include "place/memcg.h"

#define PAGE_MASK_4K (~(uint64_t)4095)

int gm_memcg_plan(const char *dir, uint64_t credit, uint64_t *base, uint64_t *done, uint64_t *wanted,
		  struct gpumem_error *err)
{
	uint64_t now;
	int rc = gm_cgroup_read_bytes(dir, "memory.max", &now);

	if (rc < 0)
		return gm_err(err, rc, "%s/memory.max: %s", dir, strerror(-rc));
	*wanted = 0;
	/* The kernel counts in pages. */
	credit &= PAGE_MASK_4K;
	if (now == UINT64_MAX)
		return 0;
	if (*done == 0 || now != *base + *done)
		*base = now;
	if (*base > UINT64_MAX / 2 || credit > UINT64_MAX / 4)
		return gm_err(err, -ERANGE, "%s: limits too large to add up", dir);
	*done = credit;
	if (now != *base + credit)
		*wanted = *base + credit;
	return 0;
}

int gm_memcg_write(const char *dir, uint64_t wanted, struct gpumem_error *err)
{
	uint64_t high, now = 0;
	char text[32];
	int rc;

	snprintf(text, sizeof(text), "%" PRIu64, wanted);
	rc = gm_cgroup_write(dir, "memory.max", text);
	if (rc == 0)
		rc = gm_cgroup_read_bytes(dir, "memory.max", &now);
	if (rc == 0 && now != wanted)
		rc = -EIO;
	if (rc < 0)
		return gm_err(err, rc, "%s/memory.max: %s", dir,
			      now ? "not as it was written" : strerror(-rc));
	if (gm_cgroup_read_bytes(dir, "memory.high", &high) == 0 && high < wanted)
		gm_cgroup_write(dir, "memory.high", text);
	return 0;
}

static uint64_t sum_of_given(const struct gm_limits *limits)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < limits->device_count; i++)
		/* Memory that CPU and GPU share is what the job asked for with --mem. */
		if (gm_limits_given(limits, i) &&
		    limits->device[i].kind != GPUMEM_KIND_NUMA_SHARED)
			sum += limits->device[i].limit_bytes & PAGE_MASK_4K;
	return sum;
}

/* The job's level: every step that starts has Slurm write the limit anew. */
static int credit_job(const char *root, struct gm_change *c, struct gpumem_error *err)
{
	uint64_t wanted;
	char dir[PATH_MAX];
	int rc;

	if (strncmp(c->limits.cgroup, GM_CGROUP_MOUNT "/", sizeof(GM_CGROUP_MOUNT)) != 0)
		return gm_err(err, -ENOENT, "job %u: its cgroup is not known", c->limits.job_id);
	if (snprintf(dir, sizeof(dir), "%s%s", root, c->limits.cgroup) >= (int)sizeof(dir))
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", root);
	rc = gm_memcg_plan(dir, sum_of_given(&c->limits), &c->limits.memory_base,
			   &c->limits.memory_credit, &wanted, err);
	/* Noted first: who is killed before the write finds the old value, which is a new base. */
	if (rc == 0 && wanted)
		rc = gm_change_put(c, memory_base, err);
	if (rc == 0 && wanted)
		rc = gm_change_put(c, memory_credit, err);
	return rc == 0 && wanted ? gm_memcg_write(dir, wanted, err) : rc;
}

int gpumem_job_credit_memory(struct gpumem_ctx *ctx, const char *state_dir, uint32_t job_id,
			     struct gpumem_error *err)
{
	struct gm_change c;
	int rc = gm_change_open(state_dir, job_id, &c, err);

	if (rc < 0)
		return rc;
	rc = credit_job(ctx->root, &c, err);
	gm_change_close(&c);
	return rc;
}

int gpumem_step_credit_memory(struct gpumem_ctx *ctx, const char *cgroup, uint64_t bytes,
			      struct gpumem_error *err)
{
	uint64_t base = 0, done = 0, wanted;
	char dir[PATH_MAX], own[PATH_MAX];
	int rc = 0;

	if (!cgroup) {
		rc = gm_own_step_cgroup(own, sizeof(own));
		cgroup = own;
	}
	if (rc < 0)
		return gm_err(err, rc, "this process is in no step's cgroup");
	/* Slurm keeps itself in step_X/slurm and limits the tasks, in step_X/user. */
	if (snprintf(dir, sizeof(dir), "%s%s/user", ctx->root, cgroup) >= (int)sizeof(dir))
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", cgroup);
	rc = gm_memcg_plan(dir, bytes, &base, &done, &wanted, err);
	return rc == 0 && wanted ? gm_memcg_write(dir, wanted, err) : rc;
}
