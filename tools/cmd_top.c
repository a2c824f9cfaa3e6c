/* SPDX-License-Identifier: MIT */
/*
 * cmd_top.c: gpumem top: the loop of looking, showing and keys.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "top.h"

#define DELAY_DEFAULT 2000
#define DELAY_MIN 100
#define DELAY_MAX 3600000

struct options {
	struct job_filter filter;
	struct top_options view;
	unsigned long views; /* 0: until told to stop */
	bool batch;
};

static int usage(FILE *out)
{
	fputs("Usage:\n gpumem top [options]\n\n"
	      "Shows again and again what jobs have on the devices of this node, and what moves.\n\n"
	      "Options:\n" JOB_OPTIONS_HELP
	      " -b, --batch            plain lines, no keys; so too when there is no terminal\n"
	      " -d, --delay <seconds>  between two views, 0.1 to 3600 (default: 2)\n"
	      " -n, --views <n>        leave after so many, 0: never (default: 0)\n"
	      " -s, --sort <order>     by memory, cpu, refaults or pid (default: memory)\n"
	      COMMON_OPTIONS_HELP
	      "\nKeys: m c r p sort, s the next order, + - delay, h help, q leave.\n"
	      "For details see gpumem(1).\n",
	      out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int take_delay(struct options *o, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (isdigit((unsigned char)*text) && *end == '\0' && seconds * 1000 >= DELAY_MIN &&
	    seconds * 1000 <= DELAY_MAX) {
		o->view.delay_ms = (unsigned)(seconds * 1000);
		return OPTION_TAKEN;
	}
	fprintf(stderr, "gpumem: --delay %s: not 0.1 to 3600 seconds\n", text);
	return EXIT_USAGE;
}

static int take_sort(struct options *o, const char *text)
{
	for (int i = 0; i < TOP_SORTS; i++)
		if (strcasecmp(text, top_sort_names[i]) == 0) {
			o->view.sort = (enum top_sort)i;
			return OPTION_TAKEN;
		}
	fprintf(stderr, "gpumem: --sort %s: no such order; allowed: memory, cpu, refaults, pid\n",
		text);
	return EXIT_USAGE;
}

static int take_option(void *data, int c, char *value)
{
	struct options *o = data;

	if (job_filter_option(&o->filter, c, value))
		return OPTION_TAKEN;
	switch (c) {
	case 'b':
		o->batch = true;
		return OPTION_TAKEN;
	case 'd':
		return take_delay(o, value);
	case 'n':
		if (option_number(value, 0, 1000000000, &o->views))
			return OPTION_TAKEN;
		fprintf(stderr, "gpumem: --views %s: not 0 to 1000000000\n", value);
		return EXIT_USAGE;
	case 's':
		return take_sort(o, value);
	default:
		return OPTION_OTHER;
	}
}

static const struct option longs[] = {
	JOB_OPTIONS,
	{ "batch", no_argument, NULL, 'b' },
	{ "delay", required_argument, NULL, 'd' },
	{ "views", required_argument, NULL, 'n' },
	{ "sort", required_argument, NULL, 's' },
	COMMON_OPTIONS,
};
static const struct command_options command_options = {
	.shorts = "j:bd:n:s:" COMMON_SHORT_OPTIONS,
	.longs = longs,
	.take = take_option,
	.usage = usage,
};

static volatile sig_atomic_t stopped_by;

static void stop(int sig)
{
	stopped_by = sig;
}

/* The signals come while top waits and at no other moment, so none is missed and none meets a
 * screen that is half drawn. Returns the mask to wait with. */
static sigset_t catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct sigaction action = { .sa_handler = stop };
	struct sigaction before;
	sigset_t block, waiting;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaddset(&block, signals[i]);
		/* What nohup has switched off stays off. */
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, &waiting);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigdelset(&waiting, signals[i]);
	return waiting;
}

static void plain_put(struct top_sink *sink, enum top_colour colour, const char *text)
{
	(void)sink;
	(void)colour;
	fputs(text, stdout);
}

static void plain_end_line(struct top_sink *sink)
{
	(void)sink;
	putchar('\n');
}

static int draw(const struct options *o, struct top_facts *facts, bool again)
{
	struct top_sink plain = { .put = plain_put, .end_line = plain_end_line };

	top_facts_sort(facts, o->view.sort);
	if (!o->batch) {
		top_view(top_screen_begin(), facts, &o->view);
		top_screen_end();
		return 0;
	}
	if (again)
		putchar('\n');
	top_view(&plain, facts, &o->view);
	return fflush(stdout) == 0 ? 0 : -errno;
}

enum action { ACTION_NONE, ACTION_DRAW, ACTION_LEAVE };

static enum action press(struct top_options *view, int key)
{
	static const char sorts[] = "mcrp"; /* in the order of enum top_sort */
	const char *sort = key > 0 && key < 128 ? strchr(sorts, key) : NULL;

	/* In the help any key leads back. */
	if (view->help && key != 'q' && key > 0) {
		view->help = false;
		return ACTION_DRAW;
	}
	if (sort && *sort)
		view->sort = (enum top_sort)(sort - sorts);
	else if (key == 's')
		view->sort = (enum top_sort)((view->sort + 1) % TOP_SORTS);
	else if (key == '+')
		view->delay_ms = view->delay_ms < DELAY_MAX / 2 ? view->delay_ms * 2 : DELAY_MAX;
	else if (key == '-')
		view->delay_ms = view->delay_ms > 2 * DELAY_MIN ? view->delay_ms / 2 : DELAY_MIN;
	else if (key == 'h' || key == '?')
		view->help = true;
	else if (key == 'q' || key == TOP_KEY_LOST)
		return ACTION_LEAVE;
	else
		return key == TOP_KEY_RESIZE || key == ' ' ? ACTION_DRAW : ACTION_NONE;
	return ACTION_DRAW;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the next view is due; keys act at once, on the view that is there. false: leave. */
static bool rest(struct options *o, struct top_facts *facts, const sigset_t *mask)
{
	const int64_t begun = now_ms();
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec left;
	enum action action;
	int64_t ms;

	while (!stopped_by && (ms = begun + o->view.delay_ms - now_ms()) > 0) {
		left = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
		ppoll(&in, o->batch ? 0 : 1, &left, mask);
		if (o->batch)
			continue;
		action = press(&o->view, top_screen_key());
		if (action == ACTION_LEAVE)
			return false;
		if (action == ACTION_DRAW)
			draw(o, facts, true);
	}
	return !stopped_by;
}

/* One look at the records, which come and go. Returns an exit code; what *rc means is said when
 * the terminal has been given back. */
static int look(struct options *o, struct top_facts *facts, int *rc)
{
	struct top_facts next;
	struct job_list list;
	int code = job_list_open(&o->filter, &list);

	if (code != EXIT_OK)
		return code;
	/* A job may end while we watch. */
	o->filter.may_be_gone = true;
	*rc = top_facts_take(&list, facts, &next);
	job_list_close(&list);
	if (*rc < 0)
		return EXIT_FAILED;
	top_facts_free(facts);
	*facts = next;
	return EXIT_OK;
}

static int watch(struct options *o)
{
	const sigset_t mask = catch_signals();
	struct top_facts facts = { 0 };
	int rc = 0, code = look(o, &facts, &rc);

	if (code == EXIT_OK && !o->batch && top_screen_open() < 0) {
		fprintf(stderr, "gpumem: cannot draw on a terminal of the kind \"%s\"; see --batch\n",
			getenv("TERM") ? getenv("TERM") : "");
		code = EXIT_FAILED;
	}
	for (unsigned long n = 1; code == EXIT_OK; n++) {
		rc = draw(o, &facts, n > 1);
		if (rc < 0)
			code = EXIT_FAILED;
		else if (n == o->views || !rest(o, &facts, &mask))
			break;
		else
			code = look(o, &facts, &rc);
	}
	if (!o->batch)
		top_screen_close();
	top_facts_free(&facts);
	return rc < 0 ? fail(rc) : code;
}

int cmd_top(int argc, char **argv)
{
	struct options o = { .view.delay_ms = DELAY_DEFAULT };
	int code = options_parse(argc, argv, &command_options, &o);

	if (code >= 0)
		return code;
	o.batch |= !top_screen_possible();
	code = watch(&o);
	/* Whoever ended us learns that it was so. */
	if (stopped_by) {
		sigset_t none;

		sigemptyset(&none);
		signal(stopped_by, SIG_DFL);
		raise(stopped_by);
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
	return code;
}
