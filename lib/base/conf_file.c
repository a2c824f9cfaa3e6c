/* SPDX-License-Identifier: MIT */
/*
 * conf_file.c: gpumem.conf from its file into memory; lib/policy reads what it says.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define GM_WHERE "conf"
#include "base/cleanup.h"
#include "base/err.h"
#include "policy/conf.h"

static int from_errno(struct gpumem_error *err, const char *path)
{
	int code = errno;

	return gm_err(err, -code, "%s: %s", path, strerror(code));
}

/* Up to one byte more than is allowed, so that the parser sees a file that is too large. */
static int slurp(int fd, const char *path, char *buf, size_t *ret_len, struct gpumem_error *err)
{
	size_t len = 0;

	while (len < GM_CONF_FILE_MAX + 1) {
		ssize_t n = read(fd, buf + len, GM_CONF_FILE_MAX + 1 - len);

		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return from_errno(err, path);
	}
	*ret_len = len;
	return 0;
}

int gpumem_conf_read(const char *path, gpumem_conf_problem_fn *problem, void *data,
		     struct gpumem_conf **ret, struct gpumem_error *err)
{
	const char *name = path ? path : GPUMEM_CONF_PATH;
	_cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *buf = NULL;
	size_t len = 0;
	int rc;

	if (fd < 0 && errno == ENOENT && !path)
		return gpumem_conf_parse(name, "", 0, problem, data, ret, err);
	if (fd < 0)
		return from_errno(err, name);
	buf = malloc(GM_CONF_FILE_MAX + 1);
	if (!buf)
		return gm_err(err, -ENOMEM, "out of memory");
	rc = slurp(fd, name, buf, &len, err);
	return rc < 0 ? rc : gpumem_conf_parse(name, buf, len, problem, data, ret, err);
}
