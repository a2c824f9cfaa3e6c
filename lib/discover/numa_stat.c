/* SPDX-License-Identifier: MIT */
/*
 * numa_stat.c: memory.numa_stat: a line for each kind of page, with a figure for each node.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "discover/numa_stat.h"

static int figure(const char *line, int node, uint64_t *ret)
{
	char key[16];
	const char *at;

	snprintf(key, sizeof(key), " N%d=", node);
	at = strstr(line, key);
	if (!at)
		return -EPROTO;
	*ret = strtoull(at + strlen(key), NULL, 10);
	return 0;
}

int gm_numa_stat(const char *folder, int node, uint64_t *ret_bytes)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	uint64_t anon = 0, file = 0;
	int rc = -EPROTO;
	char path[PATH_MAX];
	size_t size = 0;

	if (snprintf(path, sizeof(path), "%s/memory.numa_stat", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		if (strncmp(line, "anon ", 5) == 0)
			rc = figure(line, node, &anon);
		else if (strncmp(line, "file ", 5) == 0 && rc == 0)
			rc = figure(line, node, &file);
	}
	*ret_bytes = anon + file;
	return rc;
}
