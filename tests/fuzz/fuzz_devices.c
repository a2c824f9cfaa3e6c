/* SPDX-License-Identifier: MIT */
/*
 * fuzz_devices.c: any text as a saved device list: refused with a readable line, or a list that
 * comes back the same after it is saved.
 */
#include "replay.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpumem.h"

/* A list has no more than this; more in a file is refused. */
#define DEVICES_MAX 256

static void promise_same(const struct gpumem_devices *a, const struct gpumem_devices *b)
{
	const struct gpumem_device *x, *y;
	size_t i;

	promise(gpumem_devices_count(a) == gpumem_devices_count(b));
	gpumem_devices_foreach(a, x, i) {
		y = gpumem_devices_get(b, i);
		promise(gpumem_devices_find(b, gpumem_device_pci(x)) == y);
		promise(gpumem_device_kind(x) == gpumem_device_kind(y));
		promise(gpumem_device_bytes(x) == gpumem_device_bytes(y));
		promise(gpumem_device_node(x) == gpumem_device_node(y));
		promise(gpumem_device_kfd_id(x) == gpumem_device_kfd_id(y));
		promise(strcmp(gpumem_device_cpus(x), gpumem_device_cpus(y)) == 0);
		promise(strcmp(gpumem_device_note(x), gpumem_device_note(y)) == 0);
	}
}

static void save_again(const struct gpumem_devices *devices)
{
	char path[] = "/tmp/fuzz-devices-XXXXXX";
	struct gpumem_devices *again;
	int fd = mkstemp(path);

	promise(fd >= 0);
	close(fd);
	promise(gpumem_devices_save(devices, path, NULL) == 0);
	promise(gpumem_devices_load(NULL, path, &again, NULL) == 0);
	promise_same(devices, again);
	gpumem_devices_free(again);
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("devices", MFD_CLOEXEC), rc;
	struct gpumem_devices *devices;
	struct gpumem_error err;
	char path[64];

	promise(fd >= 0);
	promise(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = gpumem_devices_load(NULL, path, &devices, &err);
	close(fd);
	if (rc < 0) {
		promise(rc == -EPROTO && err.code == rc);
		promise_readable(err.text);
		return 0;
	}
	promise(gpumem_devices_count(devices) <= DEVICES_MAX);
	save_again(devices);
	gpumem_devices_free(devices);
	return 0;
}
