/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few places where kernels 6.1, 6.12 and 7.3 spell the same thing differently; what changed between the
 * last two is told apart at 7.0. No other file of kfdsim looks at LINUX_VERSION_CODE.
 */
#ifndef KS_COMPAT_H
#define KS_COMPAT_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/version.h>

/* class_create() lost its module argument in 6.4. */
static inline struct class *ks_class_create(const char *name)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	return class_create(name);
#else
	return class_create(THIS_MODULE, name);
#endif
}

/* The devnode callback got a const device in 6.2. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define ks_devnode_arg const struct device
#else
#define ks_devnode_arg struct device
#endif

/*
 * Bind no driver to @pdev but one called @name. The field moved from pci_dev
 * to device in a 6.12 stable release.
 */
static inline int ks_pci_driver_override(struct pci_dev *pdev, const char *name)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return device_set_driver_override(&pdev->dev, name);
#else
	pdev->driver_override = kstrdup(name, GFP_KERNEL);
	return pdev->driver_override ? 0 : -ENOMEM;
#endif
}

/* Memory that is not reserved in advance. */
static inline struct file *ks_shmem_file(const char *name, loff_t size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	return shmem_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup(name, size, VM_NORESERVE);
#endif
}

static inline int ks_mmap_file(struct file *file, struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	return vfs_mmap(file, vma);
#else
	return call_mmap(file, vma);
#endif
}

static inline void ks_zone_device_page_init(struct page *page, struct dev_pagemap *pgmap)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	zone_device_page_init(page, pgmap, 0);
#else
	zone_device_page_init(page);
#endif
}

/* What dev_pagemap_ops gives back is a folio now. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define ks_page_free folio_free
#define ks_freed_arg struct folio
#define ks_freed_page(folio) folio_page(folio, 0)
#else
#define ks_page_free page_free
#define ks_freed_arg struct page
#define ks_freed_page(page) (page)
#endif

#endif /* KS_COMPAT_H */
