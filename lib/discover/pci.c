/* SPDX-License-Identifier: MIT */
/*
 * pci.c: PCI addresses, and what sysfs says of the PCI device behind a GPU.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#define GM_WHERE "pci"
#include "base/cleanup.h"
#include "discover/pci.h"

#define BUS "/sys/bus/pci/devices"

bool gm_pci_parse(const char *text, struct gm_pci_address *ret)
{
	struct gm_pci_address a;
	int end = 0;

	/* sscanf alone would take blanks and signs within the fields. */
	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text) ||
	    sscanf(text, "%8x:%2x:%2x.%1x%n", &a.domain, &a.bus, &a.device, &a.function, &end) !=
		    4 ||
	    text[end] || a.device > 0x1f || a.function > 7 || a.domain > 0xffff)
		return false;
	*ret = a;
	return true;
}

void gm_pci_print(const struct gm_pci_address *a, char *ret)
{
	snprintf(ret, GPUMEM_PCI_LEN, "%04x:%02x:%02x.%x", a->domain & 0xffff, a->bus & 0xff,
		 a->device & 0x1f, a->function & 7);
}

int gm_pci_compare(const struct gm_pci_address *a, const struct gm_pci_address *b)
{
	const uint32_t pairs[][2] = { { a->domain, b->domain },
				      { a->bus, b->bus },
				      { a->device, b->device },
				      { a->function, b->function } };

	for (size_t i = 0; i < 4; i++) {
		if (pairs[i][0] != pairs[i][1])
			return pairs[i][0] < pairs[i][1] ? -1 : 1;
	}
	return 0;
}

void gm_pci_folder(struct gm_root *root, const char *pci, int32_t render_minor, char *ret)
{
	struct gm_pci_address address;
	char first[GPUMEM_PCI_LEN];

	snprintf(ret, 64, BUS "/%.16s", pci);
	if (gm_exists(root, "%s", ret))
		return;
	if (gm_pci_parse(pci, &address) && address.function) {
		address.function = 0;
		gm_pci_print(&address, first);
		snprintf(ret, 64, BUS "/%s", first);
		if (gm_exists(root, "%s", ret))
			return;
	}
	if (render_minor >= 0) {
		snprintf(ret, 64, "/sys/class/drm/renderD%d/device", render_minor);
		if (gm_exists(root, "%s", ret))
			return;
	}
	*ret = '\0';
}

/* First line of "resource": start, end, flags of BAR 0; all zero when the device has none. */
static void read_bar0(struct gm_root *root, struct gm_pci_device *dev)
{
	unsigned long long start, end;
	char text[GM_TEXT_MAX];

	if (gm_read_line(root, text, sizeof(text), "%s/resource", dev->folder) < 0 ||
	    sscanf(text, "%llx %llx", &start, &end) != 2 || end < start)
		return;
	dev->has_bar0 = true;
	dev->bar0_bytes = end ? end - start + 1 : 0;
}

static bool add_range(char *list, size_t len, unsigned first, unsigned last)
{
	size_t used = strlen(list);
	int n;

	if (last > first)
		n = snprintf(list + used, len - used, "%s%u-%u", used ? "," : "", first, last);
	else
		n = snprintf(list + used, len - used, "%s%u", used ? "," : "", first);
	return n > 0 && (size_t)n < len - used;
}

bool gm_cpumask_list(const char *mask, char *list, size_t len)
{
	unsigned cpu = 0, first = 0;
	bool in_range = false, set;
	uint32_t bits;

	*list = '\0';
	for (size_t i = strlen(mask); i-- > 0;) {
		char digit[2] = { mask[i] };

		if (mask[i] == ',')
			continue;
		if (!gm_parse_u32(digit, 16, &bits))
			return false;
		for (unsigned bit = 0; bit < 4; bit++, cpu++) {
			set = bits >> bit & 1;
			if (set && !in_range)
				first = cpu;
			if (!set && in_range && !add_range(list, len, first, cpu - 1))
				return false;
			in_range = set;
		}
	}
	return !in_range || add_range(list, len, first, cpu - 1);
}

static void read_cpus(struct gm_root *root, struct gm_pci_device *dev)
{
	char mask[GM_TEXT_MAX];

	if (gm_read_line(root, dev->cpus, sizeof(dev->cpus), "%s/local_cpulist", dev->folder) >= 0)
		return;
	/* Saved trees may have the mask alone. */
	if (gm_read_line(root, mask, sizeof(mask), "%s/local_cpus", dev->folder) < 0 ||
	    !gm_cpumask_list(mask, dev->cpus, sizeof(dev->cpus)))
		dev->cpus[0] = '\0';
}

void gm_pci_read(struct gm_root *root, const char *pci, int32_t render_minor,
		 struct gm_pci_device *ret)
{
	uint64_t value;

	*ret = (struct gm_pci_device){ .numa_node = -1 };
	gm_pci_folder(root, pci, render_minor, ret->folder);
	if (!ret->folder[0])
		return;
	if (gm_read_u64(root, &value, "%s/vendor", ret->folder) == 0 && value <= 0xffff)
		ret->vendor = (uint32_t)value;
	if (gm_read_u64(root, &value, "%s/device", ret->folder) == 0 && value <= 0xffff)
		ret->device = (uint32_t)value;
	if (gm_read_s32(root, &ret->numa_node, "%s/numa_node", ret->folder) < 0 ||
	    ret->numa_node < 0)
		ret->numa_node = -1;
	if (gm_read_u64(root, &value, "%s/mem_info_vram_total", ret->folder) == 0)
		ret->vram_bytes = value;
	read_cpus(root, ret);
	read_bar0(root, ret);
}

/* Display controllers (03xx) and processing accelerators (1200). The boards' own graphics (BMC) are
 * of other vendors. */
static bool is_gpu(struct gm_root *root, const char *name, uint32_t *ret_vendor)
{
	uint64_t class, vendor;

	if (gm_read_u64(root, &class, BUS "/%s/class", name) < 0 ||
	    (class >> 16 != 0x03 && class >> 8 != 0x1200))
		return false;
	if (gm_read_u64(root, &vendor, BUS "/%s/vendor", name) < 0 ||
	    (vendor != GM_PCI_AMD && vendor != GM_PCI_NVIDIA && vendor != GM_PCI_INTEL))
		return false;
	*ret_vendor = (uint32_t)vendor;
	return true;
}

int gm_pci_scan(struct gm_root *root, struct gm_pci_gpus *ret)
{
	struct gm_pci_gpus gpus = { 0 };
	struct gm_names names = { 0 };
	struct gm_pci_address address;
	uint32_t vendor;
	void *more;
	int rc;

	rc = gm_read_names(root, &names, BUS);
	if (rc == -ENOMEM)
		return rc;
	for (size_t i = 0; i < names.count; i++) {
		if (!gm_pci_parse(names.name[i], &address) || !is_gpu(root, names.name[i], &vendor))
			continue;
		more = realloc(gpus.gpu, (gpus.count + 1) * sizeof(*gpus.gpu));
		if (!more) {
			free(gpus.gpu);
			gm_names_free(&names);
			return -ENOMEM;
		}
		gpus.gpu = more;
		gm_pci_print(&address, gpus.gpu[gpus.count].pci);
		gpus.gpu[gpus.count++].vendor = vendor;
	}
	gm_names_free(&names);
	*ret = gpus;
	return 0;
}
