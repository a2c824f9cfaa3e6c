/* SPDX-License-Identifier: MIT */
/*
 * locality.h: nearest CPUs, bandwidth and latency of each device: from sysfs, and better from
 * hwloc, which lives in a module of its own so that nothing loads it that does not need it.
 */
#ifndef GM_LOCALITY_H
#define GM_LOCALITY_H

#include "discover/devices.h"
#include "discover/numa_nodes.h"

/* Fills what is still unknown of every device. */
void gm_locality(struct gm_root *root, const struct gm_numa *numa, unsigned flags,
		 struct gpumem_devices *devices);

/* The part of it that sysfs has, for one device. */
void gm_locality_sysfs(struct gm_root *root, const struct gm_numa *numa, struct gpumem_device *dev);

/* ---- the border to the module: nothing but this struct crosses it ------------------------ */

#define GM_LOCALITY_ABI 1u
#define GM_LOCALITY_SYMBOL "gm_locality_hwloc"

struct gm_locality {
	char pci[GPUMEM_PCI_LEN]; /* in */
	int32_t node;		  /* in: the device's node, -1 unknown; out: a node for -1 */
	char cpus[1024];	  /* out; "" unknown */
	uint64_t bandwidth, latency; /* out: MiB/s, ns; 0 unknown */
};

/* Looks the devices up in the running system, or in the hwloc XML at `xml`. Returns 0 or -errno. */
typedef int gm_locality_fn(unsigned abi, const char *xml, struct gm_locality *device, size_t count);
gm_locality_fn gm_locality_hwloc;

#endif
