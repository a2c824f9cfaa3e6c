/* SPDX-License-Identifier: MIT */
/*
 * kfd_topology.c: parser of /sys/class/kfd/kfd/topology.
 */
#include "config.h"

#include <stdlib.h>

#define GM_WHERE "kfd"
#include "base/cleanup.h"
#include "discover/kfd_topology.h"

#define TOPOLOGY "/sys/class/kfd/kfd/topology"
#define RETRIES 4

typedef void pair_fn(void *data, const char *key, uint64_t value);

/* "key value" lines, all unsigned. A value that is no number, or a key without one, is another
 * kernel's business: skipped. Returns how many pairs there were. */
static size_t each_pair(char *text, pair_fn *fn, void *data)
{
	size_t count = 0;
	uint64_t value;
	char *line, *blank;

	while ((line = gm_next_line(&text))) {
		blank = strchr(line, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		if (!gm_parse_u64(blank + 1, 10, &value))
			continue;
		fn(data, line, value);
		count++;
	}
	return count;
}

static uint32_t clamp32(uint64_t value)
{
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static void node_pair(void *data, const char *key, uint64_t value)
{
	struct gm_kfd_node *node = data;
	const struct {
		const char *key;
		uint32_t *field;
	} small[] = {
		{ "cpu_cores_count", &node->cpu_cores_count },
		{ "simd_count", &node->simd_count },
		{ "gfx_target_version", &node->gfx_target_version },
		{ "vendor_id", &node->vendor_id },
		{ "device_id", &node->device_id },
		{ "location_id", &node->location_id },
		{ "domain", &node->domain },
	};

	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		if (!strcmp(key, small[i].key)) {
			*small[i].field = clamp32(value);
			return;
		}
	}
	if (!strcmp(key, "capability"))
		node->capability = value;
	else if (!strcmp(key, "hive_id"))
		node->hive_id = value;
	else if (!strcmp(key, "drm_render_minor") && value > 0 && value <= 1u << 20)
		node->render_minor = (int32_t)value;
}

struct bank {
	uint64_t heap, bytes;
};

static void bank_pair(void *data, const char *key, uint64_t value)
{
	struct bank *bank = data;

	if (!strcmp(key, "heap_type"))
		bank->heap = value;
	else if (!strcmp(key, "size_in_bytes"))
		bank->bytes = value;
}

static void link_pair(void *data, const char *key, uint64_t value)
{
	struct gm_kfd_link *link = data;

	if (!strcmp(key, "type"))
		link->type = clamp32(value);
	else if (!strcmp(key, "node_to"))
		link->node_to = clamp32(value);
	else if (!strcmp(key, "flags"))
		link->flags = clamp32(value);
}

/* Heaps: 0 system, 1 GPU memory the CPU sees, 2 GPU memory it does not; the rest is on chip. */
static int read_banks(struct gm_root *root, struct gm_kfd_node *node)
{
	struct gm_names names = { 0 };
	char text[GM_TEXT_MAX];
	int rc;

	rc = gm_read_names(root, &names, TOPOLOGY "/nodes/%u/mem_banks", node->index);
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	for (size_t i = 0; i < names.count; i++) {
		struct bank bank = { .heap = UINT64_MAX };

		if (gm_read_text(root, text, sizeof(text),
				 TOPOLOGY "/nodes/%u/mem_banks/%s/properties", node->index,
				 names.name[i]) < 0)
			continue;
		each_pair(text, bank_pair, &bank);
		if (bank.heap <= 2 && node->bank_bytes + bank.bytes >= bank.bytes)
			node->bank_bytes += bank.bytes;
	}
	gm_names_free(&names);
	return 0;
}

static int read_links(struct gm_root *root, struct gm_kfd_node *node)
{
	struct gm_names names = { 0 };
	char text[GM_TEXT_MAX];
	int rc;

	rc = gm_read_names(root, &names, TOPOLOGY "/nodes/%u/io_links", node->index);
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	if (names.count) {
		node->link = calloc(names.count, sizeof(*node->link));
		if (!node->link)
			rc = -ENOMEM;
	}
	for (size_t i = 0; node->link && i < names.count; i++) {
		struct gm_kfd_link link = { .node_to = UINT32_MAX };

		if (gm_read_text(root, text, sizeof(text),
				 TOPOLOGY "/nodes/%u/io_links/%s/properties", node->index,
				 names.name[i]) < 0)
			continue;
		each_pair(text, link_pair, &link);
		node->link[node->link_count++] = link;
	}
	gm_names_free(&names);
	return rc;
}

/* The kernel answers EPERM on reading, not on opening, when the reader's device cgroup lacks the
 * render node; EACCES is what a saved tree's file modes give. */
static bool is_hidden(int rc)
{
	return rc == -EPERM || rc == -EACCES;
}

static int read_node(struct gm_root *root, struct gm_kfd_node *node)
{
	char text[GM_TEXT_MAX];
	uint64_t gpu_id = 0;
	int rc;

	node->render_minor = -1;
	rc = gm_read_text(root, text, sizeof(text), TOPOLOGY "/nodes/%u/properties", node->index);
	if (is_hidden(rc)) {
		node->hidden = true;
		return 0;
	}
	if (rc < 0)
		return rc;
	if (!each_pair(text, node_pair, node))
		return -EPROTO;
	rc = gm_read_u64(root, &gpu_id, TOPOLOGY "/nodes/%u/gpu_id", node->index);
	if (is_hidden(rc)) {
		node->hidden = true;
		return 0;
	}
	/* Some saved trees lack the file; the GPU is still there. */
	node->gpu_id = rc < 0 ? 0 : clamp32(gpu_id);
	rc = read_banks(root, node);
	return rc < 0 ? rc : read_links(root, node);
}

static int read_nodes(struct gm_root *root, struct gm_kfd *kfd)
{
	struct gm_names names = { 0 };
	int rc;

	rc = gm_read_names(root, &names, TOPOLOGY "/nodes");
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	if (names.count) {
		kfd->node = calloc(names.count, sizeof(*kfd->node));
		if (!kfd->node)
			rc = -ENOMEM;
	}
	for (size_t i = 0; kfd->node && i < names.count; i++) {
		struct gm_kfd_node *node = &kfd->node[kfd->count];

		if (!gm_parse_u32(names.name[i], 10, &node->index))
			continue;
		rc = read_node(root, node);
		if (rc == -ENOMEM) {
			kfd->count++; /* what it holds already is freed with the rest */
			break;
		}
		if (rc < 0) {
			gm_log(root->ctx, LOG_WARNING, "KFD node %u is left out: %s", node->index,
			       strerror(-rc));
			free(node->link);
			*node = (struct gm_kfd_node){ 0 };
			rc = 0;
			continue;
		}
		kfd->hidden += node->hidden;
		kfd->count++;
	}
	gm_names_free(&names);
	return rc;
}

int gm_kfd_read(struct gm_root *root, struct gm_kfd *ret)
{
	int rc, before_rc, after_rc;
	uint64_t before, after;

	for (int i = 0; i < RETRIES; i++) {
		struct gm_kfd kfd = { 0 };

		before = after = 0;
		before_rc = gm_read_u64(root, &before, TOPOLOGY "/generation_id");
		rc = read_nodes(root, &kfd);
		after_rc = gm_read_u64(root, &after, TOPOLOGY "/generation_id");
		if (rc < 0) {
			gm_kfd_free(&kfd);
			return rc;
		}
		if (before_rc == after_rc && before == after) {
			*ret = kfd;
			return 0;
		}
		gm_log(root->ctx, LOG_INFO, "the KFD topology changed while it was read");
		gm_kfd_free(&kfd);
	}
	return -EAGAIN;
}

void gm_kfd_free(struct gm_kfd *kfd)
{
	for (size_t i = 0; i < kfd->count; i++)
		free(kfd->node[i].link);
	free(kfd->node);
	*kfd = (struct gm_kfd){ 0 };
}

bool gm_kfd_is_gpu(const struct gm_kfd_node *node)
{
	return !node->hidden && (node->gpu_id != 0 || node->simd_count > 0);
}

const struct gm_kfd_node *gm_kfd_find(const struct gm_kfd *kfd, uint32_t index)
{
	for (size_t i = 0; i < kfd->count; i++) {
		if (kfd->node[i].index == index && !kfd->node[i].hidden)
			return &kfd->node[i];
	}
	return NULL;
}

const struct gm_kfd_link *gm_kfd_cpu_link(const struct gm_kfd *kfd, const struct gm_kfd_node *gpu)
{
	const struct gm_kfd_link *best = NULL;

	for (size_t i = 0; i < gpu->link_count; i++) {
		const struct gm_kfd_node *to = gm_kfd_find(kfd, gpu->link[i].node_to);

		if (!to || gm_kfd_is_gpu(to) || !to->cpu_cores_count)
			continue;
		if (!best || (best->type != GM_KFD_LINK_XGMI &&
			      gpu->link[i].type == GM_KFD_LINK_XGMI))
			best = &gpu->link[i];
	}
	return best;
}
