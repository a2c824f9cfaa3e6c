/* SPDX-License-Identifier: MIT */
/*
 * replay.h: what the fuzz programs share. Without libFuzzer their main() runs every file named on
 * the command line once, so that make check replays the corpus.
 */
#ifndef FUZZ_REPLAY_H
#define FUZZ_REPLAY_H

#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program where a promise is broken; libFuzzer and make check both notice. */
#define promise(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A text for a person: one line of printable ASCII, whatever the input was. */
static inline void promise_readable(const char *text)
{
	promise(text[0] != '\0');
	for (; *text; text++)
		promise(*text >= 0x20 && *text < 0x7f);
}

/* The input as a string; ends at its first NUL. To be freed. */
static inline char *as_string(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	promise(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#ifndef FUZZING
static void replay(const char *path)
{
	FILE *f = fopen(path, "re");
	uint8_t *data = malloc(1 << 20), *exact;
	size_t size;

	promise(f && data);
	size = fread(data, 1, 1 << 20, f);
	promise(!ferror(f));
	fclose(f);
	/* In a block of its own size, so that a sanitizer sees every byte read behind it. */
	exact = malloc(size ? size : 1);
	promise(exact);
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	free(data);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d\n", argc - 1);
	return argc > 1 ? 0 : 1;
}
#endif
#endif
