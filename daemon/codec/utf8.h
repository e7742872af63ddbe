/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The octets of the character at the start of `size` (at least one), and the character; 0 if there is none: cut short, overlong, a surrogate, beyond
 * U+10FFFF (RFC 3629, 4). */
static inline size_t utf8_next(const char *text, size_t size, uint32_t *ret) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const uint8_t *p = (const uint8_t *) text;
        size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 0x06 ? 2 : p[0] >> 4 == 0x0e ? 3 : p[0] >> 3 == 0x1e ? 4 : 0;
        uint32_t c;

        if (n == 0 || n > size)
                return 0;

        c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return n;
}
