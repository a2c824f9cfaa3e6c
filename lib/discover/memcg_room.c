/* SPDX-License-Identifier: MIT */
/*
 * memcg_room.c: memory.max, memory.current and memory.stat of the own cgroup (v2).
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "discover/memcg_room.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define LEAST_MARGIN (16ull << 20)

static ssize_t read_text(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static bool read_number(const char *dir, const char *name, uint64_t *ret)
{
	char path[PATH_MAX + 32], text[32], *end;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (read_text(path, text, sizeof(text)) <= 0)
		return false;
	*ret = strtoull(text, &end, 10);
	return end != text; /* "max" is no number */
}

void gm_memcg_find(char *buf, size_t size)
{
	char text[PATH_MAX], *line, *slash;
	uint64_t max;

	buf[0] = '\0';
	if (read_text("/proc/self/cgroup", text, sizeof(text)) <= 0)
		return;
	line = strstr(text, "0::/");
	if (!line || (line != text && line[-1] != '\n'))
		return;
	line += strlen("0::");
	line[strcspn(line, "\n")] = '\0';
	if (snprintf(buf, size, "%s%s", CGROUP_ROOT, line) >= (int)size)
		buf[0] = '\0';
	while (buf[0] && !read_number(buf, "memory.max", &max)) {
		slash = strrchr(buf, '/');
		if (!slash || (size_t)(slash - buf) < strlen(CGROUP_ROOT))
			buf[0] = '\0';
		else
			*slash = '\0';
	}
}

static uint64_t stat_value(const char *stat, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = stat; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoull(line + len, NULL, 10);
	}
	return 0;
}

uint64_t gm_memcg_unreclaimable(const char *stat, uint64_t current)
{
	uint64_t cache = stat_value(stat, "active_file") + stat_value(stat, "inactive_file") +
			 stat_value(stat, "slab_reclaimable");

	return current > cache ? current - cache : 0;
}

bool gm_memcg_near(const char *folder)
{
	char path[PATH_MAX + 32], stat[8192];
	uint64_t max, current, margin;

	if (!read_number(folder, "memory.max", &max) ||
	    !read_number(folder, "memory.current", &current))
		return false;
	margin = max / 64 > LEAST_MARGIN ? max / 64 : LEAST_MARGIN;
	if (margin > max / 8)
		margin = max / 8;
	if (current + margin <= max)
		return false;
	snprintf(path, sizeof(path), "%s/memory.stat", folder);
	if (read_text(path, stat, sizeof(stat)) <= 0)
		return true;
	return gm_memcg_unreclaimable(stat, current) + margin > max;
}
