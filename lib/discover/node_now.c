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

#define NODES "/sys/devices/system/node"
#define WEIGHTS "/sys/kernel/mm/mempolicy/weighted_interleave"
#define MAX_NODES 1024

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

/* Whether a list like "0-1,8" names the node. */
static bool names(const char *list, int node)
{
	char *end;

	for (; *list >= '0' && *list <= '9'; list = *end == ',' ? end + 1 : end) {
		long from = strtol(list, &end, 10), to = from;

		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		if (node >= from && node <= to)
			return true;
	}
	return false;
}

/* The distances stand in the order of the online nodes. */
static long distance(const char *distances, const char *online, int node)
{
	char *end = (char *)distances;

	for (int n = 0; n <= node; n++) {
		long d;

		if (!names(online, n))
			continue;
		d = strtol(distances, &end, 10);
		if (end == distances)
			break;
		if (n == node)
			return d;
		distances = end;
	}
	return 255;
}

size_t gm_nodes_with_cpus(int node, int *ret, size_t n)
{
	char online[256], cpus[256], memory[256], distances[4096] = "", path[96];
	long far[16];
	size_t count = 0;

	if (n > sizeof(far) / sizeof(far[0]))
		n = sizeof(far) / sizeof(far[0]);
	snprintf(path, sizeof(path), NODES "/node%d/distance", node);
	if (n == 0 || read_text(NODES "/online", online, sizeof(online)) < 0 ||
	    read_text(NODES "/has_cpu", cpus, sizeof(cpus)) < 0 ||
	    read_text(NODES "/has_memory", memory, sizeof(memory)) < 0)
		return 0;
	read_text(path, distances, sizeof(distances));
	for (int k = 0; k < MAX_NODES; k++) {
		long d;
		size_t at;

		if (k == node || !names(cpus, k) || !names(memory, k))
			continue;
		d = distance(distances, online, k);
		if (count == n && far[n - 1] <= d)
			continue;
		at = count == n ? n - 1 : count++;
		for (; at > 0 && far[at - 1] > d; at--) {
			far[at] = far[at - 1];
			ret[at] = ret[at - 1];
		}
		far[at] = d;
		ret[at] = k;
	}
	return count;
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
