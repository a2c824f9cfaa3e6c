/* SPDX-License-Identifier: MIT */
/*
 * node_now.c: a few files of sysfs, read without an allocation.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "discover/node_now.h"
#include "discover/node_set.h"

#define NODES "/sys/devices/system/node"
#define HUGE_SIZE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
#define WEIGHTS "/sys/kernel/mm/mempolicy/weighted_interleave"

static int read_text(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

static bool read_set(const char *path, struct gm_node_set *ret)
{
	char text[4096];

	return read_text(path, text, sizeof(text)) == 0 && gm_node_set_parse(text, ret);
}

size_t gm_nodes_with_cpus(int node, int *ret, size_t n)
{
	struct gm_node_set online, cpus, memory;
	char distances[4096] = "", path[96];

	if (!read_set(NODES "/online", &online) || !read_set(NODES "/has_cpu", &cpus) ||
	    !read_set(NODES "/has_memory", &memory))
		return 0;
	cpus = gm_node_set_and(&cpus, &memory);
	snprintf(path, sizeof(path), NODES "/node%d/distance", node);
	read_text(path, distances, sizeof(distances));
	return gm_nodes_by_distance(&online, &cpus, distances, node, ret, n);
}

static bool field(const char *text, const char *name, uint64_t *ret)
{
	const char *at = strstr(text, name);

	if (!at)
		return false;
	*ret = strtoull(at + strlen(name), NULL, 10) * 1024u;
	return true;
}

int gm_node_used_now(int node, uint64_t *ret_bytes)
{
	uint64_t used, files, shared;
	char path[96], text[4096];
	int rc;

	snprintf(path, sizeof(path), NODES "/node%d/meminfo", node);
	rc = read_text(path, text, sizeof(text));
	if (rc < 0)
		return rc;
	if (!field(text, "MemUsed:", &used) || !field(text, "FilePages:", &files) ||
	    !field(text, "Shmem:", &shared))
		return -EPROTO;
	files = files > shared ? files - shared : 0;
	*ret_bytes = used > files ? used - files : 0;
	return 0;
}

size_t gm_node_huge_bytes(void)
{
	char text[32];

	return read_text(HUGE_SIZE, text, sizeof(text)) == 0 ? strtoul(text, NULL, 10) : 0;
}

int gm_node_weight(int node, unsigned *ret)
{
	char path[96], text[16];
	int rc;

	snprintf(path, sizeof(path), WEIGHTS "/node%d", node);
	rc = read_text(path, text, sizeof(text));
	if (rc == 0)
		*ret = (unsigned)strtoul(text, NULL, 10);
	return rc;
}

int gm_node_set_weight(int node, unsigned weight)
{
	_cleanup_close_ int fd = -1;
	char path[96], text[16];
	int len;

	snprintf(path, sizeof(path), WEIGHTS "/node%d", node);
	len = snprintf(text, sizeof(text), "%u", weight);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}
