/* SPDX-License-Identifier: MIT */
/*
 * rocr: a program that uses ROCm: it brings up the real ROCr after a while, then fills memory.
 * Exit status 0 only if hsa_init() succeeded and the data stayed intact.
 *   rocr [-d] SECONDS   -d: load the library late, by dlopen()
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BYTES (48ul << 20)

int main(int argc, char **argv)
{
	int seconds = atoi(argv[argc - 1]), status;
	int (*init)(void);
	uint64_t *mem, errors = 0;
	void *rocr;
	time_t end;

	mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return 3;
	for (size_t i = 0; i < BYTES / 8; i++)
		mem[i] = i * 0x9e3779b97f4a7c15ull;
	rocr = dlopen("libhsa-runtime64.so.1", RTLD_NOW | RTLD_GLOBAL);
	if (!rocr) {
		fprintf(stderr, "rocr: %s\n", dlerror());
		return 3;
	}
	/* The library is there but not up: whoever opens KFD now breaks it. */
	sleep(2);
	init = (int (*)(void))dlsym(rocr, "hsa_init");
	status = init ? init() : -1;
	printf("hsa_init: %d\n", status);
	fflush(stdout);
	if (status != 0)
		return 1;
	for (end = time(NULL) + seconds; time(NULL) < end; usleep(100000))
		for (size_t i = 0; i < BYTES / 8; i += 64)
			errors += mem[i] != i * 0x9e3779b97f4a7c15ull;
	return errors ? 2 : 0;
}
