// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process with the real ROCr (libhsa-runtime64.so.1, loaded if installed):
 * hsa_init() works on the simulated device, a second /dev/kfd in the same
 * process may prefetch without an ACQUIRE_VM of its own, and libhsakmt opened
 * before ROCr makes hsa_init() fail. Prints TAP.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib.h"

static void *rocr;

static int (*symbol(void *library, const char *name))(void)
{
	int (*function)(void) = NULL;

	*(void **)&function = dlsym(library, name);
	if (!function)
		abort();
	return function;
}

static void after_init(void)
{
	char *mem = map_filled(4 * MiB);
	int kfd, r;

	r = symbol(rocr, "hsa_init")();
	if (!ok(!r, "hsa_init() = 0x%x", r))
		return;
	kfd = kfd_open();
	ok(acquire(kfd, 0) == -EBUSY, "ROCr has acquired the VMs: EBUSY");
	ok(!prefetch(kfd, mem, 4 * MiB, gpus[0].id) && on_device(mem, 4 * MiB) == 1024,
	   "prefetch through an own descriptor");
	ok(!prefetch(kfd, mem, 4 * MiB, SYSMEM) && !on_device(mem, 4 * MiB) &&
		   intact(mem, 4 * MiB, 1),
	   "and back");
	ok(!symbol(rocr, "hsa_shut_down")(), "hsa_shut_down()");
	ok(!prefetch(kfd, mem, 4 * MiB, gpus[0].id) && on_device(mem, 4 * MiB) == 1024,
	   "the VMs outlive it");
}

static void after_thunk(void)
{
	void *thunk = dlopen("libhsakmt.so.1", RTLD_NOW);

	if (!thunk) {
		note("no shared libhsakmt");
		return;
	}
	ok(!symbol(thunk, "hsaKmtOpenKFD")(), "hsaKmtOpenKFD() first");
	ok(symbol(rocr, "hsa_init")() != 0, "then hsa_init() fails");
}

int main(int argc, char **argv)
{
	(void)argc;
	rocr = dlopen("libhsa-runtime64.so.1", RTLD_NOW);
	if (!rocr) {
		printf("1..0 # SKIP libhsa-runtime64.so.1 is not installed\n");
		return 0;
	}
	setup(argv[0]);
	run("after-init", after_init);
	run("after-thunk", after_thunk);
	plan();
	return failures() ? 1 : 0;
}
