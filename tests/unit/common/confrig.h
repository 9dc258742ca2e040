/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_CONFRIG_H
#define LV_TEST_CONFRIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/ip.h"

/* What a schema with every kind of row reads. */
struct confrig_values {
	bool flag;
	int64_t number, size, life;
	char *text, *path, *host;
	int word;
	struct ip_addr addr;
	struct ip_prefix prefix;
	struct conf_list hosts, addrs, numbers;
	int64_t inner, deeper;
};

/*
 * That schema. Its cross checks want no number 13 (and say whether it stands in the file), nothing
 * too deep, no inner without a size, and no flag that is blue.
 */
extern const struct conf_schema confrig_schema;

/* Reads what is right; the caller frees the values. */
struct confrig_values confrig_load(const char *yaml);

/* All lines of the report, without the file's name, each with its newline; the caller frees it. */
char *confrig_report(const struct conf_report *r, const char *path);

/* `n` times `unit`, between `head` and `tail`; the caller frees it. */
char *confrig_repeat(const char *head, const char *unit, size_t n, const char *tail);

#endif
