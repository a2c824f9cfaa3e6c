/* SPDX-License-Identifier: MIT */
/*
 * proc.c: a process from its first look to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/move.h"

int gm_proc_init(struct gm_proc *p, const struct gm_ledger *ledger, const char *job_dir,
		 const struct gm_place_devices *devices, const struct gpumem_plan *plan)
{
	memset(p, 0, sizeof(*p));
	p->sweep.clear_refs.fd = p->sweep.smi.fd = p->trace.file.fd = -1;
	pthread_mutex_init(&p->lock, NULL);
	if (ledger)
		p->ledger = *ledger;
	p->plan = *plan;
	p->admit_index = GM_PLACE_HOST;
	p->home = plan->device_count ? plan->device[0] : 0;
	gm_place_init(&p->place, devices, p->home);
	gm_headroom_init(&p->headroom, job_dir);
	/* Decisions are for those who share a limit. The seed is the same in each: so are the decisions. */
	if (ledger && ledger->slot) {
		p->engine_on = gm_engine_init(&p->engine, &p->chunks, (uint32_t)p->home, plan->evict,
					      plan->task_id) == 0;
		gm_proc_read_rules(p);
		gm_trace_open(&p->trace);
	}
	return gm_own_open(&p->pagemap, "/proc/self/pagemap", O_RDONLY);
}

void gm_proc_fini(struct gm_proc *p)
{
	gm_place_close(&p->place);
	gm_trace_close(&p->trace);
	gm_proc_forget(p);
	pthread_mutex_destroy(&p->lock);
}

void gm_proc_forget(struct gm_proc *p)
{
	gm_own_close(&p->pagemap);
	gm_own_close(&p->sweep.clear_refs);
	gm_own_close(&p->sweep.smi);
	gm_own_close(&p->trace.file);
	if (p->engine_on)
		gm_engine_fini(&p->engine);
	p->engine_on = false;
	gm_chunks_free(&p->chunks);
	gm_maps_free(&p->ranges);
	gm_place_forget(&p->place);
	gm_ledger_unmap(&p->ledger);
}

int gm_proc_open(struct gm_proc *p)
{
	struct gm_slot *s = p->ledger.slot;
	int rc;

	pthread_mutex_lock(&p->lock);
	rc = gm_place_open(&p->place);
	if (s)
		atomic_store(&s->open_error, (uint32_t)-rc);
	if (s && rc == 0)
		memcpy(s->path, gm_place_way(&p->place), strlen(gm_place_way(&p->place)) + 1);
	pthread_mutex_unlock(&p->lock);
	return rc;
}

bool gm_proc_is_open(struct gm_proc *p)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = gm_place_is_open(&p->place);
	pthread_mutex_unlock(&p->lock);
	return is;
}

void gm_proc_release(struct gm_proc *p)
{
	pthread_mutex_lock(&p->lock);
	gm_place_close(&p->place);
	pthread_mutex_unlock(&p->lock);
}

size_t gm_proc_device_count(const struct gm_proc *p)
{
	return p->place.devices.count;
}

size_t gm_proc_device_own(const struct gm_proc *p)
{
	return p->home;
}

const char *gm_proc_device_pci(const struct gm_proc *p, size_t i)
{
	return i < p->place.devices.count ? p->place.devices.device[i].pci : NULL;
}
