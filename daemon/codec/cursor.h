/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading and writing the fields of one value, in order, little-endian (1.1: "Little-endian, packed, no
 * padding").
 *
 * Both are sticky: past the end a reader gives zeros and a writer writes nothing, so that a codec is
 * straight-line code which asks once, at its end, whether everything was there. Positions are indices: a
 * value of no octets may have no address. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp.h"

typedef struct Cursor {
        const uint8_t *data;
        size_t size, pos;
        bool underrun;
} Cursor;

/* What is longer than the profile allows is not read at all. */
static inline Cursor cursor_begin_within(const uint8_t *data, size_t size, size_t max) {
        if (size > max)
                return (Cursor) { .underrun = true };

        return (Cursor) { .data = data, .size = size };
}

static inline Cursor cursor_begin(const uint8_t *data, size_t size) {
        return cursor_begin_within(data, size, OMP_VALUE_MAX);
}

static inline size_t cursor_left(const Cursor *c) {
        return c->size - c->pos;
}

/* The next octets, or NULL if they are not all there, and then none after them either. */
static inline const uint8_t *cursor_take(Cursor *c, size_t n) {
        const uint8_t *p;

        if (c->underrun || n > cursor_left(c)) {
                c->underrun = true;
                return NULL;
        }

        p = c->data + c->pos;
        c->pos += n;
        return p;
}

static inline uint16_t le16_at(const uint8_t *p) {
        return (uint16_t) (p[0] | p[1] << 8);
}

static inline uint8_t cursor_u8(Cursor *c) {
        const uint8_t *p = cursor_take(c, 1);

        return p ? p[0] : 0;
}

static inline uint16_t cursor_le16(Cursor *c) {
        const uint8_t *p = cursor_take(c, 2);

        return p ? le16_at(p) : 0;
}

static inline int16_t cursor_le16s(Cursor *c) {
        return (int16_t) cursor_le16(c);
}

static inline uint32_t cursor_le32(Cursor *c) {
        const uint8_t *p = cursor_take(c, 4);

        return p ? le16_at(p) | (uint32_t) le16_at(p + 2) << 16 : 0;
}

/* "The CRC is always the last two octets of the value as received", over all octets before it:
 * what a later minor version put between the fields read and the CRC is covered by it, and ignored.
 * 0, -EMSGSIZE (a field or the CRC is not all there) or -EBADMSG. */
static inline int cursor_finish(const Cursor *c, bool crc) {
        if (c->underrun || cursor_left(c) < (crc ? 2u : 0u))
                return -EMSGSIZE;
        if (crc && omp_crc16(c->data, c->size - 2) != le16_at(c->data + c->size - 2))
                return -EBADMSG;

        return 0;
}

typedef struct Writer {
        uint8_t *data;
        size_t size, pos;
        bool overflow;
} Writer;

static inline Writer writer_begin_within(uint8_t *buf, size_t size, size_t max) {
        return (Writer) { .data = buf, .size = size > max ? max : size };
}

/* "No value exceeds 512 octets", however large the buffer. */
static inline Writer writer_begin(uint8_t *buf, size_t size) {
        return writer_begin_within(buf, size, OMP_VALUE_MAX);
}

static inline void writer_u8(Writer *w, uint8_t v) {
        if (w->overflow || w->pos == w->size)
                w->overflow = true;
        else
                w->data[w->pos++] = v;
}

static inline void writer_le16(Writer *w, uint16_t v) {
        writer_u8(w, (uint8_t) v);
        writer_u8(w, (uint8_t) (v >> 8));
}

static inline void writer_le32(Writer *w, uint32_t v) {
        writer_le16(w, (uint16_t) v);
        writer_le16(w, (uint16_t) (v >> 16));
}

/* Appends the CRC if asked to. The octets written in all, or -EMSGSIZE. */
static inline int writer_finish(Writer *w, bool crc) {
        if (crc && !w->overflow)
                writer_le16(w, omp_crc16(w->data, w->pos));

        return w->overflow ? -EMSGSIZE : (int) w->pos;
}
