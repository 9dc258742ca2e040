/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_TOP_SCREEN_H
#define LV_CLI_TOP_SCREEN_H

#include "cli/top_rows.h"
#include "common/err.h"

/* The terminal of `top`: the only file that knows ncurses. One at a time in a process. */

enum top_key {
	TOP_KEY_NONE,	/* nothing was pressed, or nothing that means something */
	TOP_KEY_QUIT,
	TOP_KEY_ORDER,	/* the next order */
	TOP_KEY_FILTER,	/* only what is connected, or all */
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_RESIZE,	/* the terminal has another size */
};

/* What is shown. */
struct top_view {
	const struct top_rows *rows;	/* NULL: nothing was read yet */
	enum top_order order;
	bool only_connected;
	size_t first;		/* of the rows that are shown: the one at the top */
	const char *trouble;	/* why the rows are old; "": they are not */
};

/* Takes the terminal over. -ENOTTY, -EINVAL for one that cannot do what it takes. */
int top_screen_open(struct err *e);
void top_screen_close(void);	/* and gives it back as it was */

/* Draws; corrects view->first to what there is. */
void top_screen_draw(struct top_view *view);

/* Waits at most so long for a key. */
enum top_key top_screen_key(int wait_ms);

/* How many rows fit. */
size_t top_screen_page(void);

#endif
