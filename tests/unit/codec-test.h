/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of all values share: octets as the profile prints them, and the rules of 1.1 that hold
 * for every value. Decoders are always given a copy of exactly the value's size on the heap, so that
 * AddressSanitizer sees one octet too far. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "needled/omp.h"

#define TEST_VALUE_MAX 600u

typedef struct Value {
        size_t size;
        uint8_t octets[TEST_VALUE_MAX];
} Value;

static inline Value value_from_hex(const char *hex) {
        Value v = {};

        for (; *hex; hex++) {
                if (*hex == ' ')
                        continue;
                g_assert_cmpuint(v.size, <, TEST_VALUE_MAX);
                g_assert_true(g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1]));
                v.octets[v.size] = (uint8_t) (g_ascii_xdigit_value(*hex++) << 4);
                v.octets[v.size++] |= (uint8_t) g_ascii_xdigit_value(*hex);
        }

        return v;
}

/* Makes the last two octets the CRC of the others, bit by bit from the definition in 1.1. */
static inline void value_seal(Value *v) {
        uint16_t crc = 0xffff;

        for (size_t i = 0; i < v->size - 2; i++) {
                crc ^= v->octets[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = (uint16_t) (crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1);
        }
        v->octets[v->size - 2] = (uint8_t) crc;
        v->octets[v->size - 1] = (uint8_t) (crc >> 8);
}

/* Puts n octets between what is there and the CRC, as a later minor version would. */
static inline void value_append(Value *v, size_t n, bool crc) {
        size_t at = v->size - (crc ? 2 : 0);

        g_assert_cmpuint(v->size + n, <=, TEST_VALUE_MAX);
        memmove(v->octets + at + n, v->octets + at, v->size - at);
        for (size_t i = 0; i < n; i++)
                v->octets[at + i] = (uint8_t) (0xa0 + i);
        v->size += n;
        if (crc)
                value_seal(v);
}

#define DECODE(decode, v, ret)                                                     \
        ({                                                                         \
                g_autofree uint8_t *_copy = g_memdup2((v)->octets, (v)->size);     \
                decode(_copy, (v)->size, (ret));                                   \
        })

/* Encodes to a buffer of exactly `size` octets and expects these. */
#define ASSERT_ENCODES_VALUE(encode, in, space, v)                                 \
        do {                                                                       \
                g_autofree uint8_t *_buf = g_malloc(space);                        \
                int _r = encode((in), _buf, (space));                              \
                g_assert_cmpint(_r, ==, (int) (v)->size);                          \
                g_assert_cmpmem(_buf, (size_t) _r, (v)->octets, (v)->size);        \
        } while (0)

#define ASSERT_ENCODES(encode, in, space, hex)                                     \
        do {                                                                       \
                Value _v = value_from_hex(hex);                                    \
                ASSERT_ENCODES_VALUE(encode, in, space, &_v);                      \
        } while (0)

/* A decoder for the rules below: the struct stays inside, and is checked to be untouched after a failure. */
typedef int (*TryDecode)(const Value *v);

#define DEFINE_TRY(name, Type, decode)                                             \
        static int name(const Value *v) {                                          \
                Type ret, before;                                                  \
                int r;                                                             \
                                                                                   \
                memset(&ret, 0xa5, sizeof(ret));                                   \
                memcpy(&before, &ret, sizeof(ret));                                \
                r = DECODE(decode, v, &ret);                                       \
                if (r < 0 && r != -EOPNOTSUPP)                                     \
                        g_assert_cmpmem(&ret, sizeof(ret), &before, sizeof(ret));  \
                return r;                                                          \
        }

/* Short by one, by two, … down to nothing at all. */
static inline void check_short(TryDecode try, const char *hex) {
        Value v = value_from_hex(hex);

        g_assert_cmpint(try(&v), ==, 0);
        while (v.size-- > 0) {
                g_test_message("%zu octets", v.size);
                g_assert_cmpint(try(&v), ==, -EMSGSIZE);
        }
}

/* "A decoder takes the fields it knows and ignores the rest", up to 512 octets and not one more. */
static inline void check_appended(TryDecode try, const char *hex, bool crc) {
        for (size_t n = 1;; n++) {
                Value v = value_from_hex(hex);

                value_append(&v, n, crc);
                g_assert_cmpint(try(&v), ==, v.size <= 512 ? 0 : -EMSGSIZE);
                if (v.size > 513)
                        break;
        }
}

/* Every single wrong bit, except for the one that says that there is a CRC; `flag` 0: there always is one. */
static inline void check_bad_crc(TryDecode try, const char *hex, size_t flag_octet, uint8_t flag) {
        Value good = value_from_hex(hex);

        g_assert_cmpint(try(&good), ==, 0);
        g_assert_true(!flag || good.octets[flag_octet] & flag);
        for (size_t i = 0; i < good.size * 8; i++) {
                Value v = good;

                v.octets[i / 8] ^= (uint8_t) (1u << i % 8);
                if (flag && !(v.octets[flag_octet] & flag))
                        continue;
                g_assert_cmpint(try(&v), <, 0);
                if (i / 8 >= good.size - 2)
                        g_assert_cmpint(try(&v), ==, -EBADMSG);
        }
}

/* The CRC must be the last two octets: one octet more after it and the value is wrong. */
static inline void check_crc_is_last(TryDecode try, const char *hex) {
        Value v = value_from_hex(hex);

        v.octets[v.size++] = 0x5a;
        g_assert_cmpint(try(&v), ==, -EBADMSG);
}

static inline void check_zero_length(int (*decode)(const uint8_t *data, size_t size)) {
        uint8_t none;

        g_assert_cmpint(decode(NULL, 0), ==, -EMSGSIZE);
        g_assert_cmpint(decode(&none, 0), ==, -EMSGSIZE);
}
