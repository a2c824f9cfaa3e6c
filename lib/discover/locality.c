/* SPDX-License-Identifier: MIT */
/*
 * locality.c: nearest CPUs, bandwidth and latency of each device.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define GM_WHERE "locality"
#include "base/cleanup.h"
#include "base/paths.h"
#include "discover/locality.h"

#define MODULE "gpumem-locality.so"

void gm_locality_sysfs(struct gm_root *root, const struct gm_numa *numa, struct gpumem_device *dev)
{
	int32_t node;

	if (dev->node < 0)
		return;
	if (!dev->cpus[0]) {
		node = gm_numa_nearest_cpus(root, numa, dev->node);
		if (node >= 0 && gm_numa_cpus(root, node, dev->cpus, sizeof(dev->cpus)) < 0)
			dev->cpus[0] = '\0';
	}
	gm_numa_performance(root, dev->node, &dev->bandwidth, &dev->latency);
}

static void *load_module(const struct gm_root *root)
{
	char path[PATH_MAX];
	void *module;

	if (!gm_path_beside(MODULE, path, sizeof(path))) {
		gm_log(root->ctx, LOG_INFO, MODULE " is not installed: locality comes from sysfs alone");
		return NULL;
	}
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!module)
		gm_log(root->ctx, LOG_INFO, "%s", dlerror());
	return module;
}

static int ask_module(const struct gm_root *root, const char *xml, struct gm_locality *loc,
		      size_t count)
{
	void *module = load_module(root);
	gm_locality_fn *look = NULL;
	int rc = -ENOENT;

	if (!module)
		return rc;
	/* The cast through void ** is POSIX's own way around ISO C. */
	*(void **)&look = dlsym(module, GM_LOCALITY_SYMBOL);
	if (look) {
		rc = look(GM_LOCALITY_ABI, xml, loc, count);
		if (rc < 0)
			gm_log(root->ctx, LOG_INFO, "hwloc: %s", strerror(-rc));
	}
	dlclose(module);
	return rc;
}

static void from_hwloc(const struct gm_root *root, const char *xml, struct gpumem_devices *devices)
{
	_cleanup_free_ struct gm_locality *loc = calloc(devices->count, sizeof(*loc));

	if (!loc)
		return;
	for (size_t i = 0; i < devices->count; i++) {
		strcpy(loc[i].pci, devices->device[i].pci);
		loc[i].node = devices->device[i].node;
	}
	if (ask_module(root, xml, loc, devices->count) < 0)
		return;
	for (size_t i = 0; i < devices->count; i++) {
		struct gpumem_device *dev = &devices->device[i];

		if (dev->node < 0 && loc[i].node >= 0)
			dev->node = loc[i].node;
		if (loc[i].cpus[0])
			memcpy(dev->cpus, loc[i].cpus, sizeof(dev->cpus));
		if (loc[i].bandwidth)
			dev->bandwidth = loc[i].bandwidth;
		if (loc[i].latency)
			dev->latency = loc[i].latency;
	}
}

/*
 * hwloc takes another root only from the environment, which a library must leave alone. So below
 * a root that is not "/" it is not asked about the tree; but a tree may bring what hwloc said on
 * its machine, exported as hwloc.xml at its top.
 */
void gm_locality(struct gm_root *root, const struct gm_numa *numa, unsigned flags,
		 struct gpumem_devices *devices)
{
	char xml[PATH_MAX];

	for (size_t i = 0; i < devices->count; i++)
		gm_locality_sysfs(root, numa, &devices->device[i]);
	if (flags & GPUMEM_DISCOVER_NO_HWLOC || !devices->count)
		return;
	if (root->live) {
		from_hwloc(root, NULL, devices);
		return;
	}
	if (!gm_exists(root, "/hwloc.xml") ||
	    snprintf(xml, sizeof(xml), "%s/hwloc.xml", root->ctx->root) >= (int)sizeof(xml))
		return;
	from_hwloc(root, xml, devices);
}
