/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_LOG_H
#define LV_LOG_H

#include <stdbool.h>

#include "common/err.h"

/*
 * One line per event: `event key=value key="quoted text"`. Ids, never secrets; text that a peer
 * sent only through LOG_Q. The function that decides what to do about a thing logs it, once.
 * Never per packet. The only module with state of its own: where lines go is a fact of the process.
 *
 * ERR: someone must act now. WARN: degraded, going on. NOTICE: start, stop, reload. INFO: session
 * up and down, address given. DEBUG: per message.
 *
 * Where nobody reads the lines, or the disk is full, they are lost and nobody waits; the next line
 * that gets out comes after `log_lost lines=N`.
 */
enum log_level { LOG_LV_ERR, LOG_LV_WARN, LOG_LV_NOTICE, LOG_LV_INFO, LOG_LV_DEBUG };

struct log_conf {
	enum log_level level;
	bool json;		/* one JSON object per line instead of text */
	const char *target;	/* "stderr", "syslog" or the absolute path of a file to append to */
};

bool log_target_is_valid(const char *target);

/*
 * Opens the target; before that, and when it fails, lines go to stderr. The descriptor is
 * inherited by forked processes. Call it before privileges are dropped.
 * name: of the process as shown in lines ("ipamd"); kept, must live as long as the process.
 */
int log_open(const char *name, const struct log_conf *conf, struct err *e);

/* After a fork: the child's own name. */
void log_rename(const char *name);

void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_err(event, ...)    log_write(LOG_LV_ERR, event, __VA_ARGS__)
#define log_warn(event, ...)   log_write(LOG_LV_WARN, event, __VA_ARGS__)
#define log_notice(event, ...) log_write(LOG_LV_NOTICE, event, __VA_ARGS__)
#define log_info(event, ...)   log_write(LOG_LV_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)  log_write(LOG_LV_DEBUG, event, __VA_ARGS__)

/*
 * Text from outside made fit for a line: in double quotes, at most LOG_QUOTE_CHARS of it, control
 * characters, quotes and bytes that are not ASCII escaped. NULL is shown as "".
 */
#define LOG_QUOTE_CHARS 240
#define LOG_QUOTE_MAX 520
const char *log_quote(const char *text, char buf[LOG_QUOTE_MAX]);
#define LOG_Q(text) log_quote((text), (char[LOG_QUOTE_MAX]){ 0 })

#endif
