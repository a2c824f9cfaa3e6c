/* SPDX-License-Identifier: MIT */
/*
 * dmem.c: whether the kernel's dmem controller counts a device's memory, and under which name.
 */
#include <stdio.h>
#include <string.h>

#define GM_WHERE "discover"
#include "discover/cgroup.h"
#include "discover/sysfs.h"

/* A word of a line of blanks and words. */
static bool has_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	while (*(line += strspn(line, " \t\n"))) {
		size_t n = strcspn(line, " \t\n");

		if (n == len && strncmp(line, word, len) == 0)
			return true;
		line += n;
	}
	return false;
}

/* The region of a line "drm/0000:c1:00.0/vram 68702699520", cut out of it. */
static char *region_of(char *line)
{
	line[strcspn(line, " \t")] = '\0';
	return line;
}

int gm_dmem_region(struct gm_root *root, const char *pci, char *buf, size_t len)
{
	char text[GM_TEXT_MAX], usual[GM_DMEM_REGION_MAX], found[GM_DMEM_REGION_MAX] = "";
	char *cursor = text, *line;

	if (gm_read_text(root, text, sizeof(text), GM_CGROUP_MOUNT "/cgroup.controllers") < 0 ||
	    !has_word(text, "dmem") ||
	    gm_read_text(root, text, sizeof(text), GM_CGROUP_MOUNT "/dmem.capacity") < 0)
		return -ENOTSUP;
	snprintf(usual, sizeof(usual), "drm/%s/vram", pci);
	while ((line = gm_next_line(&cursor))) {
		char *region = region_of(line);

		if (strlen(region) >= sizeof(found) || !strstr(region, pci))
			continue;
		/* Drivers name their regions themselves: the usual name first, else what has the
		 * address and is video memory. */
		if (strcmp(region, usual) == 0 || (!found[0] && strstr(region, "vram")))
			snprintf(found, sizeof(found), "%s", region);
		if (strcmp(region, usual) == 0)
			break;
	}
	if (!found[0])
		return -ENOENT;
	return snprintf(buf, len, "%s", found) >= (int)len ? -ENOSPC : 0;
}

bool gpumem_device_walled(struct gpumem_ctx *ctx, const struct gpumem_device *dev)
{
	char region[GM_DMEM_REGION_MAX];
	struct gm_root root;
	int rc;

	/* The other kinds are ordinary memory, which the controller does not count. */
	if (gpumem_device_kind(dev) != GPUMEM_KIND_SVM || gm_root_open(&root, ctx) < 0)
		return false;
	rc = gm_dmem_region(&root, gpumem_device_pci(dev), region, sizeof(region));
	gm_root_close(&root);
	return rc == 0;
}
