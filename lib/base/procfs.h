/* SPDX-License-Identifier: MIT */
/*
 * procfs.h: what /proc/PID says about who a process is, so that a pid used again is noticed.
 */
#ifndef GM_PROCFS_H
#define GM_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat. Errors: ESRCH. A zombie has ended: ESRCH too; one whose other threads
 * run on (main() left by pthread_exit()) has not. */
int gm_proc_start_ticks(pid_t pid, uint64_t *ret_ticks);
/* The own pid and start time as /proc has them, which may be that of another pid namespace: what
 * others that read it can compare. Errors: ESRCH. */
int gm_proc_self(pid_t *ret_pid, uint64_t *ret_ticks);
/* Whose pids /proc shows: equal for those who see the same ones, never 0. Another mount of it, as in
 * some containers, counts as another. */
uint64_t gm_proc_view(void);
/* Real uid, from /proc/PID's owner-independent status line. Errors: ESRCH. */
int gm_proc_uid(pid_t pid, uid_t *ret_uid);
/* Name of the program, at most 15 bytes; "" when it is gone. */
void gm_proc_comm(pid_t pid, char buf[16]);
/* True while the very process that began at start_ticks runs. Thread-safe, no allocation. */
bool gm_proc_alive(pid_t pid, uint64_t start_ticks);
/* Whether the calling thread is the only one that has not ended, where it is not main()'s. */
bool gm_proc_last_thread(void);

#endif
