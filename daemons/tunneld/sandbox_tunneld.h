/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SANDBOX_TUNNELD_H
#define TUNNELD_SANDBOX_TUNNELD_H

#include "common/err.h"
#include "common/sandbox.h"
#include "daemons/tunneld/tunneld.h"

/* What each of tunneld's processes may do, in sandbox_NAME.c; loaded and tried. 0 or -errno. */
int sandbox_enter_monitor(const struct tunneld *d, struct err *e);
int sandbox_enter_spawner(const struct tunneld *d, struct err *e);
int sandbox_enter_engine(const struct tunneld *d, struct err *e);

/* The engine's calls, which the spawner must not forbid to its children. */
extern const struct sandbox_call sandbox_engine_calls[];
extern const struct sandbox_call sandbox_node_calls[];	/* on top, on a node */

/* A node's paths: the engine's, which the spawner must not forbid either. */
#define SANDBOX_NODE_PATHS 4
extern const struct sandbox_path sandbox_node_paths[SANDBOX_NODE_PATHS];

#endif
