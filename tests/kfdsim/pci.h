/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI side of a device: a real struct pci_dev on a root bus of its own
 * whose configuration space is a table.
 */
#ifndef KS_PCI_H
#define KS_PCI_H

#include "kfdsim.h"

/* Appears as 0000:<bus>:00.0; 0 or -errno. */
int ks_pci_add(struct ks_dev *dev);
void ks_pci_del(struct ks_dev *dev);
struct device *ks_pci_device(struct ks_dev *dev);

#endif /* KS_PCI_H */
