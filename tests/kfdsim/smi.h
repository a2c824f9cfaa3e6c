/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SMI events: text lines for whoever asked for them with SMI_EVENTS.
 */
#ifndef KS_SMI_H
#define KS_SMI_H

#include "kfdsim.h"

struct ks_process;

enum ks_migrate_trigger {
	KS_MIGRATE_PREFETCH,
	KS_MIGRATE_GPU_FAULT,
	KS_MIGRATE_CPU_FAULT,
	KS_MIGRATE_EVICTION,
};

enum ks_unmap_trigger {
	KS_UNMAP_NOTIFIER,
	KS_UNMAP_MIGRATE,
	KS_UNMAP_CPU,
};

/* What both lines of a migration say; addresses in pages, @end exclusive. */
struct ks_smi_migration {
	unsigned long start;
	unsigned long end;
	u32 from;
	u32 to;
	u32 prefetch_loc;
	u32 preferred_loc;
	enum ks_migrate_trigger trigger;
};

/* A new anonymous file for the caller; the descriptor or -errno. */
int ks_smi_open(struct ks_dev *dev);

void ks_smi_migrate_start(struct ks_dev *dev, struct ks_process *p,
			  const struct ks_smi_migration *m);
void ks_smi_migrate_end(struct ks_dev *dev, struct ks_process *p, const struct ks_smi_migration *m,
			int error);
void ks_smi_fault_start(struct ks_dev *dev, struct ks_process *p, unsigned long page, bool write);
void ks_smi_fault_end(struct ks_dev *dev, struct ks_process *p, unsigned long page, bool migrated);
void ks_smi_vmfault(struct ks_dev *dev, struct ks_process *p);
void ks_smi_queue_eviction(struct ks_dev *dev, struct ks_process *p);
void ks_smi_queue_restore(struct ks_dev *dev, struct ks_process *p);
void ks_smi_unmap(struct ks_dev *dev, struct ks_process *p, unsigned long start, unsigned long last,
		  enum ks_unmap_trigger trigger);

#endif /* KS_SMI_H */
