/* SPDX-License-Identifier: MIT */
/*
 * attach.c: a process takes its place in its job's record.
 */
#include <string.h>

#define GM_WHERE "process"
#include "agent/attach.h"
#include "agent/proc.h"
#include "base/procfs.h"

void gm_devices_of(const struct gm_limits *limits, struct gm_place_devices *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->count = limits->device_count;
	for (uint32_t i = 0; i < limits->device_count; i++) {
		memcpy(ret->device[i].pci, limits->device[i].pci, GPUMEM_PCI_LEN);
		ret->device[i].kind = (enum gpumem_kind)limits->device[i].kind;
		ret->device[i].node = limits->device[i].node;
		ret->device[i].id = limits->device[i].kfd_id;
		ret->device[i].render_minor = limits->device[i].render_minor;
	}
}

int gm_check_plan(const struct gpumem_plan *plan, const struct gm_limits *limits,
		  struct gpumem_error *err)
{
	for (uint32_t i = 0; i < plan->device_count; i++)
		if (plan->device[i] >= limits->device_count)
			return gm_err(err, -EINVAL, "the plan names device %u, the job has %u",
				      plan->device[i], limits->device_count);
	return 0;
}

int gm_proc_attach(struct gm_proc *p, const char *dir, const char *plan_text, uint64_t parent,
		   struct gpumem_error *err)
{
	struct gm_place_devices devices;
	struct gpumem_plan plan;
	struct gm_ledger ledger;
	uint64_t start;
	pid_t pid;
	int rc;

	rc = gpumem_plan_parse(plan_text, &plan, err);
	if (rc == 0)
		rc = gm_ledger_map(dir, &ledger, err);
	if (rc < 0)
		return rc;
	rc = gm_check_plan(&plan, ledger.limits, err);
	if (rc == 0 && gm_proc_self(&pid, &start) < 0)
		rc = gm_err(err, -ESRCH, "/proc does not know this process");
	if (rc == 0 && gm_ledger_claim(&ledger, pid, start) < 0)
		rc = gm_err(err, -ENOSPC, "the job's record has no room for this process");
	if (rc < 0) {
		gm_ledger_unmap(&ledger);
		return rc;
	}
	atomic_store(&ledger.slot->parent, parent);
	atomic_store(&ledger.slot->step_id, plan.step_id);
	atomic_store(&ledger.slot->task_id, plan.task_id);
	for (size_t i = 0; i < GPUMEM_MAX_DEVICES; i++)
		atomic_store(&ledger.slot->device[i].step_limit, plan.limit_bytes[i]);
	gm_devices_of(ledger.limits, &devices);
	rc = gm_proc_init(p, &ledger, dir, &devices, &plan);
	if (rc < 0) {
		gm_ledger_unmap(&ledger);
		return gm_err(err, rc, "/proc/self/pagemap: %s", strerror(-rc));
	}
	return 0;
}
