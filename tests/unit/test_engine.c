/* SPDX-License-Identifier: MIT */
/*
 * test_engine: what each rule decides in small cases, and that it decides the same every time.
 */
#include "engine_process.h"

static enum gpumem_reason swap(struct process *p, uint32_t in, uint32_t out, bool *yes)
{
	enum gpumem_reason reason = GPUMEM_REASON_NONE;

	*yes = gm_engine_swap(&p->engine, p->id[in], p->id[out], &reason);
	return reason;
}

/* Chunks 0 to 3 came in this order; 0 and 2 are touched in each of the last epochs, 1 was last
 * touched before 3 was. */
static void four(struct process *p, enum gpumem_evict_order order)
{
	begin(p, order, 8, 4);
	for (uint32_t n = 0; n < 4; n++)
		came(p, n);
	epochs(p, 2);
	for (int i = 0; i < 6; i++) {
		touched(p, 0);
		touched(p, 2);
		if (i < 4) /* often, and then no more: hot for its age */
			touched(p, 1);
		if (i == 4)
			touched(p, 3);
		epochs(p, 1);
	}
}

static void check_order(enum gpumem_evict_order order, bool force, const uint32_t expected[4])
{
	struct process p;
	uint32_t got[8];

	four(&p, order);
	assert_int_equal(gm_engine_victims(&p.engine, 8, force, got), 4);
	for (int i = 0; i < 4; i++)
		if (gm_chunk_number(&p.chunks, got[i]) != expected[i])
			fail_msg("rule %d: victim %d is %ju, not %u", (int)p.engine.arm, i,
				 (uintmax_t)gm_chunk_number(&p.chunks, got[i]), expected[i]);
	assert_int_equal(gm_engine_victims(&p.engine, 2, force, got), 2);
	assert_int_equal(gm_chunk_number(&p.chunks, got[1]), expected[1]);
	end(&p);
}

static void test_orders(void **state)
{
	(void)state;
	check_order(GPUMEM_EVICT_HEAT, false, (const uint32_t[]){3, 1, 0, 2});
	check_order(GPUMEM_EVICT_AGE, false, (const uint32_t[]){1, 3, 0, 2});
	check_order(GPUMEM_EVICT_LRF, false, (const uint32_t[]){0, 1, 2, 3});
	check_order(GPUMEM_EVICT_PIN, true, (const uint32_t[]){3, 2, 1, 0});
	check_order(GPUMEM_EVICT_PIN, false, (const uint32_t[]){3, 1, 0, 2});
	check_order(GPUMEM_EVICT_NONE, true, (const uint32_t[]){3, 1, 0, 2});
}

/* Of two that are as hot the larger leaves: it frees more for the same price. */
static void test_size(void **state)
{
	struct process p;
	uint32_t victim;

	(void)state;
	begin(&p, GPUMEM_EVICT_HEAT, 4, 4);
	for (uint32_t n = 0; n < 4; n++) {
		came(&p, n);
		touched(&p, n);
	}
	epochs(&p, 4);
	gm_chunk_at(&p.chunks, p.id[0])->device_pages = 40;
	gm_chunk_at(&p.chunks, p.id[1])->device_pages = 200;
	gm_engine_epoch(&p.engine);
	assert_int_equal(gm_engine_victims(&p.engine, 1, false, &victim), 1);
	assert_int_equal(victim, p.id[2]);
	/* A small one that is much colder leaves before. */
	for (int k = 0; k < 6; k++) {
		for (uint32_t n = 1; n < 4; n++)
			touched(&p, n);
		gm_engine_epoch(&p.engine);
	}
	assert_int_equal(gm_engine_victims(&p.engine, 1, false, &victim), 1);
	assert_int_equal(victim, p.id[0]);
	end(&p);
}

static void test_swap(void **state)
{
	static const struct {
		enum gpumem_evict_order order;
		bool hot, yes;
		enum gpumem_reason reason;
	} tries[] = {
		{GPUMEM_EVICT_HEAT, true, true, GPUMEM_REASON_HOTTER},
		{GPUMEM_EVICT_HEAT, false, false, GPUMEM_REASON_NOT_HOTTER},
		{GPUMEM_EVICT_DUEL, true, true, GPUMEM_REASON_HOTTER},
		{GPUMEM_EVICT_AGE, false, true, GPUMEM_REASON_FAULTED},
		{GPUMEM_EVICT_LRF, false, true, GPUMEM_REASON_FAULTED},
		{GPUMEM_EVICT_NONE, true, false, GPUMEM_REASON_FULL},
	};
	struct process p;
	bool yes;

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		four(&p, tries[i].order);
		for (int times = 0; tries[i].hot && times < 3; times++)
			gm_engine_faulted(&p.engine, p.id[5]);
		assert_int_equal(swap(&p, 5, 3, &yes), tries[i].reason);
		assert_int_equal(yes, tries[i].yes);
		end(&p);
	}
}

/* One in 32, more or less. */
static void test_pinned(void **state)
{
	unsigned explored = 0;
	struct process p;
	bool yes;

	(void)state;
	four(&p, GPUMEM_EVICT_PIN);
	for (int i = 0; i < 3200; i++) {
		enum gpumem_reason reason = swap(&p, 5, 3, &yes);

		assert_int_equal(reason, yes ? GPUMEM_REASON_EXPLORE : GPUMEM_REASON_PINNED);
		explored += yes;
	}
	assert_in_range(explored, 60, 140);
	end(&p);
}

static void test_settling(void **state)
{
	struct process p;
	bool yes;

	(void)state;
	four(&p, GPUMEM_EVICT_LRF);
	came(&p, 4);
	for (int i = 0; i < 2; i++) {
		uint32_t got[8];

		assert_int_equal(gm_engine_victims(&p.engine, 8, false, got), 4);
		assert_int_equal(gm_engine_victims(&p.engine, 8, true, got), 5);
		assert_int_equal(got[4], p.id[4]);
		assert_int_equal(swap(&p, 5, 4, &yes), GPUMEM_REASON_SETTLING);
		assert_false(yes);
		epochs(&p, 1);
	}
	assert_int_equal(swap(&p, 5, 4, &yes), GPUMEM_REASON_FAULTED);
	end(&p);
}

/* Where epochs are long most chunks came in the last one: they are not spared for that. */
static void test_crowded(void **state)
{
	struct process p;
	uint32_t got[8];

	(void)state;
	begin(&p, GPUMEM_EVICT_HEAT, 16, 8);
	for (uint32_t n = 0; n < 8; n++)
		came(&p, n);
	for (int i = 0; i < 6; i++) {
		for (uint32_t n = 0; n < 8; n++)
			touched(&p, n);
		epochs(&p, 1);
	}
	came(&p, 8);
	/* One of nine: hot ones leave before it. */
	assert_int_equal(victim(&p, true), 0);
	came(&p, 9);
	came(&p, 10);
	/* Three of eleven: the cold leave first. */
	assert_int_equal(gm_engine_victims(&p.engine, 3, true, got), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(gm_chunk_number(&p.chunks, got[i]), 8 + i);
	went(&p, 9, true);
	went(&p, 10, true);
	epochs(&p, 1);
	assert_int_equal(victim(&p, true), 0);
	end(&p);
}

static void test_liked(void **state)
{
	uint32_t got[8];
	struct process p;

	(void)state;
	four(&p, GPUMEM_EVICT_HEAT);
	gm_chunk_at(&p.chunks, p.id[3])->flags |= GM_CHUNK_LIKED;
	epochs(&p, 1);
	assert_int_equal(gm_engine_victims(&p.engine, 8, false, got), 3);
	assert_int_equal(victim(&p, false), 1);
	assert_int_equal(gm_engine_victims(&p.engine, 8, true, got), 4);
	assert_int_equal(got[3], p.id[3]);
	end(&p);
}

/* How many epochs after it came the chunk is no victim by choice. */
static unsigned protected_for(struct process *p, uint32_t n)
{
	unsigned count = 0;

	for (; count < 100; count++) {
		uint32_t got[8];
		size_t victims = gm_engine_victims(&p->engine, 8, false, got);

		for (size_t i = 0; i < victims; i++)
			if (got[i] == p->id[n])
				return count;
		epochs(p, 1);
	}
	return count;
}

/* Each refault doubles the protection up to a bound; it wears off when there are no more. */
static void test_guard(void **state)
{
	static const unsigned expected[] = {3, 4, 4, 6, 6, 10, 10, 10};
	struct process p;

	(void)state;
	begin(&p, GPUMEM_EVICT_HEAT, 16, 8);
	for (uint32_t n = 0; n < 8; n++)
		came(&p, n);
	epochs(&p, 3);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		went(&p, 0, true);
		gm_engine_faulted(&p.engine, p.id[0]);
		assert_int_equal(p.engine.refaults, i + 1);
		came(&p, 0);
		if (i % 2) /* the same while it is not looked at */
			assert_int_equal(protected_for(&p, 0), expected[i]);
		else
			for (unsigned n = 0; n < 2; n++)
				epochs(&p, 1);
	}
	epochs(&p, 100);
	/* Not by choice, or long ago: no refault. */
	went(&p, 0, false);
	gm_engine_faulted(&p.engine, p.id[0]);
	came(&p, 0);
	assert_int_equal(protected_for(&p, 0), 2);
	went(&p, 0, true);
	epochs(&p, 5);
	gm_engine_faulted(&p.engine, p.id[0]);
	came(&p, 0);
	assert_int_equal(protected_for(&p, 0), 2);
	assert_int_equal(p.engine.refaults, 8);
	end(&p);
}

static void test_wanted(void **state)
{
	uint32_t got[8];
	struct process p;

	(void)state;
	four(&p, GPUMEM_EVICT_DUEL);
	assert_int_equal(gm_engine_wanted(&p.engine, 8, got), 0);
	for (int i = 0; i < 2; i++) {
		touched(&p, 6);
		if (i)
			touched(&p, 5);
		touched(&p, 1);
		epochs(&p, 1);
	}
	assert_int_equal(gm_engine_wanted(&p.engine, 8, got), 2);
	assert_int_equal(got[0], p.id[6]);
	assert_int_equal(got[1], p.id[5]);
	assert_int_equal(gm_engine_wanted(&p.engine, 1, got), 1);
	assert_int_equal(got[0], p.id[6]);
	gm_chunk_at(&p.chunks, p.id[6])->flags |= GM_CHUNK_OUT;
	assert_int_equal(gm_engine_wanted(&p.engine, 8, got), 1);
	epochs(&p, 1);
	assert_int_equal(gm_engine_wanted(&p.engine, 8, got), 0);
	end(&p);
}

/* What is on another device is none of this engine's business; what is gone is forgotten. */
static void test_others(void **state)
{
	struct gm_chunk *c;
	struct process p;

	(void)state;
	four(&p, GPUMEM_EVICT_HEAT);
	c = gm_chunk_at(&p.chunks, p.id[7]);
	c->device = 4;
	c->device_pages = 1;
	touched(&p, 7);
	gm_engine_faulted(&p.engine, p.id[7]);
	epochs(&p, 1);
	assert_int_equal(c->heat, 0);
	assert_int_equal(p.engine.resident, 4);
	assert_int_equal(victim(&p, true), 3);
	gm_engine_gone(&p.engine, p.id[3]);
	gm_chunks_remove(&p.chunks, p.id[3]);
	assert_int_equal(p.engine.resident, 3);
	assert_int_equal(victim(&p, true), 1);
	end(&p);
}

/* Touches count once per epoch, whoever brings them. */
static void test_counts(void **state)
{
	struct gm_engine_view view;
	struct process p;

	(void)state;
	begin(&p, GPUMEM_EVICT_DUEL, 8, 4);
	came(&p, 0);
	for (int i = 0; i < 3; i++) {
		touched(&p, 0);
		touched(&p, 0);
		touched(&p, 1);
		epochs(&p, 1);
	}
	assert_int_equal(p.engine.epoch, 3);
	assert_int_equal(p.engine.touches, 6);
	assert_int_equal(p.engine.hits, 3);
	assert_int_equal(p.engine.refaults, 0);
	assert_int_equal(gm_engine_class(&p.engine, p.id[2]), 0);
	assert_true(gm_engine_class(&p.engine, p.id[1]) > 4);
	epochs(&p, 100);
	assert_int_equal(gm_engine_class(&p.engine, p.id[1]), 0);
	gm_engine_look(&p.engine, &view);
	assert_in_range(view.seen_permille, 1, 999);
	assert_int_equal(view.arm, GPUMEM_RULE_HEAT);
	end(&p);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3ull;
}

/* Sweeps over a quarter more than fits, then a hot half. Returns a sum of all decisions. */
static uint64_t play(struct process *p, unsigned sweeps, unsigned hot, uint64_t *hits)
{
	uint64_t sum = 0xcbf29ce484222325ull;
	uint32_t out;

	srandom(7);
	for (uint32_t i = 0; i < (sweeps + hot) * 100; i++) {
		uint32_t n =
			i < sweeps * 100 ? i % 100 : (uint32_t)random() % 40 + i / 3000 % 2 * 60;
		struct gm_chunk *c = gm_chunk_at(&p->chunks, p->id[n]);

		if (c->device_pages) {
			touched(p, n);
			++*hits;
		} else {
			gm_engine_faulted(&p->engine, p->id[n]);
			if (p->engine.resident == 80) {
				assert_int_equal(gm_engine_victims(&p->engine, 1, true, &out), 1);
				went(p, (uint32_t)gm_chunk_number(&p->chunks, out), true);
				sum = mix(sum, out);
			}
			came(p, n);
		}
		if (i % 50 == 49)
			epochs(p, 1);
	}
	return mix(sum, p->engine.switches);
}

static void test_deterministic(void **state)
{
	static const enum gpumem_evict_order order[] = {GPUMEM_EVICT_DUEL, GPUMEM_EVICT_HEAT,
							GPUMEM_EVICT_PIN};
	uint64_t sum[2], hits[2] = {0};
	struct process p;

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		for (int turn = 0; turn < 2; turn++) {
			begin(&p, order[i], 100, 80);
			hits[turn] = 0;
			sum[turn] = play(&p, 40, 60, &hits[turn]);
			end(&p);
		}
		assert_true(sum[0] == sum[1]);
		assert_int_equal(hits[0], hits[1]);
	}
}

/* The duel finds out: what goes round is pinned, what is hot follows its heat. */
static void test_duel(void **state)
{
	struct gm_engine_view view;
	uint64_t duel = 0, lrf = 0;
	struct process p;

	(void)state;
	begin(&p, GPUMEM_EVICT_LRF, 100, 80);
	play(&p, 60, 0, &lrf);
	end(&p);
	assert_int_equal(lrf, 0);
	begin(&p, GPUMEM_EVICT_DUEL, 100, 80);
	play(&p, 60, 0, &duel);
	gm_engine_look(&p.engine, &view);
	assert_in_range(duel, 6000 * 70 / 100, 6000 * 80 / 100);
	assert_in_range(view.hit_permille[1], 750, 850);
	play(&p, 0, 200, &duel);
	assert_in_range(duel, 26000 * 90 / 100, 26000);
	end(&p);
}

/* Another rule from one call to the next, with all that was learned. */
static void test_live_switch(void **state)
{
	struct gm_engine_view view;
	struct process p;

	(void)state;
	four(&p, GPUMEM_EVICT_LRF);
	assert_int_equal(victim(&p, true), 0);
	assert_int_equal(gm_engine_set_order(&p.engine, GPUMEM_EVICT_HEAT), 0);
	assert_int_equal(victim(&p, true), 3);
	assert_int_equal(gm_engine_set_order(&p.engine, GPUMEM_EVICT_AGE), 0);
	assert_int_equal(victim(&p, true), 1);
	assert_int_equal(gm_engine_set_order(&p.engine, GPUMEM_EVICT_DEFAULT), 0);
	assert_int_equal(p.engine.order, GPUMEM_EVICT_DUEL);
	assert_non_null(p.engine.shadow);
	gm_engine_look(&p.engine, &view);
	assert_int_equal(view.arm, GPUMEM_RULE_HEAT);
	end(&p);
}

/* More residents than the front of the queue holds. */
static void test_many(void **state)
{
	static struct process p;
	static uint32_t got[MOST];
	uint32_t leave = 3000;

	(void)state;
	begin(&p, GPUMEM_EVICT_LRF, MOST, MOST);
	for (uint32_t n = 0; n < MOST; n++)
		came(&p, (n * 2039) % MOST);
	epochs(&p, 2);
	for (uint32_t done = 0; done < leave;) {
		size_t count = gm_engine_victims(&p.engine, 64, false, got);

		assert_int_equal(count, 64);
		for (size_t i = 0; i < count; i++, done++) {
			assert_int_equal(got[i], p.id[done * 2039 % MOST]);
			went(&p, done * 2039 % MOST, true);
		}
	}
	assert_in_range(p.engine.resident, MOST - leave - 64, MOST - leave);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders), cmocka_unit_test(test_size), cmocka_unit_test(test_swap),
		cmocka_unit_test(test_pinned), cmocka_unit_test(test_settling),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_liked),  cmocka_unit_test(test_guard),
		cmocka_unit_test(test_wanted), cmocka_unit_test(test_others),
		cmocka_unit_test(test_counts), cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_duel),   cmocka_unit_test(test_live_switch),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
