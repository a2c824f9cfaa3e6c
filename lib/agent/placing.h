/* SPDX-License-Identifier: MIT */
/*
 * placing.h: the memory policy that a process with an agent lives by, in the place of the one it was started with.
 */
#ifndef GM_PLACING_H
#define GM_PLACING_H

#include <stdbool.h>

/* In the process's only thread, before it allocates. Costs a system call where no memory policy is set. */
void gm_placing_adopt(const char *job_dir, const char *plan_text);
/* What this process executes starts with the task's policy again: puts it into force for the calling
 * thread, unless that has one of its own by now. Returns whether it did. Async-signal-safe. */
bool gm_placing_before_exec(void);
/* It was not executed; `changed` is what the above returned. */
void gm_placing_after_exec(bool changed);

#endif
