/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <jansson.h>

#include "client/canvas.h"
#include "client/redact.h"
#include "client/text.h"
#include "fuzz.h"
#include "needled/text.h"

/* A stranger's words (a name that a device advertises, a note, a label) on their way to a terminal, a drawing, JSON and CSV. Nothing of them may be a
 * command there. The first octet is how wide things are, the second how the terminal is. */

/* No control character, and nothing that turns the reading direction. */
static void check_printable(const char *s) {
        assert(g_utf8_validate(s, -1, NULL));
        for (const char *p = s; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                assert(!g_unichar_iscntrl(c) && g_unichar_type(c) != G_UNICODE_FORMAT && c != 0x2028 && c != 0x2029);
        }
}

static void check_terminal(const char *text, unsigned columns) {
        g_autofree char *printable = text_printable(text), *fitted = text_fit(printable, columns), *padded = text_pad(printable, columns, columns & 1),
                        *wrapped = text_wrap(printable, columns, columns / 2);

        check_printable(printable);
        check_printable(fitted);
        assert(text_width(fitted) <= columns && text_width(padded) == columns);
        g_strdelimit(wrapped, "\n", ' ');
        check_printable(wrapped);
}

/* RFC 8259: it reads as one string. */
static void check_json(const char *text, size_t length) {
        size_t room = TEXT_JSON_MAX(length);
        char *buf = malloc(room);
        int n = text_json(text, buf, room);
        json_t *read = json_loadb(buf, (size_t) n, JSON_DECODE_ANY, NULL);

        assert(n >= 2 && json_is_string(read));
        assert(!g_utf8_validate(text, -1, NULL) || strcmp(json_string_value(read), text) == 0);
        json_decref(read);
        free(buf);
}

/* RFC 4180: one field, and no formula. */
static void check_csv(const char *text, size_t length) {
        size_t room = TEXT_CSV_MAX(length);
        char *buf = malloc(room);
        int n = text_csv(text, buf, room);
        bool quoted = buf[0] == '"';

        assert(n >= 0 && buf[n] == '\0' && (!quoted || (n >= 2 && buf[n - 1] == '"')));
        assert(!strchr("=+-@\t\r", buf[quoted]) || buf[quoted] == '\0');
        for (int i = quoted; i < n - quoted; i++) {
                assert(quoted || !strchr(",\"\r\n", buf[i]));
                if (buf[i] == '"')
                        assert(buf[++i] == '"' && i < n - quoted);
        }
        free(buf);
}

static void on_text(GMarkupParseContext *context, const char *text, gsize size, gpointer userdata, GError **error) {
        g_autofree char *copy = g_strndup(text, size);

        g_strdelimit(copy, "\n", ' ');          /* between the elements */
        check_printable(copy);
}

/* XML that is whole: what a text says is text. */
static void check_svg(const char *text) {
        static const GMarkupParser parser = { .text = on_text };
        Canvas *canvas = canvas_svg_new("fuzz", text, text, 100, 100);
        g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, NULL, NULL);
        g_autoptr(GString) svg = NULL;

        canvas_text(canvas, 1, 1, 10, CANVAS_START, CANVAS_TEXT, text);
        svg = canvas_svg_finish(canvas);
        assert(g_markup_parse_context_parse(context, svg->str, (gssize) svg->len, NULL));
        assert(g_markup_parse_context_end_parse(context, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        unsigned columns = input_u8(&in);
        g_autofree char *text = NULL, *fitted = NULL;

        text_set_utf8(!(input_u8(&in) & 1));
        text = g_strndup((const char *) in.data, in.size);
        check_terminal(text, columns);
        text_set_utf8(true);
        check_json(text, strlen(text));
        check_csv(text, strlen(text));
        check_svg(text);
        fitted = canvas_fit(text, 10, columns);
        check_printable(fitted);
        return 0;
}
