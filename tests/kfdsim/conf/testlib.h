/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the groups of the conformance test share: TAP, the ioctls, where pages
 * are, the control and state files of kfdsim.
 */
#ifndef TESTLIB_H
#define TESTLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/kfd_ioctl.h>

#define PAGE 4096UL
#define MiB (1UL << 20)
#define SYSMEM 0U
#define UNDEFINED 0xffffffffU
#define MAX_GPUS 16

enum abi { ABI_6_1 = 1, ABI_6_12, ABI_7_3 };

struct gpu {
	uint32_t id;
	unsigned int node; /* in topology/nodes */
	unsigned int minor;
	uint64_t bytes;
};

extern enum abi abi;
extern struct gpu gpus[MAX_GPUS];
extern unsigned int n_gpus;
extern const char *self; /* path of this program */

void setup(const char *argv0);
/* TAP; numbers go on across processes. Returns @good. */
bool ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int failures(void);
void plan(void);

/* Run @group in a child of its own, then check that nothing is left behind. */
void run(const char *name, void (*group)(void));
/* No page, no buffer, no reservation on any device (waits a little). */
bool at_baseline(void);

/* All return 0 or -errno. */
int kfd_open(void);
int call(int fd, unsigned long cmd, void *arg);
int acquire(int kfd, unsigned int gpu);
/* A new descriptor with the VMs of all GPUs acquired. */
int kfd_ready(void);
int svm(int kfd, uint32_t op, const void *addr, size_t size, uint32_t n,
	struct kfd_ioctl_svm_attribute *attrs);
int set(int kfd, const void *addr, size_t size, uint32_t type, uint32_t value);
int prefetch(int kfd, const void *addr, size_t size, uint32_t to);
/* Value of one attribute, or -errno as a negative number. */
int64_t get(int kfd, const void *addr, size_t size, uint32_t type);
/* ATTR_ACCESS, _IN_PLACE or _NO_ACCESS of GPU @id. */
int64_t get_access(int kfd, const void *addr, size_t size, uint32_t id);
int xnack(int kfd, int mode);

/* Anonymous memory, aligned to 2 MiB, not touched. */
char *map(size_t size);
char *map_filled(size_t size);
void fill(char *mem, size_t size, unsigned int seed);
bool intact(const char *mem, size_t size, unsigned int seed);
/* Pages that are resident and on no node. */
size_t on_device(const char *mem, size_t size);

/* /sys/class/kfdsim/dev<gpu>/<file> */
long state(unsigned int gpu, const char *file);
/* Pages and bytes of @pid on the device by file "owners". */
long owner_pages(unsigned int gpu, pid_t pid);
/* One command line; the number after '=' in the answer, 0, or -errno. */
long control(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* First number in a file, or -errno. */
long read_number(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* counters_<gpuid>/<what> of this process */
long counter(unsigned int gpu, const char *what);

/* SMI: a file with a mask of events; its lines so far into @buf. */
int smi_open(int kfd, unsigned int gpu, uint64_t mask);
size_t smi_read(int fd, char *buf, size_t size);
unsigned int count_lines(const char *text, const char *prefix);

void group_abi(void);
void group_acquire(void);
void group_errors(void);
void group_events(void);
void group_ranges(void);
void group_get(void);
void group_xnack(void);
void group_topology(void);
void group_cgroup(void);
void group_pages(void);
void group_special_pages(void);
void group_meters(void);
void group_process(void);
void group_exec(void);
void group_kill(void);
void group_fork_pages(void);
void group_unmap(void);
void group_memcg(void);
void group_smi(void);
void group_touch(void);
void group_queues(void);
void group_evict(void);
void group_inject(void);
void group_shared_buffer(void);

/* The program started again by group_exec(): what became of descriptor @fd. */
int exec_child(int fd);

#endif /* TESTLIB_H */
