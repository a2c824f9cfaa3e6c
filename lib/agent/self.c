/* SPDX-License-Identifier: MIT */
/*
 * self.c: the own process, as an application uses it: on the agent's tables when the agent is
 * there, else on tables of the library's own.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GM_WHERE "process"
#include "agent/move.h"
#include "base/ctx.h"
#include "base/loader.h"

struct gpumem_process {
	unsigned refs;
	pid_t pid; /* a forked child's handle is not this one */
	const struct gm_proc_offer *ops;
	struct gm_proc *proc;
	struct gm_proc own;
};

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gpumem_process *the_process;

static const struct gm_proc_offer own_ops = {
	.size = sizeof(struct gm_proc_offer),
	.prefetch = gm_proc_prefetch,
	.evict = gm_proc_evict,
	.advise = gm_proc_advise,
	.device_count = gm_proc_device_count,
	.device_own = gm_proc_device_own,
	.device_pci = gm_proc_device_pci,
	.rocr_is_up = gm_rocr_set_up,
};

/* The agent takes its time before it attaches, so a program that calls early waits for it. */
static const struct gm_proc_offer *agent_offer(struct gm_proc **ret)
{
	const struct gm_proc_offer *offer = dlsym(RTLD_DEFAULT, GM_PROC_OFFER);

	if (!getenv(GPUMEM_ENV_JOB) || !offer || offer->size != sizeof(*offer))
		return NULL;
	for (int i = 0; i < 100; i++) {
		*ret = offer->get();
		if (*ret) {
			/* The library measures by itself. */
			gm_residency_set_nodes(offer->nodes());
			return offer;
		}
		usleep(10000);
	}
	return NULL;
}

static int devices_found(struct gpumem_ctx *ctx, struct gm_place_devices *ret,
			 struct gpumem_error *err)
{
	const struct gpumem_device *dev;
	struct gpumem_devices *devices;
	size_t i;
	int rc = gpumem_discover(ctx, GPUMEM_DISCOVER_NO_HWLOC, &devices, err);

	if (rc < 0)
		return rc;
	memset(ret, 0, sizeof(*ret));
	gpumem_devices_foreach(devices, dev, i)
	{
		struct gm_place_device *d = &ret->device[ret->count];

		if (gpumem_device_kind(dev) == GPUMEM_KIND_NONE || ret->count == GPUMEM_MAX_DEVICES)
			continue;
		snprintf(d->pci, sizeof(d->pci), "%s", gpumem_device_pci(dev));
		d->kind = gpumem_device_kind(dev);
		d->node = gpumem_device_node(dev);
		d->id = d->kind == GPUMEM_KIND_SVM ? gpumem_device_kfd_id(dev) : 0;
		d->render_minor = gpumem_device_render_minor(dev);
		ret->count++;
	}
	gpumem_devices_free(devices);
	return ret->count ? 0 :
			    gm_err(err, -ENODEV, "no coherent device that this process may use");
}

static int attach_own(struct gpumem_ctx *ctx, struct gpumem_process *process,
		      struct gpumem_error *err)
{
	const struct gpumem_plan plan = { .placement = GPUMEM_PLACE_ADVISE };
	const char *dir = getenv(GPUMEM_ENV_JOB), *text = getenv(GPUMEM_ENV_PLAN);
	struct gm_place_devices devices;
	int rc;

	process->ops = &own_ops;
	process->proc = &process->own;
	if (dir)
		return gm_proc_attach(&process->own, dir, text ? text : "", 0, err);
	rc = devices_found(ctx, &devices, err);
	if (rc < 0)
		return rc;
	rc = gm_proc_init(&process->own, NULL, NULL, &devices, &plan);
	return rc < 0 ? gm_err(err, rc, "/proc/self/pagemap: %s", strerror(-rc)) : 0;
}

/* So that no forked child finds the lock held by a thread that it does not have. */
static void before_fork(void)
{
	pthread_mutex_lock(&the_lock);
	gm_loader_before_fork();
}

static void after_fork(void)
{
	gm_loader_after_fork();
	pthread_mutex_unlock(&the_lock);
}

static void in_child(void)
{
	gm_loader_in_child();
	pthread_mutex_unlock(&the_lock);
}

static void set_fork_handlers(void)
{
	pthread_atfork(before_fork, after_fork, in_child);
}

int gpumem_attach(struct gpumem_ctx *ctx, struct gpumem_process **ret, struct gpumem_error *err)
{
	struct gpumem_process *process;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc = 0;

	pthread_once(&once, set_fork_handlers);
	pthread_mutex_lock(&the_lock);
	if (the_process && the_process->pid == getpid()) {
		the_process->refs++;
		*ret = the_process;
		goto out;
	}
	process = calloc(1, sizeof(*process));
	if (!process) {
		rc = gm_err(err, -ENOMEM, "out of memory");
		goto out;
	}
	process->refs = 1;
	process->pid = getpid();
	process->ops = agent_offer(&process->proc);
	if (!process->ops)
		rc = attach_own(ctx, process, err);
	if (rc < 0) {
		free(process);
		goto out;
	}
	/* Whoever attaches to move memory has his ROCm up by now, as the header demands. */
	if (gm_rocr_state() == GM_ROCR_COMING)
		process->ops->rocr_is_up();
	*ret = the_process = process;
out:
	pthread_mutex_unlock(&the_lock);
	return rc;
}

struct gpumem_process *gpumem_detach(struct gpumem_process *process)
{
	pthread_mutex_lock(&the_lock);
	if (process && --process->refs == 0) {
		if (process->proc == &process->own)
			gm_proc_fini(&process->own);
		if (the_process == process)
			the_process = NULL;
		free(process);
	}
	pthread_mutex_unlock(&the_lock);
	return NULL;
}

size_t gpumem_process_device_count(const struct gpumem_process *process)
{
	return process->ops->device_count(process->proc);
}

size_t gpumem_process_device_own(const struct gpumem_process *process)
{
	return process->ops->device_own(process->proc);
}

const char *gpumem_process_device_pci(const struct gpumem_process *process, size_t i)
{
	return process->ops->device_pci(process->proc, i);
}

static int check(const struct gpumem_process *process, const void *addr, size_t len, size_t i,
		 struct gpumem_error *err)
{
	if ((uintptr_t)addr % gm_page_bytes() || len % gm_page_bytes() || len == 0)
		return gm_err(err, -EINVAL, "address and length must be multiples of %zu",
			      gm_page_bytes());
	if (i >= gpumem_process_device_count(process))
		return gm_err(err, -ENODEV, "no device %zu: this process has %zu", i,
			      gpumem_process_device_count(process));
	return 0;
}

static int explain(const struct gpumem_process *process, size_t i, int rc, struct gpumem_error *err)
{
	const char *pci = gpumem_process_device_pci(process, i);

	switch (rc) {
	case 0:
		return 0;
	case -EDQUOT:
		return gm_err(err, rc, "%s: the job's limit allows no more", pci);
	case -EBUSY:
		return gm_err(err, rc, "%s: some pages would not move (pinned, shared or locked)",
			      pci);
	case -EAGAIN:
		return gm_err(err, rc, "ROCm is loaded but not initialised: call hsa_init() first");
	default:
		return gm_err(err, rc, "%s: %s", pci, strerror(-rc));
	}
}

int gpumem_prefetch(struct gpumem_process *process, void *addr, size_t len, size_t i,
		    uint64_t *ret_bytes, struct gpumem_error *err)
{
	int rc = check(process, addr, len, i, err);

	if (rc < 0)
		return rc;
	rc = process->ops->prefetch(process->proc, addr, len, i, ret_bytes);
	return explain(process, i, rc, err);
}

int gpumem_evict(struct gpumem_process *process, void *addr, size_t len, uint64_t *ret_bytes,
		 struct gpumem_error *err)
{
	int rc = check(process, addr, len, 0, err);

	if (rc < 0)
		return rc;
	rc = process->ops->evict(process->proc, addr, len, ret_bytes);
	return explain(process, 0, rc, err);
}

int gpumem_advise(struct gpumem_process *process, void *addr, size_t len, enum gpumem_advice advice,
		  size_t i, struct gpumem_error *err)
{
	int rc;

	if (advice < GPUMEM_ADVISE_DEVICE || advice > GPUMEM_ADVISE_KEEP_OUT)
		return gm_err(err, -EINVAL, "unknown advice %d", (int)advice);
	rc = check(process, addr, len, advice == GPUMEM_ADVISE_DEVICE ? i : 0, err);
	if (rc < 0)
		return rc;
	rc = process->ops->advise(process->proc, addr, len, advice, i);
	return explain(process, advice == GPUMEM_ADVISE_DEVICE ? i : 0, rc, err);
}
