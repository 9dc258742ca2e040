/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/aead_impl.h"

/*
 * Takes the place of aead_mb.c in $(BUILD)/bench/tunneld-openssl: as on a processor that ipsec-mb
 * cannot use, so that OpenSSL does all, as in a build without it.
 */
static bool
usable(void)
{
	return false;
}

const struct aead_impl aead_mb = { .name = "none", .usable = usable };
