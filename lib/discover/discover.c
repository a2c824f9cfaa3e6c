/* SPDX-License-Identifier: MIT */
/*
 * discover.c: gathers the facts about every GPU of the node and has each judged.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#define GM_WHERE "discover"
#include "discover/classify.h"
#include "discover/devices.h"
#include "discover/locality.h"
#include "discover/numa_nodes.h"

/* All that was read, for the time of one discovery. */
struct survey {
	struct gm_root *root;
	struct gm_kfd kfd;
	struct gm_nvidia nvidia;
	struct gm_pci_gpus gpus;
	struct gm_numa numa;
	size_t unmatched; /* hidden KFD nodes that no PCI device accounts for */
};

static void survey_free(struct survey *s)
{
	gm_kfd_free(&s->kfd);
	gm_nvidia_free(&s->nvidia);
	free(s->gpus.gpu);
}

/* location_id is bus, device and function; on a partitioned GPU the function is the partition. */
static void kfd_pci(const struct gm_kfd_node *node, char *ret)
{
	struct gm_pci_address address = {
		.domain = node->domain,
		.bus = node->location_id >> 8,
		.device = node->location_id >> 3 & 0x1f,
		.function = node->location_id & 7,
	};

	gm_pci_print(&address, ret);
}

static const struct gm_kfd_node *find_kfd(const struct gm_kfd *kfd, const char *pci)
{
	char at[GPUMEM_PCI_LEN];

	for (size_t i = 0; i < kfd->count; i++) {
		if (!gm_kfd_is_gpu(&kfd->node[i]))
			continue;
		kfd_pci(&kfd->node[i], at);
		if (!strcmp(at, pci))
			return &kfd->node[i];
	}
	return NULL;
}

static int add_once(struct gpumem_devices *devices, const char *pci, struct gpumem_error *err)
{
	if (gpumem_devices_find(devices, pci) || gm_devices_add(devices, pci))
		return 0;
	if (devices->count >= GM_DEVICES_MAX)
		return gm_err(err, -EIO, "more than %d GPUs", GM_DEVICES_MAX);
	return gm_err(err, -ENOMEM, "out of memory");
}

static int add_all(struct survey *s, struct gpumem_devices *devices, struct gpumem_error *err)
{
	char pci[GPUMEM_PCI_LEN];
	int rc;

	for (size_t i = 0; i < s->kfd.count; i++) {
		if (!gm_kfd_is_gpu(&s->kfd.node[i]))
			continue;
		kfd_pci(&s->kfd.node[i], pci);
		rc = add_once(devices, pci, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < s->nvidia.count; i++) {
		rc = add_once(devices, s->nvidia.gpu[i].pci, err);
		if (rc < 0)
			return rc;
	}
	s->unmatched = s->kfd.hidden;
	for (size_t i = 0; i < s->gpus.count; i++) {
		if (s->gpus.gpu[i].vendor == GM_PCI_AMD && s->unmatched &&
		    !gpumem_devices_find(devices, s->gpus.gpu[i].pci))
			s->unmatched--;
		rc = add_once(devices, s->gpus.gpu[i].pci, err);
		if (rc < 0)
			return rc;
	}
	if (s->unmatched)
		gm_log(s->root->ctx, LOG_WARNING,
		       "%zu GPU nodes are hidden from this process by its device cgroup",
		       s->unmatched);
	return 0;
}

static void set_model(const struct gm_facts *f, struct gpumem_device *dev)
{
	uint32_t gfx = f->kfd ? f->kfd->gfx_target_version : 0;
	uint32_t vendor = f->vendor, device = f->device;
	char name[80] = "", id[16] = "";

	if (f->nvidia)
		snprintf(name, sizeof(name), "%s", f->nvidia->model);
	else if (gfx)
		snprintf(name, sizeof(name), "gfx%u%x%x", gfx / 10000, gfx / 100 % 100, gfx % 100);
	if (!vendor && f->kfd) {
		vendor = f->kfd->vendor_id & 0xffff;
		device = f->kfd->device_id & 0xffff;
	}
	if (vendor)
		snprintf(id, sizeof(id), "%04x:%04x", vendor, device);
	snprintf(dev->model, sizeof(dev->model), "%s%s%s", name, name[0] && id[0] ? " " : "", id);
}

static void set_file(const struct gm_facts *f, struct gpumem_device *dev)
{
	if (dev->render_minor >= 0)
		snprintf(dev->file, sizeof(dev->file), "/dev/dri/renderD%d", dev->render_minor);
	else if (f->nvidia && f->nvidia->minor >= 0)
		snprintf(dev->file, sizeof(dev->file), "/dev/nvidia%d", f->nvidia->minor);
}

/* The CPUs' node a GPU hangs on. KFD numbers CPU nodes in order, those without CPUs left out. */
static int32_t home_node(const struct survey *s, const struct gm_facts *f,
			 const struct gm_pci_device *pci)
{
	if (pci->numa_node >= 0 || !f->cpu_link)
		return pci->numa_node;
	return gm_node_set_nth(&s->numa.has_cpu, f->cpu_link->node_to);
}

static void set_size(const struct survey *s, const struct gm_facts *f, struct gpumem_device *dev)
{
	uint64_t total, used;

	switch (dev->kind) {
	case GPUMEM_KIND_NUMA:
	case GPUMEM_KIND_NUMA_SHARED:
		if (gm_numa_memory(s->root, dev->node, &total, &used) == 0)
			dev->bytes = total;
		else if (f->nvidia)
			dev->bytes = f->nvidia->bytes;
		return;
	default:
		dev->bytes = f->kfd && f->kfd->bank_bytes ? f->kfd->bank_bytes : f->vram_bytes;
		if (!dev->bytes && f->nvidia)
			dev->bytes = f->nvidia->bytes;
	}
}

static void gather_node(const struct survey *s, struct gm_facts *f)
{
	int32_t node = f->nvidia->node;
	uint64_t used;

	if (node < 0 || !s->numa.has_cpu.known || !s->numa.has_memory.known)
		return;
	f->node_masks = true;
	f->node_has_cpu = gm_node_set_has(&s->numa.has_cpu, node);
	f->node_has_memory = gm_node_set_has(&s->numa.has_memory, node);
	/* Without the list nothing says that the node is movable only. */
	f->node_has_normal_memory = !s->numa.has_normal_memory.known ||
				    gm_node_set_has(&s->numa.has_normal_memory, node);
	if (gm_numa_memory(s->root, node, &f->node_bytes, &used) < 0)
		f->node_bytes = 0;
}

static void add_note(struct gpumem_device *dev, const char *text)
{
	size_t len = strlen(dev->note);

	snprintf(dev->note + len, sizeof(dev->note) - len, "%s%s", len ? "; " : "", text);
}

static void note_rest(const struct survey *s, const struct gm_facts *f, struct gpumem_device *dev)
{
	char text[96];

	/* The bank of an APU is the share of the node that the GPU may use, not more memory. */
	if (dev->kind == GPUMEM_KIND_NUMA_SHARED && f->kfd->bank_bytes) {
		snprintf(text, sizeof(text), "the GPU may use %.1f GiB of the node",
			 (double)f->kfd->bank_bytes / (1ull << 30));
		add_note(dev, text);
	}
	if (f->kfd && s->unmatched) {
		snprintf(text, sizeof(text), "%zu more GPU node%s hidden by the device cgroup",
			 s->unmatched, s->unmatched == 1 ? " is" : "s are");
		add_note(dev, text);
	}
}

static void survey_device(const struct survey *s, struct gpumem_device *dev)
{
	struct gm_facts f = { .maybe_hidden = s->kfd.hidden > 0, .mode = s->nvidia.mode };
	const struct gm_kfd_node *cpu;
	struct gm_pci_device pci;
	struct gm_verdict verdict;

	f.kfd = find_kfd(&s->kfd, dev->pci);
	f.nvidia = gm_nvidia_find(&s->nvidia, dev->pci);
	gm_pci_read(s->root, dev->pci, f.kfd ? f.kfd->render_minor : -1, &pci);
	f.vendor = pci.vendor;
	f.device = pci.device;
	f.has_bar0 = pci.has_bar0;
	f.bar0_bytes = pci.bar0_bytes;
	f.vram_bytes = pci.vram_bytes;
	if (f.kfd) {
		f.cpu_link = gm_kfd_cpu_link(&s->kfd, f.kfd);
		cpu = f.cpu_link ? gm_kfd_find(&s->kfd, f.cpu_link->node_to) : NULL;
		f.same_hive = cpu && cpu->hive_id && cpu->hive_id == f.kfd->hive_id;
		dev->kfd_id = f.kfd->gpu_id;
		dev->render_minor = f.kfd->render_minor;
	}
	if (f.nvidia)
		gather_node(s, &f);
	gm_classify(&f, &verdict);
	dev->kind = verdict.kind;
	strcpy(dev->evidence, verdict.evidence);
	strcpy(dev->note, verdict.note);
	set_model(&f, dev);
	set_file(&f, dev);
	dev->node = home_node(s, &f, &pci);
	memcpy(dev->cpus, pci.cpus, sizeof(pci.cpus));
	if (dev->kind == GPUMEM_KIND_NUMA)
		dev->node = f.nvidia->node;
	set_size(s, &f, dev);
	note_rest(s, &f, dev);
}

int gm_discover(struct gm_root *root, unsigned flags, struct gpumem_devices **ret,
		struct gpumem_error *err)
{
	struct survey s = { .root = root };
	struct gpumem_devices *devices;
	int rc;

	devices = calloc(1, sizeof(*devices));
	if (!devices)
		return gm_err(err, -ENOMEM, "out of memory");
	rc = gm_kfd_read(root, &s.kfd);
	if (rc == -EAGAIN) {
		rc = gm_err(err, -EIO, "the KFD topology kept changing");
		goto out;
	}
	if (rc == 0)
		rc = gm_nvidia_read(root, &s.nvidia);
	if (rc == 0)
		rc = gm_pci_scan(root, &s.gpus);
	if (rc < 0) {
		rc = gm_err(err, rc, "%s", strerror(-rc));
		goto out;
	}
	gm_numa_read(root, &s.numa);
	rc = add_all(&s, devices, err);
	if (rc < 0)
		goto out;
	for (size_t i = 0; i < devices->count; i++)
		survey_device(&s, &devices->device[i]);
	gm_devices_sort(devices);
	gm_locality(root, &s.numa, flags, devices);
	*ret = devices;
	devices = NULL;
out:
	survey_free(&s);
	gpumem_devices_free(devices);
	return rc;
}

int gpumem_discover(struct gpumem_ctx *ctx, unsigned flags, struct gpumem_devices **ret,
		    struct gpumem_error *err)
{
	struct gm_root root;
	int rc = gm_root_open(&root, ctx);

	if (rc < 0)
		return gm_err(err, -EIO, "%s: %s", *ctx->root ? ctx->root : "/", strerror(-rc));
	rc = gm_discover(&root, flags, ret, err);
	gm_root_close(&root);
	return rc;
}
