/* SPDX-License-Identifier: MIT */
/*
 * thread.h: the agent's one thread, in an application that knows nothing of it.
 */
#ifndef GM_THREAD_H
#define GM_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* Starts `fn` with all signals blocked. Without memory or a thread to be had nothing happens. */
void gm_thread_start(void (*fn)(void));
/* Makes it leave and waits until it has; `wake` is called meanwhile to end what it may wait for.
 * False: there was none. */
bool gm_thread_stop(void (*wake)(void));
/* In a forked child, where it does not exist. */
void gm_thread_forget(void);

/* For the thread itself: whether it has to leave, and a sleep that ends when it has to. */
bool gm_thread_leaving(void);
void gm_thread_sleep(uint64_t ns);

#endif
