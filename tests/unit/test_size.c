/* SPDX-License-Identifier: MIT */
/*
 * test_size.c: sizes as people write them, both ways.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gpumem.h"

#define K 1024ull

static const struct {
	const char *in;
	uint64_t bytes;
} good[] = {
	{"0", 0},
	{"1", 1},
	{"4096", 4096},
	{"007", 7},
	{"1K", K},
	{"1k", K},
	{"1KB", K},
	{"1KiB", K},
	{"1kib", K},
	{"64M", 64 * K *K},
	{"64m", 64 * K *K},
	{"64MB", 64 * K *K},
	{"64MiB", 64 * K *K},
	{"96G", 96 * K *K *K},
	{"2T", 2 * K *K *K *K},
	{"3P", 3 * K *K *K *K *K},
	{"1.5G", 3 * K *K *K / 2},
	{"1.5GiB", 3 * K *K *K / 2},
	{"0.5K", 512},
	{"1.0K", 1024},
	{"0.001K", 1}, /* 1.024 bytes */
	{"0.0009K", 0},
	{"1.000000001P", K *K *K *K *K + 1125899}, /* 1125899.9 */
	{"16383.999999999P", 18446744073708425716ull},
	{"18446744073709551615", UINT64_MAX},
	{"16383P", 16383 * K *K *K *K *K},
};

static const struct {
	const char *in;
	int rc;
} bad[] = {
	{"", -EINVAL},
	{"G", -EINVAL},
	{"-1", -EINVAL},
	{"-1G", -EINVAL},
	{"+1", -EINVAL},
	{" 1", -EINVAL},
	{"1 ", -EINVAL},
	{"1 G", -EINVAL},
	{"1X", -EINVAL},
	{"1GG", -EINVAL},
	{"1Gi", -EINVAL},
	{"1B", -EINVAL},
	{"1iB", -EINVAL},
	{"1GiBx", -EINVAL},
	{"1E", -EINVAL},
	{"1.", -EINVAL},
	{"1.G", -EINVAL},
	{".5G", -EINVAL},
	{"1.5", -EINVAL},
	{"1.5.5G", -EINVAL},
	{"1,5G", -EINVAL},
	{"0x10", -EINVAL},
	{"1e9", -EINVAL},
	{"64%", -EINVAL},
	{"nan", -EINVAL},
	{"inf", -EINVAL},
	{"1.0000000001G", -EINVAL},
	{"1\n", -EINVAL},
	{"\xd9\xa1", -EINVAL},
	{"16384P", -ERANGE},
	{"16384.5P", -ERANGE},
	{"99999999T", -ERANGE},
	{"18446744073709551616", -ERANGE},
	{"20000000000000000K", -ERANGE},
	{"99999999999999999999999999", -ERANGE},
};

static const struct {
	uint64_t bytes;
	const char *out;
} prints[] = {
	{0, "0"},
	{1, "1"},
	{1023, "1023"},
	{1024, "1K"},
	{1025, "1025"},
	{1536, "1536"},
	{3 * K * K * K / 2, "1536M"},
	{64 * K * K, "64M"},
	{96 * K * K * K, "96G"},
	{1024 * K * K * K * K * K, "1024P"},
	{UINT64_MAX, "18446744073709551615"},
	{4097, "4097"},
};

static void test_good(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t bytes = 12345;

		if (gpumem_size_parse(good[i].in, &bytes) != 0)
			fail_msg("'%s' is refused", good[i].in);
		if (bytes != good[i].bytes)
			fail_msg("'%s' gives %llu", good[i].in, (unsigned long long)bytes);
	}
}

static void test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bytes = 12345;
		int rc = gpumem_size_parse(bad[i].in, &bytes);

		if (rc != bad[i].rc)
			fail_msg("'%s' gives %d", bad[i].in, rc);
		if (bytes != 12345)
			fail_msg("'%s' touches the output", bad[i].in);
	}
}

static void test_print(void **state)
{
	char buf[24];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(prints) / sizeof(prints[0]); i++)
		assert_string_equal(gpumem_size_print(prints[i].bytes, buf, sizeof(buf)),
				    prints[i].out);
	/* A buffer that is too small is not overrun. */
	memset(buf, 'x', sizeof(buf));
	gpumem_size_print(UINT64_MAX, buf, 4);
	assert_string_equal(buf, "184");
	assert_int_equal(buf[4], 'x');
}

/* Any number of bytes comes back as it was. */
static void test_round_trip(void **state)
{
	uint64_t x = 88172645463325252ull, back;
	char buf[24];
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		uint64_t bytes;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes = (x >> (x % 64)) << (x / 64 % 64);
		assert_int_equal(
			gpumem_size_parse(gpumem_size_print(bytes, buf, sizeof(buf)), &back), 0);
		assert_true(back == bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
