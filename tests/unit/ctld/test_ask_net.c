/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_net.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ctld/ask_token.h"
#include "ipc/ipam.pb-c.h"
#include "tests/unit/kit.h"

/* What ipamd answers is read as if it came from anybody. */

#define BODY(name) LITEVPN__IPAM__REPLY__BODY_##name
#define MANY (IPAM_PAGE_MAX + 1)

static const char bad[] = "\xff\xfe", *const texts[] = { "fine", bad,
	"much too long for an address or an identifier, and longer than all that is kept of a name: "
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" };

static int
decode(backend_decode *fn, const Litevpn__Ipam__Reply *reply, void *out)
{
	struct err e = { 0 };
	int rc = fn(&reply->base, out, &e);

	ck_assert_int_eq(rc, e.rc);
	if (rc < 0)
		ck_assert_str_ne(e.text, "");
	return rc;
}

/* A place that is left alone where the answer cannot be used. */
static union {
	struct ipam_addresses addresses;
	struct ipam_victims victims;
	struct ipam_network network;
	struct ipam_networks networks;
	struct ipam_tokens tokens;
	char bytes[sizeof(struct ipam_network)];
} out;

static void
check_refused(backend_decode *fn, const Litevpn__Ipam__Reply *reply, int expected)
{
	memset(&out, 0x5a, sizeof(out));
	ck_assert_int_eq(decode(fn, reply, &out), expected);
	for (size_t i = 0; i < sizeof(out.bytes); i++)
		ck_assert_int_eq(out.bytes[i], 0x5a);
}

static backend_decode *const decoders[] = { ipam_decode_addresses, ipam_decode_victims,
	ipam_decode_network, ipam_decode_networks, ipam_decode_tokens };

START_TEST(what_was_not_asked_is_no_answer)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Info info = LITEVPN__IPAM__INFO__INIT;

	check_refused(decoders[_i], &reply, -REASON_INTERNAL);
	reply.body_case = BODY(INFO);
	reply.info = &info;
	check_refused(decoders[_i], &reply, -REASON_INTERNAL);
	reply.result = REASON_NETWORK_UNKNOWN;
	check_refused(decoders[_i], &reply, -REASON_NETWORK_UNKNOWN);
	reply.result = 77777;
	check_refused(decoders[_i], &reply, -REASON_INTERNAL);
}
END_TEST

START_TEST(addresses_are_read)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Addresses list = LITEVPN__IPAM__ADDRESSES__INIT;
	Litevpn__Ipam__Address one = LITEVPN__IPAM__ADDRESS__INIT, *rows[MANY];

	for (size_t i = 0; i < MANY; i++)
		rows[i] = &one;
	one.kind = LITEVPN__IPAM__ADDRESS__KIND__RESERVED;
	list.addresses = rows;
	list.n_addresses = 2;
	list.next = 9;
	reply.body_case = BODY(ADDRESSES);
	reply.addresses = &list;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		one.address = (char *) texts[t];
		if (t > 0) {
			check_refused(ipam_decode_addresses, &reply, -REASON_INTERNAL);
			continue;
		}
		ck_assert_int_eq(decode(ipam_decode_addresses, &reply, &out), 0);
		ck_assert_uint_eq(out.addresses.n, 2);
		ck_assert_uint_eq(out.addresses.next, 9);
		ck_assert_str_eq(out.addresses.rows[1].address, texts[t]);
		ck_assert_int_eq(out.addresses.rows[1].kind, IPAM_RESERVED);
		ipam_addresses_fini(&out.addresses);
	}
	one.address = (char *) texts[0];
	one.kind = (Litevpn__Ipam__Address__Kind) 99;
	ck_assert_int_eq(decode(ipam_decode_addresses, &reply, &out), 0);
	ck_assert_int_eq(out.addresses.rows[0].kind, IPAM_KIND_UNKNOWN);
	ipam_addresses_fini(&out.addresses);
	list.n_addresses = MANY;
	check_refused(ipam_decode_addresses, &reply, -REASON_INTERNAL);
}
END_TEST

START_TEST(victims_are_read)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Victims list = LITEVPN__IPAM__VICTIMS__INIT;
	Litevpn__Ipam__Victim one = LITEVPN__IPAM__VICTIM__INIT, *rows[MANY];
	Litevpn__Ipam__Node node = LITEVPN__IPAM__NODE__INIT;
	Litevpn__Ipam__Label label = LITEVPN__IPAM__LABEL__INIT, *labels[IPAM_LABELS_MAX + 1];

	for (size_t i = 0; i < MANY; i++)
		rows[i] = &one;
	for (size_t i = 0; i < IPAM_LABELS_MAX + 1; i++)
		labels[i] = &label;
	list.victims = rows;
	list.n_victims = 1;
	reply.body_case = BODY(VICTIMS);
	reply.victims = &list;
	check_refused(ipam_decode_victims, &reply, -REASON_INTERNAL);	/* it is no node */
	one.node = &node;
	node.labels = labels;
	node.n_labels = IPAM_LABELS_MAX;
	ck_assert_int_eq(decode(ipam_decode_victims, &reply, &out), 0);
	ck_assert_uint_eq(out.victims.rows[0].node.nlabels, IPAM_LABELS_MAX);
	ipam_victims_fini(&out.victims);
	label.key = (char *) bad;
	check_refused(ipam_decode_victims, &reply, -REASON_INTERNAL);
	label.key = (char *) texts[2];
	check_refused(ipam_decode_victims, &reply, -REASON_INTERNAL);
	label.key = (char *) "k";
	node.n_labels++;
	check_refused(ipam_decode_victims, &reply, -REASON_INTERNAL);
	node.n_labels = 0;
	list.n_victims = MANY;
	check_refused(ipam_decode_victims, &reply, -REASON_INTERNAL);
}
END_TEST

START_TEST(networks_are_read)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Networks list = LITEVPN__IPAM__NETWORKS__INIT;
	Litevpn__Ipam__Network one = LITEVPN__IPAM__NETWORK__INIT, *rows[IPAM_NETWORKS_MAX + 1];
	char *exclude[IPAM_EXCLUDE_MAX + 1];

	for (size_t i = 0; i < IPAM_NETWORKS_MAX + 1; i++)
		rows[i] = &one;
	for (size_t i = 0; i < IPAM_EXCLUDE_MAX + 1; i++)
		exclude[i] = (char *) "10.2.0.0/28";
	one.exclude = exclude;
	one.n_exclude = IPAM_EXCLUDE_MAX;
	one.origin = LITEVPN__IPAM__NETWORK__ORIGIN__CONFIGURATION;
	list.networks = rows;
	list.n_networks = IPAM_NETWORKS_MAX;
	reply.body_case = BODY(NETWORKS);
	reply.networks = &list;
	ck_assert_int_eq(decode(ipam_decode_networks, &reply, &out), 0);
	ck_assert_uint_eq(out.networks.n, IPAM_NETWORKS_MAX);
	ck_assert(out.networks.rows[7].from_conf);
	ck_assert_str_eq(out.networks.rows[7].exclude[IPAM_EXCLUDE_MAX - 1], "10.2.0.0/28");
	ipam_networks_fini(&out.networks);
	one.n_exclude++;
	check_refused(ipam_decode_networks, &reply, -REASON_INTERNAL);
	one.n_exclude--;
	list.n_networks++;
	check_refused(ipam_decode_networks, &reply, -REASON_INTERNAL);
	reply.body_case = BODY(NETWORK);
	reply.network = &one;
	one.net_token = (char *) bad;
	check_refused(ipam_decode_network, &reply, -REASON_INTERNAL);
	one.net_token = (char *) "";
	ck_assert_int_eq(decode(ipam_decode_network, &reply, &out), 0);
}
END_TEST

START_TEST(tokens_are_read)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Tokens list = LITEVPN__IPAM__TOKENS__INIT;
	Litevpn__Ipam__Token one = LITEVPN__IPAM__TOKEN__INIT, *rows[MANY];

	for (size_t i = 0; i < MANY; i++)
		rows[i] = &one;
	list.tokens = rows;
	list.n_tokens = IPAM_PAGE_MAX;
	reply.body_case = BODY(TOKENS);
	reply.tokens = &list;
	one.uses_left = 3;
	ck_assert_int_eq(decode(ipam_decode_tokens, &reply, &out), 0);
	ck_assert_uint_eq(out.tokens.rows[IPAM_PAGE_MAX - 1].uses_left, 3);
	ipam_tokens_fini(&out.tokens);
	one.id = (char *) texts[2];
	check_refused(ipam_decode_tokens, &reply, -REASON_INTERNAL);
	one.id = (char *) "";
	list.n_tokens++;
	check_refused(ipam_decode_tokens, &reply, -REASON_INTERNAL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ask_net");

	KIT_ROWS(tc, what_was_not_asked_is_no_answer, decoders);
	tcase_add_test(tc, addresses_are_read);
	tcase_add_test(tc, victims_are_read);
	tcase_add_test(tc, networks_are_read);
	tcase_add_test(tc, tokens_are_read);
	return kit_run("ask_net", tc);
}
