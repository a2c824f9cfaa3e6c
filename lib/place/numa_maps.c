/* SPDX-License-Identifier: MIT */
/*
 * numa_maps.c: "7f12a000 default anon=512 dirty=512 N0=256 N1=256 kernelpagesize_kB=4"
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "place/numa_maps.h"

bool gm_numa_mapping_parse(const char *line, struct gm_numa_mapping *ret)
{
	static const char unit[] = " kernelpagesize_kB=";
	const char *at = strstr(line, unit);
	char *end;

	*ret = (struct gm_numa_mapping){ .start = (uintptr_t)strtoull(line, &end, 16), .counts = end };
	if (end == line || *end != ' ')
		return false;
	ret->own = !strstr(end, " file=") && !strstr(end, " stack");
	ret->page_bytes = at ? strtoull(at + strlen(unit), NULL, 10) * 1024 : 0;
	return true;
}

bool gm_numa_next(const struct gm_numa_mapping *mapping, const char **cursor, int *ret_node, uint64_t *ret_bytes)
{
	const char *at = *cursor;
	char *end;

	while ((at = strstr(at, " N"))) {
		at += 2;
		*ret_node = (int)strtol(at, &end, 10);
		if (end == at || *end != '=')
			continue;
		*ret_bytes = strtoull(end + 1, &end, 10) * mapping->page_bytes;
		*cursor = end;
		return true;
	}
	return false;
}

/* Without NUMA the file is missing, and so it is when the process is. */
static int why_missing(pid_t pid)
{
	return errno == ENOENT && pid && kill(pid, 0) < 0 && errno == ESRCH ? -ESRCH : -errno;
}

int gm_numa_maps(pid_t pid, gm_numa_mapping_fn *fn, void *data)
{
	char path[32] = "/proc/self/numa_maps";
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	struct gm_numa_mapping mapping;
	size_t size = 0;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return why_missing(pid);
	errno = 0;
	while (getline(&line, &size, f) > 0)
		if (gm_numa_mapping_parse(line, &mapping))
			fn(data, &mapping);
	return ferror(f) ? (errno ? -errno : -EIO) : 0;
}

struct sum {
	int node;
	uint64_t bytes;
};

static void add(void *data, const struct gm_numa_mapping *mapping)
{
	const char *cursor = mapping->counts;
	struct sum *sum = data;
	uint64_t bytes;
	int node;

	while (mapping->own && gm_numa_next(mapping, &cursor, &node, &bytes))
		sum->bytes += node == sum->node ? bytes : 0;
}

int gm_numa_maps_bytes(pid_t pid, int node, uint64_t *ret)
{
	struct sum sum = { .node = node };
	int rc = gm_numa_maps(pid, add, &sum);

	if (rc == 0)
		*ret = sum.bytes;
	return rc;
}
