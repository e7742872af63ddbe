/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "peripheral-tape.h"

static void file_add(TapeFile *file, const TapeLine *line) {
        TapeFrame frame = { .time_usec = line->time_usec, .channel = line->channel, .size = line->size, .at = file->octets->len };

        file->length_usec = MAX(file->length_usec, line->time_usec); /* the end may lie before what came last */
        if (line->item != TAPE_FRAME || line->direction != FRAME_FROM_DEVICE)
                return;
        g_byte_array_append(file->octets, line->data, line->size);
        g_array_append_val(file->frames, frame);
}

static int file_read(TapeFile *file, const char *path, const char *text, size_t size, char **ret_problem) {
        TapeReader reader;
        TapeLine line;
        int r;

        tape_reader_init(&reader);
        while (size > 0) {
                const char *end = memchr(text, '\n', size);
                size_t n = end ? (size_t) (end - text) + 1 : size;

                r = tape_read(&reader, text, n, &line);
                if (r < 0) {
                        *ret_problem = g_strdup_printf("%s:%u: %s", path, reader.line, reader.error);
                        break;
                }
                if (line.item != TAPE_NOTHING)
                        file_add(file, &line);
                text += n;
                size -= n;
        }

        file->head = reader.head;
        if (file->frames->len > 0)
                return 0;
        if (!*ret_problem)
                *ret_problem = g_strdup_printf("%s: nothing that a device sent is on this tape", path);
        return -EBADMSG;
}

int tape_file_load(const char *path, TapeFile **ret, char **ret_problem) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        TapeFile *file;
        struct stat st;
        size_t size;
        int r;

        *ret_problem = NULL;
        if (stat(path, &st) < 0) {
                r = -errno;
                *ret_problem = g_strdup_printf("%s: %s", path, g_strerror(-r));
                return r;
        }
        if (st.st_size > TAPE_FILE_SIZE_MAX) {
                *ret_problem = g_strdup_printf("%s: longer than 64 MiB", path);
                return -EFBIG;
        }
        if (!g_file_get_contents(path, &text, &size, &error)) {
                *ret_problem = g_strdup(error->message);
                return -EIO;
        }

        file = g_new0(TapeFile, 1);
        file->frames = g_array_new(false, false, sizeof(TapeFrame));
        file->octets = g_byte_array_new();
        r = file_read(file, path, text, size, ret_problem);
        if (r < 0) {
                tape_file_free(file);
                return r;
        }
        *ret = file;
        return 0;
}

TapeFile *tape_file_free(TapeFile *file) {
        if (!file)
                return NULL;

        g_array_unref(file->frames);
        g_byte_array_unref(file->octets);
        g_free(file);
        return NULL;
}
