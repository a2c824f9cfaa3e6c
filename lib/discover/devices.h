/* SPDX-License-Identifier: MIT */
/*
 * devices.h: the inside of the public device list.
 */
#ifndef GM_DEVICES_H
#define GM_DEVICES_H

#include "discover/sysfs.h"

#define GM_DEVICES_MAX 256 /* more than any node has; bounds what a file can ask for */

struct gpumem_device {
	char pci[GPUMEM_PCI_LEN];
	enum gpumem_kind kind;
	char model[96];
	uint64_t bytes;
	int32_t node;
	uint32_t kfd_id;
	int32_t render_minor;
	char file[64]; /* by which the devices cgroup permits it; "" not known */
	char cpus[1024];
	uint64_t bandwidth, latency;
	char evidence[128];
	char note[256];
};

struct gpumem_devices {
	size_t count;
	struct gpumem_device *device;
};

/* Appends a device with its address and nothing known yet. NULL: out of memory, or too many. */
struct gpumem_device *gm_devices_add(struct gpumem_devices *devices, const char *pci);
void gm_devices_sort(struct gpumem_devices *devices);

/* gpumem_discover() below a root that is open already. */
int gm_discover(struct gm_root *root, unsigned flags, struct gpumem_devices **ret,
		struct gpumem_error *err);

#endif
