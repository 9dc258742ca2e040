/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ECHO_H
#define TUNNELD_ECHO_H

#include <stdint.h>

/*
 * The contents of an ESP packet that only asks whether the way is open (next header 59: nothing that
 * a stranger's implementation would pass on): type 1, nonce 8, padding. A worker answers a request
 * at the size at which it came, the control thread looks at the answers.
 */
enum { ECHO_REQUEST = 0, ECHO_REPLY = 1 };
enum { ECHO_LEN = 9 };	/* without padding */

#endif
