/* SPDX-License-Identifier: MIT */
/*
 * proc.h: one process and its memory: scan it, move it, keep the ledger true. The agent's thread
 * and the application's calls work on the same one, under its lock, a chunk at a time.
 */
#ifndef GM_PROC_H
#define GM_PROC_H

#include <pthread.h>

#include "agent/headroom.h"
#include "agent/signs.h"
#include "agent/trace.h"
#include "agent/weave.h"
#include "base/own_file.h"
#include "engine/engine.h"
#include "engine/share.h"
#include "ledger/ledger.h"
#include "place/maps.h"
#include "place/place.h"
#include "place/residency.h"
#include "place/smi.h"
#include "place/touched.h"

/* One try at every chunk of a device that has to give. */
struct gm_round {
	uint64_t not_before_ns; /* of the next one */
	uint32_t last;		/* chunks moved after this one are not of the round */
	bool going, stayed;
	uint8_t waits;
};

/* The policy in force: the plan's, with what was changed since on top. */
struct gm_rules {
	enum gpumem_placement placement;
	enum gpumem_evict_order order;
	uint32_t high_percent, low_percent;
	uint64_t bandwidth_bytes; /* 0: as fast as it goes */
	bool keep_on_suspend;
};

/* The look for touched memory that is under way, or the next one. */
struct gm_sweep {
	enum gm_touched_way way;
	bool going, probed;
	uintptr_t at;
	uint64_t not_before_ns, few_before_ns, quiet_before_ns; /* the next: by the signs since the last */
	unsigned quiet_epochs;  /* in a row */
	uint64_t quiet_wait_ns; /* as the last one that did not have to look demands */
	uint64_t cost_ns;     /* own time of the one under way */
	uint64_t dirty_pages; /* the application pays a fault for each when it writes again */
	uint64_t refaults;    /* of the engine, as last published */
	uint32_t until_referenced; /* sweeps until mappings are asked about */
	uint64_t faults, cpu_ns, ended_ns; /* as of the last clearing, and the last epoch's end */
	uint64_t busy_ns;     /* when something was written, as far as is known */
	bool quiet, asleep;   /* this epoch: nothing was written; and hardly any CPU time used */
	bool events;	      /* the GPU touched something in this epoch */
	bool unseen;	      /* it found memory that no pass has seen */
	unsigned early;	      /* the first sweeps, up to a few */
	uint64_t moved[64];   /* bits by chunk number: moved between nodes since the bits were cleared */
	struct gm_own_file clear_refs, smi;
	bool smi_tried;
};

struct gm_proc {
	pthread_mutex_t lock;
	struct gm_ledger ledger; /* .slot NULL: no job, no limit */
	struct gm_place place;
	struct gpumem_plan plan;
	struct gm_rules rules;
	struct gm_chunks chunks;
	struct gm_ranges ranges;
	struct gm_own_file pagemap;
	struct gm_trace trace;
	struct gm_headroom headroom;

	/* What decides about the home device: the plan's nearest. The others hold what was asked for. */
	struct gm_engine engine;
	bool engine_on;
	size_t home;
	uint64_t aside_until_ns; /* chunks that would not move are left alone; 0: there are none */
	uint32_t move_order; /* of chunks on other devices */

	/* the pass through memory that is under way */
	uint32_t pass;
	size_t at_range;
	uintptr_t at_addr;
	uint64_t host_bytes, pass_host_bytes;
	uint64_t pass_cost_ns; /* own time of it */
	/* The next pass: when there are signs that pages came, when there are none; 0: at once. */
	uint64_t pass_soon_ns, pass_not_before_ns;
	struct gm_signs pass_signs;  /* as of its begin; so are the next two */
	size_t pass_admit_index;
	uint64_t pass_admit_bytes, pass_cold_bytes;
	bool waits; /* the pass met a chunk that is to be tried again */
	bool trade_waits; /* one that may only come for another */
	struct gm_sweep sweep;
	struct gm_round round[GPUMEM_MAX_DEVICES];
	uint32_t doorbell; /* as of the last settling */
	bool changed; /* something moved, came or went since the pass began */
	bool parent_alive;
	bool inherits; /* this pass counts what a parent that ended has left */
	uint32_t notes; /* GPUMEM_NOTE_ bits of the last settling */

	uint64_t move_cpu_ns; /* spent inside moves, not counted as watching */
	uint64_t unchecked_bytes; /* moved in since the device's free memory was looked at */
	uint64_t bandwidth_wait_ns; /* bw= allows nothing before */
	size_t admit_index;   /* device to bring memory to; GM_PLACE_HOST: none */
	uint64_t admit_bytes; /* as much of it as there is room for */
	uint64_t cold_bytes;  /* of them, for what was there before and is not in use */
	struct gm_weave weave;
	uint64_t exchange_ns; /* the next one, where the rule has a period of its own */
	bool exchange;	      /* hotter chunks may replace colder ones there */
	enum gpumem_reason stay_reason; /* why nothing comes to the home device; 0: the room decides */
	uint32_t cleared;     /* bits: devices that everything was taken off */
	bool returning;	      /* chunks that left for a suspend are still to come back */
	atomic_bool suspended;
	bool was_suspended; /* as of the last settling */
};

/* Prepares for the devices of a table. `ledger` may be NULL; `job_dir` is its folder. */
int gm_proc_init(struct gm_proc *p, const struct gm_ledger *ledger, const char *job_dir,
		 const struct gm_place_devices *devices, const struct gpumem_plan *plan);
/* The same in a job: maps the record in `dir`, takes a slot, goes by the plan's text. `parent` is the
 * owner word of the process that forked this one, or 0. Errors: EINVAL a bad plan, ENOENT, EACCES,
 * EPROTO another layout, ENOSPC every slot is taken. */
int gm_proc_attach(struct gm_proc *p, const char *dir, const char *plan_text, uint64_t parent,
		   struct gpumem_error *err);
/* Frees what the process holds; its memory stays where it is. */
void gm_proc_fini(struct gm_proc *p);
/* In a forked child: drops all, as if it had never been. Async-signal-safe enough for a fork
 * handler: close(), munmap(). */
void gm_proc_forget(struct gm_proc *p);

/* Opens the device if it is not; the ledger says how, or why not. Errors: see gm_place_open(). */
int gm_proc_open(struct gm_proc *p);
bool gm_proc_is_open(struct gm_proc *p);

/* Lets go of the device, until it is opened again. Waits for the move under way. */
void gm_proc_release(struct gm_proc *p);

/* Looks at requests and limits and takes bytes off the devices; stops early after slice_ns.
 * Returns true when there is more to do. Sets admit_index, admit_bytes and exchange. */
bool gm_proc_settle(struct gm_proc *p, uint64_t slice_ns);
/* Goes on with the pass for cpu_ns of own CPU time and slice_ns of time; brings memory in where
 * admit_index says so. Returns true at the end of a pass, or when none is worth it yet. */
bool gm_proc_scan(struct gm_proc *p, uint64_t cpu_ns, uint64_t slice_ns);
/* The next scan begins a new pass. */
void gm_proc_restart(struct gm_proc *p);

/* Looks for touched memory, for cpu_ns of own CPU time; ends an epoch of the engine when it is through.
 * `permille` of a core is what looking may cost, the application's faults included: the next look waits as long
 * as that takes. Returns true when an epoch ended. */
bool gm_proc_sweep(struct gm_proc *p, uint64_t cpu_ns, unsigned permille);
/* Reads the GPU's events. */
void gm_proc_events(struct gm_proc *p);
/* Puts heat and the engine's view into the ledger. O(chunks). */
void gm_proc_publish(struct gm_proc *p);

/* Brings in what was touched and is away, in exchange for what is colder; for slice_ns. Where nothing may
 * come, says of some of it why. */
void gm_proc_exchange(struct gm_proc *p, uint64_t slice_ns);
/* Brings back what left for a suspend, hottest first. Returns true when there is more to do. */
bool gm_proc_return(struct gm_proc *p, uint64_t slice_ns);

/* Takes one chunk off its device, for `reason`; returns the bytes that left. Callers hold the lock. */
uint64_t gm_proc_out(struct gm_proc *p, uint32_t id, enum gpumem_reason reason);
/* Brings one chunk to device `index`. Callers hold the lock. */
uint64_t gm_proc_in(struct gm_proc *p, uint32_t id, size_t index, enum gpumem_reason reason,
		    bool *ret_full);
/* A chunk of the home device that would not move (pinned, say) is no victim for a while; callers hold the
 * lock. Those whose time is over are victims again. */
void gm_proc_set_aside(struct gm_proc *p, uint32_t id);
void gm_proc_put_back(struct gm_proc *p);
/* Whether the device still has free memory after `bytes` more moved in; looks seldom. */
bool gm_proc_has_room(struct gm_proc *p, uint64_t bytes);
/* Whether bw= would let a chunk move now; costs nothing of it. */
bool gm_proc_may_move(struct gm_proc *p);
/* Whether bw= lets a chunk move now, which pays for it. What must move is not held back, and pays as far as
 * bw= has something left. */
bool gm_proc_bandwidth(struct gm_proc *p, bool must);
/* Remembers in the ledger why a chunk moved or stayed. */
void gm_proc_note(struct gm_proc *p, uint32_t id, uint64_t bytes, enum gpumem_reason reason);

/* The application's calls; see gpumem.h. Lengths and addresses are checked by the caller. */
int gm_proc_prefetch(struct gm_proc *p, void *addr, size_t len, size_t index, uint64_t *ret_bytes);
int gm_proc_evict(struct gm_proc *p, void *addr, size_t len, uint64_t *ret_bytes);
int gm_proc_advise(struct gm_proc *p, void *addr, size_t len, enum gpumem_advice advice,
		   size_t index);

/* The agent offers the process it watches to a libgpumem in the same process. */
#define GM_PROC_OFFER "gpumem_agent_offer_v1"
struct gm_proc_offer {
	uint32_t size;
	struct gm_proc *(*get)(void); /* NULL before the agent attached */
	__typeof__(gm_proc_prefetch) *prefetch;
	__typeof__(gm_proc_evict) *evict;
	__typeof__(gm_proc_advise) *advise;
	size_t (*device_count)(const struct gm_proc *p);
	size_t (*device_own)(const struct gm_proc *p);
	const char *(*device_pci)(const struct gm_proc *p, size_t i);
	void (*rocr_is_up)(void);
	__typeof__(gm_residency_nodes) *nodes;
};

size_t gm_proc_device_count(const struct gm_proc *p);
size_t gm_proc_device_own(const struct gm_proc *p);
const char *gm_proc_device_pci(const struct gm_proc *p, size_t i);

#endif
