/* SPDX-License-Identifier: MIT */
/*
 * task_policy.c: the memory policy that a task is started with, and the weights that it may need.
 */
#include <string.h>

#define GM_WHERE "memory policy"
#include "base/err.h"
#include "discover/node_now.h"
#include "place/mempolicy.h"

/* Where interleave's other part goes: the node with CPUs next to the first device. */
static int host_of(const struct gpumem_plan *plan, const struct gm_place_devices *devices)
{
	int node;

	if (!plan->device_count || !gm_is_node(&devices->device[plan->device[0]]))
		return -1;
	return gm_nodes_with_cpus(devices->device[plan->device[0]].node, &node, 1) ? node : -1;
}

static bool weights_fit(const struct gpumem_plan *plan, const struct gm_place_devices *devices,
			int host)
{
	unsigned weight, first = 0, host_weight = 0;

	for (uint32_t i = 0; i < plan->device_count; i++) {
		if (gm_node_weight(devices->device[plan->device[i]].node, &weight) < 0 ||
		    (i > 0 && weight != first))
			return false;
		first = weight;
	}
	if (!plan->ratio_host)
		return false; /* devices alone, all alike */
	return host >= 0 && gm_node_weight(host, &host_weight) == 0 &&
	       (uint64_t)first * plan->device_count * plan->ratio_host ==
		       (uint64_t)host_weight * plan->ratio_device;
}

int gm_mempolicy_of_task(const struct gpumem_plan *plan, const struct gm_place_devices *devices,
			 struct gm_mempolicy *ret)
{
	bool weave = plan->placement == GPUMEM_PLACE_INTERLEAVE;
	int host = weave ? host_of(plan, devices) : -1;

	gm_mempolicy_for(plan, devices, host, weave && weights_fit(plan, devices, host), ret);
	return ret->mode == GM_MPOL_DEFAULT ? -ENOENT : 0;
}

static void devices_of(const struct gpumem_job_device *device, size_t count,
		       struct gm_place_devices *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (; ret->count < count && ret->count < GPUMEM_MAX_DEVICES; ret->count++) {
		ret->device[ret->count].kind = (enum gpumem_kind)device[ret->count].kind;
		ret->device[ret->count].node = device[ret->count].node;
	}
}

int gpumem_plan_set_mempolicy(const struct gpumem_plan *plan,
			      const struct gpumem_job_device *device, size_t count,
			      struct gpumem_error *err)
{
	struct gm_place_devices devices;
	struct gm_mempolicy policy, now;
	int rc;

	devices_of(device, count, &devices);
	if (gm_mempolicy_of_task(plan, &devices, &policy) < 0)
		return 0;
	if (gm_mempolicy_get(&now) == 0 && now.mode != GM_MPOL_DEFAULT)
		return gm_err(err, -EEXIST, "a memory policy is in force already (--mem-bind?); it "
					    "stays");
	rc = gm_mempolicy_set(&policy);
	return rc < 0 ? gm_err(err, rc, "set_mempolicy: %s; may the job's cpuset use the devices' nodes?",
			       strerror(-rc)) :
			0;
}

/* Weights go up to 255. */
static bool shares(const struct gpumem_policy *policy, size_t count, unsigned *device, unsigned *host)
{
	uint64_t d = policy->ratio_device, h = (uint64_t)policy->ratio_host * count;

	for (uint64_t k = 2; k <= d && k <= h; k++)
		while (d % k == 0 && h % k == 0) {
			d /= k;
			h /= k;
		}
	*device = (unsigned)d;
	*host = (unsigned)h;
	return d <= 255 && h <= 255;
}

int gpumem_policy_weigh(const struct gpumem_policy *policy, const struct gpumem_job_device *device,
			size_t count, struct gpumem_error *err)
{
	unsigned device_weight, host_weight;
	int host, rc = 0;

	if (policy->placement != GPUMEM_PLACE_INTERLEAVE || !policy->ratio_device || !count ||
	    device[0].kind != GPUMEM_KIND_NUMA ||
	    !shares(policy, count, &device_weight, &host_weight))
		return 0;
	if (!gm_nodes_with_cpus(device[0].node, &host, 1))
		return 0;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = gm_node_set_weight(device[i].node, device_weight);
	if (rc == 0)
		rc = gm_node_set_weight(host, host_weight);
	return rc < 0 && rc != -ENOENT ?
		       gm_err(err, rc, "weights of interleaving: %s", strerror(-rc)) :
		       rc;
}
