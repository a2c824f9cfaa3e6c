/* SPDX-License-Identifier: MIT */
/*
 * outside.c: processes of a job that have no agent, on devices that are NUMA nodes: what they have
 * there, and moving it from outside. Whether that is allowed, the kernel says.
 */
#define GM_WHERE "outside"
#include "base/cleanup.h"
#include "base/procfs.h"
#include "discover/numa_order.h"
#include "ledger/view.h"
#include "place/numa.h"
#include "place/numa_maps.h"

struct outside {
	struct gpumem_survivor *list;
	size_t count;
};

static bool has_slot(const struct gm_ledger_file *file, const struct gpumem_survivor *s)
{
	uint64_t owner = gm_owner_word(s->pid, s->start_ticks);

	for (unsigned n = 0; n < gm_view_slots(file); n++)
		if (atomic_load(&file->slot[n].owner) == owner)
			return true;
	return false;
}

/* The job's processes without a live slot, the caller apart; with pid that one alone, or nobody. */
static int find(struct gpumem_job *job, pid_t pid, struct outside *ret)
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	struct outside all = { 0 };
	size_t kept = 0;
	int rc = gm_view_read(job, &file);

	if (rc == 0)
		rc = gpumem_job_survivors(job, &all.list, &all.count);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < all.count; i++)
		if (all.list[i].pid != getpid() && (!pid || all.list[i].pid == pid) &&
		    !has_slot(file, &all.list[i]))
			all.list[kept++] = all.list[i];
	all.count = kept;
	*ret = all;
	return 0;
}

static bool is_node(const struct gpumem_job *job, size_t i)
{
	return job->limits.device[i].kind == GPUMEM_KIND_NUMA && job->limits.device[i].node >= 0;
}

static uint64_t bytes_of_all(const struct outside *o, int node)
{
	uint64_t sum = 0, bytes;

	for (size_t k = 0; k < o->count; k++)
		if (gm_numa_maps_bytes(o->list[k].pid, node, &bytes) == 0)
			sum += bytes;
	return sum;
}

int gpumem_job_outside_bytes(struct gpumem_job *job, pid_t pid, size_t i, uint64_t *ret)
{
	struct outside o;
	int rc;

	if (i >= job->limits.device_count)
		return -ERANGE;
	if (!is_node(job, i)) {
		*ret = 0;
		return 0;
	}
	rc = find(job, pid, &o);
	if (rc < 0)
		return rc;
	*ret = bytes_of_all(&o, job->limits.device[i].node);
	free(o.list);
	return 0;
}

/* ---- moving ------------------------------------------------------------------------------ */

/* Where to, from where, and how much: the same for all processes of one call. */
struct order {
	struct gm_numa_move move;
	struct gm_node_set from;
	int node; /* the device's */
	bool to_device;
	uint64_t host_room; /* of the nearest node with CPUs */
};

/* What the limit and the device leave for processes from outside. */
static int room_for(struct gm_root *root, struct gpumem_job *job, size_t i, uint64_t *ret)
{
	uint64_t used, room;
	struct gpumem_job_device d;
	struct outside all;
	int rc = gpumem_job_device(job, i, &d);

	if (rc == 0)
		rc = find(job, 0, &all);
	if (rc < 0)
		return rc;
	used = d.resident_bytes + bytes_of_all(&all, d.node);
	free(all.list);
	*ret = d.limit_bytes > used ? d.limit_bytes - used : 0;
	room = gm_numa_room(root, d.node);
	if (*ret > room)
		*ret = room;
	return 0;
}

/* Nodes that are full come last: the kernel writes a report of each page it finds no room for. */
static size_t targets(struct gm_root *root, int node, int *to)
{
	int all[GM_NUMA_TARGETS];
	size_t count = gm_numa_order(root, node, all, GM_NUMA_TARGETS), n = 0;

	for (int full = 0; full < 2; full++)
		for (size_t i = 0; i < count; i++)
			if ((gm_numa_room(root, all[i]) == 0) == full)
				to[n++] = all[i];
	return n;
}

static int plan(struct gm_root *root, struct gpumem_job *job, size_t i, struct order *o,
		struct gpumem_moved *sum)
{
	int rc;

	if (o->to_device) {
		rc = room_for(root, job, i, &sum->room_bytes);
		if (rc < 0)
			return rc;
		o->move.to[0] = o->node;
		o->move.to_count = 1;
		/* What is on other devices is there for a reason. */
		o->from = gm_numa_system_nodes(root);
		if (o->move.max_bytes > sum->room_bytes)
			o->move.max_bytes = sum->room_bytes;
	} else {
		o->move.to_count = targets(root, o->node, o->move.to);
		gm_node_set_add(&o->from, o->node);
		o->host_room = o->move.to_count ? gm_numa_room(root, o->move.to[0]) : 0;
	}
	o->move.from = &o->from;
	return o->move.to_count && gm_node_set_nth(&o->from, 0) >= 0 ? 0 : -ENOTSUP;
}

static void count(struct gpumem_moved *sum, const struct gm_numa_moved *moved)
{
	sum->bytes += moved->bytes;
	sum->there_bytes += moved->there;
	sum->pinned_bytes += moved->failed[GM_NUMA_PINNED];
	sum->full_bytes += moved->failed[GM_NUMA_FULL];
	sum->shared_bytes += moved->failed[GM_NUMA_SHARED];
	sum->other_bytes += moved->failed[GM_NUMA_GONE] + moved->failed[GM_NUMA_OTHER];
}

static int move_process(struct order *o, pid_t pid, struct gpumem_moved *sum)
{
	uint64_t room = o->to_device ? o->move.max_bytes : o->host_room;
	struct gm_numa_moved moved = { 0 };
	struct gm_ranges ranges = { 0 };
	int rc = gm_maps_read_of(pid, &ranges);

	if (rc == 0 && ranges.count) {
		o->move.pid = pid;
		o->move.range = ranges.range;
		o->move.count = ranges.count;
		o->move.whole_bytes = room ? room : 1;
		rc = gm_numa_move(&o->move, &moved);
	}
	gm_maps_free(&ranges);
	o->host_room -= moved.bytes < o->host_room ? moved.bytes : o->host_room;
	if (o->move.max_bytes != UINT64_MAX)
		o->move.max_bytes -= moved.bytes < o->move.max_bytes ? moved.bytes : o->move.max_bytes;
	count(sum, &moved);
	return rc == -ENOENT ? -ESRCH : rc;
}

static void move_all(struct order *o, const struct outside *list, struct gpumem_moved *sum)
{
	for (size_t k = 0; k < list->count; k++) {
		const struct gpumem_survivor *s = &list->list[k];
		int rc = move_process(o, s->pid, sum);

		/* One that ended meanwhile has nothing to move. */
		if (rc < 0 && !gm_proc_alive(s->pid, s->start_ticks))
			continue;
		if (rc == 0) {
			sum->processes++;
			continue;
		}
		sum->unreached++;
		sum->last_error = rc;
	}
}

static int check(const struct gpumem_job *job, size_t i, unsigned workers, struct gpumem_error *err)
{
	if (i >= job->limits.device_count)
		return gm_err(err, -ERANGE, "job %u has %u devices", job->limits.job_id,
			      job->limits.device_count);
	if (!is_node(job, i))
		return gm_err(err, -ENOTSUP, "%s is no NUMA node: only a process itself moves its memory",
			      job->limits.device[i].pci);
	if (workers < 1 || workers > GM_NUMA_WORKERS)
		return gm_err(err, -EINVAL, "%u workers: 1 to %d are possible", workers,
			      GM_NUMA_WORKERS);
	return 0;
}

static int say(const struct gpumem_job *job, size_t i, int rc, struct gpumem_error *err)
{
	switch (rc) {
	case -EPERM:
	case -EACCES:
		return gm_err(err, rc, "job %u: its processes are another user's, or their cpuset leaves out node %d",
			      job->limits.job_id, job->limits.device[i].node);
	case -ENOTSUP:
		return gm_err(err, rc, "%s: no node with CPUs and memory is known", job->limits.device[i].pci);
	default:
		return gm_err(err, rc, "job %u: %s", job->limits.job_id, strerror(-rc));
	}
}

int gpumem_job_move_outside(struct gpumem_ctx *ctx, struct gpumem_job *job, pid_t pid, size_t i,
			    bool to_device, uint64_t max_bytes, unsigned workers,
			    struct gpumem_moved *ret, struct gpumem_error *err)
{
	struct order o = { .move = { .workers = workers, .max_bytes = max_bytes },
			   .to_device = to_device };
	struct gpumem_moved sum = { 0 };
	struct outside list;
	struct gm_root root;
	int rc = check(job, i, workers, err);

	if (rc < 0)
		return rc;
	o.node = job->limits.device[i].node;
	rc = find(job, pid, &list);
	if (rc < 0)
		return say(job, i, rc, err);
	if (pid && !list.count) {
		free(list.list);
		return gm_err(err, -ESRCH, "job %u has no process %d without an agent",
			      job->limits.job_id, (int)pid);
	}
	rc = gm_root_open(&root, ctx);
	if (rc == 0) {
		rc = list.count ? plan(&root, job, i, &o, &sum) : 0;
		if (rc == 0)
			move_all(&o, &list, &sum);
		gm_root_close(&root);
	}
	free(list.list);
	if (rc == 0 && sum.unreached && !sum.processes)
		rc = sum.last_error;
	if (rc < 0)
		return say(job, i, rc, err);
	*ret = sum;
	return 0;
}
