/* SPDX-License-Identifier: MIT */
/*
 * spec.c: what a new record says of the node's devices: facts, the site's rules and the policy
 * put side by side.
 */
#include <errno.h>
#include <stdio.h>

#define GM_WHERE "record"
#include "base/ctx.h"

static uint64_t wanted_limit(const struct gpumem_policy *policy, uint64_t bytes)
{
	if (policy->limit_bytes)
		return policy->limit_bytes;
	if (policy->limit_percent)
		return bytes / 100 * policy->limit_percent & ~(uint64_t)4095;
	return bytes;
}

/* The placements that the site's rules let through, one bit each. */
static uint32_t allowed(const struct gpumem_conf *conf, const struct gpumem_subject *subject)
{
	uint32_t bits = 0;

	for (uint32_t p = GPUMEM_PLACE_OFF; p <= GPUMEM_PLACE_ADVISE; p++) {
		const struct gpumem_policy policy = { .placement = (enum gpumem_placement)p };

		if (gpumem_conf_check(conf, subject, &policy, NULL) != -EPERM)
			bits |= 1u << p;
	}
	return bits;
}

int gpumem_job_spec_devices(struct gpumem_ctx *ctx, const struct gpumem_conf *conf,
			    const struct gpumem_subject *subject,
			    const struct gpumem_devices *devices,
			    const struct gpumem_policy *policy, struct gpumem_job_spec *spec,
			    struct gpumem_error *err)
{
	const struct gpumem_device *dev;
	uint32_t count = 0;
	size_t i;

	gpumem_devices_foreach(devices, dev, i)
	{
		uint64_t bytes = gpumem_device_bytes(dev);

		if (gpumem_device_kind(dev) == GPUMEM_KIND_NONE || count == GPUMEM_MAX_DEVICES)
			continue;
		snprintf(spec->device[count].pci, GPUMEM_PCI_LEN, "%s", gpumem_device_pci(dev));
		spec->device[count].kind = gpumem_device_kind(dev);
		spec->device[count].kfd_id = gpumem_device_kfd_id(dev);
		spec->device[count].render_minor = gpumem_device_render_minor(dev);
		spec->device[count].node = gpumem_device_node(dev);
		spec->device[count].bytes = bytes;
		spec->device[count].max_bytes = gpumem_conf_max_limit(conf, subject, bytes);
		spec->device[count].limit_bytes = wanted_limit(policy, bytes);
		if (spec->device[count].limit_bytes > spec->device[count].max_bytes)
			spec->device[count].limit_bytes = spec->device[count].max_bytes;
		spec->device[count].reserve_bytes = policy->reserve_bytes;
		/* A node that CPUs share is never as it was before. */
		if (gpumem_device_kind(dev) == GPUMEM_KIND_NUMA_SHARED ||
		    gpumem_device_used(ctx, dev, &spec->device[count].baseline_bytes) < 0)
			spec->device[count].baseline_bytes = UINT64_MAX;
		count++;
	}
	if (count == 0)
		return gm_err(err, -ENODEV, "no coherent GPU memory on this node");
	spec->device_count = count;
	spec->allowed_placements = allowed(conf, subject);
	spec->cpu_budget_permille = gpumem_conf_cpu_budget_permille(conf);
	return 0;
}
