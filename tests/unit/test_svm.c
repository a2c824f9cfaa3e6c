/* SPDX-License-Identifier: MIT */
/*
 * test_svm: retries, the choice of a way, and what failures are called. The ways to KFD are replaced:
 * tables of their names here keep the linker from looking into the archive for the real ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "place/svm.h"

static struct {
	int open_rc, rc[16];
	unsigned opens, closes, calls;
	uint32_t id;
	void *addr;
	size_t len;
} hsakmt, alone, shared, *last;

static int fake_open(__typeof__(last) f, struct gm_kfd **ret)
{
	f->opens++;
	if (f->open_rc == 0)
		*ret = (struct gm_kfd *)f;
	return f->open_rc;
}

static int hsakmt_open(const struct gm_place_devices *d, struct gm_kfd **ret)
{
	(void)d;
	return fake_open(&hsakmt, ret);
}

static int alone_open(const struct gm_place_devices *d, struct gm_kfd **ret)
{
	(void)d;
	return fake_open(&alone, ret);
}

static int shared_open(const struct gm_place_devices *d, struct gm_kfd **ret)
{
	(void)d;
	return fake_open(&shared, ret);
}

static void fake_close(struct gm_kfd *kfd)
{
	((__typeof__(last))kfd)->closes++;
}

static int fake_set(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id)
{
	last = (__typeof__(last))kfd;
	last->addr = addr;
	last->len = len;
	last->id = id;
	return last->rc[last->calls++];
}

const struct gm_kfd_ops gm_kfd_hsakmt = { "hsakmt", hsakmt_open, fake_close, fake_set, fake_set };
const struct gm_kfd_ops gm_kfd_alone = { "kfd-alone", alone_open, fake_close, fake_set, fake_set };
const struct gm_kfd_ops gm_kfd_shared = { "kfd", shared_open, fake_close, fake_set, fake_set };

static struct gm_svm svm;

static int setup(void **state)
{
	(void)state;
	memset(&hsakmt, 0, sizeof(hsakmt));
	memset(&alone, 0, sizeof(alone));
	memset(&shared, 0, sizeof(shared));
	memset(&svm, 0, sizeof(svm));
	svm.devices.count = 2;
	svm.devices.device[0].id = 1000;
	svm.devices.device[1].id = 1001;
	return 0;
}

static void test_ways(void **state)
{
	static const struct {
		int hsakmt, alone, rc;
		const char *way;
		unsigned tried_alone;
	} cases[] = {
		{ 0, 0, 0, "hsakmt", 0 },
		{ -ENOSYS, 0, 0, "kfd-alone", 1 },
		{ -ENOSYS, -EACCES, -EACCES, NULL, 1 },
		/* It got as far as the device: another way would be refused, for good. */
		{ -ENODEV, 0, -ENODEV, NULL, 0 },
		{ -EBUSY, 0, -EBUSY, NULL, 0 },
		{ -ENOMEM, 0, -ENOMEM, NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(state);
		hsakmt.open_rc = cases[i].hsakmt;
		alone.open_rc = cases[i].alone;
		assert_int_equal(gm_svm_open(&svm), cases[i].rc);
		assert_int_equal(svm.open_error, cases[i].rc);
		assert_int_equal(alone.opens, cases[i].tried_alone);
		assert_int_equal(shared.opens, 0);
		assert_int_equal(svm.ops != NULL, cases[i].way != NULL);
		if (!svm.ops)
			continue;
		assert_string_equal(svm.ops->name, cases[i].way);
		assert_int_equal(gm_svm_open(&svm), 0); /* it is */
		assert_int_equal(hsakmt.opens, 1);
		gm_svm_close(&svm);
		gm_svm_close(&svm);
		assert_int_equal(hsakmt.closes + alone.closes, 1);
	}
}

static void test_retries(void **state)
{
	static const struct {
		int rc[10];
		int end;
		unsigned calls;
	} cases[] = {
		{ { 0 }, 0, 1 },
		{ { -EAGAIN, 0 }, 0, 2 },
		{ { -EINTR, -EAGAIN, -EINTR, 0 }, 0, 4 },
		{ { -EAGAIN, -EFAULT }, -EFAULT, 2 },
		{ { -ENOMEM, 0 }, -ENOMEM, 1 },
		{ { -EAGAIN, -EAGAIN, -EAGAIN, -EAGAIN, -EAGAIN, -EAGAIN, -EAGAIN, -EAGAIN, 0 },
		  -EAGAIN, 8 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(state);
		assert_int_equal(gm_svm_open(&svm), 0);
		memcpy(hsakmt.rc, cases[i].rc, sizeof(cases[i].rc));
		assert_int_equal(gm_svm_move(&svm, (void *)4096, 8192, 1), cases[i].end);
		assert_int_equal(hsakmt.calls, cases[i].calls);
	}
}

static void test_places(void **state)
{
	(void)state;
	assert_int_equal(gm_svm_open(&svm), 0);
	assert_int_equal(gm_svm_move(&svm, (void *)4096, 8192, 1), 0);
	assert_ptr_equal(hsakmt.addr, (void *)4096);
	assert_int_equal(hsakmt.len, 8192);
	assert_int_equal(hsakmt.id, 1001);
	assert_int_equal(gm_svm_move(&svm, (void *)4096, 8192, GM_SVM_HOST), 0);
	assert_int_equal(hsakmt.id, GM_KFD_SYSMEM);
	assert_int_equal(gm_svm_prefer(&svm, (void *)4096, 8192, 0), 0);
	assert_int_equal(hsakmt.id, 1000);
	assert_int_equal(gm_svm_prefer(&svm, (void *)4096, 8192, GM_SVM_HOST), 0);
	assert_int_equal(hsakmt.id, GM_KFD_SYSMEM);
	assert_int_equal(gm_svm_prefer(&svm, (void *)4096, 8192, GM_SVM_HOST + 1), 0);
	assert_true(hsakmt.id == UINT32_MAX);
	/* A prefetch to "none" would be refused by the kernel, or worse. */
	assert_int_equal(gm_svm_move(&svm, (void *)4096, 8192, 2), -ENODEV);
	assert_int_equal(gm_svm_move(&svm, (void *)4096, 8192, GM_SVM_HOST + 1), -ENODEV);
	assert_int_equal(hsakmt.calls, 5);
}

/* hsa_init() in one thread may have the device let go of while another is about to move. */
static void test_closed(void **state)
{
	(void)state;
	assert_int_equal(gm_svm_open(&svm), 0);
	gm_svm_close(&svm);
	assert_int_equal(gm_svm_move(&svm, (void *)4096, 8192, 0), -EAGAIN);
	assert_int_equal(gm_svm_prefer(&svm, (void *)4096, 8192, 0), -EAGAIN);
	assert_int_equal(hsakmt.calls, 0);
}

static void test_reasons(void **state)
{
	static const struct {
		int rc;
		enum gpumem_fail fail;
	} cases[] = {
		{ -ENOMEM, GPUMEM_FAIL_NO_MEMORY }, { -ENOSPC, GPUMEM_FAIL_NO_MEMORY },
		{ -EAGAIN, GPUMEM_FAIL_RETRY },	    { -EINTR, GPUMEM_FAIL_RETRY },
		{ -EFAULT, GPUMEM_FAIL_MAPPING },   { -EINVAL, GPUMEM_FAIL_MAPPING },
		{ -EADDRINUSE, GPUMEM_FAIL_MAPPING }, { -EOVERFLOW, GPUMEM_FAIL_MAPPING },
		{ -EPERM, GPUMEM_FAIL_DEVICE },	    { -EBADF, GPUMEM_FAIL_DEVICE },
		{ -ENODEV, GPUMEM_FAIL_DEVICE },    { -EIO, GPUMEM_FAIL_DEVICE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(gm_svm_reason(cases[i].rc), cases[i].fail);
}

/* Last: what is known of ROCr only grows. */
static void test_rocr(void **state)
{
	(void)state;
	assert_int_equal(gm_rocr_state(), GM_ROCR_ABSENT);
	gm_rocr_set_coming();
	assert_int_equal(gm_rocr_state(), GM_ROCR_COMING);
	assert_int_equal(gm_svm_open(&svm), -EAGAIN);
	assert_null(svm.ops);
	assert_int_equal(svm.open_error, -EAGAIN);
	assert_int_equal(hsakmt.opens + alone.opens + shared.opens, 0);
	gm_rocr_set_up();
	gm_rocr_set_coming();
	assert_int_equal(gm_rocr_state(), GM_ROCR_UP);
	assert_int_equal(gm_svm_open(&svm), 0);
	assert_string_equal(svm.ops->name, "kfd");
	assert_int_equal(hsakmt.opens + alone.opens, 0);
}

/* A program that closed every descriptor, and may use the number for a file of its own. */
static void test_lost_descriptor(void **state)
{
	static const int lost[] = { -EBADF, -ENOTTY };

	for (size_t i = 0; i < 2; i++) {
		setup(state);
		hsakmt.rc[0] = lost[i];
		assert_int_equal(gm_svm_open(&svm), 0);
		assert_int_equal(gm_svm_move(&svm, (void *)0x200000, 4096, 1), 0);
		assert_int_equal(shared.opens, 1);
		assert_int_equal(shared.calls, 1);
		assert_int_equal(shared.id, 1001);
		assert_int_equal(hsakmt.closes, 0);
	}
	/* It stays lost: the error is told, once, without a loop. */
	setup(state);
	hsakmt.rc[0] = shared.rc[0] = -EBADF;
	assert_int_equal(gm_svm_open(&svm), 0);
	assert_int_equal(gm_svm_move(&svm, (void *)0x200000, 4096, 1), -EBADF);
	assert_int_equal(shared.calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lost_descriptor, setup),
		cmocka_unit_test_setup(test_ways, setup),  cmocka_unit_test_setup(test_retries, setup),
		cmocka_unit_test_setup(test_places, setup), cmocka_unit_test_setup(test_reasons, setup),
		cmocka_unit_test_setup(test_closed, setup), cmocka_unit_test_setup(test_rocr, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
