/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needled/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "codec/utf8.h"

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
        for (size_t left = strlen(text); left > 0;) {
                uint32_t c;
                size_t n = utf8_next(text, left, &c);

                if (n == 0)
                        put(&out, "\xef\xbf\xbd", 3);
                else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
                        put_escaped(&out, (uint8_t) c);
                else
                        put(&out, text, n);
                n = n > 0 ? n : 1;
                text += n;
                left -= n;
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
