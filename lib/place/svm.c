/* SPDX-License-Identifier: MIT */
/*
 * svm.c: the place of kind svm.
 */
#include <errno.h>
#include <fnmatch.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/loader.h"
#include "place/svm.h"

/* The kernel gives EAGAIN when a mapping raced with a notifier: it goes away by itself. */
#define TRIES 8

static _Atomic(enum gm_rocr) told = GM_ROCR_ABSENT;

void gm_rocr_set_coming(void)
{
	enum gm_rocr before = GM_ROCR_ABSENT;

	atomic_compare_exchange_strong(&told, &before, GM_ROCR_COMING);
}

void gm_rocr_set_up(void)
{
	atomic_store(&told, GM_ROCR_UP);
}

struct loaded {
	const char *const *names;
	bool any;
};

static int is_loaded(struct dl_phdr_info *info, size_t size, void *data)
{
	struct loaded *l = data;

	(void)size;
	for (const char *const *name = l->names; *name && info->dlpi_name; name++)
		if (strstr(info->dlpi_name, *name))
			l->any = true;
	return l->any;
}

static bool any_loaded(const char *const *names)
{
	struct loaded l = { .names = names };

	gm_loader_enter();
	dl_iterate_phdr(is_loaded, &l);
	gm_loader_leave();
	return l.any;
}

enum gm_rocr gm_rocr_state(void)
{
	static const char *const rocr[] = { "libhsa-runtime64.so", NULL };
	enum gm_rocr state = atomic_load(&told);

	if (state == GM_ROCR_ABSENT && any_loaded(rocr))
		state = GM_ROCR_COMING;
	return state;
}

bool gm_rocr_may_come(void)
{
	static const char *const late[] = { "python*", "perl*", "julia*", "ruby*", "lua*",
					    "node",    "java",	"R",	  "octave*" };
	/* These look hsa_init() up by dlsym(), where the agent cannot stand in its way. */
	static const char *const loaders[] = { "libomptarget", "libOpenCL.so", NULL };
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *name;

	if (any_loaded(loaders))
		return true;
	if (n <= 0)
		return false;
	exe[n] = '\0';
	name = strrchr(exe, '/');
	name = name ? name + 1 : exe;
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		if (fnmatch(late[i], name, 0) == 0)
			return true;
	return false;
}

int gm_svm_open(struct gm_svm *svm)
{
	const struct gm_kfd_ops *ways[2] = { &gm_kfd_hsakmt, &gm_kfd_alone };
	size_t count = 2;
	int rc = -ENODEV;

	if (svm->ops)
		return 0;
	switch (gm_rocr_state()) {
	case GM_ROCR_COMING:
		/* Whoever opens KFD first makes the other fail, and it must not be ROCr. */
		return svm->open_error = -EAGAIN;
	case GM_ROCR_UP:
		ways[0] = &gm_kfd_shared;
		count = 1;
		break;
	case GM_ROCR_ABSENT:
		break;
	}
	for (size_t i = 0; i < count; i++) {
		rc = ways[i]->open(&svm->devices, &svm->kfd);
		if (rc == 0) {
			svm->ops = ways[i];
			break;
		}
		/* A way that got as far as the device has bound the process to its descriptors. */
		if (rc != -ENOSYS)
			break;
	}
	svm->open_error = rc;
	return rc;
}

void gm_svm_close(struct gm_svm *svm)
{
	if (svm->ops)
		svm->ops->close(svm->kfd);
	svm->ops = NULL;
	svm->kfd = NULL;
}

static uint32_t kfd_id(const struct gm_svm *svm, size_t index)
{
	if (index == GM_SVM_HOST)
		return GM_KFD_SYSMEM;
	return index < svm->devices.count ? svm->devices.device[index].id : UINT32_MAX;
}

/*
 * The application closed our descriptor, as daemons do with all they find. The process stays bound
 * to its devices as long as it lives, so a new descriptor of /dev/kfd alone is enough.
 */
static int replace_lost(struct gm_svm *svm)
{
	struct gm_kfd *kfd;
	int rc = gm_kfd_shared.open(&svm->devices, &kfd);

	if (rc < 0)
		return rc;
	/* What the old handle holds may be the application's by now: not closed. */
	svm->ops = &gm_kfd_shared;
	svm->kfd = kfd;
	return 0;
}

static int call(struct gm_svm *svm, bool prefetch, void *addr, size_t len, uint32_t id)
{
	bool replaced = false;
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && (rc == -EAGAIN || rc == -EINTR); i++) {
		if (i > 0)
			usleep(100u << i);
		rc = (prefetch ? svm->ops->prefetch : svm->ops->prefer)(svm->kfd, addr, len, id);
		if ((rc == -EBADF || rc == -ENOTTY) && !replaced && replace_lost(svm) == 0) {
			replaced = true;
			rc = -EAGAIN;
		}
	}
	return rc;
}

int gm_svm_move(struct gm_svm *svm, void *addr, size_t len, size_t index)
{
	if (index != GM_SVM_HOST && index >= svm->devices.count)
		return -ENODEV;
	if (!svm->ops) /* let go of for hsa_init() since the caller looked */
		return -EAGAIN;
	return call(svm, true, addr, len, kfd_id(svm, index));
}

int gm_svm_prefer(struct gm_svm *svm, void *addr, size_t len, size_t index)
{
	if (!svm->ops)
		return -EAGAIN;
	return call(svm, false, addr, len, kfd_id(svm, index));
}

enum gpumem_fail gm_svm_reason(int rc)
{
	switch (rc) {
	case -ENOMEM:
	case -ENOSPC:
		return GPUMEM_FAIL_NO_MEMORY;
	case -EAGAIN:
	case -EINTR:
		return GPUMEM_FAIL_RETRY;
	case -EFAULT:
	case -EINVAL:
	case -EADDRINUSE:
	case -EOVERFLOW:
		return GPUMEM_FAIL_MAPPING;
	default:
		return GPUMEM_FAIL_DEVICE;
	}
}
