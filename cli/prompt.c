/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "common/secret.h"

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, DELETE = 127 };

/*
 * A byte at a time, and Ctrl-C as one of them: so no signal can leave the terminal without its
 * echo. 0 at the end of the line, -EINTR.
 */
static int
read_line(int tty, char *text)
{
	size_t n = 0;
	char c;

	for (;;) {
		if (read(tty, &c, 1) != 1 || c == CTRL_C)
			return -EINTR;
		if (c == '\n' || c == '\r' || c == CTRL_D)
			break;
		if (c == BACKSPACE || c == DELETE)
			n -= n > 0;
		else if (n < PROMPT_SECRET_MAX)
			text[n++] = c;
	}
	text[n] = '\0';
	return 0;
}

int
prompt_secret(const char *what, char **out, struct err *e)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC), rc;
	struct termios before, quiet;
	char *text = NULL;

	if (tty < 0 || tcgetattr(tty, &before) < 0) {
		rc = err_set(e, -ENOTTY, "there is no terminal to ask for the %s", what);
		goto out;
	}
	if ((text = calloc(1, PROMPT_SECRET_MAX + 1)) == NULL) {
		rc = err_set(e, -ENOMEM, "out of memory");
		goto out;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t) (ECHO | ICANON | ISIG);
	tcsetattr(tty, TCSAFLUSH, &quiet);	/* who sees the question can answer it */
	dprintf(tty, "%s: ", what);
	rc = read_line(tty, text);
	tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");
	if (rc < 0) {
		err_set(e, rc, "interrupted");
	} else {
		*out = text;
		text = NULL;
	}
out:
	secret_free(text);
	if (tty >= 0)
		close(tty);
	return rc;
}
