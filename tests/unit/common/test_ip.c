/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ip.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/kit.h"

static struct ip_addr
addr(const char *text)
{
	struct ip_addr a = { 0 };

	ck_assert_msg(ip_parse(text, &a) == 0, "%s", text);
	return a;
}

static struct ip_prefix
prefix(const char *text)
{
	struct ip_prefix p = { 0 };

	ck_assert_msg(ip_prefix_parse(text, &p) == 0, "%s", text);
	return p;
}

static const char *const good_addrs[] = { "0.0.0.0", "10.1.1.1", "255.255.255.255", "::", "::1",
	"fd00::1", "2001:db8:1:2:3:4:5:6", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };

START_TEST(an_address_survives_text)
{
	struct ip_addr a = addr(good_addrs[_i]);

	ck_assert_str_eq(IP_TEXT(&a), good_addrs[_i]);
	ck_assert_uint_eq(ip_bits(&a), strchr(good_addrs[_i], ':') == NULL ? 32 : 128);
}
END_TEST

static const char *const bad_addrs[] = { "", "10", "10.1.1", "10.1.1.1.1", "10.1.1.256",
	"10.1.1.-1", " 10.1.1.1", "10.1.1.1 ", "010.1.1.1", "0x0a.1.1.1", "10.1.1.1/24", "::g",
	":::", "1::2::3", "fe80::1%lo", "12345::", "localhost", "10.1.1.1\n" };

START_TEST(what_is_no_address_is_refused)
{
	struct ip_addr a = { .family = 99 }, before = a;

	ck_assert_int_eq(ip_parse(bad_addrs[_i], &a), -EINVAL);
	ck_assert(ip_equal(&a, &before));
}
END_TEST

static const char *const good_prefixes[] = { "10.1.1.1/24", "0.0.0.0/0", "10.1.1.1/32", "::/0",
	"fd00::1/64", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" };

START_TEST(a_prefix_survives_text)
{
	struct ip_prefix p = prefix(good_prefixes[_i]);

	ck_assert_str_eq(PREFIX_TEXT(&p), good_prefixes[_i]);
}
END_TEST

static const char *const bad_prefixes[] = { "", "/", "/24", "10.1.1.1", "10.1.1.1/", "10.1.1.1/33",
	"10.1.1.1/-1", "10.1.1.1/+8", "10.1.1.1/8x", "10.1.1.1/ 8", "10.1.1.1/0008",
	"10.1.1.1/24/24", "::/129", "::/1000", "10.1.1/24",
	"1.2.3.4.5.6.7.8.9.1.2.3.4.5.6.7.8.9.1.2.3.4.5.6.7.8.9/8" };

START_TEST(what_is_no_prefix_is_refused)
{
	struct ip_prefix p = { .len = 99 };

	ck_assert_int_eq(ip_prefix_parse(bad_prefixes[_i], &p), -EINVAL);
	ck_assert_uint_eq(p.len, 99);
}
END_TEST

static const struct {
	const char *prefix, *network, *last;
} edges[] = {
	{ "10.1.1.1/24", "10.1.1.0/24", "10.1.1.255" },
	{ "10.1.1.77/27", "10.1.1.64/27", "10.1.1.95" },
	{ "10.1.1.1/8", "10.0.0.0/8", "10.255.255.255" },
	{ "10.1.1.1/32", "10.1.1.1/32", "10.1.1.1" },
	{ "10.1.1.1/0", "0.0.0.0/0", "255.255.255.255" },
	{ "fd00::abcd/112", "fd00::/112", "fd00::ffff" },
	{ "fd00:1:2:3:4:5:6:7/65", "fd00:1:2:3::/65", "fd00:1:2:3:7fff:ffff:ffff:ffff" },
	{ "fd00::1/128", "fd00::1/128", "fd00::1" },
	{ "fd00::1/0", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
};

START_TEST(a_prefix_has_two_ends)
{
	struct ip_prefix p = prefix(edges[_i].prefix), network = ip_prefix_network(&p);
	struct ip_addr last = ip_prefix_last(&p);

	ck_assert_str_eq(PREFIX_TEXT(&network), edges[_i].network);
	ck_assert_str_eq(IP_TEXT(&last), edges[_i].last);
	ck_assert(ip_prefix_contains(&p, &network.addr));
	ck_assert(ip_prefix_contains(&p, &last));
	ck_assert(ip_prefix_contains(&p, &p.addr));
}
END_TEST

static const struct {
	const char *prefix, *addr;
	bool inside;
} members[] = {
	{ "10.1.1.1/24", "10.1.1.200", true },
	{ "10.1.1.1/24", "10.1.2.1", false },
	{ "10.1.1.128/25", "10.1.1.127", false },
	{ "0.0.0.0/0", "255.255.255.255", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "10.1.1.1", false },
	{ "fd00::/64", "fd00::1:2:3:4", true },
	{ "fd00::/64", "fd00:0:0:1::1", false },
};

START_TEST(membership_is_by_family_and_bits)
{
	struct ip_prefix p = prefix(members[_i].prefix);
	struct ip_addr a = addr(members[_i].addr);

	ck_assert_int_eq(ip_prefix_contains(&p, &a), members[_i].inside);
}
END_TEST

static const struct {
	const char *a, *b;
	bool overlap;
} pairs[] = {
	{ "10.1.0.0/16", "10.1.1.1/24", true },
	{ "10.1.1.1/24", "10.1.1.9/24", true },
	{ "10.1.1.0/25", "10.1.1.128/25", false },
	{ "0.0.0.0/0", "192.0.2.0/24", true },
	{ "0.0.0.0/0", "::/0", false },
	{ "fd00::/16", "fd00:1::/32", true },
	{ "fd00::/16", "fd01::/32", false },
};

START_TEST(overlap_is_symmetric)
{
	struct ip_prefix a = prefix(pairs[_i].a), b = prefix(pairs[_i].b);

	ck_assert_int_eq(ip_prefix_overlap(&a, &b), pairs[_i].overlap);
	ck_assert_int_eq(ip_prefix_overlap(&b, &a), pairs[_i].overlap);
}
END_TEST

static const struct {
	const char *prefix;
	uint64_t index;
	const char *addr;
} numbers[] = {
	{ "10.1.1.1/24", 0, "10.1.1.0" },
	{ "10.1.1.1/24", 255, "10.1.1.255" },
	{ "10.1.1.1/8", 65536 + 511, "10.1.1.255" },
	{ "fd00::1/112", 0xffff, "fd00::ffff" },
	{ "fd00::1/64", 0x1234567890abcdefull, "fd00::1234:5678:90ab:cdef" },
	{ "fd00::1/64", UINT64_MAX, "fd00::ffff:ffff:ffff:ffff" },
};

START_TEST(addresses_are_numbered)
{
	struct ip_prefix p = prefix(numbers[_i].prefix);
	struct ip_addr a = ip_prefix_at(&p, numbers[_i].index);

	ck_assert_str_eq(IP_TEXT(&a), numbers[_i].addr);
	ck_assert_uint_eq(ip_prefix_index(&p, &a), numbers[_i].index);
}
END_TEST

static const struct {
	const char *addr;
	bool host;
} hosts[] = {
	{ "10.1.1.1", true },
	{ "0.0.0.0", false },
	{ "0.1.2.3", false },
	{ "127.0.0.1", false },
	{ "224.0.0.1", false },
	{ "255.255.255.255", false },
	{ "fd00::1", true },
	{ "::", false },
	{ "::1", false },
	{ "ff02::1", false },
	{ "::ffff:10.1.1.1", false },
};

START_TEST(some_addresses_are_no_machines)
{
	struct ip_addr a = addr(hosts[_i].addr);

	ck_assert_int_eq(ip_is_host(&a), hosts[_i].host);
}
END_TEST

START_TEST(no_address_is_no_host)
{
	struct ip_addr none = { 0 };
	struct sockaddr_storage ss;

	ck_assert(!ip_is_host(&none));
	ck_assert_uint_eq(ip_bits(&none), 0);
	ck_assert_str_eq(IP_TEXT(&none), "-");
	ck_assert_uint_eq(ip_to_sockaddr(&none, 1, &ss), 0);
}
END_TEST

static const struct {
	const char *addr, *text;
} sockets[] = {
	{ "192.0.2.7", "192.0.2.7:40112" },
	{ "fd00::1", "[fd00::1]:40112" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:40112" },
};

START_TEST(a_socket_address_survives)
{
	struct ip_addr a = addr(sockets[_i].addr), back;
	struct sockaddr_storage ss;

	ck_assert_uint_gt(ip_to_sockaddr(&a, 40112, &ss), 0);
	back = ip_from_sockaddr((const struct sockaddr *) &ss);
	ck_assert(ip_equal(&a, &back));
	ck_assert_uint_eq(ip_port((const struct sockaddr *) &ss), 40112);
	ck_assert_str_eq(SOCK_TEXT(&ss), sockets[_i].text);
}
END_TEST

START_TEST(a_mapped_peer_is_ipv4)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct ip_addr a, v4 = addr("192.0.2.7");

	ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
	a = ip_from_sockaddr((const struct sockaddr *) &in6);
	ck_assert(ip_equal(&a, &v4));
}
END_TEST

START_TEST(values_are_equal_and_hash)
{
	struct ip_addr a = addr("10.1.1.1"), c = addr("10.1.1.2"), six = addr("::1");
	struct ip_addr b = ip_from_bytes(AF_INET, (const uint8_t[]){ 10, 1, 1, 1 });

	ck_assert(ip_equal(&a, &b));
	ck_assert_uint_eq(ip_hash(&a), ip_hash(&b));
	ck_assert_uint_ne(ip_hash(&a), ip_hash(&c));
	ck_assert(!ip_equal(&a, &c) && !ip_equal(&c, &a));
	ck_assert(!ip_equal(&c, &six));
}
END_TEST

START_TEST(bytes_past_the_address_mean_nothing)
{
	struct ip_addr a = addr("10.1.1.1"), odd = a;
	struct ip_prefix net = prefix("10.1.1.1/24"), odd_net = prefix("10.1.1.9/32");

	memset(odd.b + 4, 0xff, sizeof(odd.b) - 4);
	memset(odd_net.addr.b + 4, 0xff, sizeof(odd_net.addr.b) - 4);
	ck_assert(ip_equal(&a, &odd));
	ck_assert(ip_equal(&odd, &a));
	ck_assert_uint_eq(ip_hash(&a), ip_hash(&odd));
	ck_assert(ip_prefix_contains(&net, &odd));
	ck_assert(ip_prefix_overlap(&net, &odd_net));
	ck_assert(ip_prefix_overlap(&odd_net, &net));
	net = prefix("10.1.1.9/32");
	ck_assert(ip_prefix_equal(&net, &odd_net));
	net.len = 24;
	ck_assert(!ip_prefix_equal(&net, &odd_net));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ip");

	KIT_ROWS(tc, an_address_survives_text, good_addrs);
	KIT_ROWS(tc, what_is_no_address_is_refused, bad_addrs);
	KIT_ROWS(tc, a_prefix_survives_text, good_prefixes);
	KIT_ROWS(tc, what_is_no_prefix_is_refused, bad_prefixes);
	KIT_ROWS(tc, a_prefix_has_two_ends, edges);
	KIT_ROWS(tc, membership_is_by_family_and_bits, members);
	KIT_ROWS(tc, overlap_is_symmetric, pairs);
	KIT_ROWS(tc, addresses_are_numbered, numbers);
	KIT_ROWS(tc, some_addresses_are_no_machines, hosts);
	tcase_add_test(tc, no_address_is_no_host);
	KIT_ROWS(tc, a_socket_address_survives, sockets);
	tcase_add_test(tc, a_mapped_peer_is_ipv4);
	tcase_add_test(tc, values_are_equal_and_hash);
	tcase_add_test(tc, bytes_past_the_address_mean_nothing);
	return kit_run("common/ip", tc);
}
