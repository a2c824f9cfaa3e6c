/* SPDX-License-Identifier: MIT */
/*
 * clean.c: page cache leaves the memory of a GPU that is a NUMA node, so that a job finds it empty.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define GM_WHERE "clean"
#include "base/ctx.h"
#include "discover/numa_nodes.h"
#include "place/cgroup_file.h"

#define VM "/proc/sys/vm"
#define SMALL (16ull << 20) /* nobody misses so little, and nothing comes of dropping it */

static bool is_much(uint64_t bytes, uint64_t total)
{
	return bytes > SMALL && bytes > total / 100;
}

/* Linux 7.3: this node alone, pages of files alone. Less than was asked for is no error. */
static int reclaim(const char *root, int32_t node, uint64_t bytes)
{
	char folder[64], dir[PATH_MAX], text[64];
	int rc;

	gm_numa_folder(node, folder);
	if (snprintf(dir, sizeof(dir), "%s%s", root, folder) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	snprintf(text, sizeof(text), "%" PRIu64 " swappiness=0", bytes);
	rc = gm_cgroup_write(dir, "reclaim", text);
	return rc == -EAGAIN ? 0 : rc;
}

/* The whole machine's, and clean pages alone: what is not written yet stays. Nothing here writes it out:
 * sync(2) waits for the slowest file system, and a prolog that waits drains the node. */
static int drop_all(const char *root)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), "%s" VM, root) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	return gm_cgroup_write(dir, "drop_caches", "1");
}

static int drop(const struct gpumem_ctx *ctx, int32_t node, const struct gm_numa_usage *usage)
{
	return reclaim(ctx->root, node, usage->cache) == 0 ? 0 : drop_all(ctx->root);
}

static int usage_of(const struct gpumem_ctx *ctx, int32_t node, struct gm_numa_usage *ret)
{
	struct gm_root root;
	int rc = gm_root_open(&root, ctx);

	if (rc < 0)
		return rc;
	rc = gm_numa_usage(&root, node, ret);
	gm_root_close(&root);
	return rc;
}

int gpumem_device_clean(struct gpumem_ctx *ctx, const struct gpumem_device *dev, bool may_drop,
			struct gpumem_clean *ret, struct gpumem_error *err)
{
	int32_t node = gpumem_device_node(dev);
	struct gm_numa_usage before, after;
	int rc;

	if (gpumem_device_kind(dev) != GPUMEM_KIND_NUMA)
		return gm_err(err, -ENOTSUP, "%s: no NUMA node of its own", gpumem_device_pci(dev));
	rc = usage_of(ctx, node, &before);
	if (rc < 0)
		return gm_err(err, rc, "node %d: %s", node, strerror(-rc));
	after = before;
	*ret = (struct gpumem_clean){ .much_cache = is_much(before.cache, before.total),
				      .much_anon = is_much(before.anon, before.total) };
	if (may_drop && ret->much_cache) {
		rc = drop(ctx, node, &before);
		ret->dropped = rc == 0;
		if (rc == 0)
			usage_of(ctx, node, &after);
	}
	ret->total_bytes = before.total;
	ret->cache_bytes = before.cache;
	ret->cache_left_bytes = after.cache;
	ret->anon_bytes = after.anon;
	return rc < 0 ? gm_err(err, rc, "node %d: page cache cannot be dropped: %s", node,
			       strerror(-rc)) :
			0;
}
