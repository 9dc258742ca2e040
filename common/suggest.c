/* SPDX-License-Identifier: Apache-2.0 */
#include "common/suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 63	/* longer ones are not compared */

/* Levenshtein distance of two short words, upper and lower case being equal. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT32_MAX;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0]++;

		for (unsigned j = 1; j <= lb; j++) {
			unsigned same = tolower((unsigned char) a[i - 1]) ==
			    tolower((unsigned char) b[j - 1]);
			unsigned best = diagonal + (same ? 0 : 1);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
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

	if (d <= s->best) {
		s->best = d;
		s->found = word;
	}
}
