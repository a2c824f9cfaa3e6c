/* SPDX-License-Identifier: MIT */
/*
 * account.c: what a job did on this node, taken from its record, and added to the site's file.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define GM_WHERE "accounting"
#include "base/cleanup.h"
#include "ledger/view.h"

static bool used(const struct gpumem_job_device *d)
{
	return d->peak_bytes || d->moved_in_bytes || d->moved_out_bytes || d->over_limit_ns ||
	       d->resident_bytes;
}

static void add_device(const struct gpumem_job_device *d, struct gpumem_account *a)
{
	struct gpumem_account_device *to = &a->device[a->device_count++];

	memcpy(to->pci, d->pci, sizeof(to->pci));
	to->limit_bytes = d->limit_bytes;
	to->wall_bytes = d->wall_bytes;
	to->peak_bytes = d->peak_bytes > d->resident_bytes ? d->peak_bytes : d->resident_bytes;
	to->mean_bytes = d->mean_bytes;
	to->migrated_bytes = d->moved_in_bytes;
	to->evicted_bytes = d->moved_out_bytes;
	to->refaulted_bytes = d->refaulted_bytes;
	to->over_limit_ns = d->over_limit_ns;
}

/* The ledger is made with the record and only written to after that. */
static int64_t begin_of(const struct gpumem_job *job)
{
	struct statx stx;

	if (statx(job->ledger_fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) < 0 ||
	    !(stx.stx_mask & STATX_BTIME))
		return 0;
	return stx.stx_btime.tv_sec;
}

int gpumem_account_of(struct gpumem_job *job, struct gpumem_account *ret)
{
	struct gpumem_account a = { .job_id = gpumem_job_id(job), .uid = gpumem_job_uid(job) };
	struct gpumem_job_device d;
	int rc;

	snprintf(a.node, sizeof(a.node), "%s", gpumem_job_node(job));
	snprintf(a.policy, sizeof(a.policy), "%s", gpumem_job_policy(job));
	a.begin = begin_of(job);
	rc = gpumem_job_totals(job, &a.processes, &a.turned_away, &a.watched_ns);
	if (rc == 0)
		rc = gpumem_job_failed(job, a.failed);
	for (size_t i = 0; rc == 0 && i < gpumem_job_device_count(job); i++) {
		rc = gpumem_job_device(job, i, &d);
		if (rc == 0 && (gpumem_job_given(job, i) || used(&d)))
			add_device(&d, &a);
	}
	if (rc == 0)
		*ret = a;
	return rc;
}

/* Opens the file with its lock held. A file that was renamed meanwhile is not the one any more. */
static int open_locked(const char *path, uint64_t max_bytes, struct gpumem_error *err)
{
	char old[PATH_MAX];
	struct stat st, now;
	int fd;

	for (;;) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0640);
		if (fd < 0)
			return gm_err(err, -errno, "%s: %s", path, strerror(errno));
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
			close(fd);
			return gm_err(err, -EPERM, "%s: not a regular file", path);
		}
		flock(fd, LOCK_EX);
		if (stat(path, &now) == 0 && now.st_ino == st.st_ino && now.st_dev == st.st_dev) {
			if (max_bytes == 0 || (uint64_t)now.st_size <= max_bytes)
				return fd;
			if (snprintf(old, sizeof(old), "%s.1", path) >= (int)sizeof(old) ||
			    rename(path, old) < 0)
				return fd;
		}
		close(fd);
	}
}

int gpumem_account_append(const char *path, const struct gpumem_account *account, uint64_t max_bytes,
			  struct gpumem_error *err)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_close_ int fd = -1;
	size_t len;
	int rc = gpumem_account_json(account, false, &line);

	if (rc < 0)
		return gm_err(err, rc, "out of memory");
	fd = open_locked(path, max_bytes, err);
	if (fd < 0)
		return fd;
	/* One write for the line and its end; the terminator's place is the end's. */
	len = strlen(line);
	line[len] = '\n';
	if (write(fd, line, len + 1) != (ssize_t)(len + 1))
		return gm_err(err, errno ? -errno : -EIO, "%s: cannot write: %s", path,
			      strerror(errno));
	return 0;
}
