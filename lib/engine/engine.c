/* SPDX-License-Identifier: MIT */
/*
 * engine.c: heat, age and guard of each chunk, and what follows from them.
 */
#include <errno.h>
#include <string.h>

#include "engine/duel.h"
#include "engine/engine.h"
#include "engine/ranking.h"

#define SETTLE_EPOCHS 2u
#define REFAULT_EPOCHS 2u /* a touch within so many epochs after eviction is a refault */
#define MOST_GUARD 8u /* epochs */
#define EXPLORE 32u /* one in so many exchanges tries what pin forbids */
#define CROWD 4u /* settling chunks are none when they are more than one in so many */
#define CHUNK_PAGES 512u
/* What a move costs whatever its size, in pages copied: a tenth of a full chunk (tests/bench, svm-rate). */
#define MOVE_PAGES 64u
#define LIKED 4u /* times its heat */

/* The guard: low half, the epochs of protection that refaults have earned; high half, the epochs
 * since it came or was evicted, as far as anybody asks. */
#define GUARD_MASK 15u
#define SINCE_SHIFT 4
#define SINCE_MOST 15u

enum { GM_RANK_CHOICE, GM_RANK_FORCE, GM_RANK_WANTED, GM_RANK_COUNT };

static unsigned since(const struct gm_chunk *c)
{
	return c->guard >> SINCE_SHIFT;
}

static unsigned guard(const struct gm_chunk *c)
{
	return c->guard & GUARD_MASK;
}

static void set_guard(struct gm_chunk *c, unsigned epochs, unsigned since_then)
{
	c->guard = (uint8_t)(since_then << SINCE_SHIFT | epochs);
}

static bool elsewhere(const struct gm_engine *e, const struct gm_chunk *c)
{
	return c->device_pages && c->device != e->device;
}

static bool here(const struct gm_engine *e, const struct gm_chunk *c)
{
	return (c->flags & GM_CHUNK_HERE) && c->device == e->device;
}

/* splitmix64: the only chance there is, and it comes from the seed. */
static uint64_t next_random(struct gm_engine *e)
{
	uint64_t z = e->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* ---- beginning and end */

static enum gpumem_rule arm_of(const struct gm_engine *e, enum gpumem_evict_order order)
{
	switch (order) {
	case GPUMEM_EVICT_DUEL:
		/* Before anything is known: taking everybody in, a sweep would throw all out. */
		return e->forced ? GPUMEM_RULE_PIN : GPUMEM_RULE_HEAT;
	case GPUMEM_EVICT_AGE:
		return GPUMEM_RULE_AGE;
	case GPUMEM_EVICT_LRF:
		return GPUMEM_RULE_LRF;
	case GPUMEM_EVICT_PIN:
		return GPUMEM_RULE_PIN;
	case GPUMEM_EVICT_NONE:
		return GPUMEM_RULE_NONE;
	default:
		return GPUMEM_RULE_HEAT;
	}
}

static void forget_ranks(struct gm_engine *e)
{
	e->ranking[GM_RANK_CHOICE]->built = e->ranking[GM_RANK_FORCE]->built = false;
}

int gm_engine_set_order(struct gm_engine *e, enum gpumem_evict_order order)
{
	if (order == GPUMEM_EVICT_DEFAULT)
		order = GPUMEM_EVICT_DUEL;
	if (order == GPUMEM_EVICT_DUEL && !e->shadow) {
		e->shadow = gm_duel_new(&e->often, e->forced);
		if (!e->shadow)
			return -ENOMEM;
	}
	if (order != GPUMEM_EVICT_DUEL) {
		gm_duel_free(e->shadow);
		e->shadow = NULL;
	}
	e->order = order;
	e->arm = arm_of(e, order);
	forget_ranks(e);
	return 0;
}

int gm_engine_init(struct gm_engine *e, struct gm_chunks *chunks, uint32_t device,
		   enum gpumem_evict_order order, uint64_t seed)
{
	memset(e, 0, sizeof(*e));
	e->chunks = chunks;
	e->device = device;
	e->random = seed;
	gm_often_begin(&e->often);
	for (unsigned i = 0; i < GM_RANK_COUNT; i++) {
		e->ranking[i] = gm_ranking_new();
		if (!e->ranking[i]) {
			gm_engine_fini(e);
			return -ENOMEM;
		}
	}
	if (gm_engine_set_order(e, order) == 0)
		return 0;
	gm_engine_fini(e);
	return -ENOMEM;
}

int gm_engine_force(struct gm_engine *e)
{
	e->forced = true;
	gm_duel_free(e->shadow);
	e->shadow = NULL;
	return gm_engine_set_order(e, e->order);
}

void gm_engine_fini(struct gm_engine *e)
{
	for (unsigned i = 0; i < GM_RANK_COUNT; i++)
		gm_ranking_free(e->ranking[i]);
	gm_duel_free(e->shadow);
	memset(e, 0, sizeof(*e));
}

void gm_engine_set_room(struct gm_engine *e, uint32_t chunks)
{
	e->room = chunks;
}

/* ---- who leaves first */

/* Groups: by choice only the first leaves, by force the others after it. */
enum { FREE, PROTECTED, SETTLING };

static unsigned group_of(const struct gm_engine *e, const struct gm_chunk *c)
{
	bool guarded = guard(c) && since(c) < guard(c) + SETTLE_EPOCHS;

	/* A driver that moves on each fault has no say in who comes, so lately is no merit. */
	if (c->flags & GM_CHUNK_SETTLING && !e->forced && !(e->without & GM_WITHOUT_SETTLING))
		return SETTLING;
	if ((guarded && !(e->without & GM_WITHOUT_GUARD)) || c->flags & GM_CHUNK_LIKED)
		return PROTECTED;
	return FREE;
}

/* Heat by what a byte of it costs to fetch again (the term of GDSF): a move has a price of its own
 * beside its bytes, so a chunk of a few pages frees little for it. A full chunk counts its heat 16 times. */
static uint32_t worth(const struct gm_chunk *c)
{
	uint32_t pages = (uint32_t)c->device_pages + c->host_pages;
	uint32_t heat = c->flags & GM_CHUNK_LIKED ? LIKED * c->heat : c->heat;

	if (pages == 0 || pages > CHUNK_PAGES)
		pages = CHUNK_PAGES;
	return 16 * heat * (MOVE_PAGES + pages) / pages * CHUNK_PAGES / (MOVE_PAGES + CHUNK_PAGES);
}

/* 2 bits group, then who leaves first; no two are equal. */
static uint64_t key_of(const struct gm_engine *e, const struct gm_chunk *c, bool forced)
{
	uint64_t group = group_of(e, c);
	enum gpumem_rule arm = e->arm;
	uint16_t often = c->often;

	/* With epochs so long that most came in the last ones, what was hot all along would leave for them. */
	if (forced && e->crowded && group == SETTLING)
		group = FREE;
	/* By these two what came last is what leaves first, settled or not. By choice pin lets
	 * nobody go, but for trying: then the coldest. */
	if (forced && (arm == GPUMEM_RULE_PIN || arm == GPUMEM_RULE_OFTEN))
		group = c->flags & GM_CHUNK_LIKED ? PROTECTED : FREE;
	if (!forced && arm == GPUMEM_RULE_PIN)
		arm = GPUMEM_RULE_HEAT;
	if (arm == GPUMEM_RULE_LRF)
		return group << 62 | c->order;
	if (forced && since(c) == 0)
		often = gm_duel_newcomer(often);
	return group << 62 | gm_duel_key(arm, worth(c), often, c->idle, c->order);
}

static struct gm_ranking *ranking(struct gm_engine *e, bool forced, size_t n)
{
	struct gm_ranking *r = e->ranking[forced];

	/* Those that are known have left: the others may follow. */
	if (r->built && r->count < n && r->cut)
		r->built = false;
	if (r->built)
		return r;
	gm_ranking_begin(r);
	for (uint32_t id = gm_chunks_next(e->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(e->chunks, id)) {
		const struct gm_chunk *c = gm_chunk_at(e->chunks, id);

		if (here(e, c))
			gm_ranking_add(r, key_of(e, c, forced), id);
	}
	gm_ranking_end(r);
	return r;
}

static void rank(struct gm_engine *e, uint32_t id, bool add)
{
	const struct gm_chunk *c = gm_chunk_at(e->chunks, id);

	for (unsigned forced = GM_RANK_CHOICE; here(e, c) && forced <= GM_RANK_FORCE; forced++) {
		uint64_t key = key_of(e, c, forced);

		if (!e->ranking[forced]->built)
			continue;
		if (add)
			gm_ranking_insert(e->ranking[forced], key, id);
		else
			gm_ranking_remove(e->ranking[forced], key, id);
	}
}

/* ---- events */

static void show_pinned(struct gm_engine *e)
{
	gm_duel_pinned(e->shadow);
	for (uint32_t id = gm_chunks_next(e->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(e->chunks, id))
		if (here(e, gm_chunk_at(e->chunks, id)))
			gm_duel_holds(e->shadow, id);
}

static void set_arm(struct gm_engine *e, enum gpumem_rule arm)
{
	if (arm == e->arm)
		return;
	e->arm = arm;
	e->switches++;
	forget_ranks(e);
	if (arm == GPUMEM_RULE_PIN && e->shadow)
		show_pinned(e);
}

static void count_touch(struct gm_engine *e, struct gm_chunk *c)
{
	bool hit = here(e, c);

	e->touches++;
	e->epoch_events++;
	e->hits += hit;
	e->lately_touches++;
	e->lately_hits += hit;
	c->flags |= hit ? GM_CHUNK_HIT : GM_CHUNK_MISSED;
	if (!hit)
		c->idle = 0;
	if (!hit && c->order && since(c) < REFAULT_EPOCHS) {
		unsigned more = guard(c) ? 2 * guard(c) : 1;

		e->refaults++;
		set_guard(c, more < MOST_GUARD ? more : MOST_GUARD, SINCE_MOST);
	}
}

void gm_engine_touched(struct gm_engine *e, uint32_t id)
{
	struct gm_chunk *c = gm_chunk_at(e->chunks, id);

	if (elsewhere(e, c) || c->flags & (GM_CHUNK_HIT | GM_CHUNK_MISSED | GM_CHUNK_COUNTED))
		return;
	count_touch(e, c);
	if (e->shadow)
		gm_duel_touched(e->shadow, id);
}

static void warm(struct gm_chunk *c)
{
	c->heat = c->heat > UINT8_MAX - GM_HEAT_ONE ? UINT8_MAX : (uint8_t)(c->heat + GM_HEAT_ONE);
	c->idle = 0;
}

void gm_engine_faulted(struct gm_engine *e, uint32_t id)
{
	struct gm_chunk *c = gm_chunk_at(e->chunks, id);

	if (elsewhere(e, c))
		return;
	count_touch(e, c);
	e->epoch_faults += !here(e, c);
	gm_often_fault(&e->often, !(c->flags & GM_CHUNK_COUNTED));
	rank(e, id, false);
	if (c->flags & GM_CHUNK_COUNTED)
		c->often = gm_often_more(&e->often, c->often);
	else
		warm(c);
	c->flags |= GM_CHUNK_COUNTED;
	rank(e, id, true);
	if (!e->shadow)
		return;
	gm_duel_faulted(e->shadow, id);
	/* A program that goes on to other data shows by its faults. */
	if (gm_duel_ripe(e->shadow) && !(e->without & GM_WITHOUT_MIDWAY))
		set_arm(e, gm_duel_choose(e->shadow, e->arm, e->without));
}

void gm_engine_like(struct gm_engine *e, uint32_t id, bool liked)
{
	struct gm_chunk *c = gm_chunk_at(e->chunks, id);

	rank(e, id, false);
	c->flags = (uint8_t)((c->flags & ~GM_CHUNK_LIKED) | (liked ? GM_CHUNK_LIKED : 0));
	rank(e, id, true);
}

void gm_engine_came(struct gm_engine *e, uint32_t id)
{
	struct gm_chunk *c = gm_chunk_at(e->chunks, id);

	if (here(e, c))
		return;
	c->flags |= GM_CHUNK_HERE | GM_CHUNK_SETTLING;
	c->flags &= (uint8_t)~GM_CHUNK_MISSED;
	c->order = ++e->move_order;
	set_guard(c, guard(c), 0);
	e->resident++;
	e->settling++;
	if (!e->crowded && e->settling > e->resident / CROWD) {
		e->crowded = true;
		forget_ranks(e);
	}
	rank(e, id, true);
}

void gm_engine_went(struct gm_engine *e, uint32_t id, bool evicted)
{
	struct gm_chunk *c = gm_chunk_at(e->chunks, id);

	if (!(c->flags & GM_CHUNK_HERE))
		return;
	rank(e, id, false);
	e->settling -= (c->flags & GM_CHUNK_SETTLING) != 0;
	c->flags &= (uint8_t) ~(GM_CHUNK_HERE | GM_CHUNK_HIT | GM_CHUNK_SETTLING);
	set_guard(c, guard(c), evicted ? 0 : SINCE_MOST);
	e->resident--;
}

void gm_engine_gone(struct gm_engine *e, uint32_t id)
{
	gm_engine_went(e, id, false);
	if (e->shadow)
		gm_duel_gone(e->shadow, id);
}

/* ---- an epoch */

/* Protection ends with its time, and by halves, so that a chunk that goes round and round does not
 * keep what it earned long ago. */
static bool age_guard(struct gm_chunk *c, bool is_here)
{
	unsigned epochs = guard(c), since_then = since(c);

	if (since_then < SINCE_MOST)
		since_then++;
	if (since_then >= SETTLE_EPOCHS)
		c->flags &= (uint8_t)~GM_CHUNK_SETTLING;
	if (since_then >= SETTLE_EPOCHS + epochs)
		epochs /= 2;
	set_guard(c, epochs, since_then);
	return is_here && epochs;
}

static void age(struct gm_engine *e, struct gm_chunk *c, bool reset)
{
	bool touched = c->flags & (GM_CHUNK_HIT | GM_CHUNK_MISSED | GM_CHUNK_COUNTED);
	bool counted = c->flags & GM_CHUNK_COUNTED;

	c->heat = (uint8_t)(c->heat * GM_HEAT_COOLING >> 8);
	c->often = gm_often_value(&e->often, c->often, touched, counted);
	if (touched && !counted)
		warm(c);
	if (touched)
		c->idle = 0;
	else if (c->idle < UINT8_MAX)
		c->idle++;
	e->epoch_touched += touched;
	c->flags &= (uint8_t) ~(GM_CHUNK_HIT | GM_CHUNK_MISSED | GM_CHUNK_COUNTED);
	if (c->guard == (SINCE_MOST << SINCE_SHIFT))
		return;
	if (reset)
		set_guard(c, 0, since(c));
	e->guarded += age_guard(c, here(e, c));
	e->settling += (c->flags & GM_CHUNK_SETTLING) != 0;
}

/* The end of an epoch for those who decide. */
static void next_arm(struct gm_engine *e)
{
	enum gpumem_rule arm = e->arm;

	gm_duel_epoch(e->shadow, e->room);
	if (!(e->without & GM_WITHOUT_TRIALS))
		arm = gm_duel_judge(e->shadow, arm, e->epoch_faults, e->epoch_touched);
	if (arm == e->arm)
		arm = gm_duel_choose(e->shadow, arm, e->without);
	set_arm(e, arm);
}

void gm_engine_epoch(struct gm_engine *e)
{
	/* When everybody is protected nobody is. */
	bool reset = e->guarded > e->resident / 4;

	gm_often_epoch(&e->often, e->epoch_events, e->chunks->used);
	e->guarded = e->settling = e->epoch_touched = 0;
	e->epoch_events = 0;
	for (uint32_t n = 0; n < e->chunks->leaves; n++) {
		struct gm_leaf *leaf = e->chunks->leaf[n];

		for (uint64_t left = leaf ? leaf->used : 0; left; left &= left - 1) {
			struct gm_chunk *c = &leaf->chunk[__builtin_ctzll(left)];

			if (!elsewhere(e, c))
				age(e, c, reset);
		}
	}
	e->crowded = e->settling > e->resident / CROWD;
	if (e->shadow)
		next_arm(e);
	e->epoch_faults = 0;
	e->lately_touches -= e->lately_touches / 8;
	e->lately_hits -= e->lately_hits / 8;
	e->epoch++;
	forget_ranks(e);
}

/* ---- decisions */

size_t gm_engine_victims(struct gm_engine *e, size_t n, bool force, uint32_t *ret)
{
	const struct gm_ranking *r = ranking(e, force, n);
	const struct gm_ranked *next;
	size_t count = 0;

	while (count < n && (next = gm_ranking_at(r, count)) != NULL) {
		if (!force && next->key >> 62 != FREE)
			break;
		ret[count++] = next->id;
	}
	return count;
}

size_t gm_engine_wanted(struct gm_engine *e, size_t n, uint32_t *ret)
{
	struct gm_ranking *r = e->ranking[GM_RANK_WANTED];
	const struct gm_ranked *next;
	size_t count = 0;

	gm_ranking_begin(r);
	for (uint32_t id = gm_chunks_next(e->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(e->chunks, id)) {
		const struct gm_chunk *c = gm_chunk_at(e->chunks, id);
		bool touched = c->idle == 0 && (c->heat || c->flags & GM_CHUNK_MISSED);

		if (touched && !here(e, c) && !elsewhere(e, c) && !(c->flags & GM_CHUNK_OUT))
			gm_ranking_add(r, (uint64_t)(UINT32_MAX - worth(c)) << 32 | id, id);
	}
	gm_ranking_end(r);
	while (count < n && (next = gm_ranking_at(r, count)) != NULL)
		ret[count++] = next->id;
	return count;
}

static bool better(const struct gm_engine *e, const struct gm_chunk *in, const struct gm_chunk *out)
{
	if (e->arm == GPUMEM_RULE_OFTEN)
		return gm_often_better(&e->often, in->often, out->often);
	return gm_duel_better(worth(in), worth(out));
}

bool gm_engine_swap(struct gm_engine *e, uint32_t in, uint32_t out, enum gpumem_reason *reason)
{
	const struct gm_chunk *came = gm_chunk_at(e->chunks, in);
	const struct gm_chunk *leaves = gm_chunk_at(e->chunks, out);
	bool yes;

	if (e->arm == GPUMEM_RULE_NONE) {
		*reason = GPUMEM_REASON_FULL;
		return false;
	}
	if (leaves->flags & GM_CHUNK_SETTLING && !(e->without & GM_WITHOUT_SETTLING)) {
		*reason = GPUMEM_REASON_SETTLING;
		return false;
	}
	if (e->arm == GPUMEM_RULE_LRF || e->arm == GPUMEM_RULE_AGE) {
		/* An arm of the duel does not exchange what is as old. */
		yes = !e->shadow || leaves->idle > came->idle;
		*reason = yes ? GPUMEM_REASON_FAULTED : GPUMEM_REASON_NOT_HOTTER;
		return yes;
	}
	if (e->arm == GPUMEM_RULE_PIN) {
		/* The duel's shadows try for nothing. */
		yes = !e->shadow && next_random(e) % EXPLORE == 0;
		*reason = yes ? GPUMEM_REASON_EXPLORE : GPUMEM_REASON_PINNED;
		return yes;
	}
	yes = better(e, came, leaves);
	*reason = yes ? GPUMEM_REASON_HOTTER : GPUMEM_REASON_NOT_HOTTER;
	return yes;
}

/* Steps of two in heat; the top one is touched in each of the last epochs. */
unsigned gm_engine_class(const struct gm_engine *e, uint32_t id)
{
	uint32_t steps = gm_chunk_at(e->chunks, id)->heat >> 1;
	unsigned class = 0;

	for (; steps && class < GPUMEM_HEAT_CLASSES - 1; steps >>= 1)
		class ++;
	return class;
}

void gm_engine_look(const struct gm_engine *e, struct gm_engine_view *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->arm = e->arm;
	ret->switches = e->switches;
	ret->refaults = e->refaults;
	if (e->lately_touches)
		ret->seen_permille = (uint32_t)(1000ull * e->lately_hits / e->lately_touches);
	if (e->shadow) {
		ret->hit_permille[0] = gm_duel_hit_permille(e->shadow, GPUMEM_RULE_HEAT);
		ret->hit_permille[1] = gm_duel_hit_permille(e->shadow, GPUMEM_RULE_PIN);
		ret->hit_permille[2] = gm_duel_hit_permille(e->shadow, GPUMEM_RULE_OFTEN);
		ret->hit_permille[3] = gm_duel_hit_permille(e->shadow, GPUMEM_RULE_AGE);
	}
}
