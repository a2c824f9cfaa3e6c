/* SPDX-License-Identifier: MIT */
/*
 * request.c: what a tool writes into a job's ledger: limits and requests, then the doorbell.
 *
 * The user may cut his ledger short at any moment, and the tool may be root's: so words are written
 * with pwrite(), and the only mapping is touched by the kernel alone.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define GM_WHERE "request"
#include "base/cleanup.h"
#include "ledger/ledger.h"
#include "ledger/view.h"

static int check_writable(const struct gpumem_job *job, struct gpumem_error *err)
{
	struct stat st;

	if (!job->writable)
		return gm_err(err, -EROFS, "the record was opened for reading");
	if (fstat(job->ledger_fd, &st) < 0 || st.st_size != (off_t)sizeof(struct gm_ledger_file))
		return gm_err(err, -EPROTO, "job %u: the ledger was cut short", job->limits.job_id);
	return 0;
}

static int write_word(const struct gpumem_job *job, size_t offset, const void *word, size_t len,
		      struct gpumem_error *err)
{
	if (pwrite(job->ledger_fd, word, len, (off_t)offset) != (ssize_t)len)
		return gm_err(err, -EIO, "job %u: ledger: cannot write", job->limits.job_id);
	return 0;
}

/* Two tools at once may count up by one together: each wakes all the same. */
static int ring(const struct gpumem_job *job, struct gpumem_error *err)
{
	const size_t at = offsetof(struct gm_head, doorbell);
	uint32_t bell = 0;
	struct gm_head *head;
	int rc;

	if (pread(job->ledger_fd, &bell, sizeof(bell), (off_t)at) != sizeof(bell))
		return gm_err(err, -EIO, "job %u: ledger: cannot read", job->limits.job_id);
	bell++;
	rc = write_word(job, at, &bell, sizeof(bell), err);
	head = mmap(NULL, sizeof(*head), PROT_READ | PROT_WRITE, MAP_SHARED, job->ledger_fd, 0);
	if (rc < 0 || head == MAP_FAILED) /* agents look by themselves, if later */
		return rc;
	syscall(SYS_futex, &head->doorbell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	munmap(head, sizeof(*head));
	return 0;
}

static int device_in_range(const struct gpumem_job *job, size_t i, struct gpumem_error *err)
{
	if (i < job->limits.device_count)
		return 0;
	return gm_err(err, -ERANGE, "job %u has %u devices", job->limits.job_id,
		      job->limits.device_count);
}

int gpumem_job_set_limit(struct gpumem_job *job, size_t i, uint64_t bytes, struct gpumem_error *err)
{
	char want[32], max[32];
	int rc = device_in_range(job, i, err);

	if (rc < 0)
		return rc;
	if (bytes > job->limits.device[i].max_bytes)
		return gm_err(err, -ERANGE, "limit=%s is above the site's maximum of %s on %s",
			      gpumem_size_print(bytes, want, sizeof(want)),
			      gpumem_size_print(job->limits.device[i].max_bytes, max, sizeof(max)),
			      job->limits.device[i].pci);
	rc = check_writable(job, err);
	if (rc == 0)
		rc = write_word(job, offsetof(struct gm_head, device[i].limit_bytes), &bytes,
				sizeof(bytes), err);
	return rc == 0 ? ring(job, err) : rc;
}

static int write_live(const struct gpumem_job *job, size_t member, uint32_t value,
		      struct gpumem_error *err)
{
	if (value == 0)
		return 0;
	return write_word(job, offsetof(struct gm_head, live) + member, &value, sizeof(value), err);
}

int gpumem_job_live_policy(struct gpumem_job *job, struct gpumem_policy *ret)
{
	struct gpumem_policy p = { 0 };
	struct gm_options o;

	if (pread(job->ledger_fd, &o, sizeof(o), offsetof(struct gm_head, live)) != sizeof(o))
		return -EIO;
	p.placement = (enum gpumem_placement)atomic_load(&o.placement);
	p.evict = (enum gpumem_evict_order)atomic_load(&o.order);
	p.high_percent = atomic_load(&o.high_percent);
	p.low_percent = atomic_load(&o.low_percent);
	p.suspend = (enum gpumem_on_suspend)atomic_load(&o.suspend);
	p.bandwidth_bytes = atomic_load(&o.bandwidth_bytes);
	*ret = p;
	return 0;
}

/* Marks that are changed one at a time must fit the one that stays. */
static int check_marks(struct gpumem_job *job, const struct gpumem_policy *changes,
		       struct gpumem_error *err)
{
	struct gpumem_policy own, live;
	uint32_t high, low;

	if (gpumem_policy_parse(job->limits.policy, &own, NULL) < 0 ||
	    gpumem_job_live_policy(job, &live) < 0)
		return 0;
	high = changes->high_percent ? changes->high_percent :
	       live.high_percent     ? live.high_percent :
	       own.high_percent	     ? own.high_percent :
				       GPUMEM_HIGH_PERCENT;
	low = changes->low_percent ? changes->low_percent :
	      live.low_percent	   ? live.low_percent :
	      own.low_percent	   ? own.low_percent :
				     GPUMEM_LOW_PERCENT;
	if (low <= high || !(changes->high_percent || changes->low_percent))
		return 0;
	return gm_err(err, -EINVAL, "low=%u%% is above high=%u%%", low, high);
}

int gpumem_job_set_policy(struct gpumem_job *job, const struct gpumem_policy *changes,
			  struct gpumem_error *err)
{
	int rc = gpumem_policy_supported(changes, err);

	if (rc == 0 && changes->placement &&
	    !(job->limits.allowed_placements & (1u << changes->placement)))
		rc = gm_err(err, -EPERM, "'%s' is not a policy that this site allows",
			    gpumem_placement_name(changes->placement));
	if (rc == 0)
		rc = check_marks(job, changes, err);
	if (rc == 0)
		rc = check_writable(job, err);
	if (rc == 0)
		rc = write_live(job, offsetof(struct gm_options, placement), changes->placement,
				err);
	if (rc == 0)
		rc = write_live(job, offsetof(struct gm_options, order), changes->evict, err);
	if (rc == 0)
		rc = write_live(job, offsetof(struct gm_options, high_percent),
				changes->high_percent, err);
	if (rc == 0)
		rc = write_live(job, offsetof(struct gm_options, low_percent),
				changes->low_percent, err);
	if (rc == 0)
		rc = write_live(job, offsetof(struct gm_options, suspend), changes->suspend, err);
	if (rc == 0 && changes->bandwidth_bytes)
		rc = write_word(job,
				offsetof(struct gm_head, live) +
					offsetof(struct gm_options, bandwidth_bytes),
				&changes->bandwidth_bytes, sizeof(changes->bandwidth_bytes), err);
	return rc == 0 ? ring(job, err) : rc;
}

static int ask_slot(const struct gpumem_job *job, unsigned n, size_t i, uint32_t word,
		    struct gpumem_error *err)
{
	return write_word(job,
			  offsetof(struct gm_ledger_file, slot) + n * sizeof(struct gm_slot) +
				  offsetof(struct gm_slot, device[i].request),
			  &word, sizeof(word), err);
}

int gpumem_job_request(struct gpumem_job *job, pid_t pid, size_t i, enum gpumem_request request,
		       struct gpumem_error *err)
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	const uint32_t word = request;
	bool found = pid == 0;
	int rc = device_in_range(job, i, err);

	if (rc == 0)
		rc = check_writable(job, err);
	if (rc == 0 && gm_view_read(job, &file) < 0)
		rc = gm_err(err, -EIO, "job %u: ledger: cannot read", job->limits.job_id);
	if (rc == 0 && pid == 0)
		rc = write_word(job, offsetof(struct gm_head, device[i].request), &word, sizeof(word),
				err);
	for (unsigned n = 0; rc == 0 && n < gm_view_slots(file); n++) {
		uint64_t owner = atomic_load(&file->slot[n].owner);

		if (owner == 0 || (owner & GM_OWNER_DEAD))
			continue;
		/* A request to all replaces what single processes were asked before. */
		if (pid == 0)
			rc = ask_slot(job, n, i, GPUMEM_REQUEST_NONE, err);
		else if (gm_owner_pid(owner) == pid) {
			rc = ask_slot(job, n, i, word, err);
			found = true;
		}
	}
	if (rc == 0 && !found)
		rc = gm_err(err, -ESRCH, "process %d is not one of job %u's", (int)pid,
			    job->limits.job_id);
	return rc == 0 ? ring(job, err) : rc;
}
