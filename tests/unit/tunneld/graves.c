/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/graves.h"

#include <check.h>

static struct ev *ev;
static struct grave grave;

struct grave *
graves_new(void)
{
	ck_assert_int_eq(ev_new(&ev), 0);
	grave_init(&grave, ev);
	return &grave;
}

void
graves_free(void)
{
	grave_fini(&grave);
	ev_free(ev);
}
