/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/reload.h"

#include "daemons/ctld/ctld.h"

int
ctld_reload(struct ctld *ctld, struct err *e)
{
	int rc = verbosity_reload(&ctld->verbosity, ctld->daemon.conf_path, e);

	identity_reload(ctld->identity);
	return rc;
}
