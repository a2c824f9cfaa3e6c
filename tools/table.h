/* SPDX-License-Identifier: MIT */
/*
 * table.h: listings as a table, as raw lines or as JSON, over libsmartcols; one look for all
 * commands.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum table_type {
	TABLE_TEXT = 0,
	TABLE_NUMBER = 1, /* right-aligned; a JSON number */
	TABLE_SIZE = 2,	  /* bytes: "64.0G" for people; a JSON number of bytes */
	TABLE_WRAP = 3,	  /* long text, the last to get room */
};

struct table_column {
	const char *name; /* upper case; JSON has it in lower case */
	enum table_type type;
	const char *help;
};

struct table_options {
	const char *name;     /* of the JSON array */
	const char *defaults; /* comma list of columns */
	const char *output;   /* what --output says; "+A,B" adds to the defaults; NULL */
	bool json, noheadings, bytes;
};

/* The options that all listings have: their part of getopt_long()'s tables and of a usage text. */
#define TABLE_SHORT_OPTIONS "bJno:"
#define TABLE_OPTIONS                                                                            \
	{ "bytes", no_argument, NULL, 'b' }, { "json", no_argument, NULL, 'J' },                 \
		{ "noheadings", no_argument, NULL, 'n' },                                        \
		{ "output", required_argument, NULL, 'o' }
#define TABLE_OPTIONS_HELP                                                                       \
	" -b, --bytes            print sizes in bytes\n"                                          \
	" -J, --json             print JSON (sizes in bytes)\n"                                   \
	" -n, --noheadings       print no headings\n"                                             \
	" -o, --output <list>    columns to print; +<list> adds to the default\n"
/* Takes one of them; false: it is none. */
bool table_option(struct table_options *options, int c, const char *value);

struct table;

/* `columns` ends with a NULL name and must outlive the table. Returns 0, -ENOMEM, or -EINVAL for
 * an unknown column, whose name is then in `bad`. */
int table_new(const struct table_column *columns, const struct table_options *options,
	      struct table **ret, char *bad, size_t len);
/* The same for a command: says what is wrong and returns an exit code. */
int table_open(const struct table_column *columns, const struct table_options *options,
	       const char *command, struct table **ret);
struct table *table_free(struct table *table);

/* Starts a row; the setters below fill it, by index in `columns`. A column that is not shown costs
 * nothing to set; table_shows() is for values that are dear to get. A column that is not set is
 * "-", in JSON null. Errors are kept until table_end(). */
void table_row(struct table *table);
bool table_shows(const struct table *table, size_t column);
void table_text(struct table *table, size_t column, const char *text); /* "" counts as not set */
void table_number(struct table *table, size_t column, uint64_t number);
void table_bytes(struct table *table, size_t column, uint64_t bytes);

/* "64.0M", as table_bytes() has it for people; returns buf. */
const char *table_size_text(uint64_t bytes, char buf[32]);

/* Prints to stdout, and says what is wrong with this or went wrong before. Returns an exit code. */
int table_end(struct table *table);
/* Several with an empty line between them; in JSON one object with an array for each. */
int tables_end(struct table *const *tables, size_t count);

/* The "Available output columns" part of a usage text. */
void table_help(FILE *out, const struct table_column *columns);

#endif
