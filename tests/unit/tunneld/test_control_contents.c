/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/control.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "common/utf8.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/controls.h"
#include "tunnel.pb-c.h"

/* Messages that are well made and make no sense; the others are in test_control.c. */

static void
none(Litevpn__Tunnel__Hello *h, Litevpn__Tunnel__Welcome *w)
{
	(void) h, (void) w;
}

#define CHANGE(name, ...)                                                                          \
	static void name(Litevpn__Tunnel__Hello *h, Litevpn__Tunnel__Welcome *w)                   \
	{                                                                                          \
		(void) h, (void) w;                                                                \
		__VA_ARGS__;                                                                       \
	}

static char long_text[] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";	/* 65 */
static char *many_routes[CONTROL_ROUTES_MAX + 1];
static char good[] = "10.0.0.0/8", bad[] = "10.0.0.0/33";
static char *bad_route[] = { good, bad };
static uint32_t many_spis[CONTROL_SPIS_MAX + 1];
static uint32_t reserved[] = { 300, 255 }, twice[] = { 300, 301, 300 };
static Litevpn__Tunnel__Cipher many_ciphers[CONTROL_CIPHERS_MAX + 1];

CHANGE(token_full, h->node_token = long_text + 1)
CHANGE(token_long, h->node_token = long_text)
CHANGE(net_token_long, h->net_token = long_text)
CHANGE(no_worker, h->workers = w->workers = 0)
CHANGE(all_workers, h->workers = w->workers = CONTROL_WORKERS_MAX)
CHANGE(many_workers, h->workers = w->workers = CONTROL_WORKERS_MAX + 1)
CHANGE(no_spis, h->n_receive_spis = w->n_receive_spis = 0)
CHANGE(all_spis, h->receive_spis = w->receive_spis = many_spis;
    h->n_receive_spis = w->n_receive_spis = CONTROL_SPIS_MAX)
CHANGE(too_many_spis, h->receive_spis = w->receive_spis = many_spis;
    h->n_receive_spis = w->n_receive_spis = CONTROL_SPIS_MAX + 1)
CHANGE(reserved_spi, h->receive_spis = w->receive_spis = reserved;
    h->n_receive_spis = w->n_receive_spis = 2)
CHANGE(spi_twice, h->receive_spis = w->receive_spis = twice;
    h->n_receive_spis = w->n_receive_spis = 3)
CHANGE(cipher_flood, h->ciphers = many_ciphers; h->n_ciphers = CONTROL_CIPHERS_MAX + 1)
CHANGE(version_long, h->version = w->version = long_text)
CHANGE(id_long, w->node_id = long_text)
CHANGE(no_address, w->address = (char *) "")
CHANGE(address_bare, w->address = (char *) "10.1.1.3")
CHANGE(address_foul, w->address = (char *) "10.1.1.3/24; reboot")
CHANGE(no_server, w->server_address = (char *) "")
CHANGE(mtu_0, w->mtu = 0)
CHANGE(mtu_small, w->mtu = 575)
CHANGE(mtu_least, w->mtu = 576)
CHANGE(mtu_most, w->mtu = 9000)
CHANGE(mtu_large, w->mtu = 9001)
CHANGE(mtu_huge, w->mtu = UINT32_MAX)
CHANGE(top_0, w->mtu_top = 0)
CHANGE(top_small, w->mtu_top = 575)
CHANGE(top_most, w->mtu_top = 9000)
CHANGE(top_large, w->mtu_top = 9001)
CHANGE(all_routes, w->routes = many_routes; w->n_routes = CONTROL_ROUTES_MAX)
CHANGE(too_many_routes, w->routes = many_routes; w->n_routes = CONTROL_ROUTES_MAX + 1)
CHANGE(route_foul, w->routes = bad_route; w->n_routes = 2)
CHANGE(keepalive_0, w->keepalive_ms = 0)
CHANGE(keepalive_busy, w->keepalive_ms = 999)
CHANGE(keepalive_least, w->keepalive_ms = 1000)
CHANGE(dead_0, w->dead_after_ms = 0)
CHANGE(dead_before_keepalive, w->keepalive_ms = 75000; w->dead_after_ms = 75000)
CHANGE(dead_never, w->dead_after_ms = UINT32_MAX)
CHANGE(rekey_0, w->rekey_ms = 0)
CHANGE(rekey_never, w->rekey_ms = UINT32_MAX)

static const struct {
	void (*change)(Litevpn__Tunnel__Hello *h, Litevpn__Tunnel__Welcome *w);
	int hello, welcome;	/* what parsing gives */
} contents[] = {
	{ none, 0, 0 },
	{ token_full, 0, 0 },
	{ token_long, -EBADMSG, 0 },
	{ net_token_long, -EBADMSG, 0 },
	{ no_worker, -EBADMSG, -EBADMSG },
	{ all_workers, 0, 0 },
	{ many_workers, -EBADMSG, -EBADMSG },
	{ no_spis, 0, 0 },
	{ all_spis, 0, 0 },
	{ too_many_spis, -EBADMSG, -EBADMSG },
	{ reserved_spi, -EBADMSG, -EBADMSG },
	{ spi_twice, -EBADMSG, -EBADMSG },
	{ cipher_flood, 0, 0 },		/* the best come first: the others are not read */
	{ version_long, 0, 0 },		/* cut */
	{ id_long, 0, -EBADMSG },
	{ no_address, 0, -EBADMSG },
	{ address_bare, 0, -EBADMSG },
	{ address_foul, 0, -EBADMSG },
	{ no_server, 0, -EBADMSG },
	{ mtu_0, 0, -EBADMSG },
	{ mtu_small, 0, -EBADMSG },
	{ mtu_least, 0, 0 },
	{ mtu_most, 0, 0 },
	{ mtu_large, 0, -EBADMSG },
	{ mtu_huge, 0, -EBADMSG },
	{ top_0, 0, 0 },
	{ top_small, 0, -EBADMSG },
	{ top_most, 0, 0 },
	{ top_large, 0, -EBADMSG },
	{ all_routes, 0, 0 },
	{ too_many_routes, 0, -EBADMSG },
	{ route_foul, 0, -EBADMSG },
	{ keepalive_0, 0, -EBADMSG },
	{ keepalive_busy, 0, -EBADMSG },
	{ keepalive_least, 0, 0 },
	{ dead_0, 0, -EBADMSG },
	{ dead_before_keepalive, 0, -EBADMSG },
	{ dead_never, 0, -EBADMSG },
	{ rekey_0, 0, 0 },
	{ rekey_never, 0, -EBADMSG },
};

static int
parse_packed(const Litevpn__Tunnel__Control *m)
{
	uint8_t body[2 * CONTROL_BODY_MAX];
	struct control out = { .type = CONTROL_OTHER };
	int rc;

	ck_assert_uint_le(litevpn__tunnel__control__get_packed_size(m), sizeof(body));
	rc = control_parse_tight(body, litevpn__tunnel__control__pack(m, body), &out);
	if (rc == 0)
		control_check_sane(&out);
	else
		ck_assert_int_eq(out.type, CONTROL_OTHER);
	return rc;
}

START_TEST(contents_have_their_limits)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Hello h = LITEVPN__TUNNEL__HELLO__INIT;
	Litevpn__Tunnel__Welcome w = LITEVPN__TUNNEL__WELCOME__INIT;

	for (unsigned i = 0; i <= CONTROL_ROUTES_MAX; i++)
		many_routes[i] = good;
	for (unsigned i = 0; i <= CONTROL_SPIS_MAX; i++)
		many_spis[i] = 256 + i;
	h.workers = w.workers = 1;
	w.address = (char *) "10.1.1.3/24";
	w.server_address = (char *) "10.1.1.1";
	w.mtu = 1400;
	w.keepalive_ms = 25000;
	w.dead_after_ms = 75000;
	contents[_i].change(&h, &w);
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_HELLO;
	m.hello = &h;
	ck_assert_int_eq(parse_packed(&m), contents[_i].hello);
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_WELCOME;
	m.welcome = &w;
	ck_assert_int_eq(parse_packed(&m), contents[_i].welcome);
}
END_TEST

/* What the peer says to people is cut, not refused: it may be of a newer version. */
START_TEST(long_texts_are_cut)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Refuse r = LITEVPN__TUNNEL__REFUSE__INIT;
	uint8_t body[CONTROL_BODY_MAX];
	char text[CONTROL_TEXT_MAX * 2 + 1];
	struct control out;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	r.reason = r.message = text;
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_REFUSE;
	m.refuse = &r;
	ck_assert_int_eq(control_parse_tight(body, litevpn__tunnel__control__pack(&m, body), &out), 0);
	ck_assert_int_eq(out.type, CONTROL_REFUSE);
	ck_assert_uint_eq(strlen(out.refuse.reason), CONTROL_ID_MAX);
	ck_assert_uint_eq(strlen(out.refuse.message), CONTROL_TEXT_MAX);
}
END_TEST

/* It goes on to other daemons, who take no message with half a character in it. */
START_TEST(a_cut_text_is_valid)
{
	Litevpn__Tunnel__Control m = LITEVPN__TUNNEL__CONTROL__INIT;
	Litevpn__Tunnel__Refuse r = LITEVPN__TUNNEL__REFUSE__INIT;
	uint8_t body[CONTROL_BODY_MAX];
	char text[CONTROL_TEXT_MAX + 2], stray[] = "\xff";
	struct control out;

	memset(text, 'x', sizeof(text));
	strcpy(text + CONTROL_TEXT_MAX - 1, "\xc3\xbc");
	r.reason = stray;
	r.message = text;
	m.body_case = LITEVPN__TUNNEL__CONTROL__BODY_REFUSE;
	m.refuse = &r;
	ck_assert_int_eq(control_parse_tight(body, litevpn__tunnel__control__pack(&m, body), &out), 0);
	ck_assert_str_eq(out.refuse.reason, "?");
	ck_assert_uint_eq(strlen(out.refuse.message), CONTROL_TEXT_MAX - 1);
	ck_assert(utf8_valid(out.refuse.message));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("control_contents");

	KIT_ROWS(tc, contents_have_their_limits, contents);
	tcase_add_test(tc, long_texts_are_cut);
	tcase_add_test(tc, a_cut_text_is_valid);
	return kit_run("tunneld/control_contents", tc);
}
