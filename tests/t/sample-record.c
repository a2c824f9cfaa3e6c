/* SPDX-License-Identifier: MIT */
/*
 * sample-record: a job's record as agents would have written it, for tests of what reads records.
 *
 *   sample-record make DIR PID...   job 7 below DIR with two devices; each PID has a slot
 *   sample-record grow DIR MIB      what the first slot has on the first device, and its refaults
 *   sample-record wall DIR MIB      the kernel's own limit on both devices, which Slurm gave to the job
 *   sample-record numa DIR NODE CGROUP   job 7 with one device, the NUMA node, and no slot
 *
 * The first process holds 40 MiB of the first device's 64 MiB, 4 MiB of the second's, goes by the
 * duel and remembers one decision of each reason, the newest first reason; the others hold 8 MiB.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ledger/layout.h"

#define MIB (1ull << 20)
#define JOB 7u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t start_ticks(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64], text[1024] = "", *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	p = strrchr(text, ')');
	/* Field 22; the one after the name is field 3. */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		ticks = strtoull(p, NULL, 10);
	return ticks;
}

static int make_record(const char *dir, const char *node, const char *cgroup)
{
	struct gpumem_job_spec spec = { .state_dir = dir,
					.job_id = JOB,
					.uid = getuid(),
					.gid = getgid(),
					.node = "n1",
					.policy = "prefer,limit=64M,high=90%,low=80%",
					.device_count = 2,
					.allowed_placements = 1u << GPUMEM_PLACE_OFF |
							      1u << GPUMEM_PLACE_HOST |
							      1u << GPUMEM_PLACE_PREFER };
	struct gpumem_error err = { 0 };

	for (int i = 0; i < 2; i++) {
		snprintf(spec.device[i].pci, GPUMEM_PCI_LEN, "0000:c%d:00.0", i);
		spec.device[i].kind = GPUMEM_KIND_SVM;
		spec.device[i].bytes = 1ull << 30;
		spec.device[i].max_bytes = 96 * MIB;
		spec.device[i].limit_bytes = 64 * MIB;
	}
	if (node) {
		spec.cgroup = cgroup;
		spec.device_count = 1;
		spec.device[0].kind = GPUMEM_KIND_NUMA;
		spec.device[0].node = atoi(node);
	}
	if (gpumem_job_create(&spec, &err) == 0)
		return 0;
	fprintf(stderr, "sample-record: %s\n", err.text);
	return 1;
}

static struct gm_ledger_file *map_ledger(const char *dir)
{
	char path[512];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "%s/job-%u/ledger", dir, JOB);
	fd = open(path, O_RDWR | O_CLOEXEC);
	map = fd < 0 ? MAP_FAILED :
		       mmap(NULL, sizeof(struct gm_ledger_file), PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		perror(path);
	return map == MAP_FAILED ? NULL : map;
}

static void fill_first(struct gm_slot *s)
{
	atomic_store(&s->device[0].resident, 40 * MIB);
	atomic_store(&s->device[0].charged, 40 * MIB);
	atomic_store(&s->device[0].moved_in, 100 * MIB);
	atomic_store(&s->device[0].moved_out, 60 * MIB);
	atomic_store(&s->device[0].refaulted, 6 * MIB);
	atomic_store(&s->device[0].wanted, 30 * MIB);
	atomic_store(&s->device[0].fair_chunks, 14);
	atomic_store(&s->device[1].fair_chunks, 28);
	atomic_store(&s->device[1].resident, 4 * MIB);
	atomic_store(&s->device[1].moved_in, 4 * MIB);
	atomic_store(&s->arm, GPUMEM_RULE_PIN);
	atomic_store(&s->switches, 3);
	atomic_store(&s->signals, GPUMEM_SIGNAL_PRESENCE | GPUMEM_SIGNAL_SOFT_DIRTY |
					  GPUMEM_SIGNAL_SMI);
	atomic_store(&s->notes, GPUMEM_NOTE_MEMCG | GPUMEM_NOTE_BANDWIDTH);
	atomic_store(&s->hit_permille[0], 614);
	atomic_store(&s->hit_permille[1], 832);
	atomic_store(&s->hit_often_permille, 701);
	atomic_store(&s->hit_age_permille, 598);
	atomic_store(&s->seen_permille, 790);
	atomic_store(&s->failed[GPUMEM_FAIL_BUSY], 2);
	for (uint32_t reason = 1; reason < GPUMEM_REASON_COUNT; reason++) {
		struct gm_ring_entry *e = &s->ring[reason];

		atomic_store(&e->number, 0x7f0000000000u / GPUMEM_CHUNK_BYTES + reason);
		atomic_store(&e->pages, reason <= GPUMEM_REASON_POLICY ? 512 : 0);
		atomic_store(&e->heat, (uint16_t)(1000 * reason));
		atomic_store(&e->reason, (uint8_t)reason);
		atomic_store(&e->device, (uint8_t)(reason == GPUMEM_REASON_RESUMED));
		atomic_store(&e->time_ns, now_ns() - reason * 2000000000ull);
	}
}

static void fill_slot(struct gm_ledger_file *l, unsigned n, pid_t pid)
{
	struct gm_slot *s = &l->slot[n];

	atomic_store(&s->task_id, n);
	atomic_store(&s->state, GPUMEM_AGENT_WATCHING);
	memcpy(s->path, "kfd", 4);
	atomic_store(&s->host_bytes, 200 * MIB);
	atomic_store(&s->updated_ns, now_ns());
	atomic_store(&s->order, GPUMEM_EVICT_DUEL);
	atomic_store(&s->chunks, 120);
	if (n == 0) {
		fill_first(s);
	} else {
		atomic_store(&s->device[0].resident, 8 * MIB);
		atomic_store(&s->device[0].charged, 8 * MIB);
		atomic_store(&s->device[0].moved_in, 8 * MIB);
	}
	atomic_store(&s->owner, gm_owner_word(pid, start_ticks(pid)));
	atomic_store(&l->head.slots_used, n + 1);
}

static int set_walls(const char *dir, uint64_t bytes)
{
	struct gm_limits limits;
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/job-%u/limits", dir, JOB);
	f = fopen(path, "r+e");
	if (!f || fread(&limits, sizeof(limits), 1, f) != 1)
		return 1;
	for (unsigned i = 0; i < limits.device_count; i++)
		limits.device[i].wall_bytes = bytes;
	limits.given = 3;
	rewind(f);
	return fwrite(&limits, sizeof(limits), 1, f) == 1 && fclose(f) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct gm_ledger_file *l;

	if (argc < 4)
		return 2;
	if (!strcmp(argv[1], "numa"))
		return argc == 5 ? make_record(argv[2], argv[3], argv[4]) : 2;
	if (!strcmp(argv[1], "make") && make_record(argv[2], NULL, NULL) != 0)
		return 1;
	if (!strcmp(argv[1], "wall"))
		return set_walls(argv[2], strtoull(argv[3], NULL, 10) * MIB);
	l = map_ledger(argv[2]);
	if (!l)
		return 1;
	if (!strcmp(argv[1], "grow")) {
		uint64_t bytes = strtoull(argv[3], NULL, 10) * MIB;

		atomic_fetch_add(&l->slot[0].device[0].resident, bytes);
		atomic_fetch_add(&l->slot[0].device[0].refaulted, bytes);
	}
	for (int i = 3; !strcmp(argv[1], "make") && i < argc; i++)
		fill_slot(l, (unsigned)i - 3, (pid_t)atoi(argv[i]));
	return 0;
}
