/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_GRAVES_H
#define LV_TEST_GRAVES_H

#include "daemons/tunneld/grace.h"

/* A grave on a loop of its own, where nothing is buried before graves_free. One at a time. */
struct grave *graves_new(void);
void graves_free(void);

#endif
