/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_HTTP_H
#define LV_CTLD_HTTP_H

#include <stddef.h>

#include "common/err.h"
#include "common/ev.h"

/*
 * One page over HTTP/1.1 (RFC 9112), for programs on this machine: "GET PATH" and nothing else, an
 * answer per connection. Nobody can hold it: connections are few and short, and where all places are
 * taken the oldest one goes.
 */
struct http;

#define HTTP_PLACES 8
#define HTTP_REQUEST_MAX 4096	/* bytes of a request with its fields */
#define HTTP_DEADLINE_MS 5000	/* from the connection's begin to its end */

struct http_conf {
	const char *path;	/* "/metrics" */
	const char *type;	/* of the page's content */
	/* Somebody asks for it, and nobody did before: http_page is to be called, soon. */
	void (*wanted)(void *arg);
	void *arg;
};

/* fd: listening, non-blocking; consumed, also on failure. */
int http_new(struct ev *ev, int fd, const struct http_conf *conf, struct http **out);
void http_free(struct http *h);	/* NULL is fine */

/* Sends the page to all who wait for it. text NULL: it cannot be had now. */
void http_page(struct http *h, const char *text, size_t len);

#endif
