/* SPDX-License-Identifier: MIT */
/*
 * devices.c: the device list and its getters.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#define GM_WHERE "devices"
#include "discover/devices.h"
#include "discover/numa_nodes.h"
#include "discover/pci.h"

struct gpumem_device *gm_devices_add(struct gpumem_devices *devices, const char *pci)
{
	struct gpumem_device *more, *dev;

	if (devices->count >= GM_DEVICES_MAX)
		return NULL;
	more = realloc(devices->device, (devices->count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	devices->device = more;
	dev = &more[devices->count++];
	*dev = (struct gpumem_device){ .node = -1, .render_minor = -1 };
	snprintf(dev->pci, sizeof(dev->pci), "%s", pci);
	return dev;
}

static int by_pci(const void *a, const void *b)
{
	struct gm_pci_address left = { 0 }, right = { 0 };
	const struct gpumem_device *x = a, *y = b;

	if (gm_pci_parse(x->pci, &left) && gm_pci_parse(y->pci, &right))
		return gm_pci_compare(&left, &right);
	return strcmp(x->pci, y->pci);
}

void gm_devices_sort(struct gpumem_devices *devices)
{
	if (devices->count)
		qsort(devices->device, devices->count, sizeof(*devices->device), by_pci);
}

struct gpumem_devices *gpumem_devices_free(struct gpumem_devices *devices)
{
	if (devices)
		free(devices->device);
	free(devices);
	return NULL;
}

size_t gpumem_devices_count(const struct gpumem_devices *devices)
{
	return devices->count;
}

const struct gpumem_device *gpumem_devices_get(const struct gpumem_devices *devices, size_t i)
{
	return i < devices->count ? &devices->device[i] : NULL;
}

const struct gpumem_device *gpumem_devices_find(const struct gpumem_devices *devices,
						const char *pci)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (!strcmp(devices->device[i].pci, pci))
			return &devices->device[i];
	}
	return NULL;
}

const char *gpumem_devices_why_none(const struct gpumem_devices *devices, const char *pci, char *buf,
				    size_t len)
{
	const struct gpumem_device *dev = pci ? gpumem_devices_find(devices, pci) : NULL;

	if (!pci)
		snprintf(buf, len, "its address is not known");
	else if (!dev)
		snprintf(buf, len, "%s: no such GPU on this node", pci);
	else if (dev->kind == GPUMEM_KIND_NONE)
		snprintf(buf, len, "%s: %s", pci, dev->note[0] ? dev->note : "not coherent");
	else
		snprintf(buf, len, "%s", "");
	return buf;
}

const char *gpumem_kind_name(enum gpumem_kind kind)
{
	switch (kind) {
	case GPUMEM_KIND_SVM:
		return "svm";
	case GPUMEM_KIND_NUMA:
		return "numa";
	case GPUMEM_KIND_NUMA_SHARED:
		return "numa-shared";
	case GPUMEM_KIND_NONE:
		break;
	}
	return "none";
}

const char *gpumem_device_pci(const struct gpumem_device *dev)
{
	return dev->pci;
}

enum gpumem_kind gpumem_device_kind(const struct gpumem_device *dev)
{
	return dev->kind;
}

const char *gpumem_device_model(const struct gpumem_device *dev)
{
	return dev->model;
}

uint64_t gpumem_device_bytes(const struct gpumem_device *dev)
{
	return dev->bytes;
}

int gpumem_device_node(const struct gpumem_device *dev)
{
	return dev->node;
}

uint32_t gpumem_device_kfd_id(const struct gpumem_device *dev)
{
	return dev->kfd_id;
}

int gpumem_device_render_minor(const struct gpumem_device *dev)
{
	return dev->render_minor;
}

const char *gpumem_device_file(const struct gpumem_device *dev)
{
	return dev->file;
}

const char *gpumem_device_cpus(const struct gpumem_device *dev)
{
	return dev->cpus;
}

bool gpumem_device_near_cpu(const struct gpumem_device *dev, unsigned cpu)
{
	struct gm_node_set cpus; /* the same list syntax, and as many bits as a node's CPUs need */

	return cpu < GM_NUMA_MAX && gm_node_set_parse(dev->cpus, &cpus) &&
	       gm_node_set_has(&cpus, (int32_t)cpu);
}

uint64_t gpumem_device_bandwidth(const struct gpumem_device *dev)
{
	return dev->bandwidth;
}

uint64_t gpumem_device_latency(const struct gpumem_device *dev)
{
	return dev->latency;
}

const char *gpumem_device_evidence(const struct gpumem_device *dev)
{
	return dev->evidence;
}

const char *gpumem_device_note(const struct gpumem_device *dev)
{
	return dev->note;
}
