/* SPDX-License-Identifier: MIT */
/*
 * test_pages: a process whose kernel has pages of 64 KiB, as on POWER9: bytes are bytes and chunks 2 MiB all the same.
 */
#define PAGE 65536ull
#include "proc_fixture.h"

size_t __wrap_gm_page_bytes(void);
size_t __wrap_gm_page_bytes(void)
{
	return PAGE;
}

static void test_moves(void **state)
{
	uint64_t bytes;

	start(*state, PREFER_0);
	assert_int_equal(CHUNK, 32);
	fake_fill(0, 10);
	fake_fill(12, 1); /* 64 KiB are worth a move */
	fake_fill(CHUNK + 3, CHUNK);
	passes(4);
	expect_on_0(11 + CHUNK);
	for (unsigned i = 0; i < fake.calls && i < 64; i++)
		if (fake.log[i].page / CHUNK != (fake.log[i].page + fake.log[i].pages - 1) / CHUNK)
			fail_msg("pages %u to %u were moved at once: more than a chunk", fake.log[i].page,
				 fake.log[i].page + fake.log[i].pages - 1);
	/* A part of the second chunk and of the third. */
	assert_int_equal(gm_proc_evict(&p, fake_addr(CHUNK + 30), 4 * PAGE, &bytes), 0);
	assert_int_equal(fake_count(HOST, CHUNK + 30, CHUNK + 34), 4);
	expect_on_0(11 + CHUNK - 4);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(CHUNK + 31), 2 * PAGE, 0, &bytes), 0);
	assert_int_equal(bytes, 2 * PAGE);
	expect_on_0(11 + CHUNK - 2);
	assert_int_equal(failures(), 0);
}

static void test_limit(void **state)
{
	start(*state, PREFER_0);
	limit(0, 45 * PAGE + 1234);
	fake_fill(0, 4 * CHUNK);
	passes(3);
	expect_on_0(45);
	limit(0, 0);
	passes(1);
	expect_on_0(0);
	limit(0, UINT64_MAX);
	passes(1);
	expect_on_0(4 * CHUNK);
}

/* What others read in the record is in bytes, or in 4 KiB. */
static void test_told(void **state)
{
	struct gpumem_decision *list;
	uint64_t heat = 0, noted = 0;
	struct gpumem_job *job;
	struct record *r = *state;
	size_t count;

	start(*state, PREFER_0);
	fake_fill(0, 2 * CHUNK);
	passes(2);
	expect_on_0(2 * CHUNK);
	gm_proc_publish(&p);
	for (unsigned k = 0; k < GPUMEM_HEAT_CLASSES; k++)
		heat += atomic_load(&p.ledger.slot->device_class[0][k]);
	assert_int_equal(heat * GM_LEDGER_PAGE, 2 * GPUMEM_CHUNK_BYTES);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_decisions(job, 0, &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		noted += list[i].bytes;
	assert_int_equal(noted, 2 * GPUMEM_CHUNK_BYTES);
	free(list);
	gpumem_job_close(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = { one(test_moves), one(test_limit), one(test_told) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
