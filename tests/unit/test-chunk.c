/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "store/chunk.h"

#define N_MAX 64u

typedef struct Draft {
        Frame frames[N_MAX];
        uint8_t data[N_MAX][512];
        unsigned n;
} Draft;

static void add(Draft *draft, uint64_t boottime_usec, uint64_t realtime_usec, uint8_t channel,
                uint8_t direction, uint16_t size) {
        unsigned i = draft->n++;

        g_assert_cmpuint(i, <, N_MAX);
        for (unsigned j = 0; j < size; j++)
                draft->data[i][j] = (uint8_t) g_test_rand_int();
        draft->frames[i] = (Frame) {
                .boottime_usec = boottime_usec, .realtime_usec = realtime_usec,
                .channel = channel, .direction = direction, .size = size, .data = draft->data[i],
        };
}

static void round_trip(const Draft *draft) {
        g_autofree Frame *frames = g_new0(Frame, draft->n);
        ChunkBuilder builder = {};
        Chunk chunk;

        for (unsigned i = 0; i < draft->n; i++)
                chunk_builder_add(&builder, &draft->frames[i]);
        chunk = chunk_builder_seal(&builder);
        g_assert_cmpuint(chunk.n_frames, ==, draft->n);
        g_assert_cmpint(chunk_decode(&chunk, frames), ==, 0);
        for (unsigned i = 0; i < draft->n; i++) {
                g_assert_cmpuint(frames[i].boottime_usec, ==, draft->frames[i].boottime_usec);
                g_assert_cmpuint(frames[i].realtime_usec, ==, draft->frames[i].realtime_usec);
                g_assert_cmpuint(frames[i].channel, ==, draft->frames[i].channel);
                g_assert_cmpuint(frames[i].direction, ==, draft->frames[i].direction);
                g_assert_cmpmem(frames[i].data, frames[i].size, draft->frames[i].data,
                                draft->frames[i].size);
        }
        chunk_builder_done(&builder);
}

/* RFC 3720 B.4 */
static void test_crc32c_vectors(void) {
        uint8_t zeros[32] = {}, ones[32], ascending[32];

        memset(ones, 0xff, sizeof ones);
        for (unsigned i = 0; i < sizeof ascending; i++)
                ascending[i] = (uint8_t) i;
        g_assert_cmphex(chunk_crc32c(0, "123456789", 9), ==, 0xe3069283);
        g_assert_cmphex(chunk_crc32c(0, zeros, sizeof zeros), ==, 0x8a9136aa);
        g_assert_cmphex(chunk_crc32c(0, ones, sizeof ones), ==, 0x62a8ab43);
        g_assert_cmphex(chunk_crc32c(0, ascending, sizeof ascending), ==, 0x46dd794e);
        /* in parts it is the same */
        g_assert_cmphex(chunk_crc32c(chunk_crc32c(0, "1234", 4), "56789", 5), ==, 0xe3069283);
}

/* A database goes from one machine to another. */
static void test_crc32c_is_the_same_everywhere(void) {
        uint8_t data[300];

        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (uint8_t) (i * 151 + 7);
        for (size_t size = 0; size <= sizeof data; size++)
                g_assert_cmphex(chunk_crc32c(0x1234, data, size), ==, chunk_crc32c_portable(0x1234, data, size));
        g_assert_cmphex(chunk_crc32c_portable(0, "123456789", 9), ==, 0xe3069283);
}

static void test_both_clocks_come_back_exactly(void) {
        Draft draft = {};

        for (unsigned i = 0; i < 40; i++)
                add(&draft, UINT64_C(1000000) + i * 2500 + i % 3,
                    UINT64_C(1700000000000000) + i * 2500 + i % 5, (uint8_t) (i % 9), FRAME_FROM_DEVICE,
                    (uint16_t) (i * 13));
        round_trip(&draft);
}

/* R13: the wall clock jumps a day, and back before the epoch; the boot clock never goes back, but if it
 * did. */
static void test_clocks_that_step(void) {
        const uint64_t day = UINT64_C(86400000000);
        Draft draft = {};

        add(&draft, 10, UINT64_C(1700000000000000), 1, 0, 3);
        add(&draft, 20, UINT64_C(1700000000000000) + day, 1, 0, 0);
        add(&draft, 30, UINT64_C(1700000000000000) - day, 2, 1, 512);
        add(&draft, 40, 0, 255, 255, 1);
        add(&draft, 41, UINT64_MAX, 0, 2, 1);
        add(&draft, 5, 7, 0, 2, 1);
        add(&draft, UINT64_MAX, 0, 0, 2, 1);
        add(&draft, 0, UINT64_MAX, 0, 2, 1);
        round_trip(&draft);
}

static void test_any_flipped_bit_is_found(void) {
        g_autofree uint8_t *copy = NULL;
        ChunkBuilder builder = {};
        Draft draft = {};
        Frame frames[N_MAX];
        Chunk chunk;

        for (unsigned i = 0; i < 20; i++)
                add(&draft, i * 2500, i * 2500, 1, 0, 20);
        for (unsigned i = 0; i < draft.n; i++)
                chunk_builder_add(&builder, &draft.frames[i]);
        chunk = chunk_builder_seal(&builder);
        copy = g_memdup2(chunk.data, chunk.size);
        chunk.data = copy;
        g_assert_cmpint(chunk_decode(&chunk, frames), ==, 0);
        for (size_t bit = 0; bit < chunk.size * 8; bit++) {
                copy[bit / 8] ^= (uint8_t) (1u << bit % 8);
                g_assert_cmpint(chunk_decode(&chunk, frames), ==, -EBADMSG);
                copy[bit / 8] ^= (uint8_t) (1u << bit % 8);
        }
        for (unsigned bit = 0; bit < 64; bit++) {
                chunk.t0_boottime_usec ^= UINT64_C(1) << bit;
                g_assert_cmpint(chunk_decode(&chunk, frames), ==, -EBADMSG);
                chunk.t0_boottime_usec ^= UINT64_C(1) << bit;
                chunk.t0_realtime_usec ^= UINT64_C(1) << bit;
                g_assert_cmpint(chunk_decode(&chunk, frames), ==, -EBADMSG);
                chunk.t0_realtime_usec ^= UINT64_C(1) << bit;
        }
        chunk.n_frames--;
        g_assert_cmpint(chunk_decode(&chunk, frames), ==, -EBADMSG);
        chunk.n_frames++;
        chunk.encoding++;
        g_assert_cmpint(chunk_decode(&chunk, frames), ==, -EOPNOTSUPP);
        chunk_builder_done(&builder);
}

/* A blob with a right CRC and wrong contents, cut at each octet: what a later bug could write. */
static void test_a_blob_cut_short_is_refused(void) {
        Draft draft = {};
        Frame frames[N_MAX];
        ChunkBuilder builder = {};

        for (unsigned i = 0; i < 4; i++)
                add(&draft, i * 250000, i * 250000, 1, 0, 200);
        for (unsigned i = 0; i < draft.n; i++)
                chunk_builder_add(&builder, &draft.frames[i]);
        for (size_t size = 0; size < builder.size; size++) {
                ChunkBuilder cut = builder;
                Chunk chunk;

                cut.size = size;
                chunk = chunk_builder_seal(&cut);
                g_assert_cmpint(chunk_decode(&chunk, frames), ==, -EBADMSG);
        }
        chunk_builder_done(&builder);
}

static void test_a_count_that_cannot_be_is_refused(void) {
        uint8_t data[16] = {};
        Chunk chunk = {
                .n_frames = UINT32_MAX, .encoding = CHUNK_ENCODING, .data = data, .size = sizeof data
        };

        g_assert_false(chunk_plausible(&chunk));
        g_assert_cmpint(chunk_decode(&chunk, NULL), ==, -EBADMSG);
        chunk.n_frames = sizeof data / CHUNK_FRAME_MIN;
        g_assert_true(chunk_plausible(&chunk));
}

static void test_a_varint_without_end_is_refused(void) {
        uint8_t endless[64];
        ChunkBuilder builder = { .n_frames = 1, .data = endless, .size = sizeof endless };
        Chunk chunk;
        Frame frame;

        memset(endless, 0x80, sizeof endless);
        chunk = chunk_builder_seal(&builder);
        g_assert_cmpint(chunk_decode(&chunk, &frame), ==, -EBADMSG);
}

/* 6 octets beside the payload where frames come regularly: 30 min of waveform at 200 Hz stay below 2.2
 * MB. */
static void test_the_overhead_is_small(void) {
        ChunkBuilder builder = {};
        uint8_t data[60] = {};

        for (unsigned i = 0; i < 800; i++) {
                Frame frame = { .boottime_usec = i * 2500u,
                                .realtime_usec = i * 2500u + i % 2,
                                .channel = 2,
                                .size = 60,
                                .data = data };

                chunk_builder_add(&builder, &frame);
        }
        g_test_message("%.2f octets a frame of 60", (double) builder.size / 800);
        g_assert_cmpuint(builder.size, <=, 800 * 66);
        chunk_builder_reset(&builder);
        g_assert_cmpuint(chunk_builder_seal(&builder).n_frames, ==, 0);
        chunk_builder_done(&builder);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/chunk/crc32c-vectors", test_crc32c_vectors);
        g_test_add_func("/chunk/crc32c-is-the-same-everywhere", test_crc32c_is_the_same_everywhere);
        g_test_add_func("/chunk/both-clocks-come-back-exactly", test_both_clocks_come_back_exactly);
        g_test_add_func("/chunk/clocks-that-step", test_clocks_that_step);
        g_test_add_func("/chunk/any-flipped-bit-is-found", test_any_flipped_bit_is_found);
        g_test_add_func("/chunk/a-blob-cut-short-is-refused", test_a_blob_cut_short_is_refused);
        g_test_add_func("/chunk/a-count-that-cannot-be-is-refused", test_a_count_that_cannot_be_is_refused);
        g_test_add_func("/chunk/a-varint-without-end-is-refused", test_a_varint_without_end_is_refused);
        g_test_add_func("/chunk/the-overhead-is-small", test_the_overhead_is_small);
        return g_test_run();
}
