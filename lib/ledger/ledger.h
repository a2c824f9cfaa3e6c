/* SPDX-License-Identifier: MIT */
/*
 * ledger.h: a process's side of its job's record: take a slot, charge against the limits, see
 * requests. Lock-free; needs libc alone.
 */
#ifndef GM_LEDGER_H
#define GM_LEDGER_H

#include <stdbool.h>

#include "base/err.h"
#include "ledger/layout.h"

struct gm_ledger {
	const struct gm_limits *limits;
	struct gm_ledger_file *file;
	struct gm_slot *slot; /* the own one; NULL before the claim */
};

/* Maps DIR/limits read-only and DIR/ledger shared. Errors: ENOENT, EACCES, EPROTO. */
int gm_ledger_map(const char *dir, struct gm_ledger *ret, struct gpumem_error *err);
void gm_ledger_unmap(struct gm_ledger *l);

/* Checks a limits file that was read or mapped: magic, version, size, counts, strings ended.
 * Pure. Errors: EPROTO. */
int gm_limits_check(const struct gm_limits *limits, size_t size, struct gpumem_error *err);

/* Takes a slot for (pid, start time): the process's own from before an exec, else the first that is
 * free or a dead owner's. Errors: ENOSPC every slot is taken (counted in the head). */
int gm_ledger_claim(struct gm_ledger *l, pid_t pid, uint64_t start_ticks);
/* Marks slots whose owner, seen through the same /proc, is gone; returns how many. One that is the parent of a living
 * owner of the same /proc waits for gm_ledger_inherited(). Costs one /proc read per slot in use, and one per such child. */
unsigned gm_ledger_reap(struct gm_ledger *l);

/*
 * The pages that a child shares with its parent are charged to the parent. When the parent ends
 * first they are the child's, who knows how many only after a look. Until then the parent's charges
 * count, so that nobody takes their room. True: that look is due.
 */
bool gm_ledger_inherits(const struct gm_ledger *l);
/* While it is: takes up to `bytes`, which the own slot was charged with, off the dead parent's charge. */
void gm_ledger_inherit(struct gm_ledger *l, size_t i, uint64_t bytes);
/* The look is over: what is left of the parent's charge was its alone. */
void gm_ledger_inherited(struct gm_ledger *l);

/* Bytes charged by all living owners on device i; with a step id, of that step alone. */
uint64_t gm_ledger_charged(const struct gm_ledger *l, size_t i);
uint64_t gm_ledger_step_charged(const struct gm_ledger *l, size_t i, uint32_t step_id);
/* What the job may hold on device i: the smallest of the ledger's, the site's and the kernel's limit. */
uint64_t gm_ledger_limit(const struct gm_ledger *l, size_t i);
/* Whether that is the kernel's, as the ledger's was raised since the step began. */
bool gm_ledger_walled(const struct gm_ledger *l, size_t i);

/*
 * Charges up to `want` bytes to the own slot and returns how many of them fit below `cap` (of all
 * processes; at most gm_ledger_limit()) and below `step_cap` (of the own step's).
 * The charge is announced before the sum is taken, so two processes at once may both be turned
 * back, but never both let in. Give back what was not used with gm_ledger_uncharge().
 */
uint64_t gm_ledger_charge(struct gm_ledger *l, size_t i, uint64_t want, uint64_t cap,
			  uint64_t step_cap);
void gm_ledger_uncharge(struct gm_ledger *l, size_t i, uint64_t bytes);

/* Where all stand on device i, for gm_share(): up to GM_SLOTS entries; *ret_own is the own one.
 * Returns how many. */
struct gm_holder;
size_t gm_ledger_holders(const struct gm_ledger *l, size_t i, struct gm_holder *ret,
			 size_t *ret_own);

/* Keeps the totals of the head up to `now_ns` (CLOCK_BOOTTIME): peak, mean, time over the limit. One
 * of those who ask at once does it, at most every 50 ms. */
void gm_ledger_sample(struct gm_ledger *l, uint64_t now_ns);
/* Remembers a decision in the own slot's ring. */
void gm_ledger_note(struct gm_ledger *l, uint64_t now_ns, uint64_t number, uint32_t pages,
		    uint16_t heat, enum gpumem_reason reason, size_t device);
/* bw=: whether `bytes` may move now, at `rate` bytes per second for the whole job; when not,
 * *ret_wait_ns says how long to wait. `now_ns` is CLOCK_MONOTONIC. */
bool gm_ledger_bandwidth(struct gm_ledger *l, uint64_t now_ns, uint64_t bytes, uint64_t rate,
			 uint64_t *ret_wait_ns);

/* The request in force for the own process on device i. */
enum gpumem_request gm_ledger_request(const struct gm_ledger *l, size_t i);

/* Sleeps until the doorbell leaves `seen` or the time is over. */
void gm_ledger_wait(const struct gm_ledger *l, uint32_t seen, uint64_t timeout_ns);
/* Ends such waits without a ring of the doorbell. */
void gm_ledger_wake(const struct gm_ledger *l);

#endif
