/* SPDX-License-Identifier: MIT */
/*
 * ctx.c: the context: where files are read and where messages go.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define GM_WHERE "context"
#include "base/ctx.h"
#include "config.h"

int gpumem_new(struct gpumem_ctx **ret)
{
	struct gpumem_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return -ENOMEM;
	ctx->refs = 1;
	ctx->root = strdup("");
	if (!ctx->root) {
		free(ctx);
		return -ENOMEM;
	}
	*ret = ctx;
	return 0;
}

struct gpumem_ctx *gpumem_ref(struct gpumem_ctx *ctx)
{
	ctx->refs++;
	return ctx;
}

struct gpumem_ctx *gpumem_unref(struct gpumem_ctx *ctx)
{
	if (ctx && --ctx->refs == 0) {
		free(ctx->root);
		free(ctx);
	}
	return NULL;
}

int gpumem_set_root(struct gpumem_ctx *ctx, const char *dir, struct gpumem_error *err)
{
	size_t len = strlen(dir);
	struct stat st;
	char *root;

	if (stat(dir, &st) < 0)
		return gm_err(err, -errno, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return gm_err(err, -ENOTDIR, "%s: not a directory", dir);
	while (len > 0 && dir[len - 1] == '/')
		len--;
	root = strndup(dir, len);
	if (!root)
		return gm_err(err, -ENOMEM, "out of memory");
	free(ctx->root);
	ctx->root = root;
	return 0;
}

void gpumem_set_log(struct gpumem_ctx *ctx, gpumem_log_fn *fn, void *data, int level)
{
	ctx->log = fn;
	ctx->log_data = data;
	ctx->log_level = level;
}

void gm_log_at(const struct gpumem_ctx *ctx, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctx->log(ctx->log_data, level, text);
}

const char *gpumem_version(void)
{
	return PACKAGE_VERSION;
}
