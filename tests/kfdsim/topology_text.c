// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contents of the topology files: "key value" lines whose list differs
 * from kernel to kernel. The shape is an MI250X with coherent host links.
 */
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sysfs.h>
#include <linux/topology.h>

#include "topology_text.h"

#define HIVE_ID 0x0de1c0de00000001ULL
#define LINK_HT 1
#define LINK_XGMI 11
#define LINK_ENABLED 1
#define CAP_COHERENTHOST 0x10000000U
#define CAP_SVMAPI 0x08000000U
#define CAP_BASE 0x00007200U /* watch points, doorbells, ... */

struct text {
	char *buf;
	int len;
};

static void put(struct text *t, const char *key, u64 value)
{
	t->len += sysfs_emit_at(t->buf, t->len, "%s %llu\n", key, value);
}

unsigned int ks_topo_cpu_nodes(void)
{
	unsigned int n = 0;
	int nid;

	for_each_online_node (nid)
		n += nr_cpus_node(nid) > 0;
	return n;
}

int ks_topo_nid(unsigned int n)
{
	int nid;

	for_each_online_node (nid)
		if (nr_cpus_node(nid) && !n--)
			return nid;
	return first_online_node;
}

static unsigned int cpu_node_of(const struct ks_dev *dev)
{
	unsigned int n;

	for (n = 0; n < ks_topo_cpu_nodes(); n++)
		if (ks_topo_nid(n) == dev->nid)
			return n;
	return 0;
}

unsigned int ks_topo_caches(const struct ks_topo_item *item)
{
	return item->gpu ? 1 : 0;
}

unsigned int ks_topo_io_links(const struct ks_topo_item *item)
{
	unsigned int links, i;

	/* A GPU: its CPU node and every other GPU of the hive. */
	if (item->gpu)
		return ks_ndevs;
	links = ks_topo_cpu_nodes() - 1;
	for (i = 0; i < ks_ndevs; i++)
		links += cpu_node_of(ks_devs[i]) == item->node;
	return links;
}

/* Where link number item->index of the node goes. */
static unsigned int link_target(const struct ks_topo_item *item)
{
	unsigned int cpus = ks_topo_cpu_nodes(), left = item->index, i;

	if (item->gpu) {
		if (!left)
			return cpu_node_of(item->gpu);
		i = left - 1;
		return cpus + (i >= item->gpu->idx ? i + 1 : i);
	}
	if (left < cpus - 1)
		return left >= item->node ? left + 1 : left;
	left -= cpus - 1;
	for (i = 0; i < ks_ndevs; i++)
		if (cpu_node_of(ks_devs[i]) == item->node && !left--)
			return cpus + i;
	return 0;
}

static void text_link(struct text *t, const struct ks_topo_item *item)
{
	unsigned int to = link_target(item);
	bool xgmi = item->gpu || to >= ks_topo_cpu_nodes();

	put(t, "type", xgmi ? LINK_XGMI : LINK_HT);
	put(t, "version_major", 0);
	put(t, "version_minor", 0);
	put(t, "node_from", item->node);
	put(t, "node_to", to);
	put(t, "weight", xgmi ? 13 : 32);
	put(t, "min_latency", 0);
	put(t, "max_latency", 0);
	put(t, "min_bandwidth", xgmi ? 36000 : 0);
	put(t, "max_bandwidth", xgmi ? 36000 : 0);
	put(t, "recommended_transfer_size", 0);
	if (ks_abi != KS_ABI_6_1)
		put(t, "recommended_sdma_engine_id_mask", 0);
	put(t, "flags", LINK_ENABLED);
}

static void text_mem_bank(struct text *t, const struct ks_topo_item *item)
{
	u64 size = item->gpu ? item->gpu->size
			     : (u64)node_present_pages(ks_topo_nid(item->node)) << PAGE_SHIFT;

	put(t, "heap_type", item->gpu ? 1 : 0);
	put(t, "size_in_bytes", size);
	put(t, "flags", 0);
	put(t, "width", item->gpu ? 4096 : 64);
	put(t, "mem_clk_max", item->gpu ? 1600 : 3200);
}

static void text_cache(struct text *t)
{
	put(t, "processor_id_low", 0);
	put(t, "level", 2);
	put(t, "size", 8192);
	put(t, "cache_line_size", 128);
	put(t, "cache_lines_per_tag", 1);
	put(t, "association", 16);
	put(t, "latency", 0);
	put(t, "type", 5);
	t->len += sysfs_emit_at(t->buf, t->len, "sibling_map 1\n");
}

static void text_gpu_tail(struct text *t, const struct ks_dev *gpu)
{
	u32 capability = CAP_BASE | CAP_SVMAPI;

	/* 6.1 knows the coherence bit and never sets it. */
	if (ks_abi != KS_ABI_6_1)
		capability |= CAP_COHERENTHOST;
	put(t, "max_engine_clk_fcompute", 1700);
	put(t, "local_mem_size", 0);
	put(t, "fw_version", 70);
	put(t, "capability", capability);
	if (ks_abi == KS_ABI_7_3)
		put(t, "capability2", 0);
	if (ks_abi != KS_ABI_6_1)
		put(t, "debug_prop", 0);
	put(t, "sdma_fw_version", 8);
	put(t, "unique_id", 0x51d0000000000000ULL + gpu->idx);
	if (ks_abi != KS_ABI_6_1)
		put(t, "num_xcc", 1);
}

static void text_properties(struct text *t, const struct ks_topo_item *item)
{
	const struct ks_dev *gpu = item->gpu;
	unsigned int cpus = gpu ? 0 : nr_cpus_node(ks_topo_nid(item->node));

	put(t, "cpu_cores_count", cpus);
	put(t, "simd_count", gpu ? 440 : 0);
	put(t, "mem_banks_count", 1);
	put(t, "caches_count", ks_topo_caches(item));
	put(t, "io_links_count", ks_topo_io_links(item));
	put(t, "p2p_links_count", 0);
	put(t, "cpu_core_id_base",
	    gpu ? 0 : cpumask_first(cpumask_of_node(ks_topo_nid(item->node))));
	put(t, "simd_id_base", gpu ? 0x80001000U + gpu->idx * 0x1000 : 0);
	put(t, "max_waves_per_simd", gpu ? 8 : 0);
	put(t, "lds_size_in_kb", gpu ? 64 : 0);
	put(t, "gds_size_in_kb", 0);
	put(t, "num_gws", gpu ? 64 : 0);
	put(t, "wave_front_size", gpu ? 64 : 0);
	put(t, "array_count", gpu ? 8 : 0);
	put(t, "simd_arrays_per_engine", gpu ? 1 : 0);
	put(t, "cu_per_simd_array", gpu ? 14 : 0);
	put(t, "simd_per_cu", gpu ? 4 : 0);
	put(t, "max_slots_scratch_cu", gpu ? 32 : 0);
	put(t, "gfx_target_version", gpu ? 90010 : 0);
	put(t, "vendor_id", gpu ? KS_PCI_VENDOR : 0);
	put(t, "device_id", gpu ? KS_PCI_DEVICE : 0);
	put(t, "location_id", gpu ? gpu->location_id : 0);
	put(t, "domain", 0);
	put(t, "drm_render_minor", gpu ? gpu->minor : 0);
	put(t, "hive_id", HIVE_ID);
	put(t, "num_sdma_engines", gpu ? 2 : 0);
	put(t, "num_sdma_xgmi_engines", gpu ? 3 : 0);
	put(t, "num_sdma_queues_per_engine", gpu ? 8 : 0);
	put(t, "num_cp_queues", gpu ? 24 : 0);
	if (ks_abi != KS_ABI_6_1) {
		put(t, "cwsr_size", gpu ? 32755712 : 0);
		put(t, "ctl_stack_size", gpu ? 32768 : 0);
	}
	if (gpu)
		text_gpu_tail(t, gpu);
	put(t, "max_engine_clk_ccompute", gpu ? 2500 : 3700);
}

static void text_node(struct text *t, const struct ks_topo_item *item, const char *file)
{
	if (!strcmp(file, "gpu_id"))
		t->len = sysfs_emit(t->buf, "%u\n", item->gpu ? item->gpu->gpu_id : 0);
	else if (!strcmp(file, "name"))
		t->len = sysfs_emit(t->buf, "%s\n", item->gpu ? "aldebaran" : "");
	else
		text_properties(t, item);
}

static void text_top(struct text *t, const char *file)
{
	if (!strcmp(file, "generation_id")) {
		t->len = sysfs_emit(t->buf, "%u\n", ks_topo_cpu_nodes() + ks_ndevs);
		return;
	}
	put(t, "platform_oem", 0x4d444741);
	put(t, "platform_id", 0x4d49535346444bULL);
	put(t, "platform_rev", 1);
}

ssize_t ks_topo_text(const struct ks_topo_item *item, const char *file, char *buf)
{
	struct text t = {.buf = buf};

	switch (item->kind) {
	case KS_TOPO_TOP:
		text_top(&t, file);
		break;
	case KS_TOPO_NODE:
		text_node(&t, item, file);
		break;
	case KS_TOPO_MEM_BANK:
		text_mem_bank(&t, item);
		break;
	case KS_TOPO_CACHE:
		text_cache(&t);
		break;
	case KS_TOPO_IO_LINK:
		text_link(&t, item);
		break;
	}
	return t.len;
}
