/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/text.h"

#include <string.h>

#include "client/redact.h"

static bool utf8_terminal = true;

void text_set_utf8(bool utf8) {
        utf8_terminal = utf8;
}

bool text_is_utf8(void) {
        return utf8_terminal;
}

/* Format characters (bidirectional overrides among them) are not printable to GLib; separators and private
 * use are. */
static bool is_harmless(gunichar c) {
        GUnicodeType type = g_unichar_type(c);

        return g_unichar_isprint(c) && type != G_UNICODE_LINE_SEPARATOR &&
               type != G_UNICODE_PARAGRAPH_SEPARATOR && type != G_UNICODE_PRIVATE_USE;
}

static char *make_printable(const char *s, bool utf8) {
        g_autofree char *said = redact_text(s), *valid = g_utf8_make_valid(said, -1);
        GString *out = g_string_new(NULL);

        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                if (c == '\n' || c == '\t')
                        g_string_append_c(out, ' ');
                else if (!utf8 && c >= 0x80)
                        g_string_append_c(out, '?');
                else if (is_harmless(c))
                        g_string_append_unichar(out, c);
                else
                        g_string_append(out, utf8 ? "\xef\xbf\xbd" : "?");
        }

        return g_string_free(out, FALSE);
}

char *text_printable(const char *s) {
        return make_printable(s, utf8_terminal);
}

char *text_printable_utf8(const char *s) {
        return make_printable(s, true);
}

static unsigned char_width(gunichar c) {
        if (g_unichar_iszerowidth(c))
                return 0;

        return g_unichar_iswide(c) ? 2 : 1;
}

unsigned text_width(const char *s) {
        unsigned width = 0;

        for (; *s; s = g_utf8_next_char(s))
                width += char_width(g_utf8_get_char(s));

        return width;
}

char *text_fit(const char *s, unsigned columns) {
        const char *mark = utf8_terminal ? "\xe2\x80\xa6" : "~", *p = s;
        unsigned width = 0;
        GString *out;

        if (text_width(s) <= columns)
                return g_strdup(s);
        if (columns == 0)
                return g_strdup("");

        for (; *p; p = g_utf8_next_char(p)) {
                unsigned w = char_width(g_utf8_get_char(p));

                if (width + w > columns - 1)
                        break;
                width += w;
        }

        out = g_string_new_len(s, p - s);
        g_string_append(out, mark);
        return g_string_free(out, FALSE);
}

char *text_wrap(const char *s, unsigned columns, unsigned indent) {
        g_auto(GStrv) words = g_strsplit(s, " ", -1);
        GString *out = g_string_new(NULL);
        unsigned at = indent;

        for (char **word = words; *word; word++) {
                unsigned width = text_width(*word);

                if (word > words && columns > 0 && at + 1 + width > columns) {
                        g_string_append_printf(out, "\n%*s", (int) indent, "");
                        at = indent;
                } else if (word > words) {
                        g_string_append_c(out, ' ');
                        at++;
                }
                g_string_append(out, *word);
                at += width;
        }

        return g_string_free(out, FALSE);
}

char *text_pad(const char *s, unsigned columns, bool right) {
        g_autofree char *fitted = text_fit(s, columns);
        int blank = (int) (columns - text_width(fitted));

        return right ? g_strdup_printf("%*s%s", blank, "", fitted)
                     : g_strdup_printf("%s%*s", fitted, blank, "");
}
