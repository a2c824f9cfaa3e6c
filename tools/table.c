/* SPDX-License-Identifier: MIT */
/*
 * table.c: listings over libsmartcols.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "commands.h"
#include "options.h"
#include "table.h"

#define SHOWN_MAX 64

struct table {
	const struct table_column *columns;
	struct libscols_table *out;
	struct libscols_line *row;
	bool json, bytes;
	size_t shown; /* columns shown, in their order */
	size_t column[SHOWN_MAX];
	size_t rows;
	int rc;
};

static int find_column(const struct table_column *columns, const char *name, size_t len)
{
	for (int i = 0; columns[i].name; i++) {
		if (strlen(columns[i].name) == len && !strncasecmp(columns[i].name, name, len))
			return i;
	}
	return -1;
}

static int choose(struct table *table, const char *list, char *bad, size_t bad_len)
{
	size_t len;
	int i;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		i = find_column(table->columns, list, len);
		if (i < 0 || table->shown == SHOWN_MAX) {
			snprintf(bad, bad_len, "%.*s", (int)len, list);
			return -EINVAL;
		}
		table->column[table->shown++] = (size_t)i;
		if (!list[len])
			return 0;
	}
}

static int choose_columns(struct table *table, const struct table_options *options, char *bad,
			  size_t len)
{
	const char *output = options->output;
	int rc = 0;

	if (!output || *output == '+')
		rc = choose(table, options->defaults, bad, len);
	if (rc == 0 && output)
		rc = choose(table, output + (*output == '+'), bad, len);
	return rc;
}

static int add_columns(struct table *table)
{
	for (size_t i = 0; i < table->shown; i++) {
		const struct table_column *column = &table->columns[table->column[i]];
		bool number = column->type == TABLE_NUMBER || column->type == TABLE_SIZE;
		struct libscols_column *added;

		added = scols_table_new_column(table->out, column->name, 0.1,
					       number ? SCOLS_FL_RIGHT :
					       column->type == TABLE_WRAP ? SCOLS_FL_WRAP : 0);
		if (!added)
			return -ENOMEM;
		scols_column_set_json_type(added, number ? SCOLS_JSON_NUMBER : SCOLS_JSON_STRING);
	}
	return 0;
}

int table_new(const struct table_column *columns, const struct table_options *options,
	      struct table **ret, char *bad, size_t len)
{
	struct table *table = calloc(1, sizeof(*table));
	int rc;

	if (!table)
		return -ENOMEM;
	table->columns = columns;
	table->json = options->json;
	table->bytes = options->bytes || options->json;
	rc = choose_columns(table, options, bad, len);
	if (rc < 0)
		goto fail;
	table->out = scols_new_table();
	rc = -ENOMEM;
	if (!table->out || scols_table_set_name(table->out, options->name) < 0)
		goto fail;
	scols_table_enable_json(table->out, options->json);
	scols_table_enable_noheadings(table->out, options->noheadings);
	rc = add_columns(table);
	if (rc < 0)
		goto fail;
	*ret = table;
	return 0;
fail:
	table_free(table);
	return rc;
}

bool table_option(struct table_options *options, int c, const char *value)
{
	switch (c) {
	case 'b':
		options->bytes = true;
		return true;
	case 'J':
		options->json = true;
		return true;
	case 'n':
		options->noheadings = true;
		return true;
	case 'o':
		options->output = value;
		return true;
	default:
		return false;
	}
}

int table_open(const struct table_column *columns, const struct table_options *options,
	       const char *command, struct table **ret)
{
	char bad[64] = "";
	int rc = table_new(columns, options, ret, bad, sizeof(bad));

	if (rc == -EINVAL) {
		fprintf(stderr, "gpumem: no column \"%s\"; see gpumem %s --help\n", bad, command);
		return EXIT_USAGE;
	}
	return rc < 0 ? fail(rc) : EXIT_OK;
}

struct table *table_free(struct table *table)
{
	if (table && table->out)
		scols_unref_table(table->out);
	free(table);
	return NULL;
}

void table_row(struct table *table)
{
	table->row = scols_table_new_line(table->out, NULL);
	if (!table->row)
		table->rc = -ENOMEM;
	table->rows++;
	/* In JSON what is not set is null. */
	for (size_t i = 0; table->row && !table->json && i < table->shown; i++) {
		if (scols_line_set_data(table->row, i, "-") < 0)
			table->rc = -ENOMEM;
	}
}

bool table_shows(const struct table *table, size_t column)
{
	for (size_t i = 0; i < table->shown; i++) {
		if (table->column[i] == column)
			return true;
	}
	return false;
}

void table_text(struct table *table, size_t column, const char *text)
{
	if (!table->row || !*text)
		return;
	for (size_t i = 0; i < table->shown; i++) {
		if (table->column[i] == column && scols_line_set_data(table->row, i, text) < 0)
			table->rc = -ENOMEM;
	}
}

void table_number(struct table *table, size_t column, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	table_text(table, column, text);
}

const char *table_size_text(uint64_t bytes, char buf[32])
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	/* 1023.95 and more would print as "1024.0". */
	while (value >= 1023.95) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, 32, unit ? "%.1f%c" : "%.0f%c", value, units[unit]);
	return buf;
}

void table_bytes(struct table *table, size_t column, uint64_t bytes)
{
	char text[32];

	if (table->bytes)
		table_number(table, column, bytes);
	else
		table_text(table, column, table_size_text(bytes, text));
}

static int print_one(struct table *table)
{
	if (table->rc < 0)
		return table->rc;
	/* libsmartcols prints nothing at all for an empty table. */
	if (!table->rows && table->json)
		printf("{\n   \"%s\": []\n}\n", scols_table_get_name(table->out));
	else if (table->rows && scols_print_table(table->out) < 0)
		return -EIO;
	return 0;
}

/* libsmartcols makes an object of each table: the braces of all but the outermost go. */
static int print_member(struct table *table, bool last)
{
	char *text = NULL, *begin, *end;

	if (table->rc < 0)
		return table->rc;
	if (!table->rows) {
		printf("   \"%s\": []%s\n", scols_table_get_name(table->out), last ? "" : ",");
		return 0;
	}
	if (scols_print_table_to_string(table->out, &text) < 0 || !text)
		return -ENOMEM;
	begin = strchr(text, '\n');
	end = strrchr(text, ']');
	if (begin && end > begin)
		printf("%.*s%s\n", (int)(end - begin), begin + 1, last ? "" : ",");
	free(text);
	return begin && end > begin ? 0 : -EIO;
}

static int print_all(struct table *const *tables, size_t count)
{
	bool object = tables[0]->json && count > 1, any = false;
	int rc = 0;

	if (object)
		puts("{");
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (object) {
			rc = print_member(tables[i], i + 1 == count);
			continue;
		}
		if (any && tables[i]->rows)
			putchar('\n');
		any |= tables[i]->rows != 0;
		rc = print_one(tables[i]);
	}
	if (object)
		puts("}");
	return rc == 0 && fflush(stdout) != 0 ? -errno : rc;
}

int tables_end(struct table *const *tables, size_t count)
{
	int rc = print_all(tables, count);

	return rc < 0 ? fail(rc) : EXIT_OK;
}

int table_end(struct table *table)
{
	return tables_end(&table, 1);
}

void table_help(FILE *out, const struct table_column *columns)
{
	fputs("\nAvailable output columns:\n", out);
	for (; columns->name; columns++)
		fprintf(out, " %11s  %s\n", columns->name, columns->help);
}
