/* SPDX-License-Identifier: MIT */
/*
 * change.c: changes of a record's limits, and what is noted there about the job on this node.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

#define GM_WHERE "record"
#include "base/cleanup.h"
#include "ledger/change.h"
#include "ledger/ledger.h"
#include "ledger/view.h"

/* One for all jobs: it is held for a few writes. */
static int take_lock(const char *state_dir, struct gpumem_error *err)
{
	char path[PATH_MAX];
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/" GM_LOCK_NAME, state_dir) >= (int)sizeof(path))
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", state_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return gm_err(err, -errno, "%s: %s", path, strerror(errno));
	while ((rc = flock(fd, LOCK_EX)) < 0 && errno == EINTR)
		;
	if (rc < 0) {
		rc = gm_err(err, -errno, "%s: %s", path, strerror(errno));
		close(fd);
		return rc;
	}
	return fd;
}

int gm_change_open(const char *state_dir, uint32_t job_id, struct gm_change *ret,
		   struct gpumem_error *err)
{
	_cleanup_close_ int fd = -1, lock = -1;
	char path[PATH_MAX];
	struct gm_change c;
	ssize_t n;
	int rc;

	if (snprintf(path, sizeof(path), "%s/job-%u/limits", state_dir, job_id) >= (int)sizeof(path))
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", state_dir);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return gm_err(err, -errno, "%s: %s", path, strerror(errno));
	lock = take_lock(state_dir, err);
	if (lock < 0)
		return lock;
	n = pread(fd, &c.limits, sizeof(c.limits), 0);
	rc = gm_limits_check(&c.limits, n < 0 ? 0 : (size_t)n, err);
	if (rc < 0)
		return rc;
	c.fd = fd;
	c.lock = lock;
	fd = lock = -1;
	*ret = c;
	return 0;
}

int gm_change_write(const struct gm_change *c, size_t offset, size_t len, struct gpumem_error *err)
{
	if (pwrite(c->fd, (const char *)&c->limits + offset, len, (off_t)offset) != (ssize_t)len)
		return gm_err(err, -EIO, "job %u: cannot write its limits", c->limits.job_id);
	return 0;
}

void gm_change_close(struct gm_change *c)
{
	/* Tasks are forked meanwhile, and a lock lives as long as the last copy of its descriptor. */
	flock(c->lock, LOCK_UN);
	close(c->lock);
	close(c->fd);
	c->fd = c->lock = -1;
}

int gpumem_job_give(const char *state_dir, uint32_t job_id, const uint8_t *device, size_t count,
		    struct gpumem_error *err)
{
	struct gm_change c;
	uint64_t bits = 0;
	int rc = gm_change_open(state_dir, job_id, &c, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (device[i] >= c.limits.device_count)
			rc = gm_err(err, -ERANGE, "job %u: no device %u", job_id, device[i]);
		else
			bits |= 1ull << device[i];
	}
	if (rc == 0 && bits & ~c.limits.given) {
		c.limits.given |= bits;
		rc = gm_change_put(&c, given, err);
	}
	gm_change_close(&c);
	return rc;
}

bool gpumem_job_given(const struct gpumem_job *job, size_t i)
{
	return gm_limits_given(&job->limits, i);
}

int gpumem_job_note_report(const char *state_dir, uint32_t job_id, struct gpumem_error *err)
{
	struct gm_change c;
	int rc = gm_change_open(state_dir, job_id, &c, err);

	if (rc < 0)
		return rc;
	c.limits.reported = 1;
	rc = gm_change_put(&c, reported, err);
	gm_change_close(&c);
	return rc;
}

bool gpumem_job_reported(const struct gpumem_job *job)
{
	return job->limits.reported != 0;
}
