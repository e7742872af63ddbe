/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needled/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct Output {
        char *buf;
        size_t size, length;
        bool full;
} Output;

static void put(Output *out, const char *octets, size_t n) {
        if (out->full || out->size - out->length <= n) {
                out->full = true;
                return;
        }
        memcpy(out->buf + out->length, octets, n);
        out->length += n;
}

static int finish(Output *out) {
        if (out->full || out->size == 0)
                return -ENOSPC;
        out->buf[out->length] = '\0';
        return (int) out->length;
}

/* Octets of the character at the beginning, 0: it is none (overlong, a surrogate, beyond U+10FFFF, cut short). */
static size_t utf8_length(const uint8_t *p) {
        uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }, c;
        size_t n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;

        if (n < 2)
                return n;
        c = *p & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        return c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ? 0 : n;
}

static void put_escaped(Output *out, uint8_t c) {
        static const char digits[] = "0123456789abcdef";
        const char hex[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

        switch (c) {
        case '\n':
                put(out, "\\n", 2);
                break;
        case '\r':
                put(out, "\\r", 2);
                break;
        case '\t':
                put(out, "\\t", 2);
                break;
        case '"':
                put(out, "\\\"", 2);
                break;
        case '\\':
                put(out, "\\\\", 2);
                break;
        default:
                put(out, hex, sizeof(hex));
        }
}

int text_json(const char *text, char *buf, size_t size) {
        Output out = { .buf = buf, .size = size };

        put(&out, "\"", 1);
        while (*text) {
                uint8_t c = (uint8_t) *text;
                size_t n = utf8_length((const uint8_t *) text);

                if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
                        put_escaped(&out, c);
                else if (n > 0)
                        put(&out, text, n);
                else
                        put(&out, "\xef\xbf\xbd", 3);
                text += n > 0 ? n : 1;
        }
        put(&out, "\"", 1);
        return finish(&out);
}

int text_csv(const char *text, char *buf, size_t size) {
        Output out = { .buf = buf, .size = size };
        bool quoted = strpbrk(text, ",\"\r\n");

        if (quoted)
                put(&out, "\"", 1);
        if (*text && strchr("=+-@\t\r", *text))
                put(&out, "'", 1);
        for (; *text; text++)
                put(&out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
        if (quoted)
                put(&out, "\"", 1);
        return finish(&out);
}
