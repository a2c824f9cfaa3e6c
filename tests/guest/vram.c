/* SPDX-License-Identifier: MIT */
/*
 * vram: a program that knows nothing of gpumem and takes the memory of the first GPU it may use, by the real libhsakmt.
 *   vram buffers MiB FILE SECONDS    buffers as hipMalloc makes them, 2 MiB each
 *   vram pages MiB FILE SECONDS      its own pages, moved there by 2 MiB
 * Prints how many MiB it was given; holds them until FILE is there or the seconds are over. Exit status 2: its data
 * is not what it was.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef HAVE_HSAKMT_HSAKMT_H
#include <hsakmt/hsakmt.h>
#else
#include <hsakmt.h>
#endif

#define CHUNK (2ul << 20)

static int first_gpu(HSAuint32 *ret)
{
	HsaSystemProperties sys = { 0 };
	HsaNodeProperties p;

	if (hsaKmtOpenKFD() != HSAKMT_STATUS_SUCCESS ||
	    hsaKmtAcquireSystemProperties(&sys) != HSAKMT_STATUS_SUCCESS)
		return -1;
	for (HSAuint32 n = 0; n < sys.NumNodes; n++)
		if (hsaKmtGetNodeProperties(n, &p) == HSAKMT_STATUS_SUCCESS && p.NumFComputeCores) {
			*ret = n;
			return 0;
		}
	return -1;
}

static size_t take_buffers(HSAuint32 node, size_t count)
{
	HsaMemFlags flags = { 0 };
	size_t got = 0;
	void *at;

	flags.ui32.NonPaged = 1;
	flags.ui32.PageSize = HSA_PAGE_SIZE_4KB;
	while (got < count && hsaKmtAllocMemory(node, CHUNK, flags, &at) == HSAKMT_STATUS_SUCCESS)
		got++;
	return got;
}

static uint64_t pattern(size_t i)
{
	return i * 0x9e3779b97f4a7c15ull;
}

static size_t move_pages_there(HSAuint32 node, uint64_t *mem, size_t count)
{
	HSA_SVM_ATTRIBUTE attr = { HSA_SVM_ATTR_PREFETCH_LOC, node };
	size_t done = 0;

	for (size_t i = 0; i < count; i++)
		done += hsaKmtSVMSetAttr((char *)mem + i * CHUNK, CHUNK, 1, &attr) ==
			HSAKMT_STATUS_SUCCESS;
	return done;
}

static void hold(const char *file, int seconds)
{
	for (int i = 0; i < seconds * 10 && access(file, F_OK) != 0; i++)
		usleep(100000);
}

int main(int argc, char **argv)
{
	uint64_t *mem = NULL, errors = 0;
	size_t count, words = 0, got;
	HSAuint32 node;

	if (argc != 5 || first_gpu(&node) < 0) {
		fprintf(stderr, "vram: %s\n", argc == 5 ? "no GPU" : "which memory, how much?");
		return 1;
	}
	count = strtoul(argv[2], NULL, 10) * 1024 * 1024 / CHUNK;
	if (strcmp(argv[1], "pages") == 0) {
		words = count * CHUNK / sizeof(*mem);
		mem = mmap(NULL, count * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mem == MAP_FAILED)
			return 1;
		for (size_t i = 0; i < words; i++)
			mem[i] = pattern(i);
		got = move_pages_there(node, mem, count);
	} else {
		got = take_buffers(node, count);
	}
	printf("%zu\n", got * CHUNK / 1024 / 1024);
	fflush(stdout);
	hold(argv[3], atoi(argv[4]));
	for (size_t i = 0; i < words; i++)
		errors += mem[i] != pattern(i);
	return errors ? 2 : 0;
}
