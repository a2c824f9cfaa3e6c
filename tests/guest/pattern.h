/* SPDX-License-Identifier: MIT */
/*
 * pattern.h: memory whose every word tells where it should be.
 */
#ifndef GM_TEST_PATTERN_H
#define GM_TEST_PATTERN_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t pattern(size_t i)
{
	return i * 0x9e3779b97f4a7c15ull + 1;
}

static inline void fill(char *mem, size_t len)
{
	for (size_t i = 0; i < len; i += 8)
		*(volatile uint64_t *)(mem + i) = pattern(i);
}

static inline long long wrong(const char *mem, size_t len)
{
	long long n = 0;

	for (size_t i = 0; i < len; i += 8)
		n += *(const volatile uint64_t *)(mem + i) != pattern(i);
	return n;
}

#endif
