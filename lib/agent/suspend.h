/* SPDX-License-Identifier: MIT */
/*
 * suspend.h: the device is emptied before the process stops. Slurm suspends a job with SIGTSTP and the
 * freezer two seconds later; a user may stop a process the same way. No hook of Slurm's sees it.
 */
#ifndef GM_SUSPEND_H
#define GM_SUSPEND_H

#include "agent/proc.h"

/* Stands in for the default action of SIGTSTP. A handler or SIG_IGN of the application's stays, and takes
 * the place of ours whenever it is set. `wake` is called in the signal handler. */
void gm_suspend_watch(void (*wake)(void));
/* Gives the default action back; a stop that was asked for and not carried out yet happens now. */
void gm_suspend_unwatch(void);
/* A forked child has its parent's handler and not its agent. */
void gm_suspend_after_fork(void);
/* One step: notices the signal, waits for the device to be empty, stops, notices that it goes on. To be
 * called by the agent's thread, which keeps all signals blocked. Returns true while the process is to be kept
 * off its devices: call it again within GM_SUSPEND_TICK_NS. */
#define GM_SUSPEND_TICK_NS 50000000ull
bool gm_suspend_turn(struct gm_proc *p);

#endif
