/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/export-copy.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/tape-file.h"

static const char *const names[_EXPORT_FORMAT_MAX] = { "tape", "json", "csv" };

int export_format_from_name(const char *name, ExportFormat *ret) {
        for (int i = 0; i < _EXPORT_FORMAT_MAX; i++)
                if (strcmp(names[i], name) == 0) {
                        *ret = (ExportFormat) i;
                        return 0;
                }

        return -EINVAL;
}

const char *export_format_name(ExportFormat format) {
        return names[format];
}

static char *too_few(uint64_t n, uint64_t rows) {
        return g_strdup_printf("it ended after %" PRIu64 " of %" PRIu64 " lines", n, rows);
}

static char *not_taken(void) {
        return g_strdup("it could not be written");
}

/* Line by line. One without its end is what was in the pipe when the service broke off, whatever it reads as. */
static char *copy_tape(FILE *in, const char *name, uint64_t rows, ExportSink sink, void *userdata) {
        g_auto(TapeFile) tape = {};
        uint64_t n = 0;
        TapeLine line;
        int r = 1;

        tape_file_take(&tape, in, name);
        while (n < rows && (r = tape_file_line(&tape, &line)) != 0 && tape_file_line_is_whole(&tape)) {
                if (r < 0)
                        return g_strdup(tape.problem);
                if (!sink(tape.text, tape.size, userdata))
                        return not_taken();
                n += line.item != TAPE_NOTHING;
        }

        return n < rows ? too_few(n, rows) : NULL;
}

/* CSV: what comes after the head. JSON: a frame has a line of its own. */
static bool is_row(ExportFormat format, const char *line, uint64_t number) {
        return format == EXPORT_CSV ? number > 0 : g_str_has_prefix(line, "{\"t\":");
}

/* These are read to their end: a JSON is whole with its last bracket alone. */
static char *copy_lines(FILE *in, ExportFormat format, uint64_t rows, ExportSink sink, void *userdata) {
        char *line = NULL, *missing = NULL;
        size_t allocated = 0;
        uint64_t n = 0, number = 0;
        bool closed = false;
        ssize_t size;

        while (!missing && (size = getline(&line, &allocated, in)) > 0) {
                bool row = is_row(format, line, number++);

                if (line[size - 1] != '\n') { /* what was in the pipe when the service broke off */
                        closed = false;
                        break;
                }
                n += row;
                closed = !row && size >= 2 && line[size - 2] == '}';
                if (!sink(line, (size_t) size, userdata))
                        missing = not_taken();
        }
        if (!missing && n != rows)
                missing = too_few(n, rows);
        if (!missing && (number == 0 || (format == EXPORT_JSON && !closed)))
                missing = g_strdup("its end is missing");

        free(line);
        (void) fclose(in);
        return missing;
}

char *export_copy(FILE *in, const char *name, ExportFormat format, uint64_t rows, ExportSink sink, void *userdata) {
        return format == EXPORT_TAPE ? copy_tape(in, name, rows, sink, userdata) : copy_lines(in, format, rows, sink, userdata);
}
