/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What History1.Export sends, taken whole or not at all. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum ExportFormat {
        EXPORT_TAPE,
        EXPORT_JSON,
        EXPORT_CSV,
        _EXPORT_FORMAT_MAX,
} ExportFormat;

/* -EINVAL: there is none of this name. */
int export_format_from_name(const char *name, ExportFormat *ret);
const char *export_format_name(ExportFormat format); /* also what file names end with */

/* Where it goes; false: it takes no more. */
typedef bool (*ExportSink)(const char *data, size_t size, void *userdata);

/* Into a FILE, which is the userdata. */
bool export_sink_stream(const char *data, size_t size, void *userdata);

/* Until it is whole, with `rows` of its rows. Takes `in`. Returns what is missing as a sentence's end, for the caller
 * to free, NULL if nothing is. `name` is for messages. */
char *export_copy(FILE *in, const char *name, ExportFormat format, uint64_t rows, ExportSink sink, void *userdata);
