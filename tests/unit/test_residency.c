/* SPDX-License-Identifier: MIT */
/*
 * test_residency: where pages are, on ordinary memory, where the right answer is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "gpumem.h"
#include "place/residency.h"

#define PAGE 4096ul
#define PAGES 2000ul

static char *fresh(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static void expect(const void *addr, size_t pages, size_t host)
{
	struct gpumem_residency r = { 1, 2, 3 };

	assert_int_equal(gpumem_residency(addr, pages * PAGE, &r), 0);
	if (r.device_bytes != 0 || r.host_bytes != host * PAGE ||
	    r.absent_bytes != (pages - host) * PAGE)
		fail_msg("of %zu pages expected %zu on the host, got %ju, and %ju on a device", pages,
			 host, (uintmax_t)r.host_bytes / PAGE, (uintmax_t)r.device_bytes / PAGE);
}

static void test_counts(void **state)
{
	static const struct {
		size_t from, to, step;
	} cases[] = {
		{ 0, 0, 1 }, { 0, PAGES, 1 }, { 0, 1, 1 },	{ PAGES - 1, PAGES, 1 },
		{ 0, PAGES, 2 }, { 511, 513, 1 }, { 100, 1100, 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *p = fresh(PAGES);
		size_t touched = 0;

		for (size_t k = cases[i].from; k < cases[i].to; k += cases[i].step, touched++)
			p[k * PAGE] = 1;
		expect(p, PAGES, touched);
		expect(p, 0, 0);
		munmap(p, PAGES * PAGE);
	}
}

static void test_refused(void **state)
{
	struct gpumem_residency r = { 1, 2, 3 };
	char *p = fresh(1200);

	(void)state;
	assert_int_equal(gpumem_residency(p + 1, PAGE, &r), -EINVAL);
	assert_int_equal(gpumem_residency(p, PAGE - 1, &r), -EINVAL);
	assert_int_equal(munmap(p + 600 * PAGE, PAGE), 0);
	assert_int_equal(gpumem_residency(p, 1200 * PAGE, &r), -ENOMEM);
	assert_int_equal(gpumem_residency(p + 600 * PAGE, PAGE, &r), -ENOMEM);
	assert_int_equal(r.device_bytes, 1);
	assert_int_equal(r.host_bytes, 2);
	assert_int_equal(r.absent_bytes, 3);
	expect(p, 600, 0);
	munmap(p, 1200 * PAGE);
}

/* A read of a hole maps the zero page: present, and nothing to move. */
static void test_zero_page(void **state)
{
	volatile char *p = fresh(8);

	(void)state;
	p[0] = 1;
	(void)p[1 * PAGE];
	(void)p[3 * PAGE];
	expect((void *)p, 8, 1);
	munmap((void *)p, 8 * PAGE);
}

static void test_steps(void **state)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	volatile char *p = fresh(64);
	uint8_t map[64];
	struct gm_counts c;

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < 64; i++)
		if (i % 2)
			p[i * PAGE] = 1;
		else if (i % 4)
			(void)p[i * PAGE];
	memset(map, 0xff, sizeof(map));
	/* 32 written, 16 read, 16 never touched */
	assert_int_equal(gm_residency_present(fd, (void *)p, 64, map), 48);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(map[i] == GM_PAGE_ABSENT, i % 4 == 0);
	assert_int_equal(gm_residency_sort((void *)p, 64, 1, map), 0);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(map[i], i % 2 ? GM_PAGE_HOST : GM_PAGE_ABSENT);
	c = gm_residency_count(map, 64);
	assert_int_equal(c.host, 32);
	assert_int_equal(c.device, 0);
	assert_int_equal(c.shared, 0);
	close(fd);
	munmap((void *)p, 64 * PAGE);
}

static void test_count(void **state)
{
	static const uint8_t map[] = { GM_PAGE_ABSENT, GM_PAGE_HOST,	      GM_PAGE_DEVICE,
				       GM_PAGE_DEVICE, GM_PAGE_DEVICE_SHARED, GM_PAGE_HOST };
	struct gm_counts c = gm_residency_count(map, sizeof(map));

	(void)state;
	assert_int_equal(c.host, 2);
	assert_int_equal(c.device, 3);
	assert_int_equal(c.shared, 1);
}

static void test_errors(void **state)
{
	uint8_t map[4];
	char *p = fresh(4);

	(void)state;
	assert_int_equal(gm_residency_present(-1, p, 4, map), -EBADF);
	munmap(p, 4 * PAGE);
}

/* Node 0 taken for the memory of device 3: pages of it are that device's, shared ones too. */
static void test_nodes(void **state)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct gm_device_nodes nodes = { 0 }, none = { 0 };
	struct gpumem_residency r;
	char *p = fresh(PAGES);
	uint8_t map[64];
	struct gm_counts c;
	pid_t pid;
	int fds[2];

	(void)state;
	memset(p, 1, PAGES * PAGE);
	/* As many as there can be, and one more is no harm. */
	for (int i = 0; i < (int)GPUMEM_MAX_DEVICES; i++)
		gm_device_nodes_add(&nodes, i == 5 ? 0 : 900 + i, i == 5 ? 3 : (size_t)i);
	gm_device_nodes_add(&nodes, 0, 4);
	assert_int_equal(nodes.count, GPUMEM_MAX_DEVICES);
	gm_residency_set_nodes(&nodes);
	assert_int_equal(gpumem_residency(p, PAGES * PAGE, &r), 0);
	if (r.host_bytes) {
		gm_residency_set_nodes(&none);
		print_message("this machine has more nodes than one in use\n");
		skip();
	}
	assert_int_equal(r.device_bytes, PAGES * PAGE);
	assert_int_equal(gm_residency_present(fd, p, 64, map), 64);
	assert_int_equal(gm_residency_sort(p, 64, 8, map), 0);
	assert_int_equal(map[63], GM_PAGE_ON + 3);
	c = gm_residency_count(map, 64);
	assert_int_equal(c.host, 0);
	assert_int_equal(c.device, 64);
	assert_int_equal(c.shared, 0);
	assert_int_equal(c.index, 3);

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(fds[1]);
		_exit(read(fds[0], &byte, 1) != 0);
	}
	assert_true(pid > 0);
	p[0] = 2; /* copied: the child has the old one */
	assert_int_equal(gm_residency_present(fd, p, 64, map), 64);
	assert_int_equal(gm_residency_sort(p, 64, 1, map), 0);
	assert_int_equal(map[0], GM_PAGE_ON + 3);
	assert_int_equal(map[1], GM_PAGE_SHARED_ON + 3);
	c = gm_residency_count(map, 64);
	assert_int_equal(c.device, 64);
	assert_int_equal(c.shared, 63);
	assert_int_equal(c.index, 3);
	close(fds[1]);
	close(fds[0]);
	waitpid(pid, NULL, 0);

	gm_residency_set_nodes(&none);
	expect(p, PAGES, PAGES);
	assert_int_equal(gm_residency_present(fd, p, 64, map), 64);
	assert_int_equal(gm_residency_sort(p, 64, 1, map), 0);
	assert_int_equal(gm_residency_count(map, 64).index, -1);
	close(fd);
	munmap(p, PAGES * PAGE);
}

/* The device that most pages are on; a device without a node tells no index. */
static void test_count_nodes(void **state)
{
	static const struct {
		uint8_t map[5];
		unsigned host, device, shared;
		int index;
	} cases[] = {
		{ { GM_PAGE_HOST, GM_PAGE_ON + 2, GM_PAGE_ON + 1, GM_PAGE_ON + 2, GM_PAGE_ABSENT },
		  1, 3, 0, 2 },
		{ { GM_PAGE_SHARED_ON + 15, GM_PAGE_ON + 15, GM_PAGE_ON, GM_PAGE_HOST, GM_PAGE_HOST },
		  2, 3, 1, 15 },
		{ { GM_PAGE_ON + 7, GM_PAGE_ON + 4, GM_PAGE_ABSENT, GM_PAGE_ABSENT, GM_PAGE_ABSENT },
		  0, 2, 0, 4 },
		{ { GM_PAGE_DEVICE, GM_PAGE_DEVICE, GM_PAGE_DEVICE_SHARED, GM_PAGE_HOST,
		    GM_PAGE_HOST },
		  2, 3, 1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gm_counts c = gm_residency_count(cases[i].map, sizeof(cases[i].map));

		assert_int_equal(c.host, cases[i].host);
		assert_int_equal(c.device, cases[i].device);
		assert_int_equal(c.shared, cases[i].shared);
		assert_int_equal(c.index, cases[i].index);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_zero_page), cmocka_unit_test(test_steps),
		cmocka_unit_test(test_count), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nodes), cmocka_unit_test(test_count_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
