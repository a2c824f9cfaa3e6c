// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI function per device, so that /sys/bus/pci, hwloc and lspci see what
 * they would see on the real machine: ids, class, NUMA node, BAR 0.
 */
#include <linux/log2.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat.h"
#include "pci.h"
#include "vram.h"

struct ks_pci {
	struct pci_sysdata sysdata; /* x86 finds domain and node here */
	struct resource busn;
	struct pci_bus *bus;
	struct pci_dev *pdev;
	u8 config[256];
	u64 bar_size;
};

static struct ks_pci *bus_to_pci(struct pci_bus *bus)
{
	return container_of((struct pci_sysdata *)bus->sysdata, struct ks_pci, sysdata);
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	struct ks_pci *pci = bus_to_pci(bus);

	*value = ~0U;
	if (devfn)
		return PCIBIOS_DEVICE_NOT_FOUND;
	/* No extended space. */
	if (where + size <= sizeof(pci->config)) {
		*value = 0;
		memcpy(value, pci->config + where, size);
	}
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct ks_pci *pci = bus_to_pci(bus);
	u64 bar;

	if (devfn)
		return PCIBIOS_DEVICE_NOT_FOUND;
	/* Only what sizing the one 64-bit BAR needs. */
	if (size == 2 && where == PCI_COMMAND) {
		memcpy(pci->config + where, &value, 2);
	} else if (pci->bar_size && size == 4 &&
		   (where == PCI_BASE_ADDRESS_0 || where == PCI_BASE_ADDRESS_1)) {
		memcpy(pci->config + where, &value, 4);
		memcpy(&bar, pci->config + PCI_BASE_ADDRESS_0, 8);
		bar &= ~(pci->bar_size - 1);
		bar |= PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
		memcpy(pci->config + PCI_BASE_ADDRESS_0, &bar, 8);
	}
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

static void put16(struct ks_pci *pci, int where, u16 value)
{
	memcpy(pci->config + where, &value, sizeof(value));
}

static void fill_config(struct ks_dev *dev, struct ks_pci *pci)
{
	u64 bar = dev->base | PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;

	put16(pci, PCI_VENDOR_ID, KS_PCI_VENDOR);
	put16(pci, PCI_DEVICE_ID, KS_PCI_DEVICE);
	put16(pci, PCI_COMMAND, PCI_COMMAND_MEMORY);
	pci->config[PCI_REVISION_ID] = 1;
	put16(pci, PCI_CLASS_DEVICE, PCI_CLASS_DISPLAY_OTHER);
	put16(pci, PCI_SUBSYSTEM_VENDOR_ID, KS_PCI_VENDOR);
	put16(pci, PCI_SUBSYSTEM_ID, 0x0b0c);
	/* A BAR is naturally aligned; a range that is not has none. */
	if (is_power_of_2(dev->size) && IS_ALIGNED(dev->base, dev->size)) {
		pci->bar_size = dev->size;
		memcpy(pci->config + PCI_BASE_ADDRESS_0, &bar, sizeof(bar));
	}
}

static ssize_t vram_total_show(struct device *d, struct device_attribute *attr, char *buf)
{
	struct ks_dev *dev = dev_get_drvdata(d);

	return sysfs_emit(buf, "%llu\n", dev->size);
}

static ssize_t vram_used_show(struct device *d, struct device_attribute *attr, char *buf)
{
	struct ks_dev *dev = dev_get_drvdata(d);

	/* Everything in VRAM, SVM buffers too. */
	return sysfs_emit(buf, "%llu\n", (u64)((s64)dev->size - ks_vram_room(dev)));
}

#define RO(_name, _show)                                                                           \
	static struct device_attribute attr_##_name = __ATTR(_name, 0444, _show, NULL)
RO(mem_info_vram_total, vram_total_show);
RO(mem_info_vis_vram_total, vram_total_show);
RO(mem_info_vram_used, vram_used_show);
RO(mem_info_vis_vram_used, vram_used_show);

static struct device_attribute *const attrs[] = {
	&attr_mem_info_vram_total,
	&attr_mem_info_vis_vram_total,
	&attr_mem_info_vram_used,
	&attr_mem_info_vis_vram_used,
};

static int scan_bus(struct ks_dev *dev, struct ks_pci *pci)
{
	LIST_HEAD(windows);
	u8 busnr = dev->location_id >> 8;

	pci->busn = (struct resource){
		.name = KS_NAME,
		.start = busnr,
		.end = busnr,
		.flags = IORESOURCE_BUS,
	};
	pci_add_resource(&windows, &pci->busn);
	pci_add_resource(&windows, &iomem_resource);
	pci->bus = pci_create_root_bus(NULL, busnr, &config_ops, &pci->sysdata, &windows);
	if (!pci->bus) {
		pci_free_resource_list(&windows);
		return -ENODEV;
	}
	pci_scan_child_bus(pci->bus);
	pci->pdev = pci_get_slot(pci->bus, 0);
	if (!pci->pdev)
		return -ENODEV;
	/* Keep the real amdgpu away should it be loaded by its alias. */
	if (ks_pci_driver_override(pci->pdev, KS_NAME))
		return -ENOMEM;
	pci_bus_add_devices(pci->bus);
	return 0;
}

int ks_pci_add(struct ks_dev *dev)
{
	struct ks_pci *pci = kzalloc(sizeof(*pci), GFP_KERNEL);
	unsigned int i;
	int r;

	if (!pci)
		return -ENOMEM;
	dev->pci = pci;
	pci->sysdata.domain = 0;
	pci->sysdata.node = dev->nid;
	fill_config(dev, pci);
	pci_lock_rescan_remove();
	r = scan_bus(dev, pci);
	pci_unlock_rescan_remove();
	if (r)
		return r;
	dev_set_drvdata(&pci->pdev->dev, dev);
	for (i = 0; !r && i < ARRAY_SIZE(attrs); i++)
		r = device_create_file(&pci->pdev->dev, attrs[i]);
	return r;
}

void ks_pci_del(struct ks_dev *dev)
{
	struct ks_pci *pci = dev->pci;
	unsigned int i;

	if (!pci)
		return;
	if (pci->pdev) {
		for (i = 0; i < ARRAY_SIZE(attrs); i++)
			device_remove_file(&pci->pdev->dev, attrs[i]);
		pci_dev_put(pci->pdev);
	}
	if (pci->bus) {
		pci_lock_rescan_remove();
		pci_stop_root_bus(pci->bus);
		pci_remove_root_bus(pci->bus);
		pci_unlock_rescan_remove();
	}
	kfree(pci);
	dev->pci = NULL;
}

struct device *ks_pci_device(struct ks_dev *dev)
{
	return &dev->pci->pdev->dev;
}
