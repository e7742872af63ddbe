/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Frames as the blob of a chunk row, and back, bit by bit. Encoding 1, frame after frame:
 *
 *      varint          boottime − that of the frame before (the first: − t0)
 *      zigzag varint   change of (realtime − boottime): 0 or ±1 mostly
 *      octet           channel
 *      octet           direction
 *      varint          size
 *      octets          as on the air
 *
 * Differences wrap modulo 2^64, so that clocks which step, backwards too, come back as they were. The CRC
 * covers the row's head as well as its blob. */

#include <stddef.h>
#include <stdint.h>

#include "needled/frame.h"

#define CHUNK_ENCODING 1
#define CHUNK_FRAME_MIN 5u /* octets of the smallest encoded frame: checks a count of frames */

typedef struct Chunk {
        uint64_t t0_boottime_usec, t0_realtime_usec;
        uint64_t t1_boottime_usec; /* of the newest frame; 0: not known. Outside of the CRC */
        uint32_t n_frames;
        uint32_t crc;
        int encoding;
        const uint8_t *data;    /* borrowed */
        size_t size;
} Chunk;

typedef struct ChunkBuilder {
        uint64_t t0_boottime_usec, t0_realtime_usec;
        uint64_t last_boottime_usec, last_offset_usec;
        uint64_t t1_boottime_usec; /* of the newest: clocks may step backwards */
        uint32_t n_frames;
        uint8_t *data;
        size_t size, allocated;
} ChunkBuilder;

void chunk_builder_add(ChunkBuilder *builder, const Frame *frame);
/* What was added since the last reset; borrows the builder's buffer. */
Chunk chunk_builder_seal(const ChunkBuilder *builder);
/* Empties it and keeps the buffer. */
void chunk_builder_reset(ChunkBuilder *builder);
/* Frees the buffer. */
void chunk_builder_done(ChunkBuilder *builder);

/* Writes chunk->n_frames frames that point into chunk->data. 0, -EOPNOTSUPP (an encoding of a later
 * version), -EBADMSG (the CRC, a length or the count does not fit; nothing of it is to be used). */
int chunk_decode(const Chunk *chunk, Frame *ret_frames);
/* Whether n_frames can be true for a blob of this size: to be asked before room is made for them. */
static inline int chunk_plausible(const Chunk *chunk) {
        return chunk->n_frames <= chunk->size / CHUNK_FRAME_MIN;
}

/* The frames of one chunk after another, in a buffer that grows to what the largest needs. */
typedef struct ChunkFrames {
        Frame *frames;
        uint32_t n, allocated;
} ChunkFrames;

#define CHUNK_SIZE_MAX (1024u * 1024u)  /* octets; the writer's are far below, and what is not takes too much memory */

/* As chunk_decode(); also -EBADMSG: more than CHUNK_SIZE_MAX. */
int chunk_unpack(const Chunk *chunk, ChunkFrames *frames);
void chunk_frames_done(ChunkFrames *frames);

/* CRC-32C (Castagnoli, RFC 3720 B.4): "123456789" gives 0xe3069283. `crc` is 0, or the value so far. */
uint32_t chunk_crc32c(uint32_t crc, const void *data, size_t size);
/* The same without the processor's help: what chunk_crc32c() is where there is none. */
uint32_t chunk_crc32c_portable(uint32_t crc, const void *data, size_t size);
