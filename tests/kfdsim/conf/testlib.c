// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of the conformance test.
 */
#define _GNU_SOURCE
#include "testlib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NODES "/sys/class/kfd/kfd/topology/nodes"

enum abi abi;
struct gpu gpus[MAX_GPUS];
unsigned int n_gpus;
const char *self;

/* Shared with the children. */
static struct {
	int number, failures;
} * tap;

bool ok(bool good, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("%sok %d - ", good ? "" : "not ", ++tap->number);
	vprintf(fmt, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
	tap->failures += !good;
	return good;
}

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
}

int failures(void)
{
	return tap->failures;
}

void plan(void)
{
	printf("1..%d\n", tap->number);
}

long read_number(const char *fmt, ...)
{
	char path[256], text[64];
	va_list args;
	ssize_t n;
	int fd, err;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	err = errno;
	close(fd);
	if (n < 0)
		return -err;
	text[n] = '\0';
	return strtol(text, NULL, 0);
}

static uint64_t property(unsigned int node, const char *file, const char *key)
{
	char path[128], name[64];
	unsigned long long value, found = 0;
	FILE *f;

	snprintf(path, sizeof(path), NODES "/%u/%s", node, file);
	f = fopen(path, "r");
	while (f && fscanf(f, "%63s %llu", name, &value) == 2)
		if (!strcmp(name, key))
			found = value;
	if (f)
		fclose(f);
	return found;
}

void setup(const char *argv0)
{
	char text[16] = "";
	unsigned int node;
	long id;
	FILE *f;

	self = argv0;
	tap = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	f = fopen("/sys/module/kfdsim/parameters/abi", "r");
	if (!f || fscanf(f, "%15s", text) != 1) {
		fprintf(stderr, "kfdsim is not loaded\n");
		exit(77);
	}
	fclose(f);
	abi = !strcmp(text, "6.1") ? ABI_6_1 : !strcmp(text, "7.3") ? ABI_7_3 : ABI_6_12;
	for (node = 0; (id = read_number(NODES "/%u/gpu_id", node)) >= 0; node++) {
		if (!id)
			continue;
		gpus[n_gpus].id = id;
		gpus[n_gpus].node = node;
		gpus[n_gpus].minor = property(node, "properties", "drm_render_minor");
		gpus[n_gpus++].bytes = property(node, "mem_banks/0/properties", "size_in_bytes");
	}
	note("abi %s, %u GPUs of %lu MiB", text, n_gpus, (unsigned long)(gpus[0].bytes / MiB));
}

bool at_baseline(void)
{
	unsigned int i, tries;
	bool clean = false;

	for (tries = 0; !clean && tries < 100; tries++) {
		if (tries)
			usleep(50000);
		clean = true;
		for (i = 0; i < n_gpus; i++)
			clean &= !state(i, "used_pages") && !state(i, "bo_bytes") &&
				 !state(i, "kfd_bytes") && !state(i, "sysmem_used");
	}
	return clean;
}

void run(const char *name, void (*group)(void))
{
	int status;
	pid_t pid;

	note("---- %s", name);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		group();
		exit(0);
	}
	waitpid(pid, &status, 0);
	ok(!status, "%s: the group ran to its end", name);
	ok(at_baseline(), "%s: devices are back at their baseline", name);
}

int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int kfd_open(void)
{
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int acquire(int kfd, unsigned int gpu)
{
	struct kfd_ioctl_acquire_vm_args args = {.gpu_id = gpus[gpu].id};
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/dev/dri/renderD%u", gpus[gpu].minor);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	args.drm_fd = fd;
	r = call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args);
	close(fd);
	return r;
}

int kfd_ready(void)
{
	int kfd = kfd_open();
	unsigned int i;

	for (i = 0; kfd >= 0 && i < n_gpus; i++)
		if (acquire(kfd, i))
			return -1;
	return kfd;
}

int svm(int kfd, uint32_t op, const void *addr, size_t size, uint32_t n,
	struct kfd_ioctl_svm_attribute *attrs)
{
	size_t bytes = n * sizeof(*attrs);
	struct kfd_ioctl_svm_args *args = calloc(1, sizeof(*args) + bytes);
	int r;

	args->start_addr = (uintptr_t)addr;
	args->size = size;
	args->op = op;
	args->nattr = n;
	memcpy(args->attrs, attrs, bytes);
	r = call(kfd, AMDKFD_IOC_SVM + (bytes << _IOC_SIZESHIFT), args);
	memcpy(attrs, args->attrs, bytes);
	free(args);
	return r;
}

int set(int kfd, const void *addr, size_t size, uint32_t type, uint32_t value)
{
	struct kfd_ioctl_svm_attribute a = {type, value};

	return svm(kfd, KFD_IOCTL_SVM_OP_SET_ATTR, addr, size, 1, &a);
}

int prefetch(int kfd, const void *addr, size_t size, uint32_t to)
{
	return set(kfd, addr, size, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, to);
}

int64_t get(int kfd, const void *addr, size_t size, uint32_t type)
{
	struct kfd_ioctl_svm_attribute a = {type, 0};
	int r = svm(kfd, KFD_IOCTL_SVM_OP_GET_ATTR, addr, size, 1, &a);

	return r ? r : (int64_t)a.value;
}

int64_t get_access(int kfd, const void *addr, size_t size, uint32_t id)
{
	struct kfd_ioctl_svm_attribute a = {KFD_IOCTL_SVM_ATTR_ACCESS, id};
	int r = svm(kfd, KFD_IOCTL_SVM_OP_GET_ATTR, addr, size, 1, &a);

	return r ? r : (int64_t)a.type;
}

int xnack(int kfd, int mode)
{
	struct kfd_ioctl_set_xnack_mode_args args = {.xnack_enabled = mode};
	int r = call(kfd, AMDKFD_IOC_SET_XNACK_MODE, &args);

	return r ? r : args.xnack_enabled;
}

char *map(size_t size)
{
	size_t align = 2 * MiB;
	uintptr_t mem, at;

	/* So that small mappings are not cut into several new ranges. */
	while (align < size && align < 8 * MiB)
		align *= 2;
	mem = (uintptr_t)mmap(NULL, size + 2 * align, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == (uintptr_t)MAP_FAILED)
		abort();
	/* A border on both sides keeps neighbours from merging. */
	at = (mem + align) & ~(align - 1);
	munmap((void *)mem, at - mem);
	munmap((void *)(at + size), mem + 2 * align - at);
	madvise((void *)at, size, MADV_NOHUGEPAGE);
	return (void *)at;
}

void fill(char *mem, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i += 64)
		*(uint32_t *)(mem + i) = i * 2654435761u + seed;
}

bool intact(const char *mem, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i += 64)
		if (*(const uint32_t *)(mem + i) != (uint32_t)(i * 2654435761u + seed))
			return false;
	return true;
}

char *map_filled(size_t size)
{
	char *mem = map(size);

	fill(mem, size, 1);
	return mem;
}

size_t on_device(const char *mem, size_t size)
{
	size_t n = size / PAGE, i, count = 0;
	unsigned char *core = calloc(1, n);
	const void **pages = calloc(n, sizeof(*pages));
	int *status = calloc(n, sizeof(*status));

	for (i = 0; i < n; i++)
		pages[i] = mem + i * PAGE;
	if (!mincore((void *)mem, size, core) &&
	    !syscall(SYS_move_pages, 0, n, pages, NULL, status, 0))
		for (i = 0; i < n; i++)
			count += (core[i] & 1) && status[i] == -ENOENT;
	free(core);
	free(pages);
	free(status);
	return count;
}

long state(unsigned int gpu, const char *file)
{
	return read_number("/sys/class/kfdsim/dev%u/%s", gpu, file);
}

long owner_pages(unsigned int gpu, pid_t pid)
{
	long line_pid, pages, bytes, found = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/kfdsim/dev%u/owners", gpu);
	f = fopen(path, "r");
	while (f && fscanf(f, "%ld %ld %ld", &line_pid, &pages, &bytes) == 3)
		if (line_pid == pid)
			found += pages;
	if (f)
		fclose(f);
	return found;
}

long counter(unsigned int gpu, const char *what)
{
	return read_number("/sys/class/kfd/kfd/proc/%d/counters_%u/%s", getpid(), gpus[gpu].id,
			   what);
}

long control(const char *fmt, ...)
{
	char line[256], answer[128], *equals;
	long result = 0;
	va_list args;
	ssize_t n;
	int fd;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fd = open("/dev/kfdsim-control", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, line, strlen(line)) < 0) {
		result = -errno;
	} else {
		n = read(fd, answer, sizeof(answer) - 1);
		answer[n > 0 ? n : 0] = '\0';
		equals = strchr(answer, '=');
		if (equals)
			result = strtol(equals + 1, NULL, 0);
	}
	close(fd);
	return result;
}

int smi_open(int kfd, unsigned int gpu, uint64_t mask)
{
	struct kfd_ioctl_smi_events_args args = {.gpuid = gpus[gpu].id};
	int r = call(kfd, AMDKFD_IOC_SMI_EVENTS, &args);

	if (r)
		return r;
	if (write(args.anon_fd, &mask, sizeof(mask)) != sizeof(mask))
		return -errno;
	return args.anon_fd;
}

size_t smi_read(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	buf[len] = '\0';
	return len;
}

unsigned int count_lines(const char *text, const char *prefix)
{
	unsigned int n = 0;
	const char *line;

	for (line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		n += !strncmp(line, prefix, strlen(prefix));
	}
	return n;
}
