/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/controls.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

int
control_parse_tight(const uint8_t *body, size_t len, struct control *out)
{
	uint8_t *copy = malloc(len + 1);
	int rc;

	memcpy(copy + 1, body, len);
	rc = control_parse(copy + 1, len, out);
	free(copy);
	return rc;
}

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

void
control_check_sane(const struct control *c)
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
