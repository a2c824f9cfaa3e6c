/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kfdsim: what every file of the module knows: the simulated device and the
 * module parameters.
 */
#ifndef KFDSIM_H
#define KFDSIM_H

#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define KS_NAME "kfdsim"
#define KS_MAX_DEV 16
#define KS_BATCH 512 /* pages of one migrate_vma call: 2 MiB */

/* Locations as user space names them. */
#define KS_LOC_SYSMEM 0U
#define KS_LOC_UNDEFINED 0xffffffffU

#define KS_PCI_VENDOR 0x1002
#define KS_PCI_DEVICE 0x7408
#define KS_DRM_MAJOR 226
#define KS_DRM_MINOR0 128

/* The kernel's; NULL pointers where it has no dmem controller. */
struct dmem_cgroup_region;
struct dmem_cgroup_pool_state;

/* Which kernel's amdkfd is played. */
enum ks_abi {
	KS_ABI_6_1 = 1,
	KS_ABI_6_12,
	KS_ABI_7_3,
};

/*
 * One GPU. Everything after @lock is protected by it; page_free() may run in
 * interrupt context, so the lock is always taken with interrupts off.
 */
struct ks_dev {
	unsigned int idx;
	unsigned int minor; /* DRM render minor */
	u32 gpu_id;
	u32 location_id; /* bus << 8 | devfn, domain 0 */
	int nid; /* NUMA node the device is near to */
	phys_addr_t base;
	u64 size;

	struct dev_pagemap pgmap;
	bool mapped;
	struct dmem_cgroup_region *dmem;
	struct ks_pci *pci;
	struct device *render;
	struct device *state;

	spinlock_t smi_lock;
	struct list_head smi_clients;

	spinlock_t lock;
	struct page *free; /* chained by zone_device_data */
	unsigned long total_pages;
	unsigned long free_pages;
	unsigned long peak_pages;
	u64 bo_bytes; /* SVM buffers, whole sub-ranges */
	u64 kfd_bytes; /* buffers of ALLOC_MEMORY_OF_GPU */
	u64 taken_bytes; /* taken away by the control file */
	u64 migrated_in; /* pages, cumulative */
	u64 migrated_out;
	u64 evicted_bos;
	struct list_head lru; /* SVM buffers, coldest first */
};

extern struct ks_dev *ks_devs[KS_MAX_DEV];
extern unsigned int ks_ndevs;
extern enum ks_abi ks_abi;
extern bool ks_xnack_default;
extern struct class *ks_state_class;

struct ks_dev *ks_dev_by_gpu_id(u32 gpu_id);

/* Has the device cgroup of the caller given it the render node? 0 or -EPERM. */
int ks_dev_permission(const struct ks_dev *dev);

#define ks_for_each_dev(dev, i) for ((i) = 0; (i) < ks_ndevs && ((dev) = ks_devs[i], true); (i)++)

#endif /* KFDSIM_H */
