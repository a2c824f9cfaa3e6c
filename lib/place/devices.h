/* SPDX-License-Identifier: MIT */
/*
 * devices.h: a job's devices, as whoever moves pages needs to know them.
 */
#ifndef GM_PLACE_DEVICES_H
#define GM_PLACE_DEVICES_H

#include "gpumem.h"

struct gm_place_device {
	char pci[GPUMEM_PCI_LEN];
	enum gpumem_kind kind;
	uint32_t id; /* KFD gpu_id, as read since this boot; 0: not of kind svm */
	int render_minor;
	int node; /* NUMA node: of its memory, or the nearest for kind svm */
};

struct gm_place_devices {
	size_t count;
	struct gm_place_device device[GPUMEM_MAX_DEVICES];
};

/* Whether the device's memory is a NUMA node, moved and measured as such. */
static inline bool gm_is_node(const struct gm_place_device *device)
{
	return device->kind == GPUMEM_KIND_NUMA || device->kind == GPUMEM_KIND_NUMA_SHARED;
}

#endif
