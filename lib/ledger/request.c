/* SPDX-License-Identifier: MIT */
/*
 * request.c: what a tool writes into a job's ledger: limits and requests, then the doorbell.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#define GM_WHERE "request"
#include "ledger/ledger.h"
#include "ledger/view.h"

/* Mapped for the moment of the write only, and only at full size. */
static int map_ledger(struct gpumem_job *job, struct gm_ledger_file **ret, struct gpumem_error *err)
{
	struct stat st;
	void *p;

	if (!job->writable)
		return gm_err(err, -EROFS, "the record was opened for reading");
	if (fstat(job->ledger_fd, &st) < 0 || st.st_size != (off_t)sizeof(**ret))
		return gm_err(err, -EPROTO, "job %u: the ledger was cut short", job->limits.job_id);
	p = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED, job->ledger_fd, 0);
	if (p == MAP_FAILED)
		return gm_err(err, -errno, "ledger: %s", strerror(errno));
	*ret = p;
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
	struct gm_ledger_file *file;
	char want[32], max[32];
	int rc = device_in_range(job, i, err);

	if (rc < 0)
		return rc;
	if (bytes > job->limits.device[i].max_bytes)
		return gm_err(err, -ERANGE, "limit=%s is above the site's maximum of %s on %s",
			      gpumem_size_print(bytes, want, sizeof(want)),
			      gpumem_size_print(job->limits.device[i].max_bytes, max, sizeof(max)),
			      job->limits.device[i].pci);
	rc = map_ledger(job, &file, err);
	if (rc < 0)
		return rc;
	atomic_store(&file->head.device[i].limit_bytes, bytes);
	gm_ledger_ring(file);
	munmap(file, sizeof(*file));
	return 0;
}

int gpumem_job_request(struct gpumem_job *job, pid_t pid, size_t i, enum gpumem_request request,
		       struct gpumem_error *err)
{
	struct gm_ledger_file *file;
	bool found = pid == 0;
	int rc = device_in_range(job, i, err);

	if (rc == 0)
		rc = map_ledger(job, &file, err);
	if (rc < 0)
		return rc;
	if (pid == 0)
		atomic_store(&file->head.device[i].request, (uint32_t)request);
	for (unsigned n = 0; n < gm_view_slots(file); n++) {
		uint64_t owner = atomic_load(&file->slot[n].owner);

		if (owner == 0 || (owner & GM_OWNER_DEAD))
			continue;
		/* A request to all replaces what single processes were asked before. */
		if (pid == 0)
			atomic_store(&file->slot[n].device[i].request, GPUMEM_REQUEST_NONE);
		else if (gm_owner_pid(owner) == pid) {
			atomic_store(&file->slot[n].device[i].request, (uint32_t)request);
			found = true;
		}
	}
	if (found)
		gm_ledger_ring(file);
	munmap(file, sizeof(*file));
	if (!found)
		return gm_err(err, -ESRCH, "process %d is not one of job %u's", (int)pid,
			      job->limits.job_id);
	return 0;
}
