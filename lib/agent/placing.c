/* SPDX-License-Identifier: MIT */
/*
 * placing.c: memory policies of a task and of its agent.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/attach.h"
#include "agent/placing.h"
#include "base/cleanup.h"
#include "discover/node_now.h"
#include "ledger/ledger.h"
#include "place/mempolicy.h"
#include "place/numa.h"

static struct {
	bool differ; /* the agent's from the task's */
	struct gm_mempolicy task, agent;
} placing;

static bool read_limits(const char *dir, struct gm_limits *ret)
{
	_cleanup_close_ int fd = -1;
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/limits", dir) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, ret, sizeof(*ret)) == (ssize_t)sizeof(*ret) &&
	       gm_limits_check(ret, sizeof(*ret), NULL) == 0;
}

/* Whether any of the plan's devices may not be filled. */
static bool is_limited(const struct gpumem_plan *plan, const struct gm_limits *limits)
{
	for (uint32_t i = 0; i < plan->device_count; i++) {
		const struct gm_limits_device *d = &limits->device[plan->device[i]];

		if (d->limit_bytes < d->bytes || plan->limit_bytes[plan->device[i]] < d->bytes)
			return true;
	}
	return false;
}

/* Modes that stand for each other: older kernels lack the later ones, and weights may have changed since. */
static int family(int mode)
{
	return mode == GM_MPOL_PREFERRED_MANY	   ? GM_MPOL_PREFERRED :
	       mode == GM_MPOL_WEIGHTED_INTERLEAVE ? GM_MPOL_INTERLEAVE :
						     mode;
}

/* Whether gpumem set it. A cpuset may have left some of the nodes out. */
static bool is_ours(const struct gm_mempolicy *now, const struct gm_mempolicy *ours)
{
	if (family(now->mode) != family(ours->mode))
		return false;
	for (size_t i = 0; i < sizeof(now->nodes) / sizeof(now->nodes[0]); i++)
		if (now->nodes[i] & ~ours->nodes[i])
			return false;
	return true;
}

/* What the loader and the kernel put on the devices before. */
static void clear(const struct gpumem_plan *plan, const struct gm_place_devices *devices)
{
	int host;

	for (uint32_t i = 0; i < plan->device_count; i++) {
		const struct gm_place_device *d = &devices->device[plan->device[i]];

		if (d->kind == GPUMEM_KIND_NUMA && gm_nodes_with_cpus(d->node, &host, 1))
			gm_numa_clear(0, d->node, host);
	}
}

void gm_placing_adopt(const char *job_dir, const char *plan_text)
{
	struct gm_place_devices devices;
	struct gm_mempolicy now;
	struct gpumem_plan plan;
	struct gm_limits limits;

	/* None, or the user's own by numactl since: left alone. */
	placing.differ = false;
	if (gm_mempolicy_get(&now) < 0 || now.mode == GM_MPOL_DEFAULT ||
	    gpumem_plan_parse(plan_text, &plan, NULL) < 0 || !read_limits(job_dir, &limits) ||
	    gm_check_plan(&plan, &limits, NULL) < 0)
		return;
	gm_devices_of(&limits, &devices);
	if (gm_mempolicy_of_task(&plan, &devices, &placing.task) < 0)
		return;
	gm_mempolicy_of_agent(&placing.task, &plan, is_limited(&plan, &limits), &placing.agent);
	if (is_ours(&now, &placing.task))
		placing.task = now;
	else if (!is_ours(&now, &placing.agent))
		return;
	placing.differ = placing.task.mode != placing.agent.mode &&
			 gm_mempolicy_set(&placing.agent) == 0;
	if (placing.differ && placing.agent.mode == GM_MPOL_LOCAL)
		clear(&plan, &devices);
}

bool gm_placing_before_exec(void)
{
	struct gm_mempolicy now;

	/* The program may have one of its own by now, as numactl does. */
	return placing.differ && gm_mempolicy_get(&now) == 0 && is_ours(&now, &placing.agent) &&
	       gm_mempolicy_set(&placing.task) == 0;
}

void gm_placing_after_exec(bool changed)
{
	if (changed)
		gm_mempolicy_set(&placing.agent);
}
