/* SPDX-License-Identifier: MIT */
/*
 * history.c: what a record remembers: decisions, failures, totals.
 */
#include <stdlib.h>

#define GM_WHERE "record"
#include "base/cleanup.h"
#include "ledger/ledger.h"
#include "ledger/view.h"

int gpumem_job_failed(struct gpumem_job *job, uint64_t ret[GPUMEM_FAIL_COUNT])
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	int rc = gm_view_read(job, &file);

	if (rc < 0)
		return rc;
	for (size_t k = 0; k < GPUMEM_FAIL_COUNT; k++) {
		ret[k] = atomic_load(&file->head.failed[k]);
		for (unsigned n = 0; n < gm_view_slots(file); n++)
			if (atomic_load(&file->slot[n].owner))
				ret[k] += atomic_load(&file->slot[n].failed[k]);
	}
	return 0;
}

int gpumem_job_totals(struct gpumem_job *job, uint32_t *ret_processes, uint32_t *ret_turned_away,
		      uint64_t *ret_ns)
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	uint64_t begun, until;
	int rc = gm_view_read(job, &file);

	if (rc < 0)
		return rc;
	begun = atomic_load(&file->head.begun_ns);
	until = atomic_load(&file->head.sample_ns);
	*ret_processes = atomic_load(&file->head.processes);
	*ret_turned_away = atomic_load(&file->head.turned_away);
	*ret_ns = until > begun ? until - begun : 0;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = ((const struct gpumem_decision *)a)->time_ns;
	uint64_t y = ((const struct gpumem_decision *)b)->time_ns;

	return (x < y) - (x > y);
}

static size_t add_ring(const struct gm_slot *s, pid_t pid, struct gpumem_decision *ret)
{
	size_t count = 0;

	for (size_t k = 0; k < GM_RING; k++) {
		const struct gm_ring_entry *e = &s->ring[k];
		struct gpumem_decision d = { .pid = pid, .time_ns = atomic_load(&e->time_ns) };

		if (d.time_ns == 0)
			continue;
		d.address = atomic_load(&e->number) * GPUMEM_CHUNK_BYTES;
		d.bytes = atomic_load(&e->pages) * GM_LEDGER_PAGE;
		d.heat = atomic_load(&e->heat);
		d.device = atomic_load(&e->device);
		d.reason = (enum gpumem_reason)atomic_load(&e->reason);
		ret[count++] = d;
	}
	return count;
}

int gpumem_job_decisions(struct gpumem_job *job, pid_t pid, struct gpumem_decision **ret,
			 size_t *ret_count)
{
	_cleanup_free_ struct gm_ledger_file *file = NULL;
	struct gpumem_decision *list;
	size_t count = 0;
	int rc = gm_view_read(job, &file);

	if (rc < 0)
		return rc;
	list = calloc((size_t)gm_view_slots(file) * GM_RING + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (unsigned n = 0; n < gm_view_slots(file); n++) {
		uint64_t owner = atomic_load(&file->slot[n].owner);

		if (owner && (pid == 0 || gm_owner_pid(owner) == pid))
			count += add_ring(&file->slot[n], gm_owner_pid(owner), list + count);
	}
	qsort(list, count, sizeof(*list), newest_first);
	*ret = list;
	*ret_count = count;
	return 0;
}
