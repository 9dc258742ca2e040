/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/top_screen.h"
#include "common/clock.h"
#include "litevpn/v1/node.pb-c.h"

#define PAGE_SIZE 1000
#define ANSWER_WAIT_MS 20	/* between two looks at the keyboard */
#define KEY_WAIT_MS 50

const struct opt cmd_top_options[] = {
	{ .name = "interval", .kind = OPT_DURATION, .value = "TIME", .dflt = "1s", .min = 200,
	    .max = 3600000, .help = "how often the nodes are read" },
	{ 0 },
};

/*
 * A reading is a call for each page of the list. It is looked for between two keys, so that neither
 * waits for the other: a server that is away leaves the last rows standing, and says so.
 */
struct top {
	struct rpc *rpc;
	int64_t interval_ms, timeout_ms;
	struct rpc_stream *call;	/* NULL: none is under way */
	Litevpn__V1__ListNodesResponse *page;	/* the last one: the next call names its token */
	struct top_rows reading, shown;
	int64_t next_ms, good_ms;	/* when to read again; when it succeeded last */
	char trouble[ERR_TEXT_MAX];
	struct top_view view;
};

static void
free_page(struct top *t)
{
	if (t->page != NULL)
		protobuf_c_message_free_unpacked(&t->page->base, NULL);
	t->page = NULL;
}

/* --- one reading ------------------------------------------------------------------------------ */

static void
copy_session(const Litevpn__V1__Session *s, struct top_row *row)
{
	snprintf(row->via, sizeof(row->via), "%s",
	    answer_word(&litevpn__v1__session__transport__descriptor, (int) s->transport));
	snprintf(row->endpoint, sizeof(row->endpoint), "%s", s->endpoint);
	row->rx_bytes = s->rx_bytes;
	row->tx_bytes = s->tx_bytes;
	if (s->round_trip != NULL)
		row->round_trip_ms = (double) s->round_trip->seconds * 1e3 +
		    s->round_trip->nanos / 1e6;
}

static int
add_node(struct top_rows *rows, const Litevpn__V1__NodeInfo *n)
{
	struct top_row row = { .via = "-", .endpoint = "-", .round_trip_ms = -1 };

	snprintf(row.id, sizeof(row.id), "%s", answer_id(n->name));
	snprintf(row.name, sizeof(row.name), "%s",
	    n->display_name[0] == '\0' ? row.id : n->display_name);
	snprintf(row.address, sizeof(row.address), "%s", answer_cell(n->address));
	snprintf(row.state, sizeof(row.state), "%s",
	    answer_word(&litevpn__v1__node_info__state__descriptor, (int) n->state));
	row.connected = n->state == LITEVPN__V1__NODE_INFO__STATE__CONNECTED;
	if (n->session != NULL)
		copy_session(n->session, &row);
	return top_rows_add(rows, &row);
}

static void
begin_call(struct top *t)
{
	static const struct rpc_method list = { &litevpn__v1__node__descriptor, "ListNodes" };
	Litevpn__V1__ListNodesRequest req = LITEVPN__V1__LIST_NODES_REQUEST__INIT;
	struct err e;

	req.page_size = PAGE_SIZE;
	if (t->page != NULL)
		req.page_token = t->page->next_page_token;
	if (rpc_stream_open(t->rpc, &list, &req.base, t->timeout_ms, &t->call, &e) < 0)
		snprintf(t->trouble, sizeof(t->trouble), "%s", e.text);
}

/* The reading is complete, or has failed: the next one begins after the interval. */
static void
end_reading(struct top *t, int64_t now_ms)
{
	free_page(t);
	top_rows_fini(&t->reading);
	t->next_ms = now_ms + t->interval_ms;
}

static void
show_reading(struct top *t, int64_t now_ms)
{
	t->reading.at_ms = t->good_ms = now_ms;
	top_rows_rate(&t->reading, &t->shown);
	top_rows_sort(&t->reading, t->view.order);
	top_rows_fini(&t->shown);
	t->shown = t->reading;
	t->reading = (struct top_rows){ 0 };
	t->view.rows = &t->shown;
	t->trouble[0] = '\0';
}

/* consumes: page */
static void
take_page(struct top *t, ProtobufCMessage *page, int64_t now_ms)
{
	int rc = 0;

	free_page(t);
	t->page = (Litevpn__V1__ListNodesResponse *) page;
	for (size_t i = 0; i < t->page->n_nodes && rc == 0; i++)
		rc = add_node(&t->reading, t->page->nodes[i]);
	if (rc < 0) {
		snprintf(t->trouble, sizeof(t->trouble), "%s", err_text(rc));
		end_reading(t, now_ms);
	} else if (t->page->next_page_token[0] == '\0') {
		show_reading(t, now_ms);
		end_reading(t, now_ms);
	}
}

static void
fail_reading(struct top *t, const struct rpc_error *error, int64_t now_ms)
{
	char age[OUTPUT_VALUE_MAX];
	int n = 0;

	if (t->good_ms > 0)
		n = snprintf(t->trouble, sizeof(t->trouble), "no answer for %s: ",
		    output_age((now_ms - t->good_ms) / 1000, age));
	snprintf(t->trouble + n, sizeof(t->trouble) - (size_t) n, "%.60s: %.300s", error->reason,
	    error->text);
	end_reading(t, now_ms);
}

/* Looks whether an answer has come. Returns whether there is something new to see. */
static bool
read_nodes(struct top *t)
{
	int64_t now_ms = clock_mono_ms();
	struct rpc_error error;
	ProtobufCMessage *page = NULL;
	enum rpc_next next;

	if (t->call == NULL) {
		if (t->page != NULL || now_ms >= t->next_ms)
			begin_call(t);
		return false;
	}
	next = rpc_stream_next(t->call, ANSWER_WAIT_MS, &page, &error);
	if (next == RPC_WAIT)
		return false;
	rpc_stream_close(t->call);
	t->call = NULL;
	if (next == RPC_MESSAGE)
		take_page(t, page, now_ms);
	else if (next == RPC_FAILED)
		fail_reading(t, &error, now_ms);
	return true;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void
scroll_up(struct top_view *v, size_t rows)
{
	v->first -= v->first < rows ? v->first : rows;
}

/* False: no more. */
static bool
press(struct top *t, enum top_key key)
{
	struct top_view *v = &t->view;

	switch (key) {
	case TOP_KEY_QUIT:
		return false;
	case TOP_KEY_ORDER:
		v->order = (v->order + 1) % TOP_ORDERS;
		top_rows_sort(&t->shown, v->order);
		break;
	case TOP_KEY_FILTER:
		v->only_connected = !v->only_connected;
		break;
	case TOP_KEY_UP:
		scroll_up(v, 1);
		break;
	case TOP_KEY_DOWN:
		v->first++;
		break;
	case TOP_KEY_PAGE_UP:
		scroll_up(v, top_screen_page());
		break;
	case TOP_KEY_PAGE_DOWN:
		v->first += top_screen_page();
		break;
	default:
		break;
	}
	return true;
}

static void
loop(struct top *t)
{
	enum top_key key = TOP_KEY_RESIZE;	/* the first picture */
	bool news = true;

	do {
		if (news || key != TOP_KEY_NONE)
			top_screen_draw(&t->view);
		news = read_nodes(t);
		key = top_screen_key(KEY_WAIT_MS);
	} while (press(t, key));
}

enum cli_exit
cmd_top(const struct cli *cli)
{
	struct top t = {
		.interval_ms = args_number(&cli->args, "interval"),
		.timeout_ms = args_number(&cli->args, "timeout"),
	};
	enum cli_exit status;
	struct err e;

	t.view.trouble = t.trouble;
	if ((status = connect_open(cli, &t.rpc)) != CLI_OK)
		return status;
	if (top_screen_open(&e) < 0) {
		status = cli_fail(&e);
	} else {
		loop(&t);
		top_screen_close();
	}
	rpc_stream_close(t.call);
	free_page(&t);
	top_rows_fini(&t.reading);
	top_rows_fini(&t.shown);
	rpc_close(t.rpc);
	return status;
}
