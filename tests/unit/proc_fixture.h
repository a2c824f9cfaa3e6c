/* SPDX-License-Identifier: MIT */
/*
 * proc_fixture.h: a process in a job, with a real ledger, on memory and devices that are tables.
 */
#ifndef GM_TEST_PROC_FIXTURE_H
#define GM_TEST_PROC_FIXTURE_H

#include "record.h"
#include "fake_place.h"

#ifndef PAGE
#define PAGE 4096ull
#endif
#define CHUNK ((unsigned)(GPUMEM_CHUNK_BYTES / PAGE))
#define LONG 3600000000000ull

static struct gm_proc p;

static inline void start(struct record *r, const char *plan)
{
	struct gpumem_error err;

	memset(&fake, 0, sizeof(fake));
	memset(&p, 0, sizeof(p));
	if (gm_proc_attach(&p, r->dir, plan, 0, &err) < 0)
		fail_msg("%s", err.text);
}

/* To the byte, and in the order of their coming: what is tested here are the moves. */
#define MARKS "evict=lrf,high=100,low=100"
#define PREFER_0 "v2,place=prefer,step=0,task=0," MARKS ",dev=0:max"

/* As the agent's thread does. */
static inline void passes(unsigned n)
{
	while (n--) {
		while (gm_proc_settle(&p, LONG))
			;
		gm_proc_open(&p);
		assert_true(gm_proc_scan(&p, LONG, LONG));
	}
}

static inline void limit(size_t device, uint64_t bytes)
{
	atomic_store(&p.ledger.file->head.device[device].limit_bytes, bytes);
	atomic_fetch_add(&p.ledger.file->head.doorbell, 1);
}

static inline uint64_t failures(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < GPUMEM_FAIL_COUNT; i++)
		sum += atomic_load(&p.ledger.slot->failed[i]);
	return sum;
}

/* Pages on device 0, in the tables and in the ledger. */
static inline void expect_on_0(unsigned pages)
{
	const struct gm_slot_device *d = &p.ledger.slot->device[0];

	if (fake_count(ON_0, 0, FAKE_PAGES) != pages || atomic_load(&d->resident) != pages * PAGE ||
	    atomic_load(&d->charged) != pages * PAGE)
		fail_msg("expected %u pages on the device, got %u, resident %ju, charged %ju", pages,
			 fake_count(ON_0, 0, FAKE_PAGES), (uintmax_t)(atomic_load(&d->resident) / PAGE),
			 (uintmax_t)(atomic_load(&d->charged) / PAGE));
	assert_int_equal(fake.holes_filled, 0);
}

static inline int finish(void **state)
{
	gm_proc_fini(&p);
	return record_free(state);
}

#define one(test) cmocka_unit_test_setup_teardown(test, record_made, finish)

#endif
