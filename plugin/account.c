/* SPDX-License-Identifier: MIT */
/*
 * account.c: telling what a job did: its user at the end of a step, Slurm in the job's AdminComment, the
 * site in its file. None of them may delay or fail a job.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugin.h"

#define COMMENT_SECONDS 5
#define POLL_NS 10000000
#define FILE_MAX_BYTES (8ull << 20) /* where nobody else looks after the file */

/* $1: job, $2: the comment. What somebody else wrote there stays. */
static const char comment_script[] =
	"old=$(scontrol show job \"$1\" | sed -n 's/ *$//; s/^ *AdminComment=//p') || exit\n"
	"case $old in\n"
	"''|'{\"gpumem\":'*) exec scontrol update jobid=\"$1\" admincomment=\"$2\" ;;\n"
	"esac\n";

static void print_lines(char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			slurm_spank_log("gpumem: %s", line);
}

/* In a child of a process with threads: nothing that takes a lock. */
static void run_script(const char *job, const char *comment)
{
	char *const argv[] = { (char *)"sh",  (char *)"-c",	(char *)comment_script,
			       (char *)"sh", (char *)job, (char *)comment, NULL };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int fd;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGPIPE, &dfl, NULL);
	sigaction(SIGCHLD, &dfl, NULL);
	fd = open("/dev/null", O_RDWR);
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	execv("/bin/sh", argv);
	_exit(127);
}

/* Waits so long and no longer: a controller that does not answer is not the job's fault. */
static int wait_for(pid_t pid)
{
	const struct timespec nap = { .tv_nsec = POLL_NS };
	int status = -1;

	for (long left = COMMENT_SECONDS * (1000000000L / POLL_NS); left > 0; left--) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		if (got < 0 && errno != EINTR)
			return -1;
		nanosleep(&nap, NULL);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

static void comment(uint32_t job_id, const struct gpumem_account *account)
{
	char job[16], *text;
	pid_t pid;

	if (gpumem_account_json(account, true, &text) < 0)
		return;
	snprintf(job, sizeof(job), "%u", job_id);
	pid = fork();
	if (pid == 0)
		run_script(job, text);
	if (pid > 0)
		setpgid(pid, pid);
	if (pid < 0 || wait_for(pid) != 0)
		slurm_info("gpumem: job %u: AdminComment was not set", job_id);
	free(text);
}

void account_step(const struct site *site, uint32_t job_id, enum account_print print, bool to_slurm)
{
	struct gpumem_error err = { 0 };
	struct gpumem_account account;
	struct gpumem_job *job;
	char *text;
	int rc;

	if (gpumem_job_open(site->state_dir, job_id, false, &job, &err) < 0)
		return;
	if (print == ACCOUNT_PRINT_IF_FIRST && gpumem_job_reported(job))
		print = ACCOUNT_SILENT;
	rc = gpumem_account_of(job, &account);
	gpumem_job_close(job);
	if (rc < 0) {
		slurm_info("gpumem: job %u: its ledger cannot be read: %s", job_id, strerror(-rc));
		return;
	}
	if (print != ACCOUNT_SILENT && gpumem_account_text(&account, false, &text) == 0) {
		print_lines(text);
		free(text);
		gpumem_job_note_report(site->state_dir, job_id, NULL);
	}
	if (to_slurm)
		comment(job_id, &account);
}

void account_job(const struct site *site, struct gpumem_job *job, uint32_t left_processes,
		 uint64_t left_bytes)
{
	struct gpumem_error err = { 0 };
	struct gpumem_account account;
	char path[PATH_MAX] = "";
	uint64_t most = gpumem_conf_accounting_default(site->conf) ? FILE_MAX_BYTES : 0;
	int rc = gpumem_conf_accounting(site->conf, site->node, path, sizeof(path));

	if (rc < 0 || !path[0])
		return;
	rc = gpumem_account_of(job, &account);
	if (rc < 0) {
		slurm_error("gpumem: job %u: its ledger cannot be read: %s", gpumem_job_id(job),
			    strerror(-rc));
		return;
	}
	account.end = (int64_t)time(NULL);
	account.left_processes = left_processes;
	account.left_bytes = left_bytes;
	if (gpumem_account_append(path, &account, most, &err) < 0)
		slurm_error("gpumem: job %u: %s", gpumem_job_id(job), err.text);
}
