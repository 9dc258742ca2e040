/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_ANSWER_H
#define LV_CLI_ANSWER_H

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/rpc.h"

/*
 * What nearly every command is: a call, and its answer printed as -o says. Each returns the exit
 * status after it has said what is wrong.
 */

/* Prints an answer for people. */
typedef void answer_print(const struct cli *cli, const ProtobufCMessage *answer);

/* One thing, with its fields. Without a name of its own, -o name prints it as for people. */
enum cli_exit answer_one(const struct cli *cli, const struct rpc_method *method,
    const ProtobufCMessage *request, answer_print *print);

/* How a list is shown: a row for each item. */
struct answer_view {
	const char *const *heads;	/* ends with NULL */
	int (*add_row)(struct table *t, const ProtobufCMessage *item);
};

/* All pages of a list as one. Sets page_size and page_token of the request. */
enum cli_exit answer_list(const struct cli *cli, const struct rpc_method *method,
    ProtobufCMessage *request, const struct answer_view *view);

/* The same for an answer that is there already. */
enum cli_exit answer_show(const struct cli *cli, const ProtobufCMessage *answer,
    answer_print *print);
enum cli_exit answer_show_list(const struct cli *cli, const ProtobufCMessage *all,
    const struct answer_view *view);

/* Something done to `name`, with nothing to answer: "NAME deleted". */
enum cli_exit answer_done(const struct cli *cli, const struct rpc_method *method,
    const ProtobufCMessage *request, const char *name, const char *done);

/* "-" for a text that is empty; an id without its collection: "alpha" of "networks/alpha". */
const char *answer_cell(const char *text);
const char *answer_id(const char *name);

/* The word of an enum's number, "?" where it has none. */
const char *answer_word(const ProtobufCEnumDescriptor *d, int number);

#endif
