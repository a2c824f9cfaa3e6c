/* SPDX-License-Identifier: MIT */
/*
 * duel.h: which arm would have fared best. Each replays the touches of a sample of the chunks into
 * a directory of its own, as if it alone had decided; whoever missed least of late, decides.
 */
#ifndef GM_DUEL_H
#define GM_DUEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

#define GM_DUEL_SAMPLES 4096u /* at most; all chunks while there are no more */
#define GM_DUEL_ARMS 2u

struct gm_shadow *gm_duel_new(void);
void gm_duel_free(struct gm_shadow *s);
/* A fault, in its place in time. */
void gm_duel_faulted(struct gm_shadow *s, uint32_t id);
/* Touched since the last epoch, after all faults. */
void gm_duel_touched(struct gm_shadow *s, uint32_t id);
void gm_duel_gone(struct gm_shadow *s, uint32_t id);
/* Room for `room` of `chunks` chunks; returns who should decide, given who does. */
enum gm_arm gm_duel_epoch(struct gm_shadow *s, uint32_t room, uint32_t chunks, enum gm_arm arm);
/* What of the touches met the arm's directory, lately. */
uint32_t gm_duel_hit_permille(const struct gm_shadow *s, enum gm_arm arm);

#endif
