/* SPDX-License-Identifier: MIT */
/*
 * locality_hwloc.c: the only file that knows hwloc; built as the module gpumem-locality.so. hwloc
 * adds what it knows of machines beyond sysfs (CPUs of the nearest L3, memory attributes); which
 * memory is coherent is not asked of it: versions before 2.11 hide GPU nodes.
 */
#include "config.h"

#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>

#define GM_WHERE "hwloc"
#include "discover/locality.h"

/* These open devices or take locks of the GPU drivers when a topology is loaded. Unknown names
 * are refused without harm. */
static void keep_drivers_out(hwloc_topology_t topology)
{
	static const char *const names[] = { "rsmi", "nvml", "cuda", "opencl", "levelzero", "gl" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
					      names[i]);
}

static int load(hwloc_topology_t *ret, const char *xml)
{
	hwloc_topology_t topology;

	if (hwloc_topology_init(&topology) < 0)
		return -ENOMEM;
	if (xml && hwloc_topology_set_xml(topology, xml) < 0) {
		hwloc_topology_destroy(topology);
		return -EINVAL;
	}
	keep_drivers_out(topology);
	hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
	hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	/* Where a GPU sits does not depend on the cpuset we happen to run in. */
	hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED |
						   HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
	if (hwloc_topology_load(topology) < 0) {
		hwloc_topology_destroy(topology);
		return -EINVAL;
	}
	*ret = topology;
	return 0;
}

static hwloc_obj_t find_pci(hwloc_topology_t topology, const char *pci)
{
	unsigned domain, bus, device, function;
	hwloc_obj_t obj;

	if (sscanf(pci, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4)
		return NULL;
	obj = hwloc_get_pcidev_by_busid(topology, domain, bus, device, function);
	/* A partition shares its GPU's place. */
	if (!obj && function)
		obj = hwloc_get_pcidev_by_busid(topology, domain, bus, device, 0);
	return obj;
}

/* The CPUs below which the device hangs, and for a device without a node the smallest one there. */
static void set_place(hwloc_topology_t topology, struct gm_locality *dev)
{
	hwloc_obj_t obj = find_pci(topology, dev->pci), near, node;
	char cpus[sizeof(dev->cpus)];
	int len;

	near = obj ? hwloc_get_non_io_ancestor_obj(topology, obj) : NULL;
	/* The whole machine is what hwloc says when it does not know. */
	if (!near || !near->cpuset || near->type == HWLOC_OBJ_MACHINE ||
	    hwloc_bitmap_iszero(near->cpuset))
		return;
	len = hwloc_bitmap_list_snprintf(cpus, sizeof(cpus), near->cpuset);
	if (len > 0 && (size_t)len < sizeof(cpus))
		memcpy(dev->cpus, cpus, sizeof(cpus));
	if (dev->node < 0 && near->nodeset && hwloc_bitmap_weight(near->nodeset) == 1) {
		node = hwloc_get_numanode_obj_by_os_index(
			topology, (unsigned)hwloc_bitmap_first(near->nodeset));
		if (node)
			dev->node = (int32_t)node->os_index;
	}
}

/* READ_ first: platforms that publish one direction only have no value for the plain ones. */
static uint64_t best_value(hwloc_topology_t topology, hwloc_obj_t node, hwloc_memattr_id_t read,
			   hwloc_memattr_id_t both)
{
	const hwloc_memattr_id_t ids[] = { read, both };
	struct hwloc_location initiator; /* 2.9 writes it without asking whether it is wanted */
	hwloc_uint64_t value;

	for (size_t i = 0; i < 2; i++) {
		if (hwloc_memattr_get_best_initiator(topology, ids[i], node, 0, &initiator,
						     &value) == 0)
			return value;
	}
	return 0;
}

static void set_performance(hwloc_topology_t topology, struct gm_locality *dev)
{
	hwloc_obj_t node;

	if (dev->node < 0)
		return;
	node = hwloc_get_numanode_obj_by_os_index(topology, (unsigned)dev->node);
	if (!node)
		return;
	dev->bandwidth = best_value(topology, node, HWLOC_MEMATTR_ID_READ_BANDWIDTH,
				    HWLOC_MEMATTR_ID_BANDWIDTH);
	dev->latency = best_value(topology, node, HWLOC_MEMATTR_ID_READ_LATENCY,
				  HWLOC_MEMATTR_ID_LATENCY);
}

__attribute__((visibility("default"))) int gm_locality_hwloc(unsigned abi, const char *xml,
							      struct gm_locality *device,
							      size_t count)
{
	hwloc_topology_t topology;
	int rc;

	if (abi != GM_LOCALITY_ABI)
		return -EPROTO;
	rc = load(&topology, xml);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		set_place(topology, &device[i]);
		set_performance(topology, &device[i]);
	}
	hwloc_topology_destroy(topology);
	return 0;
}
