/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/chunk.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */
#define HEAD_MAX 25u /* 10 + 10 + 1 + 1 + 3: what a frame takes beside its octets */

static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

typedef struct Cursor {
        const uint8_t *data;
        size_t left;
        bool underrun;          /* sticks */
} Cursor;

static void crc_prepare(void) {
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t crc = i;

                for (unsigned bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
                crc_table[0][i] = crc;
        }
        for (unsigned slice = 1; slice < 8; slice++)
                for (unsigned i = 0; i < 256; i++)
                        crc_table[slice][i] =
                                crc_table[slice - 1][i] >> 8 ^ crc_table[0][crc_table[slice - 1][i] & 0xff];
}

static uint32_t le32(const uint8_t *p) {
        return p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

static uint8_t *put_varint(uint8_t *p, uint64_t value) {
        while (value >= 0x80) {
                *p++ = (uint8_t) value | 0x80;
                value >>= 7;
        }
        *p++ = (uint8_t) value;
        return p;
}

/* Small changes of either sign become small numbers. */
static uint64_t zigzag(uint64_t difference) {
        return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static uint64_t unzigzag(uint64_t value) {
        return value >> 1 ^ (value & 1 ? UINT64_MAX : 0);
}

static uint8_t get_octet(Cursor *cursor) {
        if (cursor->left == 0) {
                cursor->underrun = true;
                return 0;
        }
        cursor->left--;
        return *cursor->data++;
}

static uint64_t get_varint(Cursor *cursor) {
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                uint8_t octet = get_octet(cursor);

                value |= (uint64_t) (octet & 0x7f) << shift;
                if (!(octet & 0x80))
                        return value;
        }
        cursor->underrun = true; /* longer than any number that was written */
        return 0;
}

static uint32_t crc_of(const Chunk *chunk) {
        uint8_t head[3 * 8], *p = head;
        const uint64_t fields[] = {
                chunk->t0_boottime_usec, chunk->t0_realtime_usec,
                (uint64_t) chunk->n_frames << 32 | (uint32_t) chunk->encoding,
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++)
                for (unsigned shift = 0; shift < 64; shift += 8)
                        *p++ = (uint8_t) (fields[i] >> shift);
        return chunk_crc32c(chunk_crc32c(0, head, sizeof head), chunk->data, chunk->size);
}

void chunk_builder_add(ChunkBuilder *builder, const Frame *frame) {
        uint64_t offset_usec = frame->realtime_usec - frame->boottime_usec;
        uint8_t *p;

        if (builder->n_frames == 0) {
                builder->t0_boottime_usec = builder->last_boottime_usec = frame->boottime_usec;
                builder->t1_boottime_usec = frame->boottime_usec;
                builder->t0_realtime_usec = frame->realtime_usec;
                builder->last_offset_usec = offset_usec;
        }
        if (builder->allocated - builder->size < HEAD_MAX + (size_t) frame->size) {
                builder->allocated =
                        MAX(2 * builder->allocated, builder->size + HEAD_MAX + frame->size + 4096);
                builder->data = g_realloc(builder->data, builder->allocated);
        }

        p = builder->data + builder->size;
        p = put_varint(p, frame->boottime_usec - builder->last_boottime_usec);
        p = put_varint(p, zigzag(offset_usec - builder->last_offset_usec));
        *p++ = frame->channel;
        *p++ = frame->direction;
        p = put_varint(p, frame->size);
        if (frame->size > 0)
                memcpy(p, frame->data, frame->size);
        builder->size = (size_t) (p - builder->data) + frame->size;
        builder->last_boottime_usec = frame->boottime_usec;
        builder->last_offset_usec = offset_usec;
        builder->t1_boottime_usec = MAX(builder->t1_boottime_usec, frame->boottime_usec);
        builder->n_frames++;
}

Chunk chunk_builder_seal(const ChunkBuilder *builder) {
        Chunk chunk = {
                .t0_boottime_usec = builder->t0_boottime_usec,
                .t0_realtime_usec = builder->t0_realtime_usec,
                .t1_boottime_usec = builder->t1_boottime_usec,
                .n_frames = builder->n_frames,
                .encoding = CHUNK_ENCODING,
                .data = builder->data,
                .size = builder->size,
        };

        chunk.crc = crc_of(&chunk);
        return chunk;
}

void chunk_builder_reset(ChunkBuilder *builder) {
        builder->n_frames = 0;
        builder->size = 0;
}

void chunk_builder_done(ChunkBuilder *builder) {
        g_free(builder->data);
        *builder = (ChunkBuilder) {};
}

int chunk_decode(const Chunk *chunk, Frame *ret_frames) {
        Cursor cursor = { .data = chunk->data, .left = chunk->size };
        uint64_t boottime_usec = chunk->t0_boottime_usec;
        uint64_t offset_usec = chunk->t0_realtime_usec - chunk->t0_boottime_usec;

        if (chunk->encoding != CHUNK_ENCODING)
                return -EOPNOTSUPP;
        if (!chunk_plausible(chunk) || crc_of(chunk) != chunk->crc)
                return -EBADMSG;

        for (uint32_t i = 0; i < chunk->n_frames; i++) {
                Frame frame = {};
                uint64_t size;

                frame.boottime_usec = boottime_usec += get_varint(&cursor);
                offset_usec += unzigzag(get_varint(&cursor));
                frame.realtime_usec = boottime_usec + offset_usec;
                frame.channel = get_octet(&cursor);
                frame.direction = get_octet(&cursor);
                size = get_varint(&cursor);
                if (cursor.underrun || size > cursor.left || size > UINT16_MAX)
                        return -EBADMSG;
                frame.size = (uint16_t) size;
                frame.data = cursor.data;
                cursor.data += size;
                cursor.left -= size;
                ret_frames[i] = frame;
        }
        return cursor.left == 0 ? 0 : -EBADMSG;
}

int chunk_unpack(const Chunk *chunk, ChunkFrames *frames) {
        int r;

        frames->n = 0;
        if (chunk->size > CHUNK_SIZE_MAX || !chunk_plausible(chunk))
                return chunk->encoding == CHUNK_ENCODING ? -EBADMSG : -EOPNOTSUPP;
        if (chunk->n_frames > frames->allocated) {
                frames->allocated = chunk->n_frames;
                frames->frames = g_renew(Frame, frames->frames, frames->allocated);
        }
        r = chunk_decode(chunk, frames->frames);
        if (r == 0)
                frames->n = chunk->n_frames;
        return r;
}

void chunk_frames_done(ChunkFrames *frames) {
        g_free(frames->frames);
        *frames = (ChunkFrames) {};
}

#if defined(__x86_64__)
/* The processor's own instruction is for this polynomial: a tenth of the table's cost. */
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p, size_t size) {
        uint64_t wide = ~crc, eight;

        for (; size >= 8; p += 8, size -= 8) {
                memcpy(&eight, p, sizeof(eight));
                wide = __builtin_ia32_crc32di(wide, eight);
        }
        crc = (uint32_t) wide;
        while (size-- > 0)
                crc = __builtin_ia32_crc32qi(crc, *p++);
        return ~crc;
}
#endif

uint32_t chunk_crc32c(uint32_t crc, const void *data, size_t size) {
#if defined(__x86_64__)
        if (__builtin_cpu_supports("sse4.2"))
                return crc32c_sse42(crc, data, size);
#endif
        return chunk_crc32c_portable(crc, data, size);
}

uint32_t chunk_crc32c_portable(uint32_t crc, const void *data, size_t size) {
        const uint8_t *p = data;

        (void) pthread_once(&crc_once, crc_prepare);
        crc = ~crc;
        for (; size >= 8; p += 8, size -= 8) {
                uint32_t low = crc ^ le32(p), high = le32(p + 4);

                crc = crc_table[7][low & 0xff] ^ crc_table[6][low >> 8 & 0xff] ^
                      crc_table[5][low >> 16 & 0xff] ^ crc_table[4][low >> 24] ^ crc_table[3][high & 0xff] ^
                      crc_table[2][high >> 8 & 0xff] ^ crc_table[1][high >> 16 & 0xff] ^
                      crc_table[0][high >> 24];
        }
        while (size-- > 0)
                crc = crc >> 8 ^ crc_table[0][(crc ^ *p++) & 0xff];
        return ~crc;
}
