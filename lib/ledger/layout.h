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
#define GM_LAYOUT_VERSION 1u
#define GM_SLOTS 256u

/* `limits`: written once by root (or by `gpumem run`), read-only for everybody after. */
struct gm_limits_device {
	char pci[GPUMEM_PCI_LEN];
	uint32_t kind, kfd_id;
	int32_t render_minor, node;
	uint64_t bytes, max_bytes, limit_bytes, baseline_bytes;
};

struct gm_limits {
	uint64_t magic;
	uint32_t version, size;
	uint32_t job_id, uid, gid, device_count;
	uint32_t cpu_budget_permille, reserved;
	char node[64];
	char policy[GPUMEM_POLICY_LEN];
	char cgroup[512];
	struct gm_limits_device device[GPUMEM_MAX_DEVICES];
};

/*
 * `ledger`: shared by the job's processes. Every word is written by one side only: the head and
 * a slot's `request` by who asks, all else in a slot by the slot's owner.
 */
struct gm_head_device {
	_Atomic uint64_t limit_bytes;
	_Atomic uint32_t request;
	uint32_t reserved;
};

struct gm_head {
	uint64_t magic;
	uint32_t version, size;
	uint32_t slots, slot_size;
	_Atomic uint32_t doorbell;   /* futex: counts up with each request */
	_Atomic uint32_t slots_used; /* slots at and above this one were never taken */
	_Atomic uint32_t turned_away; /* processes that found every slot taken */
	uint32_t reserved;
	struct gm_head_device device[GPUMEM_MAX_DEVICES];
};

/* owner: pid in bits 0-21, start time in ticks in bits 22-62, bit 63 set once the owner is dead. */
#define GM_OWNER_PID_BITS 22
#define GM_OWNER_DEAD (1ull << 63)

struct gm_slot_device {
	_Atomic uint64_t charged;  /* counts against limits: resident, and what is on its way */
	_Atomic uint64_t resident; /* as measured last */
	_Atomic uint64_t step_limit;
	_Atomic uint64_t moved_in, moved_out;
	_Atomic uint32_t request;
	uint32_t reserved;
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
	uint64_t reserved[8];
	struct gm_slot_device device[GPUMEM_MAX_DEVICES];
};

struct gm_ledger_file {
	struct gm_head head;
	struct gm_slot slot[GM_SLOTS];
};

_Static_assert(sizeof(struct gm_limits_device) == 64, "limits: device entry");
_Static_assert(sizeof(struct gm_limits) == 1896, "limits");
_Static_assert(sizeof(struct gm_head) == 296, "ledger: head");
_Static_assert(sizeof(struct gm_slot) == 960, "ledger: slot");

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
