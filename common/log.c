/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048	/* longer lines are cut; a pipe and syslog take them whole */
#define PATIENCE_MS 20		/* for a reader that is only slow */
_Static_assert(LINE_MAX_BYTES <= PIPE_BUF, "a line goes into a pipe as a whole");

enum shape { SHAPE_TEXT, SHAPE_JSON, SHAPE_SYSLOG, SHAPE_JOURNAL };

static struct {
	const char *name;
	_Atomic enum log_level level;	/* set by the loop, read by every thread that logs */
	enum shape shape;
	int fd;
	bool is_socket;
	atomic_uint lost;	/* lines since the last one that got out */
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

/*
 * Nobody who reads lines may hold up the process that writes them, for its loop forwards packets: a
 * reader that stands still costs PATIENCE_MS once, and then the lines that it has no room for.
 */

static const struct sockaddr_un syslog_at = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };

/* Connected only to see that somebody is there: the system's log may be started anew. */
static int
open_syslog(void)
{
	struct timeval patience = { .tv_usec = PATIENCE_MS * 1000 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *) &syslog_at, sizeof(syslog_at)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* Of a FIFO, too: who opens it waits for no reader. */
static int
open_file(const char *path, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags, 0640);

	return fd < 0 ? -errno : fd;
}

/*
 * Pipes and terminals are opened anew, as O_NONBLOCK on the descriptor that we got would be that of
 * its other users as well. A pipe of somebody who is not us cannot be: it stays as it is.
 */
static int
open_stderr(const struct stat *st)
{
	int fd = -1;

	if (S_ISFIFO(st->st_mode) || S_ISCHR(st->st_mode))
		fd = open_file("/proc/self/fd/2", 0);
	return fd < 0 ? STDERR_FILENO : fd;
}

int
log_open(const char *name, const struct log_conf *conf, struct err *e)
{
	struct stat st = { 0 };
	int fd;

	out.name = name;
	out.level = conf->level;
	out.shape = conf->json ? SHAPE_JSON : SHAPE_TEXT;
	if (strcmp(conf->target, "syslog") == 0) {
		fd = open_syslog();
		if (fd < 0)
			return err_set(e, fd, "log.target: /dev/log: %s", strerror(-fd));
		out.shape = SHAPE_SYSLOG;
	} else if (strcmp(conf->target, "stderr") != 0) {
		fd = open_file(conf->target, O_APPEND | O_CREAT);
		if (fd < 0)
			return err_set(e, fd, "log.target: %s: %s", conf->target, strerror(-fd));
	} else {
		fstat(STDERR_FILENO, &st);
		fd = open_stderr(&st);
		if (getenv("JOURNAL_STREAM") != NULL && !conf->json)
			out.shape = SHAPE_JOURNAL;
	}
	if (out.fd != STDERR_FILENO)
		close(out.fd);
	out.fd = fd;
	out.is_socket = S_ISSOCK(st.st_mode);
	return 0;
}

void
log_rename(const char *name)
{
	out.name = name;
	out.lost = 0;	/* the parent's */
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

static void
add_line(struct line *l, enum log_level level, const char *event, const char *body)
{
	switch (out.shape) {
	case SHAPE_JSON:
		add(l, "{\"time\":\"");
		add_time(l);
		add(l, "\",\"level\":\"%s\",\"process\":\"%s\",\"pid\":%d,\"event\":\"%s\"",
		    levels[level].word, out.name, (int) getpid(), event);
		add_json_members(l, body);
		add(l, "}");
		break;
	case SHAPE_SYSLOG:	/* facility 3, daemon */
		add(l, "<%d>%s[%d]: %s %s", 3 * 8 + levels[level].syslog, out.name,
		    (int) getpid(), event, body);
		return;
	case SHAPE_JOURNAL:
		add(l, "<%d>%s: %s %s", levels[level].syslog, out.name, event, body);
		break;
	case SHAPE_TEXT:
		add_time(l);
		add(l, " %s[%d] %s %s %s", out.name, (int) getpid(), levels[level].word, event,
		    body);
		break;
	}
	if (l->len == sizeof(l->text) - 1)
		l->len--;
	l->text[l->len++] = '\n';
}

static bool
send_line(const struct line *l, bool patient)
{
	struct pollfd room = { .fd = out.fd, .events = POLLOUT };

	if (out.shape == SHAPE_SYSLOG)
		return sendto(out.fd, l->text, l->len, patient ? 0 : MSG_DONTWAIT,
		    (const struct sockaddr *) &syslog_at, sizeof(syslog_at)) >= 0;
	if (poll(&room, 1, patient ? PATIENCE_MS : 0) == 0)
		return false;
	if (out.is_socket)
		return send(out.fd, l->text, l->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	return write(out.fd, l->text, l->len) >= 0;
}

static bool
write_line(enum log_level level, const char *event, const char *body, bool patient)
{
	struct line l = { .len = 0 };

	add_line(&l, level, event, body);
	return send_line(&l, patient);
}

/* Says first what was lost. Whoever finds no room for that is lost, too. */
static void
write_or_lose(enum log_level level, const char *event, const char *body)
{
	unsigned lost = atomic_exchange(&out.lost, 0);
	char count[32];

	snprintf(count, sizeof(count), "lines=%u", lost);
	if (lost > 0 && !write_line(LOG_LV_WARN, "log_lost", count, false))
		atomic_fetch_add(&out.lost, lost + 1);
	else if (!write_line(level, event, body, lost == 0))
		atomic_fetch_add(&out.lost, 1);
}

void
log_write(enum log_level level, const char *event, const char *fmt, ...)
{
	struct line body = { .len = 0 };
	int saved = errno;
	va_list ap;

	if (level > out.level)
		return;
	va_start(ap, fmt);
	addv(&body, fmt, ap);
	va_end(ap);
	make_printable(&body);
	write_or_lose(level, event, body.text);
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
