/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Texts from people and devices as other formats want them. Pure functions on libc. Both return the length without the NUL, or -ENOSPC. */

#include <stddef.h>

/* A string of JSON (RFC 8259) with its quotation marks. What is not UTF-8 becomes U+FFFD. */
int text_json(const char *text, char *buf, size_t size);
#define TEXT_JSON_MAX(length) (6u * (length) + 3u)

/* A field of CSV (RFC 4180): in quotation marks where it needs them. A spreadsheet takes a text that begins with = + - @, a tab or a carriage
 * return for a formula, and would run what somebody else wrote: before such a text comes an apostrophe. */
int text_csv(const char *text, char *buf, size_t size);
#define TEXT_CSV_MAX(length) (2u * (length) + 4u)
