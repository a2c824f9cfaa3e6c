/* SPDX-License-Identifier: MIT */
/*
 * layout.h: the two files of a job's record, byte for byte. HACKING.md has the table.
 * A change of layout is a new GM_LAYOUT_VERSION; an agent that meets another one stays out.
 */
#ifndef GM_LAYOUT_H
#define GM_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#include "gpumem.h"

#define GM_LIMITS_MAGIC 0x314d494c4d505547ull /* "GUPMLIM1" */
#define GM_LEDGER_MAGIC 0x31474c4d454d5047ull /* "GPMEMLG1" */
#define GM_LAYOUT_VERSION 2u
#define GM_SLOTS 256u
#define GM_RING 96u	   /* decisions that a slot remembers */

/* `limits`: written by root (or by `gpumem run`), read-only for everybody after. */
struct gm_limits_device {
	char pci[GPUMEM_PCI_LEN];
	uint32_t kind, kfd_id;
	int32_t render_minor, node;
	uint64_t bytes, max_bytes, limit_bytes, baseline_bytes;
	uint64_t reserve_bytes; /* of the job; other jobs on the device leave it free */
	uint64_t wall_bytes;	/* dmem.max as written and read back; 0: kept by agents only */
};

/* Changes of the policy while the job runs (`gpumem set`); 0: as each task's plan has it. */
struct gm_options {
	_Atomic uint32_t placement, order, high_percent, low_percent, suspend;
	uint32_t reserved;
	_Atomic uint64_t bandwidth_bytes;
};

struct gm_limits {
	uint64_t magic;
	uint32_t version, size;
	uint32_t job_id, uid, gid, device_count;
	uint32_t cpu_budget_permille;
	uint32_t allowed_placements; /* bit per enum gpumem_placement: what `gpumem set` may choose */
	char node[64];
	char policy[GPUMEM_POLICY_LEN];
	char cgroup[512];
	uint64_t memory_base, memory_credit; /* the job's memory.max before, and what was added */
	uint64_t given;	   /* bits: devices of the table that Slurm gave to the job */
	uint64_t reported; /* 1: a step of the job has printed its report */
	uint64_t reserved;
	struct gm_limits_device device[GPUMEM_MAX_DEVICES];
};

/*
 * `ledger`: shared by the job's processes. In the head `limit_bytes`, `request`, `live` and the
 * doorbell are written by who asks; the totals by whichever agent gets there first. In a slot
 * `request` is written by who asks, all else by the slot's owner.
 */
struct gm_head_device {
	_Atomic uint64_t limit_bytes;
	_Atomic uint32_t request;
	_Atomic uint32_t draining; /* the high mark was passed, the low one is not reached yet */
	_Atomic uint64_t moved_in, moved_out, refaulted; /* of owners whose slots were taken again */
	_Atomic uint64_t peak;				 /* largest sum of charges seen */
	_Atomic uint64_t byte_ms;			 /* sum of charges over time */
	_Atomic uint64_t over_ns;			 /* time spent over the limit */
};

struct gm_head {
	uint64_t magic;
	uint32_t version, size;
	uint32_t slots, slot_size;
	_Atomic uint32_t doorbell;    /* futex: counts up with each request */
	_Atomic uint32_t slots_used;  /* slots at and above this one were never taken */
	_Atomic uint32_t turned_away; /* processes that found every slot taken */
	_Atomic uint32_t processes;   /* that ever took a slot */
	struct gm_options live;	      /* as changed since the start; 0: as the plan has it */
	_Atomic uint64_t bucket_ns;   /* bw=: when the bytes moved so far are paid for */
	_Atomic uint64_t sample_ns;   /* the totals are kept up to here; 0 before the first */
	_Atomic uint64_t begun_ns;    /* CLOCK_BOOTTIME of the first sample */
	_Atomic uint64_t failed[GPUMEM_FAIL_COUNT];
	uint64_t reserved[9];
	struct gm_head_device device[GPUMEM_MAX_DEVICES];
	char unused[2848]; /* slots begin at a page of their own */
};

/* owner: pid in bits 0-21, start time in ticks in bits 22-62, bit 63 set once the owner is dead. */
#define GM_OWNER_PID_BITS 22
#define GM_OWNER_DEAD (1ull << 63)

struct gm_slot_device {
	_Atomic uint64_t charged;  /* counts against limits: resident, and what is on its way */
	_Atomic uint64_t resident; /* as measured last */
	_Atomic uint64_t step_limit;
	_Atomic uint64_t moved_in, moved_out;
	_Atomic uint64_t refaulted; /* wanted back soon after they were evicted */
	_Atomic uint64_t wanted;    /* would move in if there were room */
	_Atomic uint32_t request;
	_Atomic uint32_t fair_chunks; /* what each process is guaranteed, as the owner sees it */
};

#define GM_LEDGER_PAGE 4096ull /* bytes: the unit where pages are meant, whatever the kernel's are */

/* One decision. `time_ns` is written last; 0: being written. */
struct gm_ring_entry {
	_Atomic uint64_t time_ns; /* CLOCK_BOOTTIME */
	_Atomic uint64_t number;  /* address / GPUMEM_CHUNK_BYTES */
	_Atomic uint32_t pages;	  /* that moved, in GM_LEDGER_PAGE */
	_Atomic uint16_t heat;
	_Atomic uint8_t reason, device;
};

struct gm_slot {
	_Atomic uint64_t owner;
	_Atomic uint64_t parent; /* owner word of the process that forked this one, or 0 */
	_Atomic uint32_t step_id, task_id;
	_Atomic uint32_t state, open_error;
	char path[16];
	_Atomic uint64_t host_bytes, updated_ns;
	_Atomic uint64_t failed[GPUMEM_FAIL_COUNT];
	_Atomic uint64_t proc_view; /* gm_proc_view() of the owner: where his pid means him */
	_Atomic uint32_t order, arm; /* enum gpumem_evict_order, enum gpumem_rule */
	_Atomic uint32_t switches;
	_Atomic uint32_t signals; /* GPUMEM_SIGNAL_ bits that are live */
	_Atomic uint32_t hit_permille[2]; /* what the shadows say of heat and pin */
	_Atomic uint32_t seen_permille;	  /* touches that met the device, lately */
	_Atomic uint32_t notes;		  /* GPUMEM_NOTE_ bits */
	_Atomic uint64_t cpu_ns;	  /* the agent's own, moves apart */
	_Atomic uint64_t chunks;
	_Atomic uint32_t epoch, ring_next; /* count up */
	_Atomic uint32_t host_class[GPUMEM_HEAT_CLASSES]; /* in system memory, by heat */
	_Atomic uint32_t hit_often_permille, hit_age_permille;
	uint64_t reserved[4];
	struct gm_slot_device device[GPUMEM_MAX_DEVICES];
	_Atomic uint32_t device_class[GPUMEM_MAX_DEVICES][GPUMEM_HEAT_CLASSES]; /* in GM_LEDGER_PAGE, too */
	struct gm_ring_entry ring[GM_RING];
};

struct gm_ledger_file {
	struct gm_head head;
	struct gm_slot slot[GM_SLOTS];
};

_Static_assert(sizeof(struct gm_limits_device) == 80, "limits: device entry");
_Static_assert(sizeof(struct gm_limits) == 2192, "limits");
_Static_assert(sizeof(struct gm_head) == 4096, "ledger: head");
_Static_assert(sizeof(struct gm_slot) == 4096, "ledger: slot");

static inline uint64_t gm_owner_word(pid_t pid, uint64_t start_ticks)
{
	return ((start_ticks << GM_OWNER_PID_BITS) | (uint64_t)pid) & ~GM_OWNER_DEAD;
}

static inline pid_t gm_owner_pid(uint64_t word)
{
	return (pid_t)(word & ((1u << GM_OWNER_PID_BITS) - 1));
}

static inline uint64_t gm_owner_start(uint64_t word)
{
	return (word & ~GM_OWNER_DEAD) >> GM_OWNER_PID_BITS;
}

#endif
