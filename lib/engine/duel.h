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
#define GM_DUEL_ARMS 3u

/* Of real chunks and of shadows. */
#define GM_HEAT_ONE 64u /* one touch */
#define GM_HEAT_COOLING 179u /* 0.7 of 256, each epoch */
#define GM_OFTEN_SHIFT 6 /* over some 64 epochs */

struct gm_shadow *gm_duel_new(void);
void gm_duel_free(struct gm_shadow *s);
/* A fault, in its place in time. */
void gm_duel_faulted(struct gm_shadow *s, uint32_t id);
/* Seen by a scan: touched once or often since the last epoch. */
void gm_duel_touched(struct gm_shadow *s, uint32_t id);
void gm_duel_gone(struct gm_shadow *s, uint32_t id);
/* Room for `room` of `chunks` chunks. */
void gm_duel_epoch(struct gm_shadow *s, uint32_t room, uint32_t chunks);
/* Who should decide, given who does. Worth asking after an epoch, and when gm_duel_ripe(). */
enum gpumem_rule gm_duel_choose(struct gm_shadow *s, enum gpumem_rule arm, unsigned without);
/* An epoch under `arm` is over: goes back to who decided before when that one had fewer faults. Without
 * faults, shadows and device are told the same. */
enum gpumem_rule gm_duel_judge(struct gm_shadow *s, enum gpumem_rule arm, uint32_t faults,
			       uint32_t touched);
/* More faults than in the arm's shadow: the device does not hold what the arm would have kept. */
bool gm_duel_astray(const struct gm_shadow *s, enum gpumem_rule arm);
/* Enough has happened since the last choice to make another one before the epoch is over. */
bool gm_duel_ripe(const struct gm_shadow *s);
/* What of the touches met the arm's directory, lately. */
uint32_t gm_duel_hit_permille(const struct gm_shadow *s, enum gpumem_rule arm);

/* One more epoch in the share of those with a touch, 65535 for all. */
static inline uint16_t gm_duel_often(uint16_t often, bool touched)
{
	often = (uint16_t)(often - (often >> GM_OFTEN_SHIFT));
	return (uint16_t)(touched ? often + (UINT16_MAX >> GM_OFTEN_SHIFT) : often);
}

/* Less leaves first. What arms have in common, real chunks and shadows: 50 bits, no two equal. */
static inline uint64_t gm_duel_key(enum gpumem_rule arm, uint32_t heat, uint32_t often,
				   uint32_t order)
{
	switch (arm) {
	case GPUMEM_RULE_PIN:
		return UINT32_MAX - order;
	case GPUMEM_RULE_OFTEN:
		return (uint64_t)often << 32 | (UINT32_MAX - order);
	default:
		return (uint64_t)heat << 32 | order;
	}
}

#endif
