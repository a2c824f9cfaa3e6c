/* SPDX-License-Identifier: MIT */
/*
 * top.h: the parts of gpumem top: what is shown (top_data.c), how it looks (top_view.c), and a
 * terminal to show it on (top_screen.c). cmd_top.c has the loop.
 */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts.h"
#include "jobs.h"

/* ---- data -------------------------------------------------------------------------------- */

enum top_sort { TOP_MEMORY = 0, TOP_CPU = 1, TOP_REFAULTS = 2, TOP_PID = 3, TOP_SORTS = 4 };
extern const char *const top_sort_names[TOP_SORTS];

/* What only grows, and how fast it did since the view before. */
enum top_rate { TOP_IN, TOP_OUT, TOP_REFAULTED, TOP_CPU_NS, TOP_AGENT_NS, TOP_RATES };

struct top_process {
	uint32_t job;
	struct gpumem_job_process p;
	char command[32];
	uint64_t device_bytes; /* on all devices */
	uint64_t total[TOP_RATES];
	uint64_t rate[TOP_RATES]; /* in a second; 0 while rates are not known */
};

struct top_device {
	uint32_t job;
	struct facts_device f;
};

struct top_facts {
	uint64_t time_ns; /* CLOCK_BOOTTIME */
	bool rates;	  /* there was a view before */
	size_t jobs, device_count, process_count;
	struct top_device *device;
	struct top_process *process;
};

/* Looks at the jobs once; rates are those since `before`, which may be empty. Free with
 * top_facts_free(). Returns 0 or a negative errno value. */
int top_facts_take(const struct job_list *list, const struct top_facts *before,
		   struct top_facts *ret);
void top_facts_free(struct top_facts *facts);
void top_facts_sort(struct top_facts *facts, enum top_sort sort);

/* ---- view -------------------------------------------------------------------------------- */

enum top_colour { TOP_PLAIN, TOP_TITLE, TOP_GOOD, TOP_WARN, TOP_BAD };

/* Where lines go. */
struct top_sink {
	void (*put)(struct top_sink *sink, enum top_colour colour, const char *text);
	void (*end_line)(struct top_sink *sink);
	int rows, cols; /* there are so many; 0: no end */
};

struct top_options {
	enum top_sort sort;
	unsigned delay_ms;
	bool help; /* the keys instead of the processes */
};

void top_view(struct top_sink *sink, const struct top_facts *facts,
	      const struct top_options *options);

/* ---- screen ------------------------------------------------------------------------------ */

/* Whether there is a terminal to draw on, and a library to do it with. */
bool top_screen_possible(void);
/* Takes the terminal. Errors: ENOTSUP it cannot be drawn on. */
int top_screen_open(void);
/* Gives it back as it was. */
void top_screen_close(void);
struct top_sink *top_screen_begin(void);
void top_screen_end(void);
enum { TOP_KEY_NONE = -1, TOP_KEY_LOST = -2, TOP_KEY_RESIZE = -3 };
/* The next key that was pressed: a character, or one of the above; does not wait. */
int top_screen_key(void);

#endif
