/* SPDX-License-Identifier: MIT */
/*
 * dmem.c: a job's limits as the kernel's own, where it has the dmem controller (Linux 6.14).
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define GM_WHERE "dmem"
#include "base/cleanup.h"
#include "base/ctx.h"
#include "discover/cgroup.h"
#include "discover/sysfs.h"
#include "ledger/change.h"
#include "place/cgroup_file.h"

struct wall {
	char region[GM_DMEM_REGION_MAX]; /* "" the kernel does not count the device */
	uint64_t bytes;
};

/* The value of a region in "region value" lines; UINT64_MAX for "max". Errors: ENOENT. */
static int value_of(const char *text, const char *region, uint64_t *ret)
{
	size_t len = strlen(region);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char number[32];
		size_t n;

		line += *line == '\n';
		if (strncmp(line, region, len) != 0 || line[len] != ' ')
			continue;
		n = strcspn(line + len + 1, " \t\n");
		if (n >= sizeof(number))
			return -EPROTO;
		memcpy(number, line + len + 1, n);
		number[n] = '\0';
		if (strcmp(number, "max") == 0)
			*ret = UINT64_MAX;
		else if (!gm_parse_u64(number, 10, ret))
			return -EPROTO;
		return 0;
	}
	return -ENOENT;
}

static bool enabled(const char *dir)
{
	char text[GM_CGROUP_TEXT];

	if (gm_cgroup_read(dir, "cgroup.subtree_control", text, sizeof(text)) < 0)
		return false;
	for (const char *p = text; (p = strstr(p, "dmem")); p += 4)
		if ((p == text || p[-1] == ' ') && (p[4] == ' ' || p[4] == '\n' || !p[4]))
			return true;
	return false;
}

/* A controller's files are in a folder when all above it hand the controller down. What refuses it
 * shows when dmem.max is not there. Slurm leaves alone what it does not know. */
static void enable_above(const char *root, const char *cgroup)
{
	char dir[PATH_MAX];
	const char *end = cgroup + sizeof(GM_CGROUP_MOUNT) - 1;

	for (; end; end = strchr(end + 1, '/')) {
		if (snprintf(dir, sizeof(dir), "%s%.*s", root, (int)(end - cgroup), cgroup) >=
		    (int)sizeof(dir))
			return;
		if (!enabled(dir))
			gm_cgroup_write(dir, "cgroup.subtree_control", "+dmem");
	}
}

/* What the job may have: the limit it began with, or what `gpumem set` made of it since. */
static uint64_t ceiling(struct gpumem_job *job, const struct gm_limits *limits, size_t i)
{
	uint64_t bytes = limits->device[i].limit_bytes;
	struct gpumem_job_device d;

	if (gpumem_job_device(job, i, &d) == 0 && d.limit_bytes > bytes)
		bytes = d.limit_bytes;
	return bytes & ~(uint64_t)4095;
}

static int find_regions(const struct gpumem_ctx *ctx, const struct gm_limits *limits,
			struct wall *wall, struct gpumem_error *err)
{
	struct gm_root root;
	size_t found = 0;
	int rc = gm_root_open(&root, ctx);

	if (rc < 0)
		return gm_err(err, rc, "%s: %s", ctx->root, strerror(-rc));
	for (uint32_t i = 0; rc == 0 && i < limits->device_count; i++) {
		/* NUMA nodes are ordinary memory, which the controller does not count. */
		if (limits->device[i].kind != GPUMEM_KIND_SVM)
			continue;
		rc = gm_dmem_region(&root, limits->device[i].pci, wall[i].region,
				    sizeof(wall[i].region));
		found += rc == 0;
		if (rc == -ENOENT || rc == -ENOSPC)
			rc = 0;
	}
	gm_root_close(&root);
	if (rc == 0 && !found)
		rc = -ENOTSUP;
	return rc < 0 ? gm_err(err, rc, "the kernel's dmem controller does not count these devices") :
			0;
}

/* Writes what is not there yet. */
static int raise_walls(const char *dir, const struct gm_limits *limits, const struct wall *wall,
		       struct gpumem_error *err)
{
	char have[GM_CGROUP_TEXT], text[GM_CGROUP_TEXT] = "";
	int rc = gm_cgroup_read(dir, "dmem.max", have, sizeof(have));
	bool differs = false;
	size_t n = 0;

	if (rc < 0)
		return gm_err(err, rc == -ENOENT ? -ENOTSUP : rc, "%s/dmem.max: %s", dir,
			      strerror(-rc));
	for (uint32_t i = 0; i < limits->device_count && n < sizeof(text); i++) {
		uint64_t now;

		if (!wall[i].region[0])
			continue;
		differs |= value_of(have, wall[i].region, &now) < 0 || now != wall[i].bytes;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %" PRIu64 "\n", wall[i].region,
				      wall[i].bytes);
	}
	if (!differs)
		return 0;
	rc = n < sizeof(text) ? gm_cgroup_write(dir, "dmem.max", text) : -ENOSPC;
	return rc < 0 ? gm_err(err, rc, "%s/dmem.max: %s", dir, strerror(-rc)) : 0;
}

/* Only what reads back as it was written is a wall. */
static int note_walls(const char *dir, struct gm_change *c, const struct wall *wall,
		      struct gpumem_error *err)
{
	char have[GM_CGROUP_TEXT] = "";
	int wrong = 0, rc;

	gm_cgroup_read(dir, "dmem.max", have, sizeof(have));
	for (uint32_t i = 0; i < c->limits.device_count; i++) {
		uint64_t now = 0;

		if (wall[i].region[0] && (value_of(have, wall[i].region, &now) < 0 ||
					  now != wall[i].bytes)) {
			wrong = 1;
			now = 0;
		}
		c->limits.device[i].wall_bytes = now;
	}
	rc = gm_change_put(c, device, err);
	if (rc == 0 && wrong)
		rc = gm_err(err, -EIO, "%s/dmem.max: not as it was written", dir);
	return rc;
}

/* Root does not write where a user's own record points to (`gpumem run`). */
static int check_author(const struct gm_change *c, struct gpumem_error *err)
{
	struct stat st;

	if (geteuid() != 0 || (fstat(c->fd, &st) == 0 && st.st_uid == 0))
		return 0;
	return gm_err(err, -EPERM, "job %u: its record is not root's", c->limits.job_id);
}

static int build(const struct gpumem_ctx *ctx, struct gpumem_job *job, struct gm_change *c,
		 struct gpumem_error *err)
{
	struct wall wall[GPUMEM_MAX_DEVICES] = { 0 };
	char dir[PATH_MAX];
	int rc = check_author(c, err), noted;

	if (rc < 0)
		return rc;
	if (strncmp(c->limits.cgroup, GM_CGROUP_MOUNT "/", sizeof(GM_CGROUP_MOUNT)) != 0)
		return gm_err(err, -ENOENT, "job %u: its cgroup is not known", c->limits.job_id);
	if (snprintf(dir, sizeof(dir), "%s%s", ctx->root, c->limits.cgroup) >= (int)sizeof(dir))
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", ctx->root);
	rc = find_regions(ctx, &c->limits, wall, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < c->limits.device_count; i++)
		wall[i].bytes = ceiling(job, &c->limits, i);
	if (access(dir, F_OK) == 0)
		enable_above(ctx->root, c->limits.cgroup);
	rc = raise_walls(dir, &c->limits, wall, err);
	if (rc == -ENOTSUP)
		return rc;
	/* One device's wall may stand where another's was refused. */
	noted = note_walls(dir, c, wall, rc < 0 ? NULL : err);
	return rc < 0 ? rc : noted;
}

int gpumem_job_wall(struct gpumem_ctx *ctx, const char *state_dir, uint32_t job_id,
		    struct gpumem_error *err)
{
	struct gpumem_job *job;
	struct gm_change c;
	int rc = gpumem_job_open(state_dir, job_id, false, &job, err);

	if (rc < 0)
		return rc;
	rc = gm_change_open(state_dir, job_id, &c, err);
	if (rc == 0) {
		rc = build(ctx, job, &c, err);
		gm_change_close(&c);
	}
	gpumem_job_close(job);
	return rc;
}

int gpumem_job_wall_used(struct gpumem_ctx *ctx, const struct gpumem_job *job, const char *pci,
			 uint64_t *ret_bytes)
{
	char dir[PATH_MAX], text[GM_CGROUP_TEXT], region[GM_DMEM_REGION_MAX];
	const char *cgroup = gpumem_job_cgroup(job);
	struct gm_root root;
	int rc;

	if (!cgroup[0] || snprintf(dir, sizeof(dir), "%s%s", ctx->root, cgroup) >= (int)sizeof(dir))
		return -ENODATA;
	if (gm_root_open(&root, ctx) < 0)
		return -ENODATA;
	rc = gm_dmem_region(&root, pci, region, sizeof(region));
	gm_root_close(&root);
	if (rc == 0)
		rc = gm_cgroup_read(dir, "dmem.current", text, sizeof(text));
	if (rc == 0)
		rc = value_of(text, region, ret_bytes);
	return rc < 0 ? -ENODATA : 0;
}
