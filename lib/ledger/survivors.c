/* SPDX-License-Identifier: MIT */
/*
 * survivors.c: who of a job still lives after its last step, and ending them.
 *
 * The ledger is the user's file, so an entry counts only if the process has that start time and
 * belongs to the job's owner: the worst a forged one does is to name another process of the forger.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#define GM_WHERE "teardown"
#include "base/cleanup.h"
#include "base/procfs.h"
#include "ledger/view.h"

struct found {
	struct gpumem_survivor *list;
	size_t count, room;
};

static int add(struct found *f, const struct gpumem_job *job, pid_t pid, uint64_t resident)
{
	struct gpumem_survivor s = { .pid = pid, .resident_bytes = resident };
	uid_t uid;

	for (size_t i = 0; i < f->count; i++)
		if (f->list[i].pid == pid)
			return 0;
	/* Start time last: if it is unchanged by then, so was the owner. */
	if (gm_proc_uid(pid, &uid) < 0 || uid != job->limits.uid ||
	    gm_proc_start_ticks(pid, &s.start_ticks) < 0)
		return 0;
	gm_proc_comm(pid, s.comm);
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 16;
		void *more = realloc(f->list, room * sizeof(*f->list));

		if (!more)
			return -ENOMEM;
		f->list = more;
		f->room = room;
	}
	f->list[f->count++] = s;
	return 0;
}

static int from_ledger(struct found *f, struct gpumem_job *job)
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	int rc = gm_view_read(job, &file);

	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	for (unsigned n = 0; n < gm_view_slots(file); n++) {
		const struct gm_slot *s = &file->slot[n];
		uint64_t owner = atomic_load(&s->owner), resident = 0;

		if (!owner || (owner & GM_OWNER_DEAD) ||
		    !gm_proc_alive(gm_owner_pid(owner), gm_owner_start(owner)))
			continue;
		for (size_t i = 0; i < job->limits.device_count; i++)
			resident += atomic_load(&s->device[i].resident);
		rc = add(f, job, gm_owner_pid(owner), resident);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* cgroup.procs of the folder and of those below it; Slurm nests three levels. */
static int from_cgroup(struct found *f, const struct gpumem_job *job, const char *dir, int depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_fclose_ FILE *procs = NULL;
	char path[PATH_MAX];
	struct dirent *e;
	int pid, rc = 0;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path))
		return 0;
	procs = fopen(path, "re");
	while (procs && rc == 0 && fscanf(procs, "%d", &pid) == 1)
		rc = add(f, job, pid, 0);
	d = depth > 0 ? opendir(dir) : NULL;
	while (d && rc == 0 && (e = readdir(d))) {
		/* step_N/slurm holds slurmstepd itself. */
		if (e->d_type != DT_DIR || e->d_name[0] == '.' || strcmp(e->d_name, "slurm") == 0 ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		rc = from_cgroup(f, job, path, depth - 1);
	}
	return rc;
}

int gpumem_job_survivors(struct gpumem_job *job, struct gpumem_survivor **ret, size_t *ret_count)
{
	struct found f = { 0 };
	int rc = from_ledger(&f, job);

	if (rc == 0 && job->limits.cgroup[0] == '/')
		rc = from_cgroup(&f, job, job->limits.cgroup, 4);
	if (rc < 0) {
		free(f.list);
		return rc;
	}
	*ret = f.list;
	*ret_count = f.count;
	return 0;
}

int gpumem_survivor_kill(const struct gpumem_survivor *survivor, uint64_t timeout_ns)
{
	struct pollfd p = { .events = POLLIN };

	p.fd = (int)syscall(SYS_pidfd_open, survivor->pid, 0);
	if (p.fd < 0)
		return errno == ESRCH ? 0 : -errno;
	/* The descriptor holds the process; only now is the start time worth comparing. */
	if (gm_proc_alive(survivor->pid, survivor->start_ticks)) {
		syscall(SYS_pidfd_send_signal, p.fd, SIGKILL, NULL, 0);
		poll(&p, 1, (int)(timeout_ns / 1000000));
	}
	close(p.fd);
	return gm_proc_alive(survivor->pid, survivor->start_ticks) ? -ETIMEDOUT : 0;
}
