/* SPDX-License-Identifier: MIT */
/*
 * job.c: prolog and epilog of a job on this node, as root: the record is made and unmade here.
 * Neither ever fails: that would drain the node.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gres.h"
#include "plugin.h"

#define KILL_WAIT_NS 2000000000ull
#define KILL_ROUNDS 5
#define POLL_NS 50000000

static int identity(spank_t sp, uint32_t *job_id, uid_t *uid, gid_t *gid)
{
	if (spank_get_item(sp, S_JOB_ID, job_id) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_UID, uid) != ESPANK_SUCCESS) {
		slurm_error("gpumem: Slurm does not say which job this is");
		return -1;
	}
	if (spank_get_item(sp, S_JOB_GID, gid) != ESPANK_SUCCESS)
		*gid = (gid_t)-1;
	return 0;
}

/* Whether the job was given the device. What it was not given is other jobs' to fill: the record
 * has every device of the node. */
static bool is_of_job(const struct site *site, const struct gpumem_devices *devices, const char *pci)
{
	const char *text = getenv("SLURM_JOB_GPUS"), *own;
	struct gres_list gpus;

	if (!text || gres_parse(text, &gpus) < 0)
		return false;
	for (size_t i = 0; i < gpus.count; i++) {
		own = gpumem_conf_gres_device(site->conf, site->node, devices, gpus.index[i]);
		if (own && strcmp(own, pci) == 0)
			return true;
	}
	return false;
}

/* The record has every device of the node; these are the job's. Steps may not name them all. */
static void give_devices(const struct site *site, const struct gpumem_devices *devices, uint32_t job_id)
{
	uint8_t device[GPUMEM_MAX_DEVICES];
	struct gpumem_job_device d;
	struct gpumem_job *job;
	size_t count = 0;

	if (gpumem_job_open(site->state_dir, job_id, false, &job, NULL) < 0)
		return;
	for (size_t i = 0; i < gpumem_job_device_count(job); i++)
		if (gpumem_job_device(job, i, &d) == 0 && is_of_job(site, devices, d.pci))
			device[count++] = (uint8_t)i;
	gpumem_job_close(job);
	gpumem_job_give(site->state_dir, job_id, device, count, NULL);
}

/* What others left in the memory of the job's GPUs, where that is a NUMA node: page cache goes if the site wants
 * it, the rest is told. */
static void clean_devices(const struct site *site, const struct gpumem_devices *devices, uint32_t job_id)
{
	bool drop = gpumem_conf_clean_page_cache(site->conf);
	const struct gpumem_device *dev;
	size_t i;

	gpumem_devices_foreach(devices, dev, i)
	{
		struct gpumem_clean clean = { 0 };
		struct gpumem_error err;
		const char *pci = gpumem_device_pci(dev);
		int node = gpumem_device_node(dev);

		if (gpumem_device_kind(dev) != GPUMEM_KIND_NUMA || !is_of_job(site, devices, pci))
			continue;
		if (gpumem_device_clean(site->ctx, dev, drop, &clean, &err) < 0)
			slurm_error("gpumem: job %u: %s: %s", job_id, pci, err.text);
		if (clean.dropped)
			slurm_info("gpumem: job %u: node %d (%s): page cache %" PRIu64
				   "M -> %" PRIu64 "M", job_id, node, pci, clean.cache_bytes >> 20,
				   clean.cache_left_bytes >> 20);
		else if (clean.much_cache)
			slurm_info("gpumem: job %u: node %d (%s): page cache %" PRIu64 "M", job_id,
				   node, pci, clean.cache_bytes >> 20);
		if (clean.much_anon)
			slurm_info("gpumem: job %u: node %d (%s): %" PRIu64
				   " bytes of others' memory", job_id, node, pci, clean.anon_bytes);
	}
}

void job_prolog(spank_t sp, int ac, char **av)
{
	struct gpumem_devices *devices = NULL;
	struct gpumem_error err = { 0 };
	struct gpumem_policy policy;
	struct owner owner;
	struct site site;
	uint32_t job_id;
	uid_t uid;
	gid_t gid;
	int rc;

	if (identity(sp, &job_id, &uid, &gid) < 0 ||
	    site_open(&site, ac, av) < 0)
		return;
	/* The same id comes back after a requeue, and after an epilog that never ran. */
	if (gpumem_job_remove(site.state_dir, job_id, &err) < 0)
		slurm_error("gpumem: %s", err.text);
	owner_of(uid, getenv("SLURM_JOB_PARTITION"), getenv("SLURM_JOB_ACCOUNT"), &owner);
	rc = site_policy(&site, &owner, option_of_job(sp), &policy, &err);
	/* A job without a policy has its GPUs too. */
	if (rc > 0 || gpumem_conf_clean_page_cache(site.conf))
		devices = site_devices(&site);
	if (devices)
		clean_devices(&site, devices, job_id);
	if (devices && rc > 0) {
		rc = site_record(&site, &owner, &policy, devices, job_id, uid, gid, &err);
		/* Without a device there is nothing to record; the step says what it means. */
		if (rc == 0)
			give_devices(&site, devices, job_id);
		rc = rc == -ENODEV ? 0 : rc;
	}
	if (rc < 0)
		slurm_error("gpumem: job %u: %s", job_id, err.text);
	gpumem_devices_free(devices);
	site_close(&site);
}

static void drain(const char *node, const char *reason)
{
	char name[96], why[256];
	int status = -1;
	pid_t pid;

	snprintf(name, sizeof(name), "nodename=%s", node);
	snprintf(why, sizeof(why), "reason=%s", reason);
	pid = fork();
	if (pid == 0) {
		execlp("scontrol", "scontrol", "update", name, "state=drain", why, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		slurm_error("gpumem: cannot drain %s: scontrol failed", node);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* All are told first and waited for after that: together they take no longer than one does. */
static void kill_all(const struct gpumem_survivor *list, size_t count)
{
	uint64_t until = now_ns() + KILL_WAIT_NS;

	for (size_t i = 0; i < count; i++)
		gpumem_survivor_kill(&list[i], 0);
	for (size_t i = 0; i < count; i++) {
		uint64_t now = now_ns();

		if (gpumem_survivor_kill(&list[i], now < until ? until - now : 0) < 0)
			slurm_error("gpumem: process %d does not end", (int)list[i].pid);
	}
}

/* Names the survivors, and under `kill` ends them. Returns how many are left, with how much. */
static size_t end_survivors(const struct site *site, struct gpumem_job *job, int kill_them,
			    uint64_t *ret_bytes)
{
	struct gpumem_survivor *list;
	size_t count = 0;

	*ret_bytes = 0;
	/* One more look than rounds: what the last one ended is not left. */
	for (int round = 0; round <= KILL_ROUNDS; round++) {
		if (gpumem_job_survivors(job, &list, &count) < 0 || count == 0) {
			*ret_bytes = 0;
			return 0;
		}
		for (size_t i = 0; round == 0 && i < count; i++)
			slurm_error("gpumem: job %u left process %d (%s) on %s with %" PRIu64
				    " bytes of GPU memory%s",
				    gpumem_job_id(job), (int)list[i].pid, list[i].comm, site->node,
				    list[i].resident_bytes, kill_them ? ": killing it" : "");
		*ret_bytes = 0;
		for (size_t i = 0; i < count; i++)
			*ret_bytes += list[i].resident_bytes;
		if (kill_them && round < KILL_ROUNDS)
			kill_all(list, count);
		free(list);
		if (!kill_them)
			break;
	}
	return count;
}

/* The kernel's figures of a node are not of one moment. */
static uint64_t slack(const struct gpumem_job_device *d)
{
	return d->kind == GPUMEM_KIND_NUMA ? d->bytes / 256 + (4ull << 20) : 0;
}

/* Waits for every device that the job was given to be back where it was. Returns the device that is not. */
static int wait_for_baseline(struct site *site, struct gpumem_job *job, char pci[GPUMEM_PCI_LEN],
			     uint64_t *ret_bytes)
{
	const struct timespec nap = { .tv_nsec = POLL_NS };
	struct gpumem_devices *devices = site_devices(site);
	uint64_t left = gpumem_conf_verify_seconds(site->conf) * (1000000000ull / POLL_NS);
	int dirty = 0;

	for (size_t i = 0; devices && i < gpumem_job_device_count(job); i++) {
		const struct gpumem_device *dev;
		struct gpumem_job_device d;
		uint64_t used = 0, most;

		if (gpumem_job_device(job, i, &d) < 0 || d.baseline_bytes == UINT64_MAX ||
		    !is_of_job(site, devices, d.pci))
			continue;
		most = d.baseline_bytes + slack(&d);
		dev = gpumem_devices_find(devices, d.pci);
		while (dev && gpumem_device_used(site->ctx, dev, &used) == 0 &&
		       used > most && left > 0) {
			nanosleep(&nap, NULL);
			left--;
		}
		if (dev && used > most && !dirty) {
			snprintf(pci, GPUMEM_PCI_LEN, "%s", d.pci);
			*ret_bytes = used - d.baseline_bytes;
			dirty = 1;
		}
	}
	gpumem_devices_free(devices);
	return dirty;
}

/* What the kernel still counts for the job, where its cgroup is still there. */
static void check_walls(const struct site *site, struct gpumem_job *job)
{
	struct gpumem_job_device d;
	uint64_t bytes;

	for (size_t i = 0; i < gpumem_job_device_count(job); i++)
		if (gpumem_job_device(job, i, &d) == 0 && d.wall_bytes &&
		    gpumem_job_wall_used(site->ctx, job, d.pci, &bytes) == 0 && bytes)
			slurm_error("gpumem: the cgroup of job %u still holds %" PRIu64
				    " bytes of %s", gpumem_job_id(job), bytes, d.pci);
}

/* Returns how many processes are left, and how many bytes they or nobody hold. */
static size_t verify(struct site *site, struct gpumem_job *job, uint64_t *ret_bytes)
{
	enum gpumem_leftover rule = gpumem_conf_leftover(site->conf);
	uint64_t bytes = 0;
	size_t left = end_survivors(site, job, rule == GPUMEM_LEFTOVER_KILL, &bytes);
	char pci[GPUMEM_PCI_LEN], reason[160] = "";

	if (left)
		snprintf(reason, sizeof(reason), "gpumem: job %u left %zu process%s",
			 gpumem_job_id(job), left, left == 1 ? "" : "es");
	else if (wait_for_baseline(site, job, pci, &bytes)) {
		snprintf(reason, sizeof(reason),
			 "gpumem: %s holds %" PRIu64 " bytes more than before job %u", pci, bytes,
			 gpumem_job_id(job));
		slurm_error("%s", reason);
	}
	if (reason[0] && rule == GPUMEM_LEFTOVER_DRAIN)
		drain(site->node, reason);
	check_walls(site, job);
	*ret_bytes = bytes;
	return left;
}

void job_epilog(spank_t sp, int ac, char **av)
{
	struct gpumem_error err = { 0 };
	struct gpumem_job *job;
	struct site site;
	uint64_t bytes;
	uint32_t job_id;
	size_t left;
	uid_t uid;
	gid_t gid;

	if (identity(sp, &job_id, &uid, &gid) < 0 ||
	    site_open(&site, ac, av) < 0)
		return;
	if (gpumem_job_open(site.state_dir, job_id, false, &job, &err) == 0) {
		left = verify(&site, job, &bytes);
		account_job(&site, job, (uint32_t)left, bytes);
		gpumem_job_close(job);
	}
	if (gpumem_job_remove(site.state_dir, job_id, &err) < 0)
		slurm_error("gpumem: %s", err.text);
	site_close(&site);
}
