/* SPDX-License-Identifier: MIT */
/*
 * engine.h: which chunks a process keeps on its device. Events come in (touched, came, went, an
 * epoch is over), decisions go out (victims, wanted chunks, whether an exchange is worth it). No
 * clock, no randomness but a seed: the same events give the same decisions.
 *
 * One engine per process and device. It marks chunks of the table with heat and flags; bytes and pages are
 * the agent's business.
 */
#ifndef GM_ENGINE_H
#define GM_ENGINE_H

#include "engine/chunks.h"
#include "engine/often.h"

struct gm_ranking; /* who leaves first; engine/ranking.h */
struct gm_shadow; /* replays sampled touches under one arm; engine/duel.c */

struct gm_engine {
	struct gm_chunks *chunks;
	enum gpumem_evict_order order;
	enum gpumem_rule arm;
	uint64_t random;
	uint32_t device;   /* chunks on another device are not looked at */
	uint32_t room;	   /* chunks the device may hold for this process */
	uint32_t resident; /* chunks on it */
	uint32_t epoch;
	uint32_t move_order;
	uint32_t switches;
	uint64_t touches, hits, refaults; /* since the beginning */
	uint32_t lately_touches, lately_hits; /* decayed with each epoch */
	uint32_t guarded;	  /* chunks whose guard was up at the last epoch */
	uint32_t settling;	  /* chunks on it that came too lately to be victims */
	bool crowded;		  /* so many that they are no exception */
	bool forced;		  /* gm_engine_force() */
	uint32_t epoch_touched;	  /* chunks, in the epoch that ends */
	uint32_t epoch_faults;	  /* of what was not on the device, in this epoch */
	uint64_t epoch_events;	  /* touches told of, in this epoch */
	struct gm_often often;
	unsigned without;	  /* GM_WITHOUT_*: parts switched off, to see what they are worth */
	struct gm_shadow *shadow; /* NULL: nothing to choose between */
	struct gm_ranking *ranking[3]; /* victims by choice, by force; wanted ones */
};

#define GM_WITHOUT_SETTLING 1u
#define GM_WITHOUT_GUARD 2u
#define GM_WITHOUT_AGE 4u
#define GM_WITHOUT_OFTEN 8u   /* one arm less in the duel */
#define GM_WITHOUT_MIDWAY 16u /* the duel is decided at epochs alone */
#define GM_WITHOUT_BIAS 32u   /* the duel treats all arms alike */
#define GM_WITHOUT_TRIALS 64u /* the shadows are believed */

/* `order` GPUMEM_EVICT_DEFAULT is duel. Errors: ENOMEM. */
int gm_engine_init(struct gm_engine *e, struct gm_chunks *chunks, uint32_t device,
		   enum gpumem_evict_order order, uint64_t seed);
void gm_engine_fini(struct gm_engine *e);
/* Whoever misses comes, as with a driver that moves on each fault: gm_engine_swap() is not asked. Before the
 * first event. Errors: ENOMEM. */
int gm_engine_force(struct gm_engine *e);
/* Another rule from now on; heat and guards are kept. */
int gm_engine_set_order(struct gm_engine *e, enum gpumem_evict_order order);
/* The limit changed, or others took their share. */
void gm_engine_set_room(struct gm_engine *e, uint32_t chunks);

/* ---- events */

/* Touched since the last epoch, wherever it is; more than once per epoch counts once. */
void gm_engine_touched(struct gm_engine *e, uint32_t id);
/* A fault or the application's own call brought it, or asks for it: counts at once. */
void gm_engine_faulted(struct gm_engine *e, uint32_t id);
/* The application asked for the device, or took it back. */
void gm_engine_like(struct gm_engine *e, uint32_t id, bool liked);
/* It now has pages on the device; it has none any more. `evicted`: by choice, so that a touch soon after is
 * a refault. */
void gm_engine_came(struct gm_engine *e, uint32_t id);
void gm_engine_went(struct gm_engine *e, uint32_t id, bool evicted);
/* The chunk is about to be removed from the table. */
void gm_engine_gone(struct gm_engine *e, uint32_t id);
/* A look at the whole process is over. O(chunks). */
void gm_engine_epoch(struct gm_engine *e);

/* ---- decisions */

/* Up to n chunks of the device, first who leaves first. `force`: also those that are settling, liked
 * or guarded, after the others; a limit must be kept. Where more than a quarter are settling they are as the
 * others. Returns how many. The same until an event. */
size_t gm_engine_victims(struct gm_engine *e, size_t n, bool force, uint32_t *ret);
/* Up to n chunks that were touched while they were away, hottest first. */
size_t gm_engine_wanted(struct gm_engine *e, size_t n, uint32_t *ret);
/* Whether bringing `in` is worth taking `out` off; *reason says why or why not. */
bool gm_engine_swap(struct gm_engine *e, uint32_t in, uint32_t out, enum gpumem_reason *reason);
/* Heat class of a chunk, wherever it is. */
unsigned gm_engine_class(const struct gm_engine *e, uint32_t id);

struct gm_engine_view {
	enum gpumem_rule arm;
	uint32_t switches;
	uint32_t hit_permille[4]; /* heat, pin, often, age, as their shadows have it; 0 without shadows */
	uint32_t seen_permille;	  /* touches that met the device, lately */
	uint64_t refaults;
};
void gm_engine_look(const struct gm_engine *e, struct gm_engine_view *ret);

#endif
