/* SPDX-License-Identifier: MIT */
/*
 * test_signals: what tells the agent of memory in use and of its surroundings: soft-dirty and referenced
 * bits of this very process, lines of KFD's events, numbers of a memory cgroup, a trace.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/headroom.h"
#include "agent/trace.h"
#include "discover/memcg_room.h"
#include "place/smi.h"
#include "place/touched.h"

#define PAGE 4096ul
#define CHUNK GPUMEM_CHUNK_BYTES

struct seen {
	uint64_t first;
	unsigned pages[4], calls;
};

static void see(void *data, uint64_t number, unsigned pages)
{
	struct seen *s = data;

	s->calls++;
	if (number >= s->first && number < s->first + 4)
		s->pages[number - s->first] += pages;
}

static char *four_chunks(void)
{
	char *p = mmap(NULL, 5 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	p = (char *)(((uintptr_t)p + CHUNK - 1) / CHUNK * CHUNK);
	madvise(p, 4 * CHUNK, MADV_NOHUGEPAGE);
	return p;
}

static struct seen look(int fd, enum gm_touched_way way, const char *mem)
{
	struct seen s = { .first = (uintptr_t)mem / CHUNK };

	assert_int_equal(gm_touched_look(fd, way, (uintptr_t)mem, (uintptr_t)mem + 4 * CHUNK, see,
					 &s),
			 0);
	return s;
}

static void test_touched(void **state)
{
	int fd = open("/proc/self/pagemap", O_RDONLY), clear = open("/proc/self/clear_refs", O_WRONLY);
	enum gm_touched_way best = gm_touched_probe(fd);
	char *mem = four_chunks();

	(void)state;
	/* Not every kernel that builds gpumem has CONFIG_MEM_SOFT_DIRTY; the guest's has, and
	 * tests/guest/heat.t runs this there. */
	if (best == GM_TOUCHED_NONE && !getenv("GPUMEM_TEST_SOFT_DIRTY"))
		print_message("# no soft-dirty bits on this kernel\n");
	else
		assert_int_not_equal(best, GM_TOUCHED_NONE);
	for (enum gm_touched_way way = GM_TOUCHED_PAGEMAP; way <= best; way++) {
		struct seen s;

		memset(mem, 1, 4 * CHUNK);
		assert_int_equal(gm_touched_clear(clear), 0);
		s = look(fd, way, mem);
		assert_int_equal(s.calls, 0);
		mem[CHUNK + 5 * PAGE] = 2;
		mem[CHUNK + 7 * PAGE] = 2;
		memset(mem + 3 * CHUNK - PAGE, 3, 2 * PAGE);
		s = look(fd, way, mem);
		assert_int_equal(s.pages[0], 0);
		assert_int_equal(s.pages[1], 2);
		assert_int_equal(s.pages[2], 1);
		assert_int_equal(s.pages[3], 1);
		/* Looking forgets nothing. */
		assert_int_equal(look(fd, way, mem).pages[1], 2);
	}
	assert_true(gm_touched_look(fd, GM_TOUCHED_NONE, 0, PAGE, see, NULL) < 0);
	assert_true(gm_touched_look(-1, GM_TOUCHED_PAGEMAP, 0, PAGE, see, NULL) < 0);
	close(fd);
	close(clear);
}

struct told {
	uintptr_t at;
	bool is;
};

static void tell(void *data, uintptr_t start, uintptr_t end)
{
	struct told *t = data;

	if (t->at >= start && t->at < end)
		t->is = true;
}

static void test_referenced(void **state)
{
	char *mem = four_chunks();
	struct told t = { .at = (uintptr_t)mem };
	volatile char sum = 0;

	(void)state;
	memset(mem, 1, 4 * CHUNK);
	/* In a mapping of its own, whose neighbours are not like it. */
	madvise(mem, 4 * CHUNK, MADV_DONTFORK);
	assert_int_equal(gm_referenced_look(tell, &t), 0);
	t.is = false;
	assert_int_equal(gm_referenced_look(tell, &t), 0);
	assert_false(t.is);
	/* The kernel clears the bits without a flush: what the TLB has is not marked again. Over the time
	 * between two looks that does not matter; here it would. */
	mprotect(mem, 4 * CHUNK, PROT_NONE);
	mprotect(mem, 4 * CHUNK, PROT_READ | PROT_WRITE);
	for (size_t i = 0; i < 4 * CHUNK; i += PAGE)
		sum = (char)(sum + mem[i]);
	assert_int_equal(gm_referenced_look(tell, &t), 0);
	assert_true(t.is);
}

/* Lines as drivers of 6.1, 6.12 and 7.3 write them. */
static void test_smi(void **state)
{
	static const struct {
		const char *line;
		bool is;
		struct gm_smi_event event;
	} lines[] = {
		{ "7 12345678 -4711 @7f0000200(8a2b) R", true, { GM_SMI_FAULT, 0x7f0000200000, PAGE } },
		{ "7 12345678 -4711 @7f0000200(8a2b) W", true, { GM_SMI_FAULT, 0x7f0000200000, PAGE } },
		{ "6 99 -1 @7f0000200(200) 0->8a2b 1", true,
		  { GM_SMI_ARRIVED, 0x7f0000200000, CHUNK } },
		{ "6 99 -1 @7f0000200(200) 0->8a2b 1 0", true,
		  { GM_SMI_ARRIVED, 0x7f0000200000, CHUNK } },
		{ "6 99 -1 @7f0000200(200) 8a2b->0 3", true,
		  { GM_SMI_EVICTED, 0x7f0000200000, CHUNK } },
		/* our own prefetches */
		{ "6 99 -1 @7f0000200(200) 0->8a2b 0", false, { 0, 0, 0 } },
		{ "5 99 -1 @7f0000200(200) 0->8a2b ffffffff:0 1", false, { 0, 0, 0 } },
		{ "8 12345678 -4711 @7f0000200(8a2b) M", false, { 0, 0, 0 } },
		{ "b 5 -1 @7f0000200(200) 8a2b 0", false, { 0, 0, 0 } },
		{ "1 4711:python3", false, { 0, 0, 0 } },
		{ "6 99 -1 @", false, { 0, 0, 0 } },
		{ "7", false, { 0, 0, 0 } },
		{ "", false, { 0, 0, 0 } },
		{ "nonsense", false, { 0, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct gm_smi_event e = { 0 };
		bool is = gm_smi_parse(lines[i].line, &e);

		if (is != lines[i].is || (is && (e.kind != lines[i].event.kind ||
						 e.addr != lines[i].event.addr ||
						 e.len != lines[i].event.len)))
			fail_msg("'%s': got %d, kind %d, %jx, %jx", lines[i].line, is, e.kind,
				 (uintmax_t)e.addr, (uintmax_t)e.len);
	}
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_memcg(void **state)
{
	char dir[] = "/tmp/gpumem-memcg-XXXXXX", command[64];

	(void)state;
	assert_int_equal(gm_memcg_unreclaimable("anon 5\nactive_file 100\ninactive_file 50\n"
						"slab_reclaimable 7\n",
						1000),
			 1000 - 157);
	assert_int_equal(gm_memcg_unreclaimable("inactive_file 2000\n", 1000), 0);
	assert_int_equal(gm_memcg_unreclaimable("", 1000), 1000);
	assert_non_null(mkdtemp(dir));
	assert_false(gm_memcg_near(dir));
	put(dir, "memory.max", "max\n");
	put(dir, "memory.current", "1073741824\n");
	assert_false(gm_memcg_near(dir));
	put(dir, "memory.max", "1073741824\n");
	put(dir, "memory.stat", "active_file 0\n");
	assert_true(gm_memcg_near(dir));
	/* Page cache gives way. */
	put(dir, "memory.stat", "anon 1\nactive_file 536870912\n");
	assert_false(gm_memcg_near(dir));
	put(dir, "memory.current", "1000000000\n");
	put(dir, "memory.stat", "active_file 0\n");
	assert_false(gm_memcg_near(dir));
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

static void test_pressure(void **state)
{
	(void)state;
	assert_int_equal(gm_pressure_part(6400, 0, 0), 0);
	assert_int_equal(gm_pressure_part(6400, 6300, 3150), 0);
	assert_int_equal(gm_pressure_part(6400, 6400, 6400), 100);
	assert_int_equal(gm_pressure_part(6400, 6400, 3200), 50);
	assert_int_equal(gm_pressure_part(6400, 6350, 6350), 50);
	/* The driver counts whole buffers, we what is in them. */
	assert_int_equal(gm_pressure_part(6400, 7000, 9000), 100);
}

static void test_trace(void **state)
{
	char name[] = "/tmp/gpumem-trace-%p", path[64], text[200] = "";
	struct gm_trace t;
	unsigned long long ns;
	char event, rest[64];
	uint64_t number;
	FILE *f;

	(void)state;
	unsetenv(GPUMEM_ENV_TRACE);
	gm_trace_open(&t);
	gm_trace_add(&t, 't', 1);
	assert_false(gm_trace_on(&t));
	setenv(GPUMEM_ENV_TRACE, name, 1);
	gm_trace_open(&t);
	unsetenv(GPUMEM_ENV_TRACE);
	assert_true(gm_trace_on(&t));
	for (unsigned i = 0; i < 1000; i++)
		gm_trace_add(&t, 't', 0xabc);
	gm_trace_add(&t, 'e', 0);
	gm_trace_close(&t);
	snprintf(path, sizeof(path), "/tmp/gpumem-trace-%d", (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	assert_string_equal(text, "# gpumem-trace 1\n");
	for (unsigned i = 0; i < 1001; i++) {
		assert_non_null(fgets(text, sizeof(text), f));
		assert_int_equal(sscanf(text, "%llu %lx %c%60s", &ns, &number, &event, rest), 3);
		assert_int_equal(event, i < 1000 ? 't' : 'e');
		assert_int_equal(number, i < 1000 ? 0xabc : 0);
	}
	assert_null(fgets(text, sizeof(text), f));
	fclose(f);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_touched), cmocka_unit_test(test_referenced),
		cmocka_unit_test(test_smi),	cmocka_unit_test(test_memcg),
		cmocka_unit_test(test_pressure), cmocka_unit_test(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
