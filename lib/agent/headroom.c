/* SPDX-License-Identifier: MIT */
/*
 * headroom.c: cgroup, free device memory, neighbours' reserves.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/headroom.h"
#include "base/cleanup.h"
#include "discover/memcg_room.h"
#include "discover/node_now.h"
#include "discover/room.h"

#define LOOK_NS 500000000ull
#define NEIGHBOURS_NS 2000000000ull
#define FREE_PART 64u /* of a device's bytes: kept free, or the driver evicts whom it likes */

void gm_headroom_init(struct gm_headroom *h, const char *job_dir)
{
	char *slash;

	memset(h, 0, sizeof(*h));
	if (!job_dir || strlen(job_dir) >= sizeof(h->state_dir))
		return;
	strcpy(h->state_dir, job_dir);
	slash = strrchr(h->state_dir, '/');
	if (slash)
		*slash = '\0';
}

uint64_t gm_pressure_part(uint64_t total, uint64_t used, uint64_t own)
{
	uint64_t keep = total / FREE_PART, left = total > used ? total - used : 0;

	if (left >= keep || used == 0)
		return 0;
	if (own > used)
		own = used;
	return (uint64_t)((unsigned __int128)(keep - left) * own / used);
}

static int used_now(const struct gm_limits_device *device, uint64_t *ret)
{
	switch (device->kind) {
	case GPUMEM_KIND_SVM:
		return gm_device_used_now(device->pci, ret);
	case GPUMEM_KIND_NUMA:
		return gm_node_used_now(device->node, ret);
	default: /* the system's own memory, which others fill as they like */
		return -ENODATA;
	}
}

uint64_t gm_headroom_of(const struct gm_limits_device *device)
{
	uint64_t used, keep = device->bytes / FREE_PART;

	if (used_now(device, &used) < 0)
		return UINT64_MAX;
	return device->bytes > used + keep ? device->bytes - used - keep : 0;
}

static void look_at_devices(struct gm_headroom *h, const struct gm_ledger *l)
{
	for (size_t i = 0; i < l->limits->device_count; i++) {
		uint64_t own = atomic_load(&l->slot->device[i].charged), used;

		h->pressure[i] = 0;
		if (own && used_now(&l->limits->device[i], &used) == 0)
			h->pressure[i] = gm_pressure_part(l->limits->device[i].bytes, used, own);
	}
}

static void add_neighbour(struct gm_headroom *h, const struct gm_ledger *l, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct gm_limits other;
	char path[PATH_MAX + 300];

	snprintf(path, sizeof(path), "%s/%s/limits", h->state_dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || pread(fd, &other, sizeof(other), 0) != (ssize_t)sizeof(other) ||
	    gm_limits_check(&other, sizeof(other), NULL) < 0 || other.job_id == l->limits->job_id)
		return;
	for (size_t i = 0; i < l->limits->device_count; i++)
		for (uint32_t k = 0; k < other.device_count; k++)
			if ((other.given >> k & 1) &&
			    strcmp(other.device[k].pci, l->limits->device[i].pci) == 0)
				h->reserved[i] += other.device[k].reserve_bytes;
}

static void look_at_neighbours(struct gm_headroom *h, const struct gm_ledger *l, uint64_t now_ns)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *e;

	if (!h->state_dir[0] || now_ns < h->neighbours_ns)
		return;
	h->neighbours_ns = now_ns + NEIGHBOURS_NS;
	memset(h->reserved, 0, sizeof(h->reserved));
	dir = opendir(h->state_dir);
	while (dir && (e = readdir(dir)))
		if (strncmp(e->d_name, "job-", 4) == 0)
			add_neighbour(h, l, e->d_name);
}

void gm_headroom_look(struct gm_headroom *h, const struct gm_ledger *ledger, uint64_t now_ns)
{
	if (now_ns < h->not_before_ns)
		return;
	h->not_before_ns = now_ns + LOOK_NS;
	if (!h->memcg_known)
		gm_memcg_find(h->memcg, sizeof(h->memcg));
	h->memcg_known = true;
	h->memcg_near = h->memcg[0] && gm_memcg_near(h->memcg);
	look_at_devices(h, ledger);
	look_at_neighbours(h, ledger, now_ns);
}
