/* SPDX-License-Identifier: MIT */
/*
 * loader.h: the dynamic loader, asked by a thread that the application knows nothing of. A process that forks
 * while that thread is inside would leave its child a half-made list of libraries, or a lock that nobody opens.
 */
#ifndef GM_LOADER_H
#define GM_LOADER_H

#include <stdbool.h>

/* Around dlopen(), dlsym() and dl_iterate_phdr(): meanwhile other threads' forks wait. Does not nest. */
void gm_loader_enter(void);
void gm_loader_leave(void);

/* Fork handlers. The wait is bounded: who forks may hold a lock of the loader's that the other thread waits for. */
void gm_loader_before_fork(void);
void gm_loader_after_fork(void);
void gm_loader_in_child(void);

#endif
