/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few places where kernel 6.1 and kernel 6.12 spell the same thing
 * differently. No other file of kfdsim looks at LINUX_VERSION_CODE.
 */
#ifndef KS_COMPAT_H
#define KS_COMPAT_H

#include <linux/device.h>
#include <linux/pci.h>
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

#endif /* KS_COMPAT_H */
