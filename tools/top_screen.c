/* SPDX-License-Identifier: MIT */
/*
 * top_screen.c: a terminal for gpumem top, by ncurses. The one file that includes curses.h.
 */
#include "config.h"

#include "top.h"

#ifdef HAVE_CURSES
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static SCREEN *terminal;
static struct top_sink sink;
static int line;

bool top_screen_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void colours(void)
{
	const char *no_colour = getenv("NO_COLOR");

	if ((no_colour && *no_colour) || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	init_pair(TOP_GOOD, COLOR_GREEN, -1);
	init_pair(TOP_WARN, COLOR_YELLOW, -1);
	init_pair(TOP_BAD, COLOR_RED, -1);
}

int top_screen_open(void)
{
	/* Not initscr(), which ends the program when it does not know the terminal. */
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return -ENOTSUP;
	set_term(terminal);
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	colours();
	return 0;
}

void top_screen_close(void)
{
	if (!terminal)
		return;
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

static void put(struct top_sink *s, enum top_colour colour, const char *text)
{
	int left = s->cols - getcurx(stdscr);
	attr_t attribute = colour == TOP_TITLE ? A_REVERSE : COLOR_PAIR(colour);

	/* A character in the last column would begin the next line. */
	if (line >= s->rows || left <= 1)
		return;
	attron(attribute);
	addnstr(text, left - 1);
	attroff(attribute);
}

static void end_line(struct top_sink *s)
{
	if (line + 1 < s->rows)
		move(line + 1, 0);
	line++;
}

struct top_sink *top_screen_begin(void)
{
	erase();
	move(0, 0);
	line = 0;
	sink = (struct top_sink){ .put = put, .end_line = end_line, .rows = LINES, .cols = COLS };
	return &sink;
}

void top_screen_end(void)
{
	refresh();
}

int top_screen_key(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	bool ready = poll(&in, 1, 0) > 0;
	int c = getch();

	if (c == KEY_RESIZE)
		return TOP_KEY_RESIZE;
	/* Ready and yet nothing to read: the terminal has gone. */
	if (c == ERR)
		return ready ? TOP_KEY_LOST : TOP_KEY_NONE;
	return c;
}

#else

#include <errno.h>

bool top_screen_possible(void)
{
	return false;
}

int top_screen_open(void)
{
	return -ENOTSUP;
}

void top_screen_close(void)
{
}

struct top_sink *top_screen_begin(void)
{
	return NULL;
}

void top_screen_end(void)
{
}

int top_screen_key(void)
{
	return TOP_KEY_LOST;
}
#endif
