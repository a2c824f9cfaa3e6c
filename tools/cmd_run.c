/* SPDX-License-Identifier: MIT */
/*
 * cmd_run.c: gpumem run: a policy for one command, without Slurm. The record is the user's own, so
 * its limits bind as long as he wants them to.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "gpumem.h"
#include "options.h"
#include "run.h"

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem run [options] <policy> <command> [argument...]\n\n"
	      "Runs a command with a memory policy, as srun --gpu-mem-policy does in a job.\n\n"
	      "Options:\n"
	      RUN_OPTIONS_HELP COMMON_OPTIONS_HELP "\n",
	      out);
	fputs(gpumem_policy_help(), out);
	fputs("\nFor details see gpumem(1).\n", out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int run_option(void *data, int c, char *value)
{
	struct run_options *o = data;

	switch (c) {
	case 'd':
		o->device = value;
		return OPTION_TAKEN;
	case RUN_OPT_CONF:
		o->conf = value;
		return OPTION_TAKEN;
	case RUN_OPT_STATE_DIR:
		o->state_dir = value;
		return OPTION_TAKEN;
	default:
		return OPTION_OTHER;
	}
}

static const struct option longs[] = {
	RUN_OPTIONS,
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = "+d:" COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = run_option,
	.usage = usage,
	.operands = true,
};

/* Returns -1 to go on, else an exit code. */
static int parse_options(int argc, char **argv, struct run_options *o)
{
	int code = options_parse(argc, argv, &command_options, o);

	if (code >= 0)
		return code;
	if (argc - optind < 2) {
		fputs("gpumem: a policy and a command are wanted; see gpumem run --help\n", stderr);
		return EXIT_USAGE;
	}
	o->policy = argv[optind++];
	return -1;
}

static void own_state_dir(const struct run_options *o, char *buf, size_t len)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (o->state_dir)
		snprintf(buf, len, "%s", o->state_dir);
	else if (runtime && *runtime == '/')
		snprintf(buf, len, "%s/gpumem", runtime);
	else
		snprintf(buf, len, "/tmp/gpumem-%u", (unsigned)getuid());
}

static int no_device(const char *only, struct gpumem_error *err)
{
	err->code = -ENODEV;
	snprintf(err->text, sizeof(err->text), "no coherent device \"%s\"; see gpumem list",
		 only ? only : "");
	return -ENODEV;
}

/* The devices of the table that the command may use, nearest first. */
static int make_plan(const struct gpumem_job_spec *spec, const struct gpumem_devices *devices,
		     struct gpumem_policy policy, const char *only, struct gpumem_plan *ret,
		     struct gpumem_error *err)
{
	uint64_t bytes[GPUMEM_MAX_DEVICES];
	uint32_t distance[GPUMEM_MAX_DEVICES];
	uint8_t device[GPUMEM_MAX_DEVICES];
	size_t count = 0;

	for (uint32_t i = 0; i < spec->device_count; i++) {
		const struct gpumem_device *dev = gpumem_devices_find(devices, spec->device[i].pci);

		if (only && strcmp(only, spec->device[i].pci) != 0)
			continue;
		device[count] = (uint8_t)i;
		distance[count] = !dev || !gpumem_device_near_cpu(dev, (unsigned)sched_getcpu());
		bytes[count++] = spec->device[i].bytes;
	}
	if (count == 0)
		return no_device(only, err);
	/* The record's limit is the policy's; a second one would outlive `gpumem set`. */
	policy.limit_bytes = 0;
	policy.limit_percent = 0;
	return gpumem_plan_make(&policy, device, distance, count, bytes, 0, 0, ret, err);
}

static int prepare(const struct run_options *o, struct gpumem_ctx *ctx,
		   struct gpumem_job_spec *spec, struct gpumem_plan *plan, struct gpumem_error *err)
{
	const struct gpumem_subject nobody = { 0 };
	struct gpumem_devices *devices = NULL;
	struct gpumem_conf *conf = NULL;
	struct gpumem_policy policy;
	char node[64] = "";
	int rc;

	own_node(node, sizeof(node));
	rc = gpumem_policy_parse(o->policy, &policy, err);
	if (rc == 0)
		rc = gpumem_policy_supported(&policy, err);
	if (rc == 0)
		rc = gpumem_conf_read(o->conf, NULL, NULL, &conf, err);
	if (rc == 0)
		rc = gpumem_conf_check(conf, &nobody, &policy, err);
	if (rc == 0)
		rc = gpumem_discover(ctx, 0, &devices, err);
	if (rc == 0)
		rc = gpumem_devices_given(ctx, conf, node, devices, err);
	if (rc == 0)
		rc = gpumem_job_spec_devices(ctx, conf, &nobody, devices, &policy, spec, err);
	if (rc == 0)
		rc = make_plan(spec, devices, policy, o->device, plan, err);
	/* A record of this number is of a process that had it before and was killed. */
	if (rc == 0)
		rc = gpumem_job_remove(spec->state_dir, spec->job_id, err);
	if (rc == 0)
		rc = gpumem_job_create(spec, err);
	gpumem_devices_free(devices);
	gpumem_conf_free(conf);
	return rc;
}

static void set_environment(const struct gpumem_job_spec *spec, const struct gpumem_plan *plan)
{
	char dir[PATH_MAX], text[GPUMEM_PLAN_LEN], preload[PATH_MAX + 4096];
	const char *old = getenv("LD_PRELOAD");

	gpumem_job_path(spec->state_dir, spec->job_id, dir, sizeof(dir));
	gpumem_plan_print(plan, text, sizeof(text));
	snprintf(preload, sizeof(preload), "%s%s%s", gpumem_agent_path(), old ? " " : "",
		 old ? old : "");
	setenv(GPUMEM_ENV_JOB, dir, 1);
	setenv(GPUMEM_ENV_PLAN, text, 1);
	setenv("LD_PRELOAD", preload, 1);
	setenv("HSA_TOOLS_LIB", gpumem_agent_path(), 1);
}

/* For programs without an agent, on devices that are NUMA nodes. The user's own policy, by numactl, holds. */
static void set_mempolicy(const struct gpumem_job_spec *spec, const struct gpumem_plan *plan)
{
	struct gpumem_job_device device[GPUMEM_MAX_DEVICES] = { 0 };
	struct gpumem_error err;

	for (uint32_t i = 0; i < spec->device_count; i++) {
		device[i].kind = spec->device[i].kind;
		device[i].node = spec->device[i].node;
	}
	if (gpumem_plan_set_mempolicy(plan, device, spec->device_count, &err) < 0 &&
	    err.code != -EEXIST)
		fprintf(stderr, "gpumem: %s\n", err.text);
}

int run_exec(char **argv)
{
	int code;

	execvp(argv[0], argv);
	code = errno == ENOENT ? 127 : 126;
	fprintf(stderr, "gpumem: %s: %s\n", argv[0], strerror(errno));
	return code;
}

static volatile pid_t command;

/* Who ends us means the command; the record is removed when it has ended. */
static void pass_on(int sig)
{
	if (command > 0)
		kill(command, sig);
}

static int run_command(char **argv, const struct gpumem_job_spec *spec,
		       const struct gpumem_plan *plan)
{
	const struct sigaction forward = { .sa_handler = pass_on };
	int status;
	pid_t pid;

	/* Before the fork, so that none is missed; an exec sets handlers back. */
	sigaction(SIGTERM, &forward, NULL);
	sigaction(SIGHUP, &forward, NULL);
	pid = fork();

	if (pid == 0) {
		set_environment(spec, plan);
		set_mempolicy(spec, plan);
		_exit(run_exec(argv));
	}
	if (pid < 0) {
		fprintf(stderr, "gpumem: fork: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	command = pid;
	/* The command decides what a ^C means; the record is removed after it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_with_policy(const struct run_options *o, char **argv)
{
	struct gpumem_job_spec spec = { 0 };
	struct gpumem_plan plan;
	struct gpumem_error err = { 0 };
	char state_dir[PATH_MAX];
	struct gpumem_ctx *ctx;
	int code;

	if (!*gpumem_agent_path()) {
		fputs("gpumem: libgpumem-agent.so is not installed beside libgpumem.so\n", stderr);
		return EXIT_FAILED;
	}
	if (gpumem_new(&ctx) < 0)
		return fail(-ENOMEM);
	own_state_dir(o, state_dir, sizeof(state_dir));
	spec.state_dir = state_dir;
	spec.job_id = (uint32_t)getpid();
	spec.uid = getuid();
	spec.gid = getgid();
	spec.policy = o->policy;
	if (prepare(o, ctx, &spec, &plan, &err) < 0) {
		fprintf(stderr, "gpumem: %s\n", err.text);
		code = EXIT_FAILED;
	} else {
		code = run_command(argv, &spec, &plan);
		gpumem_job_remove(state_dir, spec.job_id, NULL);
	}
	gpumem_unref(ctx);
	return code;
}

int cmd_run(int argc, char **argv)
{
	struct run_options o = { 0 };
	int code = parse_options(argc, argv, &o);

	return code >= 0 ? code : run_with_policy(&o, argv + optind);
}
