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
#include "engine/often.h"

#define GM_DUEL_SAMPLES 4096u /* at most; all chunks while there are no more */
#define GM_DUEL_ARMS 4u

/* Of real chunks and of shadows. */
#define GM_HEAT_ONE 64u /* one touch */
#define GM_HEAT_COOLING 179u /* 0.7 of 256, each epoch */

/* `often` is the engine's, and stays. `forced`: who misses comes, whoever has to leave; else he comes where
 * the arm would have exchanged the two. */
struct gm_shadow *gm_duel_new(const struct gm_often *often, bool forced);
void gm_duel_free(struct gm_shadow *s);
/* A fault, in its place in time. */
void gm_duel_faulted(struct gm_shadow *s, uint32_t id);
/* Seen by a scan: touched once or often since the last epoch. */
void gm_duel_touched(struct gm_shadow *s, uint32_t id);
void gm_duel_gone(struct gm_shadow *s, uint32_t id);
/* Pin comes to decide: what it keeps is what the device holds, each told by gm_duel_holds(). */
void gm_duel_pinned(struct gm_shadow *s);
void gm_duel_holds(struct gm_shadow *s, uint32_t id);
/* Room for `room` chunks from now on. */
void gm_duel_epoch(struct gm_shadow *s, uint32_t room);
/* Who should decide, given who does. Worth asking after an epoch, and when gm_duel_ripe(). */
enum gpumem_rule gm_duel_choose(struct gm_shadow *s, enum gpumem_rule arm, unsigned without);
/* An epoch under `arm` is over: goes back to who decided before when that one had fewer faults. Without
 * faults, shadows and device are told the same. */
enum gpumem_rule gm_duel_judge(struct gm_shadow *s, enum gpumem_rule arm, uint32_t faults,
			       uint32_t touched);
/* Enough has happened since the last choice to make another one before the epoch is over. */
bool gm_duel_ripe(const struct gm_shadow *s);
/* What of the touches met the arm's directory, lately. */
uint32_t gm_duel_hit_permille(const struct gm_shadow *s, enum gpumem_rule arm);

/* Who came in this epoch must be better by a quarter to stay for another: of those that are much alike each
 * exchange costs what would have been hit. */
static inline uint16_t gm_duel_newcomer(uint16_t often)
{
	return (uint16_t)(often - often / 4);
}

/* An exchange costs more than a touch gains, so a little more is not enough. */
static inline bool gm_duel_better(uint32_t in, uint32_t out)
{
	return in > out + out / 8;
}

/* Less leaves first. What arms have in common, real chunks and shadows: 50 bits, no two equal. */
static inline uint64_t gm_duel_key(enum gpumem_rule arm, uint32_t heat, uint32_t often,
				   uint32_t idle, uint32_t order)
{
	switch (arm) {
	case GPUMEM_RULE_PIN:
		return UINT32_MAX - order;
	case GPUMEM_RULE_OFTEN:
		return (uint64_t)often << 32 | (UINT32_MAX - order);
	case GPUMEM_RULE_AGE:
		return (uint64_t)(UINT8_MAX - idle) << 32 | order;
	default:
		return (uint64_t)heat << 32 | order;
	}
}

#endif
