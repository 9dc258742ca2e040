/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_SUGGEST_H
#define LV_SUGGEST_H

/*
 * The word that somebody meant who typed another one: begin with suggest_for, try each word that
 * would have been right, then see `found`. Pure.
 */
struct suggest {
	const char *wrong;	/* borrowed, like the words that are tried */
	const char *found;	/* the nearest so far; NULL: none is near enough */
	unsigned best;		/* how far a word may be off to be taken */
};

struct suggest suggest_for(const char *wrong);
void suggest_try(struct suggest *s, const char *word);

#endif
