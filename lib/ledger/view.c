/* SPDX-License-Identifier: MIT */
/*
 * view.c: reading a job's record, for tools, the plugin and teardown.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define GM_WHERE "record"
#include "base/cleanup.h"
#include "base/procfs.h"
#include "discover/numa_stat.h"
#include "ledger/ledger.h"
#include "ledger/view.h"

static int open_in(const char *dir, const char *name, int flags, struct gpumem_error *err)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", dir);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return gm_err(err, -errno, "%s: %s", path, strerror(errno));
	return fd;
}

int gpumem_job_open(const char *state_dir, uint32_t job_id, bool writable, struct gpumem_job **ret,
		    struct gpumem_error *err)
{
	_cleanup_free_ struct gpumem_job *job = calloc(1, sizeof(*job));
	_cleanup_free_ char *from = strdup(state_dir);
	_cleanup_close_ int limits_fd = -1;
	char dir[PATH_MAX];
	struct stat st;
	ssize_t n;
	int rc;

	if (!job || !from)
		return gm_err(err, -ENOMEM, "out of memory");
	if (gpumem_job_path(state_dir, job_id, dir, sizeof(dir)) < 0)
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", state_dir);
	if (access(dir, F_OK) < 0)
		return gm_err(err, -errno,
			      errno == ENOENT ? "job %u has no record on this node" :
						"job %u: record not readable",
			      job_id);
	limits_fd = open_in(dir, "limits", O_RDONLY, err);
	if (limits_fd < 0)
		return limits_fd;
	n = pread(limits_fd, &job->limits, sizeof(job->limits), 0);
	rc = gm_limits_check(&job->limits, n < 0 ? 0 : (size_t)n, err);
	if (rc < 0)
		return rc;
	job->ledger_fd = open_in(dir, "ledger", writable ? O_RDWR : O_RDONLY, err);
	if (job->ledger_fd < 0)
		return job->ledger_fd;
	if (fstat(job->ledger_fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(job->ledger_fd);
		return gm_err(err, -EPROTO, "%s/ledger: not a regular file", dir);
	}
	job->writable = writable;
	job->state_dir = from;
	*ret = job;
	from = NULL;
	job = NULL;
	return 0;
}

struct gpumem_job *gpumem_job_close(struct gpumem_job *job)
{
	if (job) {
		close(job->ledger_fd);
		free(job->state_dir);
		free(job);
	}
	return NULL;
}

const char *gpumem_job_state_dir(const struct gpumem_job *job)
{
	return job->state_dir;
}

uint32_t gpumem_job_id(const struct gpumem_job *job)
{
	return job->limits.job_id;
}

uid_t gpumem_job_uid(const struct gpumem_job *job)
{
	return job->limits.uid;
}

const char *gpumem_job_node(const struct gpumem_job *job)
{
	return job->limits.node;
}

const char *gpumem_job_policy(const struct gpumem_job *job)
{
	return job->limits.policy;
}

const char *gpumem_job_cgroup(const struct gpumem_job *job)
{
	return job->limits.cgroup;
}

size_t gpumem_job_device_count(const struct gpumem_job *job)
{
	return job->limits.device_count;
}

int gm_view_read(const struct gpumem_job *job, struct gm_ledger_file **ret)
{
	_cleanup_free_ struct gm_ledger_file *file = malloc(sizeof(*file));
	size_t want;

	if (!file)
		return -ENOMEM;
	if (pread(job->ledger_fd, &file->head, sizeof(file->head), 0) != sizeof(file->head) ||
	    file->head.magic != GM_LEDGER_MAGIC || file->head.version != GM_LAYOUT_VERSION)
		return -EIO;
	want = gm_view_slots(file) * sizeof(file->slot[0]);
	if (pread(job->ledger_fd, file->slot, want, offsetof(struct gm_ledger_file, slot)) !=
	    (ssize_t)want)
		return -EIO;
	*ret = file;
	file = NULL;
	return 0;
}

unsigned gm_view_slots(const struct gm_ledger_file *file)
{
	uint32_t used = atomic_load(&file->head.slots_used);

	return used < GM_SLOTS ? used : GM_SLOTS;
}

static bool slot_alive(const struct gm_slot *s)
{
	uint64_t owner = atomic_load(&s->owner);

	return owner && !(owner & GM_OWNER_DEAD) &&
	       gm_proc_alive(gm_owner_pid(owner), gm_owner_start(owner));
}

/* Sums of a device over all slots: those of the dead count until they are folded into the head. */
static void add_slot(const struct gm_slot *s, size_t i, struct gpumem_job_device *d)
{
	const struct gm_slot_device *sd = &s->device[i];

	d->moved_in_bytes += atomic_load(&sd->moved_in);
	d->moved_out_bytes += atomic_load(&sd->moved_out);
	d->refaulted_bytes += atomic_load(&sd->refaulted);
	if (slot_alive(s))
		d->resident_bytes += atomic_load(&sd->resident);
}

static void fill_totals(const struct gm_head *head, size_t i, struct gpumem_job_device *d)
{
	const struct gm_head_device *h = &head->device[i];
	uint64_t begun = atomic_load(&head->begun_ns), until = atomic_load(&head->sample_ns);
	uint64_t ms = until > begun ? (until - begun) / 1000000u : 0;

	d->moved_in_bytes = atomic_load(&h->moved_in);
	d->moved_out_bytes = atomic_load(&h->moved_out);
	d->refaulted_bytes = atomic_load(&h->refaulted);
	d->peak_bytes = atomic_load(&h->peak);
	d->mean_bytes = ms ? atomic_load(&h->byte_ms) / ms : 0;
	d->over_limit_ns = atomic_load(&h->over_ns);
}

int gpumem_job_device(struct gpumem_job *job, size_t i, struct gpumem_job_device *ret)
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	struct gpumem_job_device d = { 0 };
	const struct gm_limits_device *l;
	int rc;

	if (i >= job->limits.device_count)
		return -ERANGE;
	rc = gm_view_read(job, &file);
	if (rc < 0)
		return rc;
	l = &job->limits.device[i];
	memcpy(d.pci, l->pci, sizeof(d.pci));
	d.kind = l->kind;
	d.kfd_id = l->kfd_id;
	d.node = l->node;
	d.bytes = l->bytes;
	d.max_bytes = l->max_bytes;
	d.baseline_bytes = l->baseline_bytes;
	d.reserve_bytes = l->reserve_bytes;
	d.wall_bytes = l->wall_bytes;
	d.limit_bytes = atomic_load(&file->head.device[i].limit_bytes);
	if (d.limit_bytes > d.max_bytes)
		d.limit_bytes = d.max_bytes;
	d.request = atomic_load(&file->head.device[i].request);
	fill_totals(&file->head, i, &d);
	for (unsigned n = 0; n < gm_view_slots(file); n++)
		if (atomic_load(&file->slot[n].owner))
			add_slot(&file->slot[n], i, &d);
	*ret = d;
	return 0;
}

int gpumem_job_kernel_bytes(const struct gpumem_job *job, size_t i, uint64_t *ret)
{
	if (i >= job->limits.device_count)
		return -ERANGE;
	if (job->limits.device[i].kind == GPUMEM_KIND_SVM || job->limits.device[i].node < 0)
		return -ENOTSUP;
	if (job->limits.cgroup[0] != '/')
		return -ENOENT;
	return gm_numa_stat(job->limits.cgroup, job->limits.device[i].node, ret);
}

static void fill_engine(const struct gm_slot *s, struct gpumem_job_process *p)
{
	p->order = (enum gpumem_evict_order)atomic_load(&s->order);
	p->rule = (enum gpumem_rule)atomic_load(&s->arm);
	p->switches = atomic_load(&s->switches);
	p->signals = atomic_load(&s->signals);
	p->notes = atomic_load(&s->notes);
	p->hit_permille[0] = atomic_load(&s->hit_permille[0]);
	p->hit_permille[1] = atomic_load(&s->hit_permille[1]);
	p->hit_permille[2] = atomic_load(&s->hit_often_permille);
	p->hit_permille[3] = atomic_load(&s->hit_age_permille);
	p->seen_permille = atomic_load(&s->seen_permille);
	p->cpu_ns = atomic_load(&s->cpu_ns);
	p->chunk_count = atomic_load(&s->chunks);
	for (size_t k = 0; k < GPUMEM_HEAT_CLASSES; k++)
		p->host_class_bytes[k] = atomic_load(&s->host_class[k]) * GM_LEDGER_PAGE;
}

static void fill_process(const struct gpumem_job *job, const struct gm_slot *s,
			 struct gpumem_job_process *p)
{
	uint64_t owner = atomic_load(&s->owner);

	memset(p, 0, sizeof(*p));
	p->pid = gm_owner_pid(owner);
	p->start_ticks = gm_owner_start(owner);
	p->alive = slot_alive(s);
	p->step_id = atomic_load(&s->step_id);
	p->task_id = atomic_load(&s->task_id);
	p->state = (enum gpumem_agent_state)atomic_load(&s->state);
	memcpy(p->path, s->path, sizeof(p->path));
	p->path[sizeof(p->path) - 1] = '\0';
	p->open_error = (int)atomic_load(&s->open_error);
	p->host_bytes = atomic_load(&s->host_bytes);
	p->updated_ns = atomic_load(&s->updated_ns);
	for (size_t i = 0; i < job->limits.device_count; i++) {
		const struct gm_slot_device *d = &s->device[i];

		p->device[i].resident_bytes = atomic_load(&d->resident);
		p->device[i].step_limit_bytes = atomic_load(&d->step_limit);
		p->device[i].moved_in_bytes = atomic_load(&d->moved_in);
		p->device[i].moved_out_bytes = atomic_load(&d->moved_out);
		p->device[i].refaulted_bytes = atomic_load(&d->refaulted);
		p->device[i].fair_bytes =
			atomic_load(&d->fair_chunks) * (uint64_t)GPUMEM_CHUNK_BYTES;
		p->device[i].wanted_bytes = atomic_load(&d->wanted);
		p->device[i].request = atomic_load(&d->request);
		for (size_t k = 0; k < GPUMEM_HEAT_CLASSES; k++)
			p->device[i].class_bytes[k] =
				atomic_load(&s->device_class[i][k]) * GM_LEDGER_PAGE;
	}
	for (size_t i = 0; i < GPUMEM_FAIL_COUNT; i++)
		p->failed[i] = atomic_load(&s->failed[i]);
	fill_engine(s, p);
}

int gpumem_job_processes(struct gpumem_job *job, struct gpumem_job_process **ret, size_t *ret_count)
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	struct gpumem_job_process *p;
	size_t count = 0;
	int rc = gm_view_read(job, &file);

	if (rc < 0)
		return rc;
	p = calloc(gm_view_slots(file) + 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (unsigned n = 0; n < gm_view_slots(file); n++)
		if (atomic_load(&file->slot[n].owner))
			fill_process(job, &file->slot[n], &p[count++]);
	*ret = p;
	*ret_count = count;
	return 0;
}
