/* SPDX-License-Identifier: MIT */
/*
 * main.c: plays workloads against rules and says how much of Belady's MIN each gets.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "replay.h"

#define SIZES 4u
#define MOST_RULES 40u

static const unsigned oversubscribed[SIZES] = {110, 125, 156, 200};

static const struct peer *const peers[] = {
	&peer_rand,   &peer_lrf, &peer_lru, &peer_age, &peer_heat, &peer_sieve,
	&peer_s3fifo, &peer_2q,	 &peer_arc, &peer_mru, &peer_duel,
};
#define PEERS (sizeof(peers) / sizeof(*peers))

/* "+c": coherent, a miss may stay remote. */
static const struct product products[] = {
	{"duel", GPUMEM_EVICT_DUEL, MOVES_DEMAND, 0},
	{"duel+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, 0},
	{"g-heat", GPUMEM_EVICT_HEAT, MOVES_DEMAND, 0},
	{"g-heat+c", GPUMEM_EVICT_HEAT, MOVES_COHERENT, 0},
	{"g-age", GPUMEM_EVICT_AGE, MOVES_DEMAND, 0},
	{"g-lrf", GPUMEM_EVICT_LRF, MOVES_DEMAND, 0},
	{"g-pin", GPUMEM_EVICT_PIN, MOVES_DEMAND, 0},
	{"g-pin+c", GPUMEM_EVICT_PIN, MOVES_COHERENT, 0},
};
static const struct product ablations[] = {
	{"duel", GPUMEM_EVICT_DUEL, MOVES_DEMAND, 0},
	{"duel+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, 0},
	{"-often", GPUMEM_EVICT_DUEL, MOVES_DEMAND, GM_WITHOUT_OFTEN},
	{"-often+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, GM_WITHOUT_OFTEN},
	{"-midway", GPUMEM_EVICT_DUEL, MOVES_DEMAND, GM_WITHOUT_MIDWAY},
	{"-midway+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, GM_WITHOUT_MIDWAY},
	{"-bias", GPUMEM_EVICT_DUEL, MOVES_DEMAND, GM_WITHOUT_BIAS},
	{"-bias+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, GM_WITHOUT_BIAS},
	{"-trial", GPUMEM_EVICT_DUEL, MOVES_DEMAND, GM_WITHOUT_TRIALS},
	{"-trial+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, GM_WITHOUT_TRIALS},
	{"-age", GPUMEM_EVICT_DUEL, MOVES_DEMAND, GM_WITHOUT_AGE},
	{"-age+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, GM_WITHOUT_AGE},
	{"-settl", GPUMEM_EVICT_DUEL, MOVES_DEMAND, GM_WITHOUT_SETTLING},
	{"-settl+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, GM_WITHOUT_SETTLING},
	{"-guard+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, GM_WITHOUT_GUARD},
};

struct options {
	uint32_t scan_every, seed, seeds;
	uint32_t chunks, accesses;
	bool with_peers, summary;
	bool further, further_alone, published_alone;
	const struct product *product;
	size_t products;
	const char *plot, *trace;
};

struct table {
	struct score score[MOST_RULES];
	size_t rules;
	unsigned cases;
};

static void note(struct table *t, size_t rule, double percent, bool print)
{
	struct score *s = &t->score[rule];

	s->mean += percent;
	if (t->cases == 0 || percent < s->worst)
		s->worst = percent;
	if (print)
		printf("%9.1f", percent);
}

static void one_case(const struct options *o, struct table *t, const struct workload *w,
		     unsigned percent, uint64_t seed)
{
	uint32_t room = w->chunks * 100 / percent;
	double most = (double)belady_hits(w, room) / 100;
	size_t rule = 0;

	if (room == 0 || most <= 0)
		return;
	if (!o->summary)
		printf("%-8s%4u", w->name, percent);
	for (size_t i = 0; o->with_peers && i < PEERS; i++)
		note(t, rule++, (double)peer_hits(peers[i], w, room, o->scan_every, seed) / most,
		     !o->summary);
	for (size_t i = 0; i < o->products; i++)
		note(t, rule++,
		     (double)product_run(&o->product[i], w, room, o->scan_every, seed).hits / most,
		     !o->summary);
	t->cases++;
	if (!o->summary)
		puts("");
	fflush(stdout);
}

static void begin(const struct options *o, struct table *t)
{
	for (size_t i = 0; o->with_peers && i < PEERS; i++)
		t->score[t->rules++].name = peers[i]->name;
	for (size_t i = 0; i < o->products; i++)
		t->score[t->rules++].name = o->product[i].name;
	printf("%-12s", "");
	for (size_t i = 0; i < t->rules; i++)
		printf("%9s", t->score[i].name);
	puts("");
}

static void all_cases(const struct options *o, struct table *t)
{
	for (uint32_t seed = o->seed; seed < o->seed + o->seeds; seed++)
		for (unsigned which = 0; which < WORKLOADS; which++) {
			struct workload w = workload_make(which, o->chunks, o->accesses, seed);

			for (unsigned i = 0; i < SIZES; i++)
				one_case(o, t, &w, oversubscribed[i], seed);
			workload_free(&w);
		}
}

static void further(const struct options *o)
{
	struct further f = {.chunks = o->chunks,
			    .accesses = o->accesses,
			    .scan_every = o->scan_every,
			    .seed = o->seed};

	further_print(&f);
}

static int end(const struct options *o, struct table *t)
{
	size_t duel = o->with_peers ? PEERS : 0;
	char title[80];
	int error = 0;

	printf("%-12s", "mean");
	for (size_t i = 0; i < t->rules; i++) {
		t->score[i].mean /= t->cases;
		printf("%9.1f", t->score[i].mean);
	}
	printf("\n%-12s", "worst");
	for (size_t i = 0; i < t->rules; i++)
		printf("%9.1f", t->score[i].worst);
	puts("\n");
	/* Before the last line, which is about the table above alone. */
	if (o->further) {
		further(o);
		puts("");
	}
	if (o->plot) {
		snprintf(title, sizeof(title), "Hits, %% of Belady's MIN; a scan each %u accesses",
			 o->scan_every);
		error = plot_write(o->plot, title, t->score, t->rules);
		if (error < 0)
			fprintf(stderr, "replay: %s: %s\n", o->plot, strerror(-error));
	}
	for (size_t i = duel; i < duel + 2 && i < t->rules; i++)
		printf("replay policy=%s mean=%.2f worst=%.2f seeds=%u cases=%u\n",
		       t->score[i].name, t->score[i].mean, t->score[i].worst, o->seeds,
		       t->cases / o->seeds);
	return error < 0;
}

static void usage(void)
{
	puts("Usage: replay [options]\n\n"
	     " -e N      accesses between scans (1024)\n"
	     " -s N      first seed (1)\n"
	     " -n N      seeds (1)\n"
	     " -a        ablations of the duel instead of all rules\n"
	     " -p        gpumem's rules alone\n"
	     " -d        the duel alone\n"
	     " -q        no line per case\n"
	     " -f        the further tables alone: tenants, moves at scans, sizes\n"
	     " -P        the published cases alone, beside what was published\n"
	     " -t FILE   a trace instead of the workloads\n"
	     " -o FILE   plot in SVG\n"
	     " -c N      chunks (2048)    -l N  accesses (300000)\n"
	     " -h        this help");
}

static uint32_t number(const char *text)
{
	char *rest;
	unsigned long value = strtoul(text, &rest, 10);

	if (*rest || rest == text || value == 0 || value > 100000000) {
		fprintf(stderr, "replay: bad number %s\n", text);
		exit(2);
	}
	return (uint32_t)value;
}

static void parse(struct options *o, int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "e:s:n:adfpPqt:o:c:l:h")) != -1;)
		switch (c) {
		case 'e':
			o->scan_every = number(optarg);
			break;
		case 's':
			o->seed = number(optarg);
			break;
		case 'n':
			o->seeds = number(optarg);
			break;
		case 'c':
			o->chunks = number(optarg);
			break;
		case 'l':
			o->accesses = number(optarg);
			break;
		case 'd':
			o->with_peers = false;
			o->products = 2;
			break;
		case 'p':
			o->with_peers = false;
			break;
		case 'q':
			o->summary = true;
			break;
		case 'f':
			o->further_alone = true;
			break;
		case 'P':
			o->published_alone = true;
			break;
		case 't':
			o->trace = optarg;
			break;
		case 'o':
			o->plot = optarg;
			break;
		case 'a':
			o->with_peers = false;
			o->product = ablations;
			o->products = sizeof(ablations) / sizeof(*ablations);
			break;
		case 'h':
			usage();
			exit(0);
		default:
			exit(2);
		}
}

int main(int argc, char **argv)
{
	struct options o = {.scan_every = 1024,
			    .seed = 1,
			    .seeds = 1,
			    .chunks = 2048,
			    .accesses = 300000,
			    .with_peers = true,
			    .product = products,
			    .products = sizeof(products) / sizeof(*products)};
	struct table t = {0};

	parse(&o, argc, argv);
	if (o.further_alone) {
		further(&o);
		return 0;
	}
	if (o.published_alone) {
		published_print(o.seed);
		return 0;
	}
	o.further = o.with_peers && !o.summary && !o.trace;
	begin(&o, &t);
	if (o.trace) {
		struct workload w;
		int error = trace_read(o.trace, &w);

		if (error < 0) {
			fprintf(stderr, "replay: %s: %s\n", o.trace, strerror(-error));
			return 1;
		}
		for (unsigned i = 0; i < SIZES; i++)
			one_case(&o, &t, &w, oversubscribed[i], o.seed);
		workload_free(&w);
	} else {
		all_cases(&o, &t);
	}
	return t.cases ? end(&o, &t) : 1;
}
