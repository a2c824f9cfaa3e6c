/* SPDX-License-Identifier: MIT */
/*
 * nvidia.c: reader of /proc/driver/nvidia.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#define GM_WHERE "nvidia"
#include "base/cleanup.h"
#include "discover/nvidia.h"

#define DRIVER "/proc/driver/nvidia"

/* "Key:   value" -> key and value; false when it is no such line. */
static bool split_line(char *line, char **key, char **value)
{
	char *colon = strchr(line, ':');
	size_t len;

	if (!colon)
		return false;
	*colon = '\0';
	*key = line;
	*value = colon + 1 + strspn(colon + 1, " \t");
	len = strlen(*value);
	while (len > 0 && strchr(" \t\r", (*value)[len - 1]))
		(*value)[--len] = '\0';
	return true;
}

static void copy_text(char *to, size_t len, const char *from)
{
	snprintf(to, len, "%.*s", (int)len - 1, from);
}

static void read_status(struct gm_root *root, const char *folder, struct gm_nvidia_gpu *gpu)
{
	char text[GM_TEXT_MAX], *cursor = text, *line, *key, *value;
	uint64_t number;
	int rc;

	gpu->node = -1;
	rc = gm_read_text(root, text, sizeof(text), DRIVER "/gpus/%s/numa_status", folder);
	gpu->status_rc = rc < 0 ? rc : 0;
	if (rc < 0)
		return;
	while ((line = gm_next_line(&cursor))) {
		if (!split_line(line, &key, &value))
			continue;
		/* "-1" is what the driver prints for no node: no number here, stays -1. */
		if (!strcmp(key, "Node") && gm_parse_u64(value, 10, &number) && number < INT32_MAX)
			gpu->node = (int32_t)number;
		else if (!strcmp(key, "Status"))
			copy_text(gpu->status, sizeof(gpu->status), value);
		else if (!strcmp(key, "Address"))
			gpu->has_address = gm_parse_u64(value, 16, &number);
		else if (!strcmp(key, "Size") && gm_parse_u64(value, 16, &number))
			gpu->bytes = number;
	}
	if (!gpu->status[0])
		gpu->status_rc = -EPROTO;
}

static void read_information(struct gm_root *root, const char *folder, struct gm_nvidia_gpu *gpu)
{
	char text[GM_TEXT_MAX], *cursor = text, *line, *key, *value;
	uint32_t minor;

	gpu->minor = -1;
	if (gm_read_text(root, text, sizeof(text), DRIVER "/gpus/%s/information", folder) < 0)
		return;
	while ((line = gm_next_line(&cursor))) {
		if (!split_line(line, &key, &value))
			continue;
		if (!strcmp(key, "Model"))
			copy_text(gpu->model, sizeof(gpu->model), value);
		else if (!strcmp(key, "Device Minor") && gm_parse_u32(value, 10, &minor) &&
			 minor <= INT32_MAX)
			gpu->minor = (int32_t)minor;
	}
}

static enum gm_nvidia_mode read_mode(struct gm_root *root)
{
	char text[GM_TEXT_MAX], *cursor = text, *line, *key, *value;

	if (gm_read_text(root, text, sizeof(text), DRIVER "/params") < 0)
		return GM_NVIDIA_MODE_UNSET;
	while ((line = gm_next_line(&cursor))) {
		if (!split_line(line, &key, &value) || strcmp(key, "CoherentGPUMemoryMode"))
			continue;
		if (!strcmp(value, "\"driver\""))
			return GM_NVIDIA_MODE_DRIVER;
		if (!strcmp(value, "\"numa\""))
			return GM_NVIDIA_MODE_NUMA;
	}
	return GM_NVIDIA_MODE_UNSET;
}

int gm_nvidia_read(struct gm_root *root, struct gm_nvidia *ret)
{
	struct gm_nvidia nvidia = { 0 };
	struct gm_names names = { 0 };
	struct gm_pci_address address;
	int rc;

	rc = gm_read_names(root, &names, DRIVER "/gpus");
	if (rc == -ENOMEM)
		return rc;
	if (names.count) {
		nvidia.gpu = calloc(names.count, sizeof(*nvidia.gpu));
		if (!nvidia.gpu) {
			gm_names_free(&names);
			return -ENOMEM;
		}
	}
	for (size_t i = 0; i < names.count; i++) {
		struct gm_nvidia_gpu *gpu = &nvidia.gpu[nvidia.count];

		if (!gm_pci_parse(names.name[i], &address))
			continue;
		gm_pci_print(&address, gpu->pci);
		read_status(root, names.name[i], gpu);
		read_information(root, names.name[i], gpu);
		nvidia.count++;
	}
	gm_names_free(&names);
	nvidia.mode = read_mode(root);
	*ret = nvidia;
	return 0;
}

void gm_nvidia_free(struct gm_nvidia *nvidia)
{
	free(nvidia->gpu);
	*nvidia = (struct gm_nvidia){ 0 };
}

const struct gm_nvidia_gpu *gm_nvidia_find(const struct gm_nvidia *nvidia, const char *pci)
{
	for (size_t i = 0; i < nvidia->count; i++) {
		if (!strcmp(nvidia->gpu[i].pci, pci))
			return &nvidia->gpu[i];
	}
	return NULL;
}
