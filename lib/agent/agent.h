/* SPDX-License-Identifier: MIT */
/*
 * agent.h: what the files of libgpumem-agent.so share.
 */
#ifndef GM_AGENT_H
#define GM_AGENT_H

#include <stdbool.h>

/* Ends the agent's thread; it goes on where it was with gm_agent_resume(). False: there is none. */
bool gm_agent_pause(void);
void gm_agent_resume(void);

/* Looks up what stands behind execvpe() and posix_spawn(). */
void gm_exec_find(void);

#endif
