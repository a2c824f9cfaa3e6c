/* SPDX-License-Identifier: MIT */
/*
 * rocr: a program that uses ROCm: it fills memory, loads the real ROCr and brings it up. Exit
 * status 0 only if hsa_init() succeeded and the data stayed intact.
 *   rocr SECONDS                loads ROCr at once, and calls hsa_init() by dlsym() after 2 s
 *   rocr -l LIBRARY SECONDS     loads ROCr and LIBRARY after 8 s, and calls hsa_init() through it
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

static int late(const char *library)
{
	int (*init)(void);
	void *user;

	user = dlopen(library, RTLD_LAZY);
	if (!user) {
		fprintf(stderr, "rocr: %s\n", dlerror());
		return -1;
	}
	init = (int (*)(void))dlsym(user, "rocr_user_init");
	return init ? init() : -1;
}

static int direct(void *rocr)
{
	int (*init)(void) = (int (*)(void))dlsym(rocr, "hsa_init");

	/* The library is there but not up: whoever opens KFD now breaks it. */
	sleep(2);
	return init ? init() : -1;
}

int main(int argc, char **argv)
{
	const char *library = argc == 4 && !strcmp(argv[1], "-l") ? argv[2] : NULL;
	int seconds = atoi(argv[argc - 1]), status;
	uint64_t *mem, errors = 0;
	void *rocr;
	time_t end;

	mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return 3;
	for (size_t i = 0; i < BYTES / 8; i++)
		mem[i] = i * 0x9e3779b97f4a7c15ull;
	if (library)
		sleep(8);
	rocr = dlopen("libhsa-runtime64.so.1", RTLD_NOW | RTLD_GLOBAL);
	if (!rocr) {
		fprintf(stderr, "rocr: %s\n", dlerror());
		return 3;
	}
	status = library ? late(library) : direct(rocr);
	printf("hsa_init: %d\n", status);
	fflush(stdout);
	if (status != 0)
		return 1;
	for (end = time(NULL) + seconds; time(NULL) < end; usleep(100000))
		for (size_t i = 0; i < BYTES / 8; i += 64)
			errors += mem[i] != i * 0x9e3779b97f4a7c15ull;
	return errors ? 2 : 0;
}
