/* SPDX-License-Identifier: MIT */
/*
 * prefetch.c: bring a buffer to the GPU's memory, look where it is, take it back.
 *
 *   cc prefetch.c $(pkg-config --cflags --libs gpumem) -o prefetch
 *   srun --gpus=1 --gpu-mem-policy=advise ./prefetch
 */
#include <gpumem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void fail(const char *what, const struct gpumem_error *err)
{
	fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

static void show(const char *when, const void *buf, size_t len)
{
	struct gpumem_residency r;

	if (gpumem_residency(buf, len, &r) == 0)
		printf("%-9s device %4zu MiB, system memory %4zu MiB\n", when,
		       (size_t)(r.device_bytes >> 20), (size_t)(r.host_bytes >> 20));
}

int main(void)
{
	const size_t len = 32 << 20;
	struct gpumem_process *self;
	struct gpumem_error err;
	struct gpumem_ctx *ctx;
	uint64_t bytes;
	size_t gpu;
	char *buf;

	buf = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED || gpumem_new(&ctx) < 0)
		return 1;
	memset(buf, 42, len);
	if (gpumem_attach(ctx, &self, &err) < 0)
		fail("attach", &err);
	gpu = gpumem_process_device_own(self);
	show("filled:", buf, len);

	/* Moves what is present, and says how much of it is on a device afterwards. */
	if (gpumem_prefetch(self, buf, len, gpu, &bytes, &err) < 0)
		fail("prefetch", &err);
	show("prefetch:", buf, len);

	/* The CPU reads device memory in place: nothing moves. */
	for (size_t i = 0; i < len; i++)
		if (buf[i] != 42)
			return 1;
	show("read:", buf, len);

	if (gpumem_evict(self, buf, len, &bytes, &err) < 0)
		fail("evict", &err);
	show("evicted:", buf, len);

	gpumem_detach(self);
	gpumem_unref(ctx);
	return bytes ? 1 : 0;
}
