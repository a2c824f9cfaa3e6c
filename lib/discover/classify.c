/* SPDX-License-Identifier: MIT */
/*
 * classify.c: the rules by which a GPU's memory counts as coherent, and as which kind.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#define GM_WHERE "classify"
#include "discover/classify.h"

#define GFX90A 90010u /* MI200 series */
#define GFX942 90402u /* MI300 series */
#define ID_MI300A 0x74a0u

static void add_evidence(struct gm_verdict *v, const char *word)
{
	size_t len = strlen(v->evidence);

	snprintf(v->evidence + len, sizeof(v->evidence) - len, "%s%s", len ? "," : "", word);
}

__attribute__((format(printf, 2, 3))) static void add_note(struct gm_verdict *v, const char *fmt,
							    ...)
{
	size_t len = strlen(v->note);
	va_list ap;

	if (len && len < sizeof(v->note) - 2) {
		strcpy(v->note + len, "; ");
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(v->note + len, sizeof(v->note) - len, fmt, ap);
	va_end(ap);
}

/* ---- NVIDIA ------------------------------------------------------------------------------ */

/* GPUs of GH200, GB200, GB300: their memory is coherent whatever the driver offers. */
static bool is_superchip(uint32_t device)
{
	static const uint32_t known[] = { 0x2342, 0x2345, 0x2348, 0x2941, 0x31c2 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i] == device)
			return true;
	}
	return false;
}

/* Coherent, yet nothing that a placement could use. */
static void no_place(struct gm_verdict *v)
{
	add_note(v, "placements leave data in system memory");
}

static void no_status(const struct gm_facts *f, struct gm_verdict *v)
{
	if (f->nvidia->status_rc == -EIO)
		add_note(v, "MIG enabled: numa_status answers EIO");
	else if (f->nvidia->status_rc != -ENOENT)
		add_note(v, "numa_status cannot be read: %s", strerror(-f->nvidia->status_rc));
	else if (f->mode == GM_NVIDIA_MODE_DRIVER)
		add_note(v, "driver-managed (CDMM): CoherentGPUMemoryMode=driver");
	else if (is_superchip(f->device))
		add_note(v, "driver-managed (CDMM): a superchip without numa_status");
	else
		add_note(v, "not coherent: the driver offers no numa_status");
	if (f->nvidia->status_rc != -ENOENT || f->mode == GM_NVIDIA_MODE_DRIVER ||
	    is_superchip(f->device))
		no_place(v);
}

static void classify_nvidia(const struct gm_facts *f, struct gm_verdict *v)
{
	const struct gm_nvidia_gpu *gpu = f->nvidia;

	if (gpu->status_rc < 0) {
		no_status(f, v);
		return;
	}
	add_evidence(v, "nvidia:numa_status");
	if (strcmp(gpu->status, "online") != 0) {
		if (!gpu->has_address)
			add_note(v, "GPU not started: numa_status is \"%s\", without an address",
				 gpu->status);
		else
			add_note(v, "NUMA node is not online: numa_status is \"%s\"", gpu->status);
		no_place(v);
		return;
	}
	if (gpu->node < 0) {
		add_note(v, "numa_status is online but names no node");
		return;
	}
	if (f->node_masks && f->node_has_cpu) {
		add_note(v, "node %d has CPUs: not the GPU's own", gpu->node);
		return;
	}
	if (f->node_masks && (!f->node_has_memory || !f->node_bytes)) {
		add_note(v, "node %d is online for the driver but has no memory", gpu->node);
		return;
	}
	v->kind = GPUMEM_KIND_NUMA;
	if (!f->node_masks) {
		add_note(v, "node %d is not confirmed by the kernel's lists", gpu->node);
		return;
	}
	add_evidence(v, "sysfs:cpuless");
	if (!f->node_has_normal_memory)
		add_evidence(v, "sysfs:movable");
	else
		add_note(v, "node %d also holds the kernel's own data", gpu->node);
	if (!gpu->has_address)
		add_note(v, "numa_status names no address");
}

/* ---- AMD --------------------------------------------------------------------------------- */

static bool has_cap(const struct gm_facts *f, uint32_t bit)
{
	return f->kfd->capability & bit;
}

static bool coherent_link(const struct gm_facts *f)
{
	return f->cpu_link && f->cpu_link->type == GM_KFD_LINK_XGMI &&
	       !(f->cpu_link->flags & GM_KFD_LINK_NON_COHERENT);
}

/* Bit 27: the kernel was built with what moves the pages. */
static bool can_move(const struct gm_facts *f, struct gm_verdict *v)
{
	if (has_cap(f, GM_KFD_CAP_SVM))
		return true;
	add_note(v, "coherent, but no SVM: capability bit 27 clear (HSA_AMD_SVM off?)");
	return false;
}

static void classify_by_bit(const struct gm_facts *f, struct gm_verdict *v)
{
	add_evidence(v, "kfd:cap28");
	/* The kernel's own test for an APU whose HBM is the system's memory: no BAR 0. */
	if (f->has_bar0 && f->bar0_bytes == 0 && f->vram_bytes == 0) {
		v->kind = GPUMEM_KIND_NUMA_SHARED;
		add_evidence(v, "pci:bar0=0");
		add_evidence(v, "amdgpu:vram=0");
		if (f->kfd->gfx_target_version != GFX942)
			add_note(v, "an APU by its BAR 0, though not of a type known to be one");
		return;
	}
	if (f->device == ID_MI300A || f->kfd->device_id == ID_MI300A) {
		if (f->has_bar0 && f->bar0_bytes)
			add_note(v, "APU in carve-out mode: BAR 0 is not empty");
		else
			add_note(v, "APU of unknown mode: BAR 0 and VRAM do not agree");
		return;
	}
	if (coherent_link(f))
		add_evidence(v, "kfd:iolink11");
	if (can_move(f, v))
		v->kind = GPUMEM_KIND_SVM;
}

static void classify_by_link(const struct gm_facts *f, struct gm_verdict *v)
{
	add_evidence(v, "kfd:iolink11");
	add_evidence(v, "kfd:gfx90a");
	if (f->same_hive)
		add_evidence(v, "kfd:hive");
	if (!can_move(f, v))
		return;
	v->kind = GPUMEM_KIND_SVM;
	add_note(v, "judged by the link to the CPU: this kernel never sets capability bit 28");
}

static void explain_none(const struct gm_facts *f, struct gm_verdict *v)
{
	if (f->kfd->device_id == ID_MI300A && coherent_link(f))
		add_note(v, "APU in carve-out mode: capability bit 28 clear");
	else if (f->cpu_link && f->cpu_link->type == GM_KFD_LINK_PCIE)
		add_note(v, "not coherent: PCIe link, capability bit 28 clear");
	else
		add_note(v, "not coherent: capability bit 28 clear");
}

static void classify_kfd(const struct gm_facts *f, struct gm_verdict *v)
{
	/* CPU and GPU in one node: graphics of a desktop chip, whose memory is the system's. */
	if (f->kfd->cpu_cores_count)
		add_note(v, "integrated GPU: no memory of its own");
	else if (has_cap(f, GM_KFD_CAP_COHERENT) && f->kfd->simd_count)
		classify_by_bit(f, v);
	/* Exact on the kernels that lack the bit: they write this link only where GPU memory is
	 * mapped as device-coherent. Newer ones also write it for APUs, but they set the bit. */
	else if (f->kfd->gfx_target_version == GFX90A && coherent_link(f))
		classify_by_link(f, v);
	else
		explain_none(f, v);
}

void gm_classify(const struct gm_facts *f, struct gm_verdict *ret)
{
	struct gm_verdict v = { .kind = GPUMEM_KIND_NONE };

	if (f->nvidia)
		classify_nvidia(f, &v);
	else if (f->kfd)
		classify_kfd(f, &v);
	else if (f->vendor == GM_PCI_AMD && f->maybe_hidden)
		add_note(&v, "hidden from this process by its device cgroup");
	else if (f->vendor == GM_PCI_AMD)
		add_note(&v, "no KFD node: amdgpu is not loaded or has no compute support for it");
	else if (f->vendor == GM_PCI_NVIDIA)
		add_note(&v, "NVIDIA's driver is not loaded for it");
	else
		add_note(&v, "no coherent memory known for GPUs of this vendor");
	*ret = v;
}
