/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/control.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/controls.h"

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

/* --- round trips ------------------------------------------------------------------------------ */

START_TEST(each_message_comes_back)
{
	uint8_t body[CONTROL_BODY_MAX], again[CONTROL_BODY_MAX];
	struct control in = messages[_i](), out = { .type = CONTROL_OTHER };
	size_t len = pack(&in, body);

	ck_assert_int_eq(control_parse_tight(body, len, &out), 0);
	ck_assert_int_eq(out.type, in.type);
	control_check_sane(&out);
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
		ck_assert_int_eq(control_parse_tight(body, pack(&in, body), &out), 0);
		ck_assert_str_eq(out.cert.certificate, "a certificate");
		ck_assert_str_eq(out.cert.ca, text);
		control_fini(&out);
		ck_assert_ptr_null(out.cert.ca);
	} else {
		ck_assert_int_eq(control_parse_tight(body, pack(&in, body), &out), -EBADMSG);
	}
	free(text);
}
END_TEST

START_TEST(hello_has_its_fields)
{
	uint8_t body[CONTROL_BODY_MAX];
	struct control in = hello(), out;

	ck_assert_int_eq(control_parse_tight(body, pack(&in, body), &out), 0);
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

	ck_assert_int_eq(control_parse_tight(body, pack(&in, body), &out), 0);
	ck_assert(!out.welcome.has_ca_hash);
	in.welcome.has_ca_hash = true;
	in.welcome.ca_hash[31] = 7;
	ck_assert_int_eq(control_parse_tight(body, pack(&in, body), &out), 0);
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
	ck_assert_int_eq(control_parse_tight(body, pack(&in, body), &out), 0);
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
		ck_assert_int_eq(control_parse_tight(body, cut, &out), -EBADMSG);
		ck_assert_int_eq(out.type, CONTROL_OTHER);	/* outputs only on success */
	}
	ck_assert_int_eq(control_parse_tight(body, 0, &out), 0);	/* protobuf: an empty message is one */
	ck_assert_int_eq(out.type, CONTROL_OTHER);
}
END_TEST

/* Most flips are other values or other fields: then they are sane ones. */
static void
check_survives(const uint8_t *body, size_t len)
{
	uint8_t again[CONTROL_BODY_MAX];
	struct control c;

	if (control_parse_tight(body, len, &c) < 0)
		return;
	control_check_sane(&c);
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

		if (control_parse_tight(body, both, &out) == 0) {
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
	return kit_run("tunneld/control", tc);
}
