/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "fuzz.h"
#include "store/kept.h"

/* What another process has left in the ring. The lowest bit of the first octet: the rest is records, each its kind, two octets of length and
 * so many more, put in as the store does; they are whole, and what they say is anything. Else the rest is the memory itself: two octets each
 * for head and tail, then the records' place. */

#define BOOT "0123456789abcdef0123456789abcdef"
#define BEFORE 4096u
#define HEAD_AT 56u                     /* of head and tail, in the memory */

static uint8_t memory[BEFORE + RING_SIZE];
static uint8_t fresh[BEFORE];

static void begin(void) {
        Ring *ring;
        int fd;

        if (fresh[0] == 0) {
                assert(ring_new(BOOT, &fd, &ring) == 0);
                assert(pread(fd, fresh, sizeof(fresh), 0) == sizeof(fresh));
                ring_free(ring);
                (void) close(fd);
        }
        memcpy(memory, fresh, sizeof(fresh));
}

/* All of it is read, and what is made of it can be looked at and freed. */
static void take(const Ring *ring) {
        Kept kept;
        Job *job;

        kept_read(ring, &kept);
        kept_join(&kept, true);
        TAILQ_FOREACH(job, &kept.jobs, entry) {
                size_t offset = 0;
                unsigned n = 0;
                StoreSample sample;
                Frame frame;

                assert(job_size(job) > 0);
                while (job->type == JOB_PIECE && piece_next(&job->piece, &offset, &frame, &sample))
                        n++;
                assert(job->type != JOB_PIECE || (n == job->piece.n_frames && offset == job->piece.size));
        }
        kept_done(&kept);
}

static void put(Ring *ring, Input *in) {
        while (in->size > 0) {
                RingKind kind = (RingKind) (1 + input_u8(in) % (_RING_KIND_MAX - 1));
                size_t size, length = input_u8(in);
                uint8_t *data;

                length |= (size_t) input_u8(in) << 8;
                data = input_take(in, length, &size);
                ring_put(ring, kind, 1, 5000000000, data, size);
                free(data);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        Ring *ring = NULL;

        begin();
        if (input_u8(&in) & 1) {
                assert(ring_adopt(memory, sizeof(memory), BOOT, &ring) == RING_FINE);
                put(ring, &in);
        } else {
                uint64_t positions[2];
                size_t n;

                for (unsigned i = 0; i < 2; i++) {
                        positions[i] = RING_SIZE + input_u8(&in) * 16u;
                        positions[i] += input_u8(&in) * 256u;
                }
                memcpy(memory + HEAD_AT, positions, sizeof(positions));
                n = in.size < RING_SIZE ? in.size : RING_SIZE;
                memcpy(memory + BEFORE, in.data, n);
                (void) ring_adopt(memory, sizeof(memory), BOOT, &ring);
        }
        if (ring)
                take(ring);
        ring_free(ring);
        memset(memory + BEFORE, 0, 2 * size + 4096 < RING_SIZE ? 2 * size + 4096 : RING_SIZE);
        return 0;
}
