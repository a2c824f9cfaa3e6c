/* SPDX-License-Identifier: MIT */
/*
 * suspend.c: SIGTSTP, answered late.
 *
 * The default action stops a process, unless its group is an orphaned one: then the kernel drops the
 * signal. Slurm's tasks may be such, and then it is the freezer that stops them, two seconds later. When they go on
 * they get SIGCONT, and without that a hole in the time shows it.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/suspend.h"
#include "base/clock.h"

#define BOUND_NS 1800000000ull	  /* the process stops then, whatever is still on a device */
#define HOLE_NS 1000000000ull	  /* between two turns: it was frozen */
#define PATIENCE_NS 15000000000ull /* nobody stops it: a signal sent for nothing */

enum phase { RUNS, EMPTIES, WAITS };

static struct {
	void (*wake)(void);
	pid_t pid;
	atomic_bool asked, stopping, goes_on;
	enum phase phase;
	uint64_t since_ns, last_ns;
} self;

/* Only what is safe in a signal handler: atomics and futex(2). The application runs on until the device is
 * empty. */
static void on_stop(int signo)
{
	int saved = errno;

	if (getpid() != self.pid) {
		/* A child of clone(2), which no fork handler saw: it has no agent. Blocked until we return. */
		signal(signo, SIG_DFL);
		raise(signo);
	} else if (!atomic_load(&self.stopping)) {
		atomic_store(&self.asked, true);
		self.wake();
	}
	errno = saved;
}

static void on_continue(int signo)
{
	int saved = errno;

	(void)signo;
	atomic_store(&self.goes_on, true);
	self.wake();
	errno = saved;
}

static bool is(const struct sigaction *sa, void (*handler)(int))
{
	return !(sa->sa_flags & SA_SIGINFO) && sa->sa_handler == handler;
}

/* Puts `to` in the place of `from`, if that is what is there. What the application sets between the two
 * looks is given back to it. */
static void exchange(int signo, void (*from)(int), void (*to)(int))
{
	struct sigaction sa = { .sa_flags = to == SIG_DFL ? 0 : SA_RESTART }, now;

	if (sigaction(signo, NULL, &now) < 0 || !is(&now, from))
		return;
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = to;
	if (sigaction(signo, &sa, &now) == 0 && !is(&now, from))
		sigaction(signo, &now, NULL);
}

/* The default action, as if it were taken now. Returns at once when the kernel drops the signal. */
static void stop(void)
{
	sigset_t one, before;

	atomic_store(&self.stopping, true);
	exchange(SIGTSTP, on_stop, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &one, &before);
	/* To this thread, as others may block it; it stops them all. */
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGTSTP);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	exchange(SIGTSTP, SIG_DFL, on_stop);
	atomic_store(&self.stopping, false);
}

void gm_suspend_watch(void (*wake)(void))
{
	self.wake = wake;
	self.pid = getpid();
	exchange(SIGTSTP, SIG_DFL, on_stop);
}

void gm_suspend_unwatch(void)
{
	exchange(SIGCONT, on_continue, SIG_DFL);
	exchange(SIGTSTP, on_stop, SIG_DFL);
	if (atomic_exchange(&self.asked, false) && self.phase != WAITS)
		stop();
	exchange(SIGTSTP, on_stop, SIG_DFL);
	self.phase = RUNS;
}

void gm_suspend_after_fork(void)
{
	atomic_store(&self.asked, false);
	gm_suspend_unwatch();
}

static bool is_empty(const struct gm_proc *p)
{
	for (size_t i = 0; i < p->place.devices.count; i++)
		if (atomic_load(&p->ledger.slot->device[i].charged))
			return false;
	return true;
}

static bool resume(struct gm_proc *p)
{
	self.phase = RUNS;
	atomic_store(&self.asked, false);
	atomic_store(&p->suspended, false);
	exchange(SIGCONT, on_continue, SIG_DFL);
	return false;
}

static bool went_on(uint64_t now)
{
	return atomic_load(&self.goes_on) || now - self.last_ns > HOLE_NS;
}

bool gm_suspend_turn(struct gm_proc *p)
{
	uint64_t now = gm_now_ns(CLOCK_BOOTTIME);
	bool hole = went_on(now);

	self.last_ns = now;
	switch (self.phase) {
	case RUNS:
		if (!atomic_load(&self.asked))
			return false;
		atomic_store(&self.goes_on, false);
		exchange(SIGCONT, SIG_DFL, on_continue);
		atomic_store(&p->suspended, true);
		self.phase = EMPTIES;
		self.since_ns = now;
		return true;
	case EMPTIES:
		if (hole)
			return resume(p);
		if (!is_empty(p) && !p->rules.keep_on_suspend && now - self.since_ns < BOUND_NS)
			return true;
		stop();
		self.last_ns = gm_now_ns(CLOCK_BOOTTIME);
		self.phase = WAITS;
		if (self.last_ns - now > GM_SUSPEND_TICK_NS || atomic_load(&self.goes_on))
			return resume(p);
		return true;
	default:
		if (hole || now - self.since_ns > PATIENCE_NS)
			return resume(p);
		return true;
	}
}
