/* SPDX-License-Identifier: MIT */
/*
 * record.c: the folder of a job's record: made whole or not at all, listed, removed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define GM_WHERE "record"
#include "base/cleanup.h"
#include "ledger/layout.h"
#include "base/err.h"
#include "discover/cgroup.h"

static const char *const record_files[] = { "limits", "ledger" };

int gpumem_job_path(const char *state_dir, uint32_t job_id, char *buf, size_t len)
{
	int n = snprintf(buf, len, "%s/job-%u", state_dir, job_id);

	return n < 0 || (size_t)n >= len ? -ENOSPC : 0;
}

int gpumem_state_make(const char *dir, struct gpumem_error *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (dir[0] != '/' || snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return gm_err(err, -EINVAL, "%s: the state directory must be an absolute path", dir);
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		/* A umask of the job's user may be in force. */
		if (mkdir(path, 0755) == 0 ? chmod(path, 0755) < 0 : errno != EEXIST)
			return gm_err(err, -errno, "%s: %s", path, strerror(errno));
		*p = c;
		if (c == '\0')
			break;
	}
	if (lstat(path, &st) < 0)
		return gm_err(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return gm_err(err, -EPERM, "%s: must be a directory that root alone can write to",
			      path);
	return 0;
}

static int write_file(int dirfd, const char *name, mode_t mode, uid_t uid, gid_t gid,
		      const void *data, size_t len, size_t size, struct gpumem_error *err)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return gm_err(err, -errno, "%s: %s", name, strerror(errno));
	if (pwrite(fd, data, len, 0) != (ssize_t)len || ftruncate(fd, (off_t)size) < 0)
		return gm_err(err, -EIO, "%s: %s", name, strerror(errno));
	if (uid != geteuid() && fchown(fd, uid, gid) < 0)
		return gm_err(err, -errno, "%s: chown: %s", name, strerror(errno));
	if (fchmod(fd, mode) < 0)
		return gm_err(err, -errno, "%s: chmod: %s", name, strerror(errno));
	return 0;
}

static void fill_limits(const struct gpumem_job_spec *spec, struct gm_limits *l)
{
	memset(l, 0, sizeof(*l));
	l->magic = GM_LIMITS_MAGIC;
	l->version = GM_LAYOUT_VERSION;
	l->size = sizeof(*l);
	l->job_id = spec->job_id;
	l->uid = spec->uid;
	l->gid = spec->gid;
	l->device_count = spec->device_count;
	l->allowed_placements = spec->allowed_placements ? spec->allowed_placements : UINT32_MAX;
	l->cpu_budget_permille = spec->cpu_budget_permille ? spec->cpu_budget_permille : 10;
	snprintf(l->node, sizeof(l->node), "%s", spec->node ? spec->node : "");
	snprintf(l->policy, sizeof(l->policy), "%s", spec->policy ? spec->policy : "");
	snprintf(l->cgroup, sizeof(l->cgroup), "%s", spec->cgroup ? spec->cgroup : "");
	for (uint32_t i = 0; i < spec->device_count; i++) {
		struct gm_limits_device *d = &l->device[i];

		memcpy(d->pci, spec->device[i].pci, GPUMEM_PCI_LEN);
		d->pci[GPUMEM_PCI_LEN - 1] = '\0';
		d->kind = spec->device[i].kind;
		d->kfd_id = spec->device[i].kfd_id;
		d->render_minor = spec->device[i].render_minor;
		d->node = spec->device[i].node;
		d->bytes = spec->device[i].bytes;
		d->max_bytes = spec->device[i].max_bytes;
		d->limit_bytes = spec->device[i].limit_bytes;
		d->baseline_bytes = spec->device[i].baseline_bytes;
		d->reserve_bytes = spec->device[i].reserve_bytes;
	}
}

static void fill_head(const struct gpumem_job_spec *spec, struct gm_head *h)
{
	memset(h, 0, sizeof(*h));
	h->magic = GM_LEDGER_MAGIC;
	h->version = GM_LAYOUT_VERSION;
	h->size = sizeof(struct gm_ledger_file);
	h->slots = GM_SLOTS;
	h->slot_size = sizeof(struct gm_slot);
	for (uint32_t i = 0; i < spec->device_count; i++)
		h->device[i].limit_bytes = spec->device[i].limit_bytes;
}

static void remove_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	for (size_t i = 0; i < sizeof(record_files) / sizeof(record_files[0]); i++)
		unlinkat(fd, record_files[i], 0);
	close(fd);
	unlinkat(parent, name, AT_REMOVEDIR);
}

static int fill_dir(int dirfd, const struct gpumem_job_spec *spec, struct gpumem_error *err)
{
	struct gm_limits limits;
	struct gm_head head;
	int rc;

	fill_limits(spec, &limits);
	fill_head(spec, &head);
	rc = write_file(dirfd, "limits", 0644, geteuid(), getegid(), &limits, sizeof(limits),
			sizeof(limits), err);
	if (rc == 0)
		rc = write_file(dirfd, "ledger", 0600, spec->uid, spec->gid, &head, sizeof(head),
				sizeof(struct gm_ledger_file), err);
	return rc;
}

int gpumem_job_create(const struct gpumem_job_spec *spec, struct gpumem_error *err)
{
	_cleanup_close_ int parent = -1, dirfd = -1;
	char tmp[64], name[32];
	int rc;

	if (spec->device_count == 0 || spec->device_count > GPUMEM_MAX_DEVICES)
		return gm_err(err, -EINVAL, "a record needs 1 to %d devices", GPUMEM_MAX_DEVICES);
	rc = gpumem_state_make(spec->state_dir, err);
	if (rc < 0)
		return rc;
	parent = open(spec->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return gm_err(err, -errno, "%s: %s", spec->state_dir, strerror(errno));
	/* Built under another name, then renamed: an agent sees both files or none. Two steps that
	 * start at once race in rename(), which a folder that is not empty refuses. */
	snprintf(tmp, sizeof(tmp), ".job-%u.%d", spec->job_id, (int)getpid());
	snprintf(name, sizeof(name), "job-%u", spec->job_id);
	remove_dir(parent, tmp);
	if (mkdirat(parent, tmp, 0755) < 0)
		return gm_err(err, -errno, "%s/%s: %s", spec->state_dir, tmp, strerror(errno));
	dirfd = openat(parent, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dirfd < 0)
		rc = gm_err(err, -errno, "%s: %s", tmp, strerror(errno));
	else if (fchmod(dirfd, 0755) < 0)
		rc = gm_err(err, -errno, "%s: %s", tmp, strerror(errno));
	else
		rc = fill_dir(dirfd, spec, err);
	if (rc == 0 && renameat(parent, tmp, parent, name) < 0) {
		rc = errno == ENOTEMPTY || errno == EEXIST ? -EEXIST : -errno;
		gm_err(err, rc, "job %u: %s", spec->job_id, strerror(-rc));
	}
	if (rc < 0)
		remove_dir(parent, tmp);
	return rc;
}

int gpumem_job_note_cgroup(const char *state_dir, uint32_t job_id, struct gpumem_error *err)
{
	char cgroup[sizeof(((struct gm_limits *)0)->cgroup)] = "", dir[PATH_MAX], path[PATH_MAX + 8];
	_cleanup_close_ int fd = -1;
	int rc = gm_own_job_cgroup(cgroup, sizeof(cgroup));

	if (rc < 0)
		return gm_err(err, rc, "this process is in no job's cgroup");
	if (gpumem_job_path(state_dir, job_id, dir, sizeof(dir)) < 0)
		return gm_err(err, -ENOENT, "%s: path too long", state_dir);
	snprintf(path, sizeof(path), "%s/limits", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return gm_err(err, -errno, "%s: %s", path, strerror(errno));
	if (pwrite(fd, cgroup, sizeof(cgroup), offsetof(struct gm_limits, cgroup)) !=
	    (ssize_t)sizeof(cgroup))
		return gm_err(err, -EIO, "%s: cannot write", path);
	return 0;
}

/* What a creator that did not get to the end left. */
static void remove_half_made(const char *state_dir, int parent, const char *name)
{
	_cleanup_closedir_ DIR *dir = opendir(state_dir);
	size_t len = strlen(name);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] == '.' && strncmp(e->d_name + 1, name, len) == 0 &&
		    e->d_name[1 + len] == '.')
			remove_dir(parent, e->d_name);
}

int gpumem_job_remove(const char *state_dir, uint32_t job_id, struct gpumem_error *err)
{
	_cleanup_close_ int parent = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[32];

	if (parent < 0)
		return errno == ENOENT ? 0 : gm_err(err, -errno, "%s: %s", state_dir, strerror(errno));
	snprintf(name, sizeof(name), "job-%u", job_id);
	remove_dir(parent, name);
	remove_half_made(state_dir, parent, name);
	if (faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return gm_err(err, -EBUSY, "%s/%s: cannot be removed", state_dir, name);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int gpumem_job_list(const char *state_dir, uint32_t **ret_ids, size_t *ret_count)
{
	_cleanup_closedir_ DIR *dir = opendir(state_dir);
	_cleanup_free_ uint32_t *ids = NULL;
	size_t count = 0, room = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		unsigned id;
		int used = 0;

		if (sscanf(e->d_name, "job-%u%n", &id, &used) != 1 || e->d_name[used] != '\0')
			continue;
		if (count == room) {
			uint32_t *more = realloc(ids, (room = room ? 2 * room : 16) * sizeof(*ids));

			if (!more)
				return -ENOMEM;
			ids = more;
		}
		ids[count++] = id;
	}
	if (count)
		qsort(ids, count, sizeof(*ids), by_number);
	*ret_ids = ids;
	*ret_count = count;
	ids = NULL;
	return 0;
}
