/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/top_screen.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"

#define HEAD_LINES 3	/* summary, trouble, column heads */
#define FOOT_LINES 1
#define GAP 2
#define CTRL_C 3

int
top_screen_open(struct err *e)
{
	SCREEN *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, -ENOTTY, "top needs a terminal; `node list` does not");
	setlocale(LC_CTYPE, "");
	if ((screen = newterm(NULL, stdout, stdin)) == NULL)
		return err_set(e, -EINVAL, "TERM is \"%.40s\", of which nothing is known here",
		    getenv("TERM") == NULL ? "" : getenv("TERM"));
	set_term(screen);
	raw();	/* Ctrl-C is a key: what was begun is ended in order */
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (output_has_colour(stdout) && start_color() == OK && use_default_colors() == OK) {
		init_pair(TONE_GOOD, COLOR_GREEN, -1);
		init_pair(TONE_DOUBTFUL, COLOR_YELLOW, -1);
		init_pair(TONE_BAD, COLOR_RED, -1);
	}
	return 0;
}

void
top_screen_close(void)
{
	endwin();
}

/* --- keys ------------------------------------------------------------------------------------- */

static const struct {
	int code;
	enum top_key key;
} keys[] = {
	{ CTRL_C, TOP_KEY_QUIT },
	{ 'q', TOP_KEY_QUIT },
	{ 'Q', TOP_KEY_QUIT },
	{ 's', TOP_KEY_ORDER },
	{ 'c', TOP_KEY_FILTER },
	{ KEY_UP, TOP_KEY_UP },
	{ 'k', TOP_KEY_UP },
	{ KEY_DOWN, TOP_KEY_DOWN },
	{ 'j', TOP_KEY_DOWN },
	{ KEY_PPAGE, TOP_KEY_PAGE_UP },
	{ KEY_NPAGE, TOP_KEY_PAGE_DOWN },
	{ ' ', TOP_KEY_PAGE_DOWN },
	{ KEY_RESIZE, TOP_KEY_RESIZE },
};

enum top_key
top_screen_key(int wait_ms)
{
	int code;

	timeout(wait_ms);
	code = getch();
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].code == code)
			return keys[i].key;
	}
	return TOP_KEY_NONE;
}

size_t
top_screen_page(void)
{
	return LINES > HEAD_LINES + FOOT_LINES ? (size_t) (LINES - HEAD_LINES - FOOT_LINES) : 1;
}

/* --- columns ---------------------------------------------------------------------------------- */

#define CELL_MAX 256

static void
print_rate(double rate, char *buf)
{
	char text[OUTPUT_VALUE_MAX];

	snprintf(buf, CELL_MAX, "%s/s", output_bytes((uint64_t) rate, text));
}

static void
print_rx(const struct top_row *r, char *buf)
{
	print_rate(r->rx_rate, buf);
}

static void
print_tx(const struct top_row *r, char *buf)
{
	print_rate(r->tx_rate, buf);
}

static void
print_round_trip(const struct top_row *r, char *buf)
{
	if (r->round_trip_ms < 0)
		snprintf(buf, CELL_MAX, "-");
	else
		snprintf(buf, CELL_MAX, "%.1f ms", r->round_trip_ms);
}

/* From the left; what does not fit on the right is not seen. */
static const struct column {
	const char *head;
	int width;	/* at least */
	size_t text;	/* where the row has it; */
	void (*print)(const struct top_row *r, char *buf);	/* or who makes it of the row */
} columns[] = {
	{ "NAME", 12, offsetof(struct top_row, name), NULL },
	{ "STATE", 10, offsetof(struct top_row, state), NULL },
	{ "IN", 11, 0, print_rx },
	{ "OUT", 11, 0, print_tx },
	{ "ADDRESS", 11, offsetof(struct top_row, address), NULL },
	{ "VIA", 3, offsetof(struct top_row, via), NULL },
	{ "RTT", 8, 0, print_round_trip },
	{ "NODE", 15, offsetof(struct top_row, id), NULL },
	{ "ENDPOINT", 0, offsetof(struct top_row, endpoint), NULL },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* --- drawing ---------------------------------------------------------------------------------- */

/* Text from elsewhere, without what the terminal would obey. */
static void
put(int y, int x, int width, const char *text)
{
	char safe[4 * CELL_MAX] = "";
	FILE *f = fmemopen(safe, sizeof(safe) - 1, "w");

	if (f == NULL || x >= COLS)
		width = 0;
	if (f != NULL) {
		output_text(f, text);
		fclose(f);
	}
	if (width > 0)
		mvaddnstr(y, x, safe, width);
}

static void
draw_summary(const struct top_view *v)
{
	char in[OUTPUT_VALUE_MAX], out[OUTPUT_VALUE_MAX], line[CELL_MAX];

	if (v->rows == NULL) {
		put(0, 0, COLS, "litevpn");
		return;
	}
	snprintf(line, sizeof(line), "litevpn  %zu nodes, %zu connected  in %s/s  out %s/s",
	    v->rows->n, top_rows_connected(v->rows),
	    output_bytes((uint64_t) v->rows->rx_rate, in),
	    output_bytes((uint64_t) v->rows->tx_rate, out));
	put(0, 0, COLS, line);
}

static void
draw_row(int y, const struct top_row *r)
{
	int x = 0;

	for (size_t i = 0; i < COLUMNS; i++) {
		char cell[CELL_MAX];

		if (columns[i].print != NULL)
			columns[i].print(r, cell);
		else
			snprintf(cell, sizeof(cell), "%s", (const char *) r + columns[i].text);
		attrset(COLOR_PAIR(output_tone(cell)));
		put(y, x, columns[i].width > 0 ? columns[i].width : COLS - x, cell);
		attrset(A_NORMAL);
		x += columns[i].width + GAP;
	}
}

static void
draw_heads(void)
{
	int x = 0;

	attrset(A_REVERSE);
	mvhline(HEAD_LINES - 1, 0, ' ', COLS);
	for (size_t i = 0; i < COLUMNS; i++) {
		put(HEAD_LINES - 1, x, COLS - x, columns[i].head);
		x += columns[i].width + GAP;
	}
	attrset(A_NORMAL);
}

/* The rows from v->first on, of those that are to be seen. */
static void
draw_rows(struct top_view *v)
{
	size_t page = top_screen_page(), seen, index = 0;
	int y = HEAD_LINES;

	if (v->rows == NULL)
		return;
	seen = v->only_connected ? top_rows_connected(v->rows) : v->rows->n;
	if (v->first + page > seen)
		v->first = seen > page ? seen - page : 0;
	for (size_t i = 0; i < v->rows->n && y < HEAD_LINES + (int) page; i++) {
		if (v->only_connected && !v->rows->rows[i].connected)
			continue;
		if (index++ >= v->first)
			draw_row(y++, &v->rows->rows[i]);
	}
}

void
top_screen_draw(struct top_view *v)
{
	char foot[CELL_MAX];

	erase();
	draw_summary(v);
	attrset(A_BOLD);
	put(1, 0, COLS, v->trouble);
	attrset(A_NORMAL);
	draw_heads();
	draw_rows(v);
	snprintf(foot, sizeof(foot), "q quit  s order: %s  c %s  arrows scroll",
	    top_order_name(v->order), v->only_connected ? "show all" : "only connected");
	put(LINES - 1, 0, COLS, foot);
	refresh();
}
