// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives the simulated device through the real libhsakmt: open, topology,
 * prefetch there and back, and where the pages then are. Prints TAP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<hsakmt/hsakmt.h>)
#include <hsakmt/hsakmt.h>
#else
#include <hsakmt.h>
#endif

#define SIZE (32UL << 20)
#define PAGE 4096UL

static int number, failures;

static int ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	fflush(stdout);
	failures += !good;
	return good;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Pages that are resident, but not on any node: those on the device. */
static size_t on_device(char *mem, size_t size)
{
	size_t n = size / PAGE, i, count = 0;
	unsigned char *core = malloc(n);
	void **pages = malloc(n * sizeof(*pages));
	int *status = malloc(n * sizeof(*status));

	for (i = 0; i < n; i++)
		pages[i] = mem + i * PAGE;
	if (!mincore(mem, size, core) && !syscall(SYS_move_pages, 0, n, pages, NULL, status, 0))
		for (i = 0; i < n; i++)
			count += (core[i] & 1) && status[i] == -ENOENT;
	free(core);
	free(pages);
	free(status);
	return count;
}

/* The pattern that fill() wrote is still there. */
static int intact(const char *mem)
{
	size_t i;

	for (i = 0; i < SIZE; i += 64)
		if (mem[i] != (char)(i >> 6 ^ i >> 13))
			return 0;
	return 1;
}

static void fill(char *mem)
{
	size_t i;

	for (i = 0; i < SIZE; i += 64)
		mem[i] = i >> 6 ^ i >> 13;
}

static HSAKMT_STATUS prefetch(char *mem, HSAuint32 node)
{
	HSA_SVM_ATTRIBUTE attr = {HSA_SVM_ATTR_PREFETCH_LOC, node};

	return hsaKmtSVMSetAttr(mem, SIZE, 1, &attr);
}

static void there_and_back(char *mem, HSAuint32 node)
{
	double t0, t1, t2;
	char text[120];

	fill(mem);
	t0 = now();
	ok(prefetch(mem, node) == HSAKMT_STATUS_SUCCESS, "prefetch to the GPU");
	t1 = now();
	snprintf(text, sizeof(text), "node %u: all pages on the device", node);
	ok(on_device(mem, SIZE) == SIZE / PAGE, text);
	ok(intact(mem), "data intact on the device");
	t2 = now();
	ok(prefetch(mem, 0) == HSAKMT_STATUS_SUCCESS, "prefetch to system memory");
	printf("# %lu MiB there in %.1f ms, back in %.1f ms\n", SIZE >> 20, (t1 - t0) * 1e3,
	       (now() - t2) * 1e3);
	ok(on_device(mem, SIZE) == 0 && intact(mem), "all pages back, data intact");
}

int main(void)
{
	HsaSystemProperties sys = {0};
	HSA_SVM_ATTRIBUTE attr;
	HSAuint32 node, gpus = 0;
	char *mem;

	if (!ok(hsaKmtOpenKFD() == HSAKMT_STATUS_SUCCESS, "hsaKmtOpenKFD"))
		return 1;
	if (!ok(hsaKmtAcquireSystemProperties(&sys) == HSAKMT_STATUS_SUCCESS,
		"hsaKmtAcquireSystemProperties"))
		return 1;
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (node = 0; node < sys.NumNodes; node++) {
		HsaNodeProperties props;
		HsaMemoryProperties bank;

		if (!ok(hsaKmtGetNodeProperties(node, &props) == HSAKMT_STATUS_SUCCESS,
			"hsaKmtGetNodeProperties"))
			continue;
		printf("# node %u: cores %u simds %u location 0x%x svm %u coherent %u links %u\n",
		       node, props.NumCPUCores, props.NumFComputeCores, props.LocationId,
		       props.Capability.ui32.SVMAPISupported,
		       props.Capability.ui32.CoherentHostAccess, props.NumIOLinks);
		if (!props.NumFComputeCores)
			continue;
		gpus++;
		ok(props.Capability.ui32.SVMAPISupported, "SVM API bit");
		ok(hsaKmtGetNodeMemoryProperties(node, 1, &bank) == HSAKMT_STATUS_SUCCESS &&
			   bank.SizeInBytes,
		   "hsaKmtGetNodeMemoryProperties");
		there_and_back(mem, node);
	}
	ok(gpus > 0, "there are GPU nodes");
	attr.type = HSA_SVM_ATTR_PREFETCH_LOC;
	ok(hsaKmtSVMGetAttr(mem, SIZE, 1, &attr) == HSAKMT_STATUS_SUCCESS && attr.value == 0,
	   "hsaKmtSVMGetAttr: last prefetch was to the system");
	ok(hsaKmtSetXNACKMode(1) == HSAKMT_STATUS_SUCCESS, "hsaKmtSetXNACKMode");
	ok(hsaKmtReleaseSystemProperties() == HSAKMT_STATUS_SUCCESS &&
		   hsaKmtCloseKFD() == HSAKMT_STATUS_SUCCESS,
	   "release and close");
	printf("1..%d\n", number);
	return failures ? 1 : 0;
}
