/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048	/* longer lines are cut; a datagram to syslog stays whole */

enum shape { SHAPE_TEXT, SHAPE_JSON, SHAPE_SYSLOG, SHAPE_JOURNAL };

static struct {
	const char *name;
	_Atomic enum log_level level;	/* set by the loop, read by every thread that logs */
	enum shape shape;
	int fd;
} out = { .name = "litevpn", .level = LOG_LV_INFO, .shape = SHAPE_TEXT, .fd = STDERR_FILENO };

static const struct {
	const char *word;
	int syslog;	/* RFC 5424 severity */
} levels[] = {
	[LOG_LV_ERR] = { "error", 3 },
	[LOG_LV_WARN] = { "warning", 4 },
	[LOG_LV_NOTICE] = { "notice", 5 },
	[LOG_LV_INFO] = { "info", 6 },
	[LOG_LV_DEBUG] = { "debug", 7 },
};

bool
log_target_is_valid(const char *target)
{
	return target[0] == '/' || strcmp(target, "stderr") == 0 || strcmp(target, "syslog") == 0;
}

static int
open_syslog(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int
log_open(const char *name, const struct log_conf *conf, struct err *e)
{
	int fd = STDERR_FILENO;

	out.name = name;
	out.level = conf->level;
	out.shape = conf->json ? SHAPE_JSON : SHAPE_TEXT;
	if (strcmp(conf->target, "syslog") == 0) {
		fd = open_syslog();
		if (fd < 0)
			return err_set(e, fd, "log.target: /dev/log: %s", strerror(-fd));
		out.shape = SHAPE_SYSLOG;
	} else if (strcmp(conf->target, "stderr") != 0) {
		fd = open(conf->target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
		if (fd < 0)
			return err_set(e, -errno, "log.target: %s: %s", conf->target,
			    strerror(errno));
	} else if (getenv("JOURNAL_STREAM") != NULL && !conf->json) {
		out.shape = SHAPE_JOURNAL;
	}
	if (out.fd != STDERR_FILENO)
		close(out.fd);
	out.fd = fd;
	return 0;
}

void
log_rename(const char *name)
{
	out.name = name;
}

void
log_set_level(enum log_level level)
{
	out.level = level;
}

/* A line under construction; what does not fit is cut. */
struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void __attribute__((format(printf, 2, 0)))
addv(struct line *l, const char *fmt, va_list ap)
{
	size_t room = sizeof(l->text) - l->len;
	int n = vsnprintf(l->text + l->len, room, fmt, ap);

	if (n > 0)
		l->len += (size_t) n < room ? (size_t) n : room - 1;
}

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	addv(l, fmt, ap);
	va_end(ap);
}

static void
add_time(struct line *l)
{
	struct timespec ts;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	add(l, "%s.%03ldZ", text, ts.tv_nsec / 1000000);
}

/* One event is one line, whatever a value was made of: what is not printable ASCII becomes '?'. */
static void
make_printable(struct line *l)
{
	for (size_t i = 0; i < l->len; i++) {
		if (l->text[i] < ' ' || l->text[i] > '~')
			l->text[i] = '?';
	}
}

/* Bytes of the value: up to a space, or with its quotes; 0 where the closing one was cut off. */
static size_t
value_length(const char *value)
{
	size_t n = 1;

	if (*value != '"')
		return strcspn(value, " ");
	while (value[n] != '\0' && value[n] != '"')
		n += value[n] == '\\' && value[n + 1] != '\0' ? 2 : 1;
	return value[n] == '"' ? n + 1 : 0;
}

/* A quoted value is a JSON string already: log_quote writes JSON's escapes. */
static void
add_json_value(struct line *l, const char *value, size_t len)
{
	if (*value == '"') {
		add(l, "%.*s", (int) len, value);
		return;
	}
	add(l, "\"");
	for (size_t i = 0; i < len; i++)
		add(l, "%s%c", value[i] == '"' || value[i] == '\\' ? "\\" : "", value[i]);
	add(l, "\"");
}

/*
 * Our own `key=value key="quoted"` text as JSON members. What was cut, and what does not fit with
 * the end of the line, is left out as a whole: the line stays JSON.
 */
static void
add_json_members(struct line *l, const char *text)
{
	const size_t ends = sizeof(",\"\":\"\"}\n");

	while (*text != '\0') {
		size_t key = strcspn(text, "= "), len;
		const char *value = text + key + 1;

		if (text[key] != '=') {
			text += key + (text[key] == ' ');
			continue;
		}
		len = value_length(value);
		if ((*value == '"' && len == 0) ||
		    sizeof(l->text) - l->len < key + 2 * len + ends)
			return;
		add(l, ",\"%.*s\":", (int) key, text);
		add_json_value(l, value, len);
		text = value + len + (value[len] == ' ');
	}
}

void
log_write(enum log_level level, const char *event, const char *fmt, ...)
{
	struct line body = { .len = 0 }, l = { .len = 0 };
	int saved = errno;
	va_list ap;

	if (level > out.level)
		return;
	va_start(ap, fmt);
	addv(&body, fmt, ap);
	va_end(ap);
	make_printable(&body);

	switch (out.shape) {
	case SHAPE_JSON:
		add(&l, "{\"time\":\"");
		add_time(&l);
		add(&l, "\",\"level\":\"%s\",\"process\":\"%s\",\"pid\":%d,\"event\":\"%s\"",
		    levels[level].word, out.name, (int) getpid(), event);
		add_json_members(&l, body.text);
		add(&l, "}");
		break;
	case SHAPE_SYSLOG:	/* facility 3, daemon */
		add(&l, "<%d>%s[%d]: %s %s", 3 * 8 + levels[level].syslog, out.name,
		    (int) getpid(), event, body.text);
		break;
	case SHAPE_JOURNAL:
		add(&l, "<%d>%s: %s %s", levels[level].syslog, out.name, event, body.text);
		break;
	case SHAPE_TEXT:
		add_time(&l);
		add(&l, " %s[%d] %s %s %s", out.name, (int) getpid(), levels[level].word, event,
		    body.text);
		break;
	}
	if (out.shape != SHAPE_SYSLOG) {
		if (l.len == sizeof(l.text) - 1)
			l.len--;
		l.text[l.len++] = '\n';
	}
	if (write(out.fd, l.text, l.len) < 0) {
		/* Nowhere to say so: a log that cannot be written must not stop the network. */
	}
	errno = saved;
}

const char *
log_quote(const char *text, char buf[LOG_QUOTE_MAX])
{
	const size_t room = LOG_QUOTE_MAX - 12;	/* of one more character, "..." and the end */
	size_t n = 0;

	buf[n++] = '"';
	for (const char *p = text == NULL ? "" : text; *p != '\0'; p++) {
		unsigned char c = (unsigned char) *p;

		if (n >= room || p - text >= LOG_QUOTE_CHARS) {
			n += (size_t) snprintf(buf + n, 4, "...");
			break;
		}
		if (c == '"' || c == '\\')
			n += (size_t) snprintf(buf + n, 3, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			n += (size_t) snprintf(buf + n, 7, "\\u%04x", c);
		else
			buf[n++] = (char) c;
	}
	buf[n++] = '"';
	buf[n] = '\0';
	return buf;
}
