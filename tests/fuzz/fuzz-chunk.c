/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "fuzz.h"
#include "store/chunk.h"

/* A blob of the database, with any head. The lowest bit of the first octet: its CRC is right. What is unpacked packs to frames that are the same. */

static bool frame_same(const Frame *one, const Frame *two) {
        return SAME(boottime_usec) && SAME(realtime_usec) && SAME(channel) && SAME(direction) && SAME(size) &&
               (one->size == 0 || memcmp(one->data, two->data, one->size) == 0);
}

static void pack_again(const ChunkFrames *frames) {
        ChunkBuilder builder = {};
        ChunkFrames again = {};
        Chunk chunk;

        for (uint32_t i = 0; i < frames->n; i++)
                chunk_builder_add(&builder, &frames->frames[i]);
        chunk = chunk_builder_seal(&builder);
        assert(chunk_unpack(&chunk, &again) == 0 && again.n == frames->n);
        for (uint32_t i = 0; i < again.n; i++)
                assert(frame_same(&frames->frames[i], &again.frames[i]));
        chunk_frames_done(&again);
        chunk_builder_done(&builder);
}

/* The CRC covers the head too: it is made as the one who writes does. */
static uint32_t crc_of(const Chunk *chunk) {
        uint8_t head[24];
        uint64_t fields[] = { chunk->t0_boottime_usec, chunk->t0_realtime_usec, (uint64_t) chunk->n_frames << 32 | (uint32_t) chunk->encoding };

        for (unsigned i = 0; i < sizeof(head); i++)
                head[i] = (uint8_t) (fields[i / 8] >> (i % 8 * 8));
        return chunk_crc32c(chunk_crc32c(0, head, sizeof(head)), chunk->data, chunk->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        ChunkFrames frames = {};
        uint8_t how = input_u8(&in);
        Chunk chunk = {
                .encoding = how & 2 ? input_u8(&in) : CHUNK_ENCODING,
                .n_frames = how & 4 ? input_u32(&in) : input_u8(&in),
                .t0_boottime_usec = input_u32(&in),
                .t0_realtime_usec = (uint64_t) input_u32(&in) << 32 | input_u32(&in),
        };
        uint8_t *blob = input_take(&in, in.size, &chunk.size);
        int r;

        chunk.data = blob;
        assert(chunk_crc32c(0, blob, chunk.size) == chunk_crc32c_portable(0, blob, chunk.size));
        chunk.crc = how & 1 ? crc_of(&chunk) : input_u32(&in);
        r = chunk_unpack(&chunk, &frames);
        assert(r == 0 || r == -EBADMSG || r == -EOPNOTSUPP);
        assert(frames.n == (r == 0 ? chunk.n_frames : 0));
        if (frames.n > 0)
                pack_again(&frames);
        chunk_frames_done(&frames);
        free(blob);
        return 0;
}
