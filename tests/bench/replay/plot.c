/* SPDX-License-Identifier: MIT */
/*
 * plot.c: mean and worst of each rule as bars, in SVG.
 */
#include <errno.h>
#include <stdio.h>

#include "replay.h"

#define ROW 22
#define LEFT 110
#define WIDTH 500

int plot_write(const char *path, const char *title, const struct score *score, size_t count)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"10\" "
		"y=\"20\">%s</text>\n",
		LEFT + WIDTH + 130, (count + 2) * ROW + 10, title);
	for (size_t i = 0; i < count; i++) {
		size_t y = (i + 2) * ROW;

		fprintf(out,
			"<text x=\"10\" y=\"%zu\">%s</text>\n"
			"<rect x=\"%d\" y=\"%zu\" width=\"%.1f\" height=\"14\" fill=\"#bcd\"/>\n"
			"<rect x=\"%d\" y=\"%zu\" width=\"%.1f\" height=\"14\" fill=\"#258\"/>\n"
			"<text x=\"%d\" y=\"%zu\">%.1f, worst %.1f</text>\n",
			y, score[i].name, LEFT, y - 11, score[i].mean * WIDTH / 100, LEFT, y - 11,
			score[i].worst * WIDTH / 100, LEFT + WIDTH + 10, y, score[i].mean,
			score[i].worst);
	}
	fputs("</svg>\n", out);
	return fclose(out) ? -errno : 0;
}
