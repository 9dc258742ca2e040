/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_BOOK_H
#define LV_TEST_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/lease.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/renew.h"
#include "daemons/ipamd/session.h"
#include "daemons/ipamd/token.h"
#include "tests/unit/ipamd/memory.h"

/*
 * A ledger over a database in the test's directory, with a clock that only the test moves. Each
 * call is a request of its own, committed before it returns; whatever of that fails, it says so.
 */
struct book {
	struct conf_server conf;
	struct ledger ledger;
	struct granter granter;
	struct memory *memory;	/* that the store is in; NULL: in a file */
	int64_t now_s;
	struct err err;		/* of the last refusal */
};

#define BOOK_START_S 1700000000	/* 2023-11-14 22:13:20 UTC */
#define BOOK_TTL_S 600

/* A /29 with the server's address at its start has five to give: .2 to .6. */
#define BOOK_SMALL "10.1.1.1/29"
#define BOOK_SMALL_N 5

/* A new database, or the one of that name in the test's directory. */
void book_init(struct book *b, const char *vpn_addr);
void book_init_file(struct book *b, const char *vpn_addr, const char *name);
void book_init_memory(struct book *b, const char *vpn_addr);	/* not in a file at all */
void book_fini(struct book *b);

/* Opens it, after ledger_close; 0 or why not. */
int book_open(struct book *b);

/* Closes and opens it, as after an orderly stop (or a crash: the last commit counts). */
void book_restart(struct book *b);

/* A bootstrap token. Returns 0 or the refusal. */
int book_token(struct book *b, const struct token_wish *wish, struct token_view *out);

/* Redeems it with keys made of `seed`. */
int book_redeem(struct book *b, const char *secret, unsigned seed, struct token_node *out);

/* As LiteKube's programs do it. */
int book_redeem_litekube(struct book *b, const char *secret, unsigned seed,
    struct token_node *out);

/* Grants for the keys of those seeds; 0: of that PKI none. */
int book_renew(struct book *b, const char *id, unsigned grpc_seed, unsigned vpn_seed,
    struct renewal *out);

/* A new node by a token of its own; the test fails where that is refused. */
struct store_node book_enroll(struct book *b);

/* Attaches with the certificate of the node that the token is of. */
int book_attach(struct book *b, const struct store_node *n, struct lease *out);

/* Enrolls and attaches and reports connected. */
struct lease book_connect(struct book *b, struct store_node *node_out);

int book_report(struct book *b, const char *id, uint64_t epoch, enum node_state state);

/* A whole announcement. gone may be NULL. */
int book_announce(struct book *b, const struct session *sessions, size_t n, bool *gone);

/* Announces whoever is connected now: who is idle is known then. */
void book_sync(struct book *b);

/* Nobody has announced anything for too long: whoever was connected is not. */
void book_forsake(struct book *b);

int book_delete(struct book *b, const char *id);

/* The node as it stands; the test fails where it is not there. */
struct store_node book_get(struct book *b, const char *id);
bool book_has(struct book *b, const char *id);

/* The pool knows exactly what the store holds. */
void book_check_pool(struct book *b);

/* The first row of a query to the database file, column by column with '|'. Static storage. */
const char *book_sql(const char *sql);

#define BOOK_ADDR(b, id) IP_TEXT(&((struct store_node[]){ book_get((b), (id)) })->addr)

#endif
