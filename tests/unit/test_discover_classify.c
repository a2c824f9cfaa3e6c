/* SPDX-License-Identifier: MIT */
/*
 * test_discover_classify.c: the verdict for every combination of facts that changes it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "discover/classify.h"

#define SVM GM_KFD_CAP_SVM
#define COHERENT GM_KFD_CAP_COHERENT
#define XGMI { .type = 11, .flags = 1 }
#define PCIE { .type = 2, .flags = 1 }

/* A KFD GPU: series, device, capability, link to the CPU, BAR 0 (-1 unknown), VRAM. */
static const struct amd_case {
	const char *name;
	uint32_t gfx, device, cpu_cores;
	uint64_t capability;
	struct gm_kfd_link link;
	int64_t bar0;
	uint64_t vram;
	bool hive;
	enum gpumem_kind kind;
	const char *evidence, *note; /* the note's beginning */
} amd_cases[] = {
	{ "MI250X, 6.12", 90010, 0x7408, 0, SVM | COHERENT, XGMI, 1, 1, true, GPUMEM_KIND_SVM,
	  "kfd:cap28,kfd:iolink11", "" },
	{ "bit 31 beside them", 90010, 0x7408, 0, 0x80000000u | SVM | COHERENT, XGMI, 1, 1, true,
	  GPUMEM_KIND_SVM, "kfd:cap28,kfd:iolink11", "" },
	{ "bit without a link", 90010, 0x7408, 0, SVM | COHERENT, { 0 }, 1, 1, false,
	  GPUMEM_KIND_SVM, "kfd:cap28", "" },
	{ "not on PCI", 90010, 0x7408, 0, SVM | COHERENT, XGMI, -1, 1, true, GPUMEM_KIND_SVM,
	  "kfd:cap28,kfd:iolink11", "" },
	{ "kernel without SVM", 90010, 0x7408, 0, COHERENT, XGMI, 1, 1, true, GPUMEM_KIND_NONE,
	  "kfd:cap28,kfd:iolink11", "coherent, but no SVM" },
	{ "MI250X, 6.1", 90010, 0x7408, 0, SVM, XGMI, 1, 1, true, GPUMEM_KIND_SVM,
	  "kfd:iolink11,kfd:gfx90a,kfd:hive", "judged by the link" },
	{ "MI250X, 6.1, no hive", 90010, 0x7408, 0, SVM, XGMI, 1, 1, false, GPUMEM_KIND_SVM,
	  "kfd:iolink11,kfd:gfx90a", "judged by the link" },
	{ "MI250X, 6.1 without SVM", 90010, 0x7408, 0, 0, XGMI, 1, 1, true, GPUMEM_KIND_NONE,
	  "kfd:iolink11,kfd:gfx90a,kfd:hive", "coherent, but no SVM" },
	{ "non-coherent XGMI", 90010, 0x7408, 0, SVM, { .type = 11, .flags = 3 }, 1, 1, true,
	  GPUMEM_KIND_NONE, "", "not coherent: capability bit 28 clear" },
	{ "MI210", 90010, 0x740f, 0, SVM, PCIE, 1, 1, false, GPUMEM_KIND_NONE, "",
	  "not coherent: PCIe link, capability bit 28 clear" },
	{ "link test is for gfx90a alone", 90402, 0x74a1, 0, SVM, XGMI, 1, 1, true,
	  GPUMEM_KIND_NONE, "", "not coherent: capability bit 28 clear" },
	{ "MI300A", 90402, 0x74a0, 0, SVM | COHERENT, XGMI, 0, 0, true, GPUMEM_KIND_NUMA_SHARED,
	  "kfd:cap28,pci:bar0=0,amdgpu:vram=0", "" },
	{ "an APU of tomorrow", 120000, 0x9999, 0, SVM | COHERENT, XGMI, 0, 0, true,
	  GPUMEM_KIND_NUMA_SHARED, "kfd:cap28,pci:bar0=0,amdgpu:vram=0", "an APU by its BAR 0" },
	{ "MI300A, carve-out by BAR", 90402, 0x74a0, 0, SVM | COHERENT, XGMI, 1, 1, true,
	  GPUMEM_KIND_NONE, "kfd:cap28", "APU in carve-out mode: BAR 0" },
	{ "MI300A, carve-out by bit", 90402, 0x74a0, 0, SVM, XGMI, 1, 1, true, GPUMEM_KIND_NONE, "",
	  "APU in carve-out mode: capability" },
	{ "MI300A, BAR unknown", 90402, 0x74a0, 0, SVM | COHERENT, XGMI, -1, 0, true,
	  GPUMEM_KIND_NONE, "kfd:cap28", "APU of unknown mode" },
	{ "desktop APU", 90000, 0x15d8, 8, SVM, { 0 }, 1, 1, false, GPUMEM_KIND_NONE, "",
	  "integrated GPU" },
	{ "Vega10 of 2018", 0, 0x6860, 0, 0, PCIE, 1, 1, false, GPUMEM_KIND_NONE, "",
	  "not coherent: PCIe link" },
};

static void check(const char *name, const struct gm_facts *f, enum gpumem_kind kind,
		  const char *evidence, const char *note)
{
	struct gm_verdict v;

	gm_classify(f, &v);
	if (v.kind != kind || strcmp(v.evidence, evidence) != 0 ||
	    strncmp(v.note, note, strlen(note)) != 0 || (!*note && *v.note))
		fail_msg("%s: %s, \"%s\", \"%s\"", name, gpumem_kind_name(v.kind), v.evidence,
			 v.note);
}

static void test_amd(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(amd_cases) / sizeof(amd_cases[0]); i++) {
		const struct amd_case *c = &amd_cases[i];
		const struct gm_kfd_node node = { .gpu_id = 1,
						  .simd_count = 440,
						  .cpu_cores_count = c->cpu_cores,
						  .gfx_target_version = c->gfx,
						  .device_id = c->device,
						  .capability = c->capability };
		const struct gm_facts f = { .vendor = GM_PCI_AMD,
					    .device = c->device,
					    .kfd = &node,
					    .cpu_link = c->link.type ? &c->link : NULL,
					    .same_hive = c->hive,
					    .has_bar0 = c->bar0 >= 0,
					    .bar0_bytes = c->bar0 > 0 ? 1 << 20 : 0,
					    .vram_bytes = c->vram };

		check(c->name, &f, c->kind, c->evidence, c->note);
	}
}

/* numa_status of one GPU: result of reading, node, status; then the node as the kernel has it. */
static const struct nvidia_case {
	const char *name;
	int rc;
	int32_t node;
	const char *status;
	bool address, masks, has_cpu, has_memory, has_normal;
	uint64_t bytes;
	enum gm_nvidia_mode mode;
	uint32_t device;
	enum gpumem_kind kind;
	const char *evidence, *note;
} nvidia_cases[] = {
	{ "GH200", 0, 1, "online", true, true, false, true, false, 1, 0, 0x2342, GPUMEM_KIND_NUMA,
	  "nvidia:numa_status,sysfs:cpuless,sysfs:movable", "" },
	{ "onlined for the kernel too", 0, 1, "online", true, true, false, true, true, 1, 0, 0x2342,
	  GPUMEM_KIND_NUMA, "nvidia:numa_status,sysfs:cpuless", "node 1 also holds" },
	{ "no lists", 0, 1, "online", true, false, false, false, false, 0, 0, 0x2342,
	  GPUMEM_KIND_NUMA, "nvidia:numa_status", "node 1 is not confirmed" },
	{ "no address, but online", 0, 1, "online", false, true, false, true, false, 1, 0, 0x2342,
	  GPUMEM_KIND_NUMA, "nvidia:numa_status,sysfs:cpuless,sysfs:movable",
	  "numa_status names no address" },
	{ "node with CPUs", 0, 0, "online", true, true, true, true, true, 1, 0, 0x2342,
	  GPUMEM_KIND_NONE, "nvidia:numa_status", "node 0 has CPUs" },
	{ "node without memory", 0, 1, "online", true, true, false, false, false, 0, 0, 0x2342,
	  GPUMEM_KIND_NONE, "nvidia:numa_status", "node 1 is online for the driver but" },
	{ "memory of size 0", 0, 1, "online", true, true, false, true, false, 0, 0, 0x2342,
	  GPUMEM_KIND_NONE, "nvidia:numa_status", "node 1 is online for the driver but" },
	{ "online, no node", 0, -1, "online", true, true, false, false, false, 0, 0, 0x2342,
	  GPUMEM_KIND_NONE, "nvidia:numa_status", "numa_status is online but names no node" },
	{ "offline", 0, 1, "offline", true, true, false, false, false, 0, 0, 0x2342,
	  GPUMEM_KIND_NONE, "nvidia:numa_status", "NUMA node is not online" },
	{ "not started", 0, 1, "offline", false, true, false, false, false, 0, 0, 0x2342,
	  GPUMEM_KIND_NONE, "nvidia:numa_status", "GPU not started" },
	{ "in progress is not online", 0, 1, "online_in_progress", true, true, false, true, false,
	  1, 0, 0x2342, GPUMEM_KIND_NONE, "nvidia:numa_status", "NUMA node is not online" },
	{ "MIG", -EIO, -1, "", false, false, false, false, false, 0, 0, 0x2342, GPUMEM_KIND_NONE,
	  "", "MIG enabled" },
	{ "unreadable", -EACCES, -1, "", false, false, false, false, false, 0, 0, 0x2342,
	  GPUMEM_KIND_NONE, "", "numa_status cannot be read" },
	{ "CDMM", -ENOENT, -1, "", false, false, false, false, false, 0, GM_NVIDIA_MODE_DRIVER,
	  0x2342, GPUMEM_KIND_NONE, "", "driver-managed (CDMM): CoherentGPUMemoryMode=driver" },
	{ "CDMM by default", -ENOENT, -1, "", false, false, false, false, false, 0, 0, 0x2941,
	  GPUMEM_KIND_NONE, "", "driver-managed (CDMM): a superchip" },
	{ "H100 on PCIe", -ENOENT, -1, "", false, false, false, false, false, 0, 0, 0x2331,
	  GPUMEM_KIND_NONE, "", "not coherent" },
};

static void test_nvidia(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(nvidia_cases) / sizeof(nvidia_cases[0]); i++) {
		const struct nvidia_case *c = &nvidia_cases[i];
		struct gm_nvidia_gpu gpu = { .status_rc = c->rc,
					     .node = c->node,
					     .has_address = c->address };
		const struct gm_facts f = { .vendor = GM_PCI_NVIDIA,
					    .device = c->device,
					    .nvidia = &gpu,
					    .mode = c->mode,
					    .node_masks = c->masks,
					    .node_has_cpu = c->has_cpu,
					    .node_has_memory = c->has_memory,
					    .node_has_normal_memory = c->has_normal,
					    .node_bytes = c->bytes };

		strcpy(gpu.status, c->status);
		check(c->name, &f, c->kind, c->evidence, c->note);
	}
}

static void test_others(void **state)
{
	const struct gm_facts hidden = { .vendor = GM_PCI_AMD, .maybe_hidden = true };
	const struct gm_facts no_kfd = { .vendor = GM_PCI_AMD };
	const struct gm_facts no_driver = { .vendor = GM_PCI_NVIDIA };
	const struct gm_facts intel = { .vendor = GM_PCI_INTEL };

	(void)state;
	check("hidden", &hidden, GPUMEM_KIND_NONE, "",
	      "hidden from this process by its device cgroup");
	check("no KFD", &no_kfd, GPUMEM_KIND_NONE, "", "no KFD node");
	check("no driver", &no_driver, GPUMEM_KIND_NONE, "", "NVIDIA's driver is not loaded");
	check("Intel", &intel, GPUMEM_KIND_NONE, "", "no coherent memory known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amd),
		cmocka_unit_test(test_nvidia),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
