/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_UPKEEP_H
#define LV_IPAMD_UPKEEP_H

#include "common/verbosity.h"
#include "daemons/ipamd/hotcopy.h"

/* What an administrator may want of the daemon itself, as opposed to what it keeps. */
struct upkeep {
	const char *conf_path;
	struct verbosity verbosity;
	struct hotcopy *hotcopy;
};

#endif
