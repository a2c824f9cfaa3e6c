/* SPDX-License-Identifier: MIT */
/*
 * given.c: devices that gpumem.conf names (Device=), for machines whose driver does not say which node is whose:
 * what the kernel knows of their nodes decides whether they are what the line says.
 */
#include "config.h"

#include <stdio.h>

#define GM_WHERE "discover"
#include "discover/devices.h"
#include "discover/locality.h"
#include "discover/numa_nodes.h"
#include "discover/pci.h"
#include "policy/conf.h"

#define EVIDENCE "conf:Device"

/* Nothing of it was seen: what its address says, if there is something at it. */
static void look_at_address(struct gm_root *root, struct gpumem_device *dev)
{
	struct gm_pci_device pci;

	gm_pci_read(root, dev->pci, -1, &pci);
	if (pci.vendor)
		snprintf(dev->model, sizeof(dev->model), "%04x:%04x", pci.vendor, pci.device);
	memcpy(dev->cpus, pci.cpus, sizeof(pci.cpus));
}

/* What is wrong with the line, or false. */
static bool contradicted(struct gm_root *root, const struct gm_numa *numa,
			 const struct gm_given *given, struct gpumem_device *dev)
{
	bool has_cpus = gm_node_set_has(&numa->has_cpu, given->node);
	struct gm_numa_usage usage;

	if (gm_numa_usage(root, given->node, &usage) < 0 ||
	    (numa->online.known && !gm_node_set_has(&numa->online, given->node)))
		snprintf(dev->note, sizeof(dev->note), "line %u of gpumem.conf: node %d does not exist",
			 given->line, given->node);
	else if (!usage.total)
		snprintf(dev->note, sizeof(dev->note), "line %u of gpumem.conf: node %d has no memory",
			 given->line, given->node);
	else if (given->kind == GPUMEM_KIND_NUMA && has_cpus)
		snprintf(dev->note, sizeof(dev->note),
			 "line %u of gpumem.conf: node %d has CPUs: not Kind=numa", given->line,
			 given->node);
	else if (given->kind == GPUMEM_KIND_NUMA_SHARED && numa->has_cpu.known && !has_cpus)
		snprintf(dev->note, sizeof(dev->note),
			 "line %u of gpumem.conf: node %d has no CPUs: not Kind=numa-shared",
			 given->line, given->node);
	else {
		dev->bytes = usage.total;
		return false;
	}
	return true;
}

static void judge(struct gm_root *root, const struct gm_numa *numa, const struct gm_given *given,
		  struct gpumem_device *dev)
{
	bool cpuless = numa->has_cpu.known && !gm_node_set_has(&numa->has_cpu, given->node);
	char seen[sizeof(dev->note) + 2];
	bool movable = numa->has_normal_memory.known &&
		       !gm_node_set_has(&numa->has_normal_memory, given->node);

	dev->kind = GPUMEM_KIND_NONE;
	dev->node = given->node;
	/* What the driver said of it may be the reason for what the node is not. */
	snprintf(seen, sizeof(seen), "%s%s", dev->note[0] ? "; " : "", dev->note);
	dev->note[0] = '\0';
	snprintf(dev->evidence, sizeof(dev->evidence), EVIDENCE);
	if (given->file[0])
		snprintf(dev->file, sizeof(dev->file), "%s", given->file);
	if (contradicted(root, numa, given, dev)) {
		size_t len = strlen(dev->note);

		snprintf(dev->note + len, sizeof(dev->note) - len, "%s", seen);
		return;
	}
	dev->kind = given->kind;
	if (given->kind == GPUMEM_KIND_NUMA)
		snprintf(dev->evidence, sizeof(dev->evidence), EVIDENCE "%s%s",
			 cpuless ? ",sysfs:cpuless" : "", movable ? ",sysfs:movable" : "");
	if (given->kind == GPUMEM_KIND_NUMA && !movable)
		snprintf(dev->note, sizeof(dev->note), "node %d also holds the kernel's own data",
			 given->node);
	gm_locality_sysfs(root, numa, dev);
}

int gpumem_devices_given(struct gpumem_ctx *ctx, const struct gpumem_conf *conf, const char *node,
			 struct gpumem_devices *devices, struct gpumem_error *err)
{
	const struct gm_given *given;
	struct gm_root root;
	struct gm_numa numa;
	int rc;

	if (!gm_conf_given(conf, node, 0))
		return 0;
	rc = gm_root_open(&root, ctx);
	if (rc < 0)
		return gm_err(err, -EIO, "%s: %s", *ctx->root ? ctx->root : "/", strerror(-rc));
	gm_numa_read(&root, &numa);
	for (size_t i = 0; rc == 0 && (given = gm_conf_given(conf, node, i)); i++) {
		struct gpumem_device *dev = NULL;

		for (size_t j = 0; j < devices->count; j++)
			if (!strcmp(devices->device[j].pci, given->pci))
				dev = &devices->device[j];
		if (!dev) {
			dev = gm_devices_add(devices, given->pci);
			if (!dev) {
				rc = gm_err(err, -ENOMEM, "out of memory, or too many devices");
				break;
			}
			look_at_address(&root, dev);
		}
		judge(&root, &numa, given, dev);
	}
	gm_root_close(&root);
	gm_devices_sort(devices);
	return rc;
}

static bool is_given(const struct gpumem_device *dev)
{
	return strncmp(dev->evidence, EVIDENCE, sizeof(EVIDENCE) - 1) == 0;
}

/* A line that the node contradicted left a device of kind none. */
static bool is_of(const struct gpumem_device *dev, const struct gm_given *given)
{
	return dev && is_given(dev) && dev->node == given->node &&
	       (dev->kind == given->kind || dev->kind == GPUMEM_KIND_NONE) &&
	       (!given->file[0] || !strcmp(dev->file, given->file));
}

bool gpumem_devices_given_same(const struct gpumem_conf *conf, const char *node,
			       const struct gpumem_devices *devices)
{
	const struct gm_given *given;
	size_t count = 0, found = 0;

	for (; (given = gm_conf_given(conf, node, count)); count++)
		if (!is_of(gpumem_devices_find(devices, given->pci), given))
			return false;
	for (size_t i = 0; i < devices->count; i++)
		found += is_given(&devices->device[i]);
	return found == count;
}
