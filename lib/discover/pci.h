/* SPDX-License-Identifier: MIT */
/*
 * pci.h: PCI addresses, and what sysfs says of the PCI device behind a GPU.
 */
#ifndef GM_PCI_H
#define GM_PCI_H

#include "discover/sysfs.h"

#define GM_PCI_AMD 0x1002u
#define GM_PCI_INTEL 0x8086u
#define GM_PCI_NVIDIA 0x10deu

struct gm_pci_address {
	uint32_t domain, bus, device, function;
};

/* "dddd:bb:dd.f", either case; true when it is one. */
bool gm_pci_parse(const char *text, struct gm_pci_address *ret);
/* `ret` has room for GPUMEM_PCI_LEN. */
void gm_pci_print(const struct gm_pci_address *address, char *ret);
int gm_pci_compare(const struct gm_pci_address *a, const struct gm_pci_address *b);

struct gm_pci_device {
	char folder[64];      /* where its files are; "" when there are none */
	uint32_t vendor, device; /* 0 unknown */
	int32_t numa_node;    /* -1 unknown */
	bool has_bar0;	      /* bar0_bytes is known */
	uint64_t bar0_bytes;
	uint64_t vram_bytes; /* amdgpu's mem_info_vram_total; 0 for none and for absent */
	char cpus[1024];     /* local_cpulist; "" unknown */
};

/* The folder with the device's files, "" when there is none. A partition of a GPU (its number is in
 * the function field) has those of its GPU; a device that is not on PCI those of its render
 * node (-1 none). `ret` has room for 64. */
void gm_pci_folder(struct gm_root *root, const char *pci, int32_t render_minor, char *ret);
/* Nothing in it is vital: what cannot be read stays unknown. */
void gm_pci_read(struct gm_root *root, const char *pci, int32_t render_minor,
		 struct gm_pci_device *ret);

/* A CPU mask as sysfs prints it (words of 32 bits, the highest first) as a list:
 * "0000ff00,00000000" -> "40-47". False when it is no mask or the list does not fit. */
bool gm_cpumask_list(const char *mask, char *list, size_t len);

/* GPUs on the bus by class and vendor, whether a driver has them or not. Errors: ENOMEM. */
struct gm_pci_gpus {
	size_t count;
	struct {
		char pci[GPUMEM_PCI_LEN];
		uint32_t vendor;
	} *gpu;
};
int gm_pci_scan(struct gm_root *root, struct gm_pci_gpus *ret);

#endif
