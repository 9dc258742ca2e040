/* SPDX-License-Identifier: Apache-2.0 */
#include "common/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 63	/* longer ones are not compared */

static bool
same(char a, char b)
{
	return tolower((unsigned char) a) == tolower((unsigned char) b);
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * How many letters must be changed, put in, left out or swapped with their neighbour to make b of a
 * (Levenshtein's distance with transpositions), upper and lower case being equal.
 */
static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT32_MAX;
	for (unsigned j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3];
		unsigned *earlier = rows[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			now[j] = least(before[j - 1] + !same(a[i - 1], b[j - 1]),
			    least(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = least(now[j], earlier[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

/* One letter may be wrong, and one more for every three. */
struct suggest
suggest_for(const char *wrong)
{
	return (struct suggest){ .wrong = wrong, .best = 1 + (unsigned) strlen(wrong) / 3 };
}

void
suggest_try(struct suggest *s, const char *word)
{
	unsigned d = distance(s->wrong, word);

	/* Of equals the first: callers list what matters most first. */
	if (d < s->best || (d == s->best && s->found == NULL)) {
		s->best = d;
		s->found = word;
	}
}
