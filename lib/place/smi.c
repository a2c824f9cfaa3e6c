/* SPDX-License-Identifier: MIT */
/*
 * smi.c: lines of KFD's SMI events (include/uapi/linux/kfd_ioctl.h: their formats are macros there).
 */
#include <inttypes.h>
#include <linux/kfd_ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "place/smi.h"

#define MIGRATE_END 6u
#define PAGE_FAULT_START 7u
#define TRIGGER_GPU_FAULT 1
#define TRIGGER_TTM_EVICTION 3
#define PAGE 4096u
/* The word that asks for events has a bit for each, from 1 on. */
#define MASK ((1ull << (MIGRATE_END - 1)) | (1ull << (PAGE_FAULT_START - 1)))

static bool parse_fault(const char *rest, struct gm_smi_event *ret)
{
	uint64_t page;

	if (sscanf(rest, "%*d -%*d @%" SCNx64 "(", &page) != 1)
		return false;
	*ret = (struct gm_smi_event){ GM_SMI_FAULT, page * PAGE, PAGE };
	return true;
}

/* Counted at the end of a move: what began may have failed. */
static bool parse_migrate(const char *rest, struct gm_smi_event *ret)
{
	uint64_t page, pages;
	int trigger;

	if (sscanf(rest, "%*d -%*d @%" SCNx64 "(%" SCNx64 ") %*x->%*x %d", &page, &pages,
		   &trigger) != 3)
		return false;
	if (trigger != TRIGGER_GPU_FAULT && trigger != TRIGGER_TTM_EVICTION)
		return false;
	*ret = (struct gm_smi_event){
		trigger == TRIGGER_GPU_FAULT ? GM_SMI_ARRIVED : GM_SMI_EVICTED, page * PAGE,
		pages * PAGE };
	return true;
}

bool gm_smi_parse(const char *line, struct gm_smi_event *ret)
{
	unsigned id;
	int at = 0;

	if (sscanf(line, "%x %n", &id, &at) != 1 || at == 0)
		return false;
	switch (id) {
	case MIGRATE_END:
		return parse_migrate(line + at, ret);
	case PAGE_FAULT_START:
		return parse_fault(line + at, ret);
	default:
		return false;
	}
}

int gm_smi_open(uint32_t gpu_id, struct gm_own_file *ret)
{
	struct kfd_ioctl_smi_events_args args = { .gpuid = gpu_id };
	const uint64_t mask = MASK;
	int kfd = open("/dev/kfd", O_RDWR | O_CLOEXEC), rc;

	if (kfd < 0)
		return -errno;
	rc = ioctl(kfd, AMDKFD_IOC_SMI_EVENTS, &args) < 0 ? -errno : 0;
	close(kfd);
	if (rc == 0)
		rc = gm_own_take(ret, (int)args.anon_fd);
	if (rc < 0)
		return rc;
	fcntl(ret->fd, F_SETFD, FD_CLOEXEC);
	if (write(ret->fd, &mask, sizeof(mask)) == (ssize_t)sizeof(mask))
		return 0;
	rc = -errno;
	gm_own_close(ret);
	return rc;
}

/* All anonymous files share one inode, so the name has to tell ours from one that the application got
 * under our number after it closed ours. */
static bool is_ours(int fd)
{
	char path[40], name[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	return strstr(name, "kfd_smi_ev") != NULL;
}

unsigned gm_smi_read(const struct gm_own_file *file, gm_smi_fn *fn, void *data)
{
	char buf[4096];
	unsigned lines = 0;
	ssize_t n;

	if (file->fd < 0 || !is_ours(file->fd))
		return 0;
	/* Whole lines, as many as fit; the driver never blocks. */
	while ((n = read(file->fd, buf, sizeof(buf) - 1)) > 0) {
		char *line = buf, *nl;

		buf[n] = '\0';
		while ((nl = strchr(line, '\n'))) {
			struct gm_smi_event event;

			*nl = '\0';
			lines++;
			if (gm_smi_parse(line, &event))
				fn(data, &event);
			line = nl + 1;
		}
	}
	return lines;
}
