/* SPDX-License-Identifier: MIT */
/*
 * step.c: in slurmstepd: a step's policy and GPUs become a plan for each of its tasks.
 *
 * What is wrong is found in step_begin() and told in step_task(), the one place where a job fails
 * cleanly. Nothing is loaded here but libgpumem, and no device is opened.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gres.h"
#include "plugin.h"

#define REFUSED_STATUS 1

/* Step ids that Slurm gives to what is not an ordinary step; the same in every version. */
#define STEP_EXTERN 0xfffffffcu
#define STEP_BATCH 0xfffffffbu
#define STEP_INTERACTIVE 0xfffffffau

static struct step {
	bool active; /* the tasks get an agent */
	char refusal[384]; /* why the job must not run */
	char notice[384];  /* what the user should know */
	char job_dir[PATH_MAX];
	uint32_t job_id, step_id;
	bool in_batch;	   /* a step that a batch script started */
	bool forked;	   /* a task of it was */
	uint32_t node_id;  /* among the step's */
	uint32_t tasks, ended; /* on this node */
	struct gpumem_policy policy;
	struct gres_list gpus, visible;
	struct site site;
	struct gpumem_devices *devices;
	size_t device_count; /* of the job's table */
	struct gpumem_job_device device[GPUMEM_MAX_DEVICES];
} step;

static const char *const visible_variables[] = { "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES",
						 "GPU_DEVICE_ORDINAL" };

static int list_from(spank_t sp, const char *variable, struct gres_list *ret)
{
	char text[1024];

	if (spank_getenv(sp, variable, text, sizeof(text)) != ESPANK_SUCCESS)
		return -ENOENT;
	return gres_parse(text, ret);
}

static void visible_list(spank_t sp, struct gres_list *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < sizeof(visible_variables) / sizeof(visible_variables[0]); i++)
		if (list_from(sp, visible_variables[i], ret) == 0 && ret->count)
			return;
}

static void find_gpus(spank_t sp)
{
	/* An ordinary step has its own list, the batch script and interactive shell the job's. */
	if (list_from(sp, "SLURM_STEP_GPUS", &step.gpus) < 0 &&
	    list_from(sp, "SLURM_JOB_GPUS", &step.gpus) < 0)
		step.gpus.count = 0;
	visible_list(sp, &step.visible);
}

/* Index in the job's device table of the node's n-th GPU; -1: not coherent, or not known. */
static int table_index(unsigned gres_index)
{
	const char *pci = gpumem_conf_gres_device(step.site.conf, step.site.node, step.devices,
						  gres_index);

	for (size_t i = 0; pci && i < step.device_count; i++)
		if (strcmp(step.device[i].pci, pci) == 0)
			return (int)i;
	return -1;
}

static void refuse_or_note(const char *text)
{
	snprintf(step.policy.placement == GPUMEM_PLACE_BIND ? step.refusal : step.notice,
		 sizeof(step.notice), "%s: %s", step.site.node, text);
}

/* `reserve=` must be free on every device of the step. */
static void check_reserve(void)
{
	for (size_t i = 0; step.policy.reserve_bytes && i < step.gpus.count; i++) {
		int n = table_index(step.gpus.index[i]);
		const struct gpumem_device *dev;
		uint64_t used, free_bytes;
		char text[200];

		if (n < 0)
			continue;
		dev = gpumem_devices_find(step.devices, step.device[n].pci);
		if (!dev || gpumem_device_used(step.site.ctx, dev, &used) < 0)
			continue;
		free_bytes = step.device[n].bytes > used ? step.device[n].bytes - used : 0;
		if (free_bytes > step.device[n].limit_bytes)
			free_bytes = step.device[n].limit_bytes;
		if (step.policy.reserve_bytes <= free_bytes)
			continue;
		snprintf(text, sizeof(text),
			 "%s: reserve=%" PRIu64 " bytes wanted, %" PRIu64 " bytes free",
			 step.device[n].pci, step.policy.reserve_bytes, free_bytes);
		refuse_or_note(text);
		return;
	}
}

/* With the reason of the first allocated GPU, if its address is known; the others of a node are alike. */
static void refuse_or_note_why(const char *what)
{
	char why[200] = "", text[300];
	const char *pci = NULL;

	if (step.gpus.count)
		pci = gpumem_conf_gres_device(step.site.conf, step.site.node, step.devices,
					      step.gpus.index[0]);
	if (pci)
		gpumem_devices_why_none(step.devices, pci, why, sizeof(why));
	snprintf(text, sizeof(text), "%s%s%s", what, why[0] ? ": " : "", why);
	refuse_or_note(text);
}

/* Words about a way back to system memory, on devices that are system memory. */
static void check_words(const struct gpumem_job_device *d)
{
	bool host = step.policy.placement == GPUMEM_PLACE_HOST;

	if (d->kind != GPUMEM_KIND_NUMA_SHARED || step.notice[0] ||
	    (!host && step.policy.suspend != GPUMEM_SUSPEND_EVICT))
		return;
	snprintf(step.notice, sizeof(step.notice),
		 "%s: %s shares the system's memory: %s means nothing there", step.site.node, d->pci,
		 host ? "host" : "suspend=evict");
}

static void check_gpus(void)
{
	size_t usable = 0;

	for (size_t i = 0; i < step.gpus.count; i++) {
		int n = table_index(step.gpus.index[i]);

		if (n < 0)
			continue;
		usable++;
		check_words(&step.device[n]);
	}
	if (step.gpus.count == 0)
		refuse_or_note("no GPU is allocated to this step, so its memory stays in system "
			       "memory");
	else if (usable == 0)
		refuse_or_note_why("no allocated GPU has coherent memory");
	else
		check_reserve();
}

/* The step's own limit counts beside the job's; it is told apart only if it is smaller. */
static void narrow_limits(const char *job_policy)
{
	char own[GPUMEM_POLICY_LEN], want[32], have[32];

	gpumem_policy_print(&step.policy, own, sizeof(own));
	if (strcmp(own, job_policy) == 0) {
		/* The job's policy itself: `gpumem set limit=` may raise it later. */
		step.policy.limit_bytes = 0;
		step.policy.limit_percent = 0;
		return;
	}
	for (size_t i = 0; i < step.device_count; i++)
		if (step.policy.limit_bytes > step.device[i].limit_bytes) {
			snprintf(step.notice, sizeof(step.notice),
				 "%s: limit=%s of this step is above the job's %s, which holds",
				 step.site.node,
				 gpumem_size_print(step.policy.limit_bytes, want, sizeof(want)),
				 gpumem_size_print(step.device[i].limit_bytes, have, sizeof(have)));
			step.policy.verbose = true;
			return;
		}
}

static int open_record(const struct owner *owner, const char *text, uid_t uid, gid_t gid,
		       struct gpumem_job **ret, struct gpumem_error *err)
{
	int rc = gpumem_job_open(step.site.state_dir, step.job_id, false, ret, err);

	if (rc != -ENOENT || !text)
		return rc;
	rc = site_record(&step.site, owner, &step.policy, step.devices, step.job_id, uid, gid, err);
	/* Another step of the job may have been faster. */
	if (rc < 0 && rc != -EEXIST)
		return rc;
	return gpumem_job_open(step.site.state_dir, step.job_id, false, ret, err);
}

/* The devices that Slurm gave to this step, by table index. */
static size_t own_devices(uint8_t ret[GPUMEM_MAX_DEVICES])
{
	size_t count = 0;

	for (size_t i = 0; i < step.gpus.count; i++) {
		int n = table_index(step.gpus.index[i]);

		if (n >= 0)
			ret[count++] = (uint8_t)n;
	}
	return count;
}

/* Where a job's cgroup is shows first in its steps. The kernel's own limit comes before any task. */
static void use_cgroup(void)
{
	struct gpumem_error err = { 0 };
	int rc = gpumem_job_note_cgroup(step.site.state_dir, step.job_id, &err);

	if (rc == 0 && gpumem_conf_hard_limit(step.site.conf))
		rc = gpumem_job_wall(step.site.ctx, step.site.state_dir, step.job_id, &err);
	if (rc < 0 && rc != -ENOTSUP && rc != -ENOENT)
		slurm_info("gpumem: job %u: %s: its limits are kept by its own processes",
			   step.job_id, err.text);
}

/* The kernel's weights are the node's: only who has all its GPUs may set them. */
static void weigh(void)
{
	uint8_t device[GPUMEM_MAX_DEVICES];
	struct gpumem_error err = { 0 };
	int rc;

	if (own_devices(device) < step.device_count)
		return;
	rc = gpumem_policy_weigh(&step.policy, step.device, step.device_count, &err);
	if (rc < 0 && rc != -ENOENT)
		slurm_info("gpumem: job %u: %s", step.job_id, err.text);
}

static void use_record(struct gpumem_job *job)
{
	uint8_t device[GPUMEM_MAX_DEVICES];

	step.device_count = gpumem_job_device_count(job);
	for (size_t i = 0; i < step.device_count; i++)
		if (gpumem_job_device(job, i, &step.device[i]) < 0)
			step.device_count = i;
	gpumem_job_path(step.site.state_dir, step.job_id, step.job_dir, sizeof(step.job_dir));
	narrow_limits(gpumem_job_policy(job));
	gpumem_job_give(step.site.state_dir, step.job_id, device, own_devices(device), NULL);
	check_gpus();
	weigh();
	step.active = step.device_count > 0;
}

/* Whose policy holds: the step's own, else the job's as its record has it. */
static int find_policy(const struct owner *owner, const char **text, struct gpumem_error *err)
{
	struct gpumem_job *job;
	int rc;

	if (*text)
		return site_policy(&step.site, owner, *text, &step.policy, err);
	if (gpumem_job_open(step.site.state_dir, step.job_id, false, &job, NULL) < 0)
		return 0;
	rc = gpumem_policy_parse(gpumem_job_policy(job), &step.policy, err);
	gpumem_job_close(job);
	return rc < 0 ? rc : 1;
}

static void plan_step(const struct owner *owner, uid_t uid, gid_t gid)
{
	struct gpumem_error err = { 0 };
	const char *text = option_text();
	struct gpumem_job *job;
	int rc = find_policy(owner, &text, &err);

	if (rc < 0) {
		/* Bad words do not come this far from a submit host with the plugin; a rule of the
		 * partition or account does. The job is left alone. */
		snprintf(step.notice, sizeof(step.notice), "%s: %s: the job's memory is left alone",
			 step.site.node, err.text);
		step.policy.verbose = true;
	}
	if (rc <= 0)
		return;
	step.devices = site_devices(&step.site);
	if (!step.devices) {
		refuse_or_note("its devices are not known");
		return;
	}
	rc = open_record(owner, text, uid, gid, &job, &err);
	if (rc < 0) {
		refuse_or_note_why(err.text);
		return;
	}
	use_cgroup();
	use_record(job);
	gpumem_job_close(job);
}

static void count_tasks(spank_t sp)
{
	char text[16] = "";

	if (spank_get_item(sp, S_JOB_LOCAL_TASK_COUNT, &step.tasks) != ESPANK_SUCCESS)
		step.tasks = 0;
	if (spank_get_item(sp, S_JOB_NODEID, &step.node_id) != ESPANK_SUCCESS)
		step.node_id = UINT32_MAX;
	/* Slurm's word in the script's environment, which its steps inherit. */
	step.in_batch = step.step_id != STEP_BATCH &&
			spank_getenv(sp, "ENVIRONMENT", text, sizeof(text)) == ESPANK_SUCCESS &&
			strcmp(text, "BATCH") == 0;
}

void step_begin(spank_t sp, int ac, char **av)
{
	char partition[128] = "", account[128] = "";
	struct owner owner;
	uid_t uid;
	gid_t gid;

	if (spank_get_item(sp, S_JOB_ID, &step.job_id) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_STEPID, &step.step_id) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_UID, &uid) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_GID, &gid) != ESPANK_SUCCESS)
		return;
	if (site_open(&step.site, ac, av) < 0)
		return;
	if (step.step_id == STEP_EXTERN) {
		use_cgroup();
		return;
	}
	spank_getenv(sp, "SLURM_JOB_PARTITION", partition, sizeof(partition));
	spank_getenv(sp, "SLURM_JOB_ACCOUNT", account, sizeof(account));
	owner_of(uid, partition[0] ? partition : NULL, account[0] ? account : NULL, &owner);
	count_tasks(sp);
	find_gpus(sp);
	plan_step(&owner, uid, gid);
	/* In the script this variable is a default for its steps, set by the script or not at all:
	 * one from the login shell would override the job's own policy. */
	if (step.step_id == STEP_BATCH || step.step_id == STEP_INTERACTIVE)
		spank_unsetenv(sp, "SLURM_GPU_MEM_POLICY");
}

static uint32_t distance_to(const struct gpumem_job_device *d)
{
	const struct gpumem_device *dev = gpumem_devices_find(step.devices, d->pci);
	cpu_set_t cpus;

	if (!dev || sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 0;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus) && gpumem_device_near_cpu(dev, cpu))
			return 0;
	return 1;
}

/* The part of the step's GPUs that this task's devices cgroup lets through. */
static void permitted_list(struct gres_list *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < step.gpus.count; i++) {
		const char *pci = gpumem_conf_gres_device(step.site.conf, step.site.node,
							  step.devices, step.gpus.index[i]);
		const struct gpumem_device *dev = pci ? gpumem_devices_find(step.devices, pci) :
							NULL;

		if (!dev || gpumem_device_permitted(dev))
			ret->index[ret->count++] = step.gpus.index[i];
	}
}

static int plan_task(spank_t sp, uint32_t task, struct gpumem_plan *ret)
{
	uint64_t bytes[GPUMEM_MAX_DEVICES];
	uint32_t distance[GPUMEM_MAX_DEVICES];
	struct gres_list permitted, visible, mine;
	uint8_t device[GPUMEM_MAX_DEVICES];
	size_t count = 0;

	/* Only now is the variable the task's own. */
	visible_list(sp, &visible);
	permitted_list(&permitted);
	gres_of_task(&step.gpus, &permitted, &step.visible, &visible, &mine);
	for (size_t i = 0; i < mine.count; i++) {
		int n = table_index(mine.index[i]);

		if (n < 0)
			continue;
		device[count] = (uint8_t)n;
		distance[count] = distance_to(&step.device[n]);
		bytes[count++] = step.device[n].bytes;
	}
	return gpumem_plan_make(&step.policy, device, distance, count, bytes, step.step_id, task,
				ret, NULL);
}

/* Puts `path` before what the user has in the variable. */
static void prepend(spank_t sp, const char *variable, const char *path)
{
	char old[4096] = "", value[4096 + PATH_MAX];
	spank_err_t rc = spank_getenv(sp, variable, old, sizeof(old));

	/* Too long to be read whole: rather no agent than the user's libraries cut off. */
	if (rc == ESPANK_NOSPACE || (rc == ESPANK_SUCCESS && strstr(old, path)))
		return;
	if (rc != ESPANK_SUCCESS)
		old[0] = '\0';
	snprintf(value, sizeof(value), "%s%s%s", path, old[0] ? " " : "", old);
	spank_setenv(sp, variable, value, 1);
}

static void say(const struct gpumem_plan *plan)
{
	char limit[32];

	if (plan->device_count == 0) {
		slurm_spank_log("gpumem: %s: %s, no device", step.site.node,
				gpumem_placement_name(plan->placement));
		return;
	}
	slurm_spank_log("gpumem: %s: %s, limit %s on each device, first task on %s",
			step.site.node, gpumem_placement_name(plan->placement),
			gpumem_size_print(step.device[plan->device[0]].limit_bytes, limit,
					  sizeof(limit)),
			step.device[plan->device[0]].pci);
}

int step_task(spank_t sp)
{
	struct gpumem_error err = { 0 };
	struct gpumem_plan plan;
	char text[GPUMEM_PLAN_LEN];
	int task = 0;

	spank_get_item(sp, S_TASK_ID, &task);
	if (step.refusal[0]) {
		if (task == 0)
			slurm_spank_log("gpumem: %s", step.refusal);
		/* Returning an error would add two lines of Slurm's own. */
		_exit(REFUSED_STATUS);
	}
	if (task == 0 && step.notice[0] && step.policy.verbose)
		slurm_spank_log("gpumem: %s", step.notice);
	if (!step.active || plan_task(sp, task < 0 ? 0 : (uint32_t)task, &plan) < 0)
		return 0;
	if (gpumem_plan_set_mempolicy(&plan, step.device, step.device_count, &err) < 0 && task == 0 &&
	    step.policy.verbose)
		slurm_spank_log("gpumem: %s: %s", step.site.node, err.text);
	if (gpumem_plan_print(&plan, text, sizeof(text)) < 0 || !*gpumem_agent_path())
		return 0;
	spank_setenv(sp, GPUMEM_ENV_JOB, step.job_dir, 1);
	spank_setenv(sp, GPUMEM_ENV_PLAN, text, 1);
	prepend(sp, "LD_PRELOAD", gpumem_agent_path());
	prepend(sp, "HSA_TOOLS_LIB", gpumem_agent_path());
	if (task == 0 && step.policy.verbose)
		say(&plan);
	return 0;
}

/* What the step may bring beside its --mem. Memory that CPU and GPU share is in it. */
static uint64_t own_limits(void)
{
	uint8_t device[GPUMEM_MAX_DEVICES];
	size_t count = own_devices(device);
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		if (step.device[device[i]].kind != GPUMEM_KIND_NUMA_SHARED)
			bytes += step.device[device[i]].limit_bytes;
	return bytes;
}

/* By the first task's fork Slurm has set the memory limits of the step, and those of the job anew: also
 * by a step that is left alone, or that is none of the user's, beside others that are not. */
void step_task_forked(void)
{
	struct gpumem_error err = { 0 };
	int rc;

	if (step.forked || !step.site.conf || !gpumem_conf_memcg_credit(step.site.conf))
		return;
	step.forked = true;
	/* The job first: the step's limit is nothing without it. */
	rc = gpumem_job_credit_memory(step.site.ctx, step.site.state_dir, step.job_id, &err);
	if (rc == 0 && step.active)
		rc = gpumem_step_credit_memory(step.site.ctx, NULL, own_limits(), &err);
	/* A job without a record has nothing to be credited. */
	if (rc < 0 && (step.active || rc != -ENOENT))
		slurm_info("gpumem: job %u: no memory credit: %s", step.job_id, err.text);
}

/* The last task's end is the last moment at which the user still reads what is said. */
void step_task_ended(spank_t sp)
{
	bool outer = step.step_id == STEP_BATCH || step.step_id == STEP_INTERACTIVE, to_slurm;

	(void)sp;
	if (!step.active || ++step.ended != step.tasks)
		return;
	to_slurm = gpumem_conf_admin_comment(step.site.conf) && step.node_id == 0 && !step.in_batch;
	if (!step.policy.report && !to_slurm)
		return;
	account_step(&step.site, step.job_id,
		     !step.policy.report ? ACCOUNT_SILENT :
		     outer		 ? ACCOUNT_PRINT_IF_FIRST :
					   ACCOUNT_PRINT,
		     to_slurm);
}

void step_end(void)
{
	step.devices = gpumem_devices_free(step.devices);
	site_close(&step.site);
}
