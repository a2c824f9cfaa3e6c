/* SPDX-License-Identifier: MIT */
/*
 * agent.c: libgpumem-agent.so, which a job's tasks preload: one thread that watches its process.
 *
 * Without GPUMEM_JOB in the environment it returns at once. With it, a thread waits a while before
 * it does anything, so that short-lived processes pay for the thread alone.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/placing.h"
#include "agent/rocm.h"
#include "agent/suspend.h"
#include "agent/thread.h"
#include "base/clock.h"
#include "base/loader.h"
#include "base/procfs.h"

#define PUBLIC __attribute__((visibility("default")))

#define FIRST_LOOK_NS 200000000ull /* processes that end sooner are left alone */
#define TICK_NS 200000000ull
#define SLOWEST_TICK_NS 800000000ull /* between passes when nothing changes */
#define QUIET_TICK_NS 2000000000ull  /* and the application has written nothing for so long: */
#define QUIET_NS 10000000000ull
#define SLICE_NS 100000000ull	     /* longest stretch of work before requests are read again */
#define OPEN_AGAIN_NS 2000000000ull
#define FIRST_CREDIT_NS 100000000ll
#define MAX_CREDIT_NS 100000000ll
#define HELD_NS 100000u /* for a pass that goes on without credit, for each per mille of the budget: half of a tick's */
#define LEAST_BYTES (4ull << 20) /* processes with less to move are not worth opening a device for */

static struct {
	char dir[PATH_MAX];
	char plan[GPUMEM_PLAN_LEN];
	uint64_t parent; /* owner word of the process that forked this one */
	atomic_bool stand_down;
	_Atomic(struct gm_proc *) attached;
	uint64_t open_again; /* the device could not be opened: not before this time */
	struct gm_proc proc;
} agent;

static void set_state(enum gpumem_agent_state state)
{
	atomic_store(&agent.proc.ledger.slot->state, (uint32_t)state);
}

/* Opens the device once there is enough to move; says in the ledger why not. */
static void open_if_worth(struct gm_proc *p, uint64_t *again)
{
	size_t index = p->admit_index == GM_PLACE_HOST ? p->home : p->admit_index;
	bool asked = gm_ledger_request(&p->ledger, index) == GPUMEM_REQUEST_MIGRATE;
	uint64_t cpu = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	/* A pass that is under way may have seen enough already. */
	uint64_t seen = p->host_bytes > p->pass_host_bytes ? p->host_bytes : p->pass_host_bytes;

	if (gm_proc_is_open(p) || (!asked && seen < LEAST_BYTES) ||
	    gm_now_ns(CLOCK_MONOTONIC) < *again)
		return;
	/* Nobody can tell whether such a program will load ROCm later. Asked by hand, the user has
	 * decided. */
	if (!asked && p->place.any_svm && gm_rocr_state() == GM_ROCR_ABSENT && gm_rocr_may_come()) {
		set_state(GPUMEM_AGENT_WAITING);
		return;
	}
	switch (gm_proc_open(p)) {
	case 0:
		/* Once for all that moves. */
		p->move_cpu_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
		gm_proc_restart(p);
		break;
	case -EAGAIN:
		set_state(GPUMEM_AGENT_WAITING);
		break;
	default:
		set_state(GPUMEM_AGENT_NO_DEVICE);
		*again = gm_now_ns(CLOCK_MONOTONIC) + OPEN_AGAIN_NS;
	}
}

/* CPU time that may be spent on watching: earned by the clock, spent by all this thread does but for moves. */
struct credit {
	int64_t ns;
	uint64_t since, earned_ns;
	uint64_t cpu_ns, moved_ns; /* of the thread and of its moves, as of the last payment */
};

static void earn(struct credit *c, unsigned permille)
{
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC);

	c->earned_ns = (now - c->since) * permille / 1000;
	c->ns += (int64_t)c->earned_ns;
	if (c->ns > MAX_CREDIT_NS)
		c->ns = MAX_CREDIT_NS;
	c->since = now;
}

static void wake(void)
{
	struct gm_proc *p = atomic_load(&agent.attached);

	if (p)
		gm_ledger_wake(&p->ledger);
}

/* How long to sleep when there is nothing to do: until the next look, or what bw= holds back. */
static uint64_t nap_ns(const struct gm_proc *p, uint64_t tick)
{
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC), nap = tick;

	if (p->bandwidth_wait_ns > now && p->bandwidth_wait_ns - now < nap)
		nap = p->bandwidth_wait_ns - now;
	if (p->engine_on && p->sweep.not_before_ns > now && p->sweep.not_before_ns - now < nap)
		nap = p->sweep.not_before_ns - now;
	return nap;
}

/* Since it was asked last. */
static uint64_t watched_ns(const struct gm_proc *p, struct credit *credit)
{
	uint64_t cpu = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t spent = cpu - credit->cpu_ns - (p->move_cpu_ns - credit->moved_ns);

	credit->cpu_ns = cpu;
	credit->moved_ns = p->move_cpu_ns;
	return spent;
}

/* What a round costs beside its looks never takes more than half of what was earned: where CPUs are slow or
 * busy, nothing would be left for looks. */
static void pay(struct gm_proc *p, struct credit *credit, uint64_t rest, uint64_t looked)
{
	uint64_t most = credit->earned_ns / 2;

	credit->ns -= (int64_t)(looked + (rest < most ? rest : most));
	atomic_fetch_add(&p->ledger.slot->cpu_ns, looked + rest);
}

/* Watching has one budget: half of it goes to presence (the pass), half to heat (the sweeps) and what follows
 * from it. A pass goes on without credit where there is room, or bw= has just held it up: what it comes to next
 * most likely moves, which is no watching. */
static bool look(struct gm_proc *p, const struct credit *credit)
{
	unsigned permille = p->ledger.limits->cpu_budget_permille;
	int64_t least = (int64_t)permille * HELD_NS;
	bool done, epoch = false;

	if (credit->ns > 0)
		epoch = gm_proc_sweep(p, (uint64_t)credit->ns, (permille + 1) / 2);
	done = gm_proc_scan(p, (uint64_t)(credit->ns > least ? credit->ns : least), SLICE_NS);
	if (epoch)
		gm_proc_exchange(p, SLICE_NS);
	return done;
}

static uint64_t next_tick(const struct gm_proc *p, uint64_t tick)
{
	bool quiet = p->sweep.quiet && gm_now_ns(CLOCK_MONOTONIC) - p->sweep.busy_ns > QUIET_NS;
	uint64_t slowest = quiet ? QUIET_TICK_NS : SLOWEST_TICK_NS;

	return tick >= slowest / 2 ? slowest : 2 * tick;
}

/* One round: what must leave, what may come, what is to be known. Returns how long to sleep; 0: go on. */
static uint64_t turn(struct gm_proc *p, struct credit *credit, uint64_t *tick)
{
	uint64_t moved0 = p->move_cpu_ns, rest;
	bool more, moved, moves, room, done = true, suspended = gm_suspend_turn(p);
	bool held = p->bandwidth_wait_ns != 0;

	p->bandwidth_wait_ns = 0;
	more = gm_proc_settle(p, SLICE_NS);
	/* What leaves for others may be the first part of it. */
	moved = p->changed;
	if (suspended) {
		/* To wait for the resume is no watching: that begins where it was left. */
		watched_ns(p, credit);
		atomic_store(&p->ledger.slot->updated_ns, gm_now_ns(CLOCK_BOOTTIME));
		return more ? 0 : GM_SUSPEND_TICK_NS;
	}
	if (p->admit_index != GM_PLACE_HOST || p->exchange)
		open_if_worth(p, &agent.open_again);
	gm_proc_events(p);
	if (!more)
		more = gm_proc_return(p, SLICE_NS);
	rest = watched_ns(p, credit);
	room = p->admit_index != GM_PLACE_HOST && p->admit_bytes >= GPUMEM_CHUNK_BYTES;
	/* Nothing comes before a limit that is passed, or a request. */
	if (!more && (credit->ns > 0 || held || room))
		done = look(p, credit);
	moves = p->move_cpu_ns != moved0;
	/* To decide what moves is a part of moving it: bw= takes a round for each chunk. */
	pay(p, credit, moves ? 0 : rest, watched_ns(p, credit));
	if (gm_proc_is_open(p))
		set_state(moves ? GPUMEM_AGENT_MOVING : GPUMEM_AGENT_WATCHING);
	atomic_store(&p->ledger.slot->updated_ns, gm_now_ns(CLOCK_BOOTTIME));
	if (more || (!done && (credit->ns > 0 || (room && moves)) && p->bandwidth_wait_ns < gm_now_ns(CLOCK_MONOTONIC)))
		return 0;
	if (moved || p->changed)
		*tick = TICK_NS;
	else if (done || credit->ns <= 0)
		*tick = next_tick(p, *tick);
	return nap_ns(p, done || credit->ns <= 0 ? *tick : TICK_NS);
}

static void watch(struct gm_proc *p)
{
	struct credit credit = { FIRST_CREDIT_NS, gm_now_ns(CLOCK_MONOTONIC), 0,
				 gm_now_ns(CLOCK_THREAD_CPUTIME_ID), p->move_cpu_ns };
	uint64_t tick = TICK_NS, next_reap = 0, nap, slept;

	agent.open_again = 0;
	gm_suspend_watch(wake);
	/* A process whose other threads have all ended would live on for this one. */
	while (!atomic_load(&agent.stand_down) && !gm_thread_leaving() && !gm_proc_last_thread()) {
		uint32_t seen = atomic_load(&p->ledger.file->head.doorbell);

		earn(&credit, p->ledger.limits->cpu_budget_permille);
		if (gm_now_ns(CLOCK_MONOTONIC) >= next_reap) {
			gm_ledger_reap(&p->ledger);
			next_reap = gm_now_ns(CLOCK_MONOTONIC) + 1000000000u;
		}
		nap = turn(p, &credit, &tick);
		if (nap == 0)
			continue;
		slept = gm_now_ns(CLOCK_MONOTONIC);
		gm_ledger_wait(&p->ledger, seen, nap);
		/* Somebody rang: there may be more to come. */
		if (gm_now_ns(CLOCK_MONOTONIC) - slept < nap)
			tick = TICK_NS;
	}
	gm_suspend_unwatch();
	atomic_store(&p->suspended, false);
}

static void agent_main(void)
{
	struct gm_proc *p = atomic_load(&agent.attached);

	if (!p) {
		gm_thread_sleep(FIRST_LOOK_NS);
		if (gm_thread_leaving() || atomic_load(&agent.stand_down) ||
		    gm_proc_attach(&agent.proc, agent.dir, agent.plan, agent.parent, NULL) < 0)
			return;
		p = &agent.proc;
		set_state(GPUMEM_AGENT_WATCHING);
		atomic_store(&agent.attached, p);
	}
	watch(p);
}

bool gm_agent_pause(void)
{
	return gm_thread_stop(wake);
}

void gm_agent_resume(void)
{
	gm_thread_start(agent_main);
}

static void in_child(void)
{
	struct gm_proc *p = atomic_exchange(&agent.attached, NULL);

	gm_loader_in_child();
	gm_suspend_after_fork();
	agent.parent = 0;
	if (p) {
		agent.parent = atomic_load(&p->ledger.slot->owner);
		if (p->place.svm.ops == &gm_kfd_shared || p->place.svm.ops == &gm_kfd_alone)
			gm_place_close(&p->place);
		/* libhsakmt has fork handlers of its own and opens anew in the child. */
		gm_proc_forget(p);
	}
	gm_thread_forget();
	if (!atomic_load(&agent.stand_down))
		gm_thread_start(agent_main);
}

__attribute__((constructor)) static void agent_load(void)
{
	const char *dir = getenv(GPUMEM_ENV_JOB), *plan;

	if (!dir)
		return;
	plan = getenv(GPUMEM_ENV_PLAN);
	if (!plan || strlen(dir) >= sizeof(agent.dir) || strlen(plan) >= sizeof(agent.plan))
		return;
	strcpy(agent.dir, dir);
	strcpy(agent.plan, plan);
	gm_exec_find();
	gm_placing_adopt(dir, plan);
	/* The thread first: it makes a malloc() of the application's set up its own fork handlers, which
	 * have to run before ours in the child. */
	gm_thread_start(agent_main);
	pthread_atfork(gm_loader_before_fork, gm_loader_after_fork, in_child);
}

struct gm_proc *gm_agent_attached(void)
{
	return atomic_load(&agent.attached);
}

/* Found by a libgpumem in the same process, so that both work on one chunk table. */
extern const struct gm_proc_offer gpumem_agent_offer_v1;
PUBLIC const struct gm_proc_offer gpumem_agent_offer_v1 = {
	.size = sizeof(struct gm_proc_offer),
	.get = gm_agent_attached,
	.prefetch = gm_proc_prefetch,
	.evict = gm_proc_evict,
	.advise = gm_proc_advise,
	.device_count = gm_proc_device_count,
	.device_own = gm_proc_device_own,
	.device_pci = gm_proc_device_pci,
	.rocr_is_up = gm_rocr_set_up,
	.nodes = gm_residency_nodes,
};

/* Called by the plugin in srun and its like, which inherit the environment of a batch script. */
void gpumem_agent_stand_down(void);
PUBLIC void gpumem_agent_stand_down(void)
{
	atomic_store(&agent.stand_down, true);
}
