/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/control.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tunnel.pb-c.h"

/* --- one of each message, with every field set ------------------------------------------------ */

static struct ip_prefix
prefix(const char *text)
{
	struct ip_prefix p = { 0 };

	ck_assert_msg(ip_prefix_parse(text, &p) == 0, "%s", text);
	return p;
}

static struct control
hello(void)
{
	return (struct control){ .type = CONTROL_HELLO, .hello = {
		.node_token = "0123456789abcdef", .net_token = "net", .nciphers = 3,
		.ciphers = { 2, 1, 99 }, .workers = 4, .nspis = 3,
		.spis = { 256, 0x12345678, UINT32_MAX }, .version = "0.1.0" } };
}

static struct control
welcome(void)
{
	return (struct control){ .type = CONTROL_WELCOME, .welcome = {
		.node_id = "n-7", .address = prefix("10.1.1.3/24"),
		.server_address = ip_from_bytes(AF_INET, (const uint8_t[]){ 10, 1, 1, 1 }), .mtu = 1400, .mtu_top = 1438, .nroutes = 2,
		.routes = { prefix("192.168.0.0/16"), prefix("fd00:1::/32") }, .cipher = 2,
		.workers = 16, .nspis = 2, .spis = { 1000, 1001 }, .epoch = UINT64_MAX,
		.keepalive_ms = 25000, .dead_after_ms = 75000, .rekey_ms = 3600000,
		.version = "0.1.0" } };
}

static struct control
refuse(void)
{
	return (struct control){ .type = CONTROL_REFUSE, .refuse = { .reason = "POOL_EXHAUSTED",
		.message = "the network has no address left", .retry_after_ms = 5000 } };
}

static struct control
add_spi(void)
{
	return (struct control){ .type = CONTROL_ADD_SPI, .add_spi = { 2, { 300, 301 } } };
}

static struct control
keepalive(void)
{
	return (struct control){ .type = CONTROL_KEEPALIVE };
}

static struct control
goodbye(void)
{
	return (struct control){ .type = CONTROL_GOODBYE, .refuse = { .reason = "SUPERSEDED" } };
}

static struct control
cert_request(void)
{
	return (struct control){ .type = CONTROL_CERT_REQUEST, .cert.csr = (char *) "a request" };
}

static struct control
cert_reply(void)
{
	return (struct control){ .type = CONTROL_CERT_REPLY, .cert = {
		.certificate = (char *) "a certificate", .ca = (char *) "its CA" } };
}

static struct control
api_cert_request(void)
{
	return (struct control){ .type = CONTROL_CERT_REQUEST,
		.cert = { .grpc = true, .csr = (char *) "a request" } };
}

static struct control
api_cert_reply(void)
{
	return (struct control){ .type = CONTROL_CERT_REPLY, .cert = { .grpc = true,
		.certificate = (char *) "a certificate", .ca = (char *) "its CA" } };
}

static struct control
no_cert(void)
{
	return (struct control){ .type = CONTROL_CERT_REPLY, .cert = {
		.reason = "KEY_UNKNOWN", .message = "another key" } };
}

static struct control (*const messages[])(void) = { hello, welcome, refuse, add_spi, keepalive,
	goodbye, cert_request, cert_reply, api_cert_request, api_cert_reply, no_cert };

static size_t
pack(const struct control *c, uint8_t out[CONTROL_BODY_MAX])
{
	int len = control_pack(c, out);

	ck_assert_int_gt(len, 0);
	return (size_t) len;
}

/* In a block of just its length, so that reading beyond it is seen. */
static int
parse(const uint8_t *body, size_t len, struct control *out)
{
	uint8_t *copy = malloc(len + 1);
	int rc;

	memcpy(copy + 1, body, len);
	rc = control_parse(copy + 1, len, out);
	free(copy);
	return rc;
}

/* What a caller relies on, whoever wrote the message. */
static void
check_spis(const uint32_t *spis, unsigned n)
{
	ck_assert_uint_le(n, CONTROL_SPIS_MAX);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_gt(spis[i], 255);
		for (unsigned k = 0; k < i; k++)
			ck_assert_uint_ne(spis[i], spis[k]);
	}
}

static void
check_sane(const struct control *c)
{
	switch (c->type) {
	case CONTROL_HELLO:
		check_spis(c->hello.spis, c->hello.nspis);
		ck_assert_uint_le(c->hello.nciphers, CONTROL_CIPHERS_MAX);
		ck_assert_uint_le(strlen(c->hello.node_token), CONTROL_TOKEN_MAX);
		break;
	case CONTROL_WELCOME:
		check_spis(c->welcome.spis, c->welcome.nspis);
		ck_assert_uint_le(c->welcome.nroutes, CONTROL_ROUTES_MAX);
		ck_assert_uint_le(strlen(c->welcome.node_id), CONTROL_ID_MAX);
		ck_assert_uint_ge(c->welcome.mtu, 576);
		break;
	case CONTROL_ADD_SPI:
		check_spis(c->add_spi.spis, c->add_spi.nspis);
		break;
	default:
		break;
	}
}

/* --- round trips ------------------------------------------------------------------------------ */

START_TEST(each_message_comes_back)
{
	uint8_t body[CONTROL_BODY_MAX], again[CONTROL_BODY_MAX];
	struct control in = messages[_i](), out = { .type = CONTROL_OTHER };
	size_t len = pack(&in, body);

	ck_assert_int_eq(parse(body, len, &out), 0);
	ck_assert_int_eq(out.type, in.type);
	check_sane(&out);
	ck_assert_uint_eq(pack(&out, again), len);
	ck_assert_mem_eq(again, body, len);
	control_fini(&out);
}
END_TEST

/* What a certificate is not: nothing, longer than it may be, with a NUL in it. */
static const size_t pems[] = { 0, CONTROL_PEM_MAX, CONTROL_PEM_MAX + 1 };

START_TEST(certificates_have_a_length)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control in = cert_reply(), out;
	char *text = calloc(1, pems[_i] + 1);

	memset(text, 'x', pems[_i]);
	in.cert.ca = text;
	if (pems[_i] == CONTROL_PEM_MAX) {
		ck_assert_int_eq(parse(body, pack(&in, body), &out), 0);
		ck_assert_str_eq(out.cert.certificate, "a certificate");
		ck_assert_str_eq(out.cert.ca, text);
		control_fini(&out);
		ck_assert_ptr_null(out.cert.ca);
	} else {
		ck_assert_int_eq(parse(body, pack(&in, body), &out), -EBADMSG);
	}
	free(text);
}
END_TEST

START_TEST(hello_has_its_fields)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control in = hello(), out;

	ck_assert_int_eq(parse(body, pack(&in, body), &out), 0);
	ck_assert_str_eq(out.hello.node_token, "0123456789abcdef");
	ck_assert_str_eq(out.hello.net_token, "net");
	ck_assert_uint_eq(out.hello.nciphers, 3);
	ck_assert_int_eq(out.hello.ciphers[0], 2);
	ck_assert_int_eq(out.hello.ciphers[2], 99);
	ck_assert_uint_eq(out.hello.workers, 4);
	ck_assert_uint_eq(out.hello.nspis, 3);
	ck_assert_uint_eq(out.hello.spis[2], UINT32_MAX);
	ck_assert_str_eq(out.hello.version, "0.1.0");
}
END_TEST

START_TEST(welcome_has_its_fields)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control in = welcome(), out;

	ck_assert_int_eq(parse(body, pack(&in, body), &out), 0);
	ck_assert(!out.welcome.has_ca_hash);
	in.welcome.has_ca_hash = true;
	in.welcome.ca_hash[31] = 7;
	ck_assert_int_eq(parse(body, pack(&in, body), &out), 0);
	ck_assert(out.welcome.has_ca_hash);
	ck_assert_mem_eq(out.welcome.ca_hash, in.welcome.ca_hash, CONTROL_CA_HASH_LEN);
	ck_assert_str_eq(out.welcome.node_id, "n-7");
	ck_assert_str_eq(PREFIX_TEXT(&out.welcome.address), "10.1.1.3/24");
	ck_assert_str_eq(IP_TEXT(&out.welcome.server_address), "10.1.1.1");
	ck_assert_uint_eq(out.welcome.nroutes, 2);
	ck_assert_str_eq(PREFIX_TEXT(&out.welcome.routes[1]), "fd00:1::/32");
	ck_assert_uint_eq(out.welcome.epoch, UINT64_MAX);
	ck_assert_uint_eq(out.welcome.keepalive_ms, 25000);
	ck_assert_uint_eq(out.welcome.dead_after_ms, 75000);
	ck_assert_uint_eq(out.welcome.rekey_ms, 3600000);
}
END_TEST

START_TEST(the_largest_message_fits)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control in = welcome(), out;

	memset(in.welcome.node_id, 'i', CONTROL_ID_MAX);
	memset(in.welcome.version, 'v', CONTROL_VERSION_MAX);
	in.welcome.nroutes = CONTROL_ROUTES_MAX;
	for (unsigned i = 0; i < CONTROL_ROUTES_MAX; i++)
		in.welcome.routes[i] = prefix("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	in.welcome.nspis = CONTROL_SPIS_MAX;
	for (unsigned i = 0; i < CONTROL_SPIS_MAX; i++)
		in.welcome.spis[i] = UINT32_MAX - i;
	ck_assert_int_eq(parse(body, pack(&in, body), &out), 0);
	ck_assert_uint_eq(out.welcome.nroutes, CONTROL_ROUTES_MAX);
	ck_assert_uint_eq(out.welcome.nspis, CONTROL_SPIS_MAX);
}
END_TEST

START_TEST(nothing_else_is_written)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control c = { .type = CONTROL_OTHER };

	ck_assert_int_eq(control_pack(&c, body), -EMSGSIZE);
}
END_TEST

/* --- broken messages -------------------------------------------------------------------------- */

START_TEST(each_truncation_is_refused)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control in = messages[_i](), out = { .type = CONTROL_OTHER };
	size_t len = pack(&in, body);

	for (size_t cut = 1; cut < len; cut++) {
		ck_assert_int_eq(parse(body, cut, &out), -EBADMSG);
		ck_assert_int_eq(out.type, CONTROL_OTHER);	/* outputs only on success */
	}
	ck_assert_int_eq(parse(body, 0, &out), 0);	/* protobuf: an empty message is one */
	ck_assert_int_eq(out.type, CONTROL_OTHER);
}
END_TEST

/* Most flips are other values or other fields: then they are sane ones. */
static void
check_survives(const uint8_t *body, size_t len)
{
	uint8_t again[CONTROL_BODY_MAX];
	struct control c;

	if (parse(body, len, &c) < 0)
		return;
	check_sane(&c);
	if (c.type != CONTROL_OTHER)
		ck_assert_int_gt(control_pack(&c, again), 0);
	control_fini(&c);
}

START_TEST(each_flipped_bit_is_survived)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control in = messages[_i]();
	size_t len = pack(&in, body);

	for (size_t bit = 0; bit < len * 8; bit++) {
		body[bit / 8] ^= (uint8_t) (1 << bit % 8);
		check_survives(body, len);
		body[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
}
END_TEST

/* Protobuf merges what comes twice: the second kind of body replaces the first. */
START_TEST(two_in_one_are_survived)
{
	uint8_t body[2 * CONTROL_BODY_MAX];
	struct control first = messages[_i](), out;
	size_t len = pack(&first, body);

	for (size_t k = 0; k < sizeof(messages) / sizeof(messages[0]); k++) {
		struct control second = messages[k]();
		size_t both = len + pack(&second, body + len);

		if (parse(body, both, &out) == 0) {
			ck_assert_int_eq(out.type, second.type);
			control_fini(&out);
		}
		check_survives(body, both);
	}
}
END_TEST

START_TEST(noise_is_survived)
{
	struct dice d = dice_new(7);
	uint8_t body[64];

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = dice_below(&d, sizeof(body));

		for (size_t k = 0; k < len; k++)
			body[k] = (uint8_t) dice_roll(&d);
		if (len > 2) {	/* half of the way in: a field of Control, of the right length */
			body[0] = (uint8_t) (dice_below(&d, 8) << 3 | 2);
			body[1] = (uint8_t) (len - 2);
		}
		check_survives(body, len);
	}
}
END_TEST

/* --- senseless contents ----------------------------------------------------------------------- */

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
	rc = parse(body, litevpn__tunnel__control__pack(m, body), &out);
	if (rc == 0)
		check_sane(&out);
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
	ck_assert_int_eq(parse(body, litevpn__tunnel__control__pack(&m, body), &out), 0);
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
	ck_assert_int_eq(parse(body, litevpn__tunnel__control__pack(&m, body), &out), 0);
	ck_assert_str_eq(out.refuse.reason, "?");
	ck_assert_uint_eq(strlen(out.refuse.message), CONTROL_TEXT_MAX - 1);
	ck_assert(utf8_valid(out.refuse.message));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("control");

	KIT_ROWS(tc, each_message_comes_back, messages);
	KIT_ROWS(tc, certificates_have_a_length, pems);
	tcase_add_test(tc, hello_has_its_fields);
	tcase_add_test(tc, welcome_has_its_fields);
	tcase_add_test(tc, the_largest_message_fits);
	tcase_add_test(tc, nothing_else_is_written);
	KIT_ROWS(tc, each_truncation_is_refused, messages);
	KIT_ROWS(tc, each_flipped_bit_is_survived, messages);
	KIT_ROWS(tc, two_in_one_are_survived, messages);
	tcase_add_test(tc, noise_is_survived);
	KIT_ROWS(tc, contents_have_their_limits, contents);
	tcase_add_test(tc, long_texts_are_cut);
	tcase_add_test(tc, a_cut_text_is_valid);
	return kit_run("tunneld/control", tc);
}
