/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "fuzz.h"
#include "link/fetch.h"
#include "needled/omp-control.h"

/* A device that answers anything to what it is asked about stored sessions. Each step is: what, and its octets; a body gets its CRC here and
 * comes in segments. Whatever comes: at most one write is under way, one record is handed on at a time, each higher than the one before, and
 * what has begun ends once. */

#define STEPS_MAX 400u

typedef struct Scene {
        FetchMemory *memory;
        Fetch *fetch;
        bool writing, traced, handed, over;
        StoredCursor last;              /* the last that was handed on */
        OmpSegmenter segmenter;
} Scene;

static void on_write(const uint8_t *data, size_t size, void *userdata) {
        Scene *s = userdata;

        assert(!s->writing && size > 0 && size <= OMP_RACP_MAX);
        s->writing = true;
        s->segmenter = (OmpSegmenter) {};
}

static int on_trace(uint32_t record, uint32_t first_entry, void *userdata) {
        Scene *s = userdata;

        s->traced = true;
        s->segmenter = (OmpSegmenter) {};
        if (record & 1)
                fetch_tracing(s->fetch, 1);
        return 0;
}

static void on_stop_trace(void *userdata) {
}

static void on_record(const StoredRecord *stored, void *userdata) {
        Scene *s = userdata;

        assert(!s->handed && stored->n_bodies > 0 && stored->cursor.record == stored->record.number);
        assert(stored->cursor.epoch > s->last.epoch || stored->cursor.record > s->last.record);
        for (size_t i = 0; i < stored->n_bodies; i++)
                assert(stored->bodies[i].size > 0 && stored->bodies[i].size <= OMP_VALUE_MAX);
        s->last = stored->cursor;
        s->handed = true;
}

static void on_changed(void *userdata) {
}

static void on_ended(int error, uint32_t number, void *userdata) {
        Scene *s = userdata;

        assert(!s->over);
        s->over = true;
        s->handed = false;
}

static const FetchOps ops = { on_write, on_trace, on_stop_trace, on_record, on_changed, on_ended };

/* Of the octets, with a CRC behind them. */
static void send_body(Scene *s, Input *in, uint64_t now_usec) {
        uint8_t body[OMP_BODY_MAX], value[OMP_VALUE_MAX];
        size_t size, room = 2u + input_u8(in);
        uint8_t *octets = input_take(in, 1u + input_u8(in), &size);
        uint16_t crc;
        int n;

        memcpy(body, octets, size);
        free(octets);
        crc = omp_crc16(body, size);
        body[size++] = (uint8_t) crc;
        body[size++] = (uint8_t) (crc >> 8);
        assert(omp_segmenter_begin(&s->segmenter, body, size) == 0);
        while ((n = omp_segmenter_next(&s->segmenter, value, room)) > 0)
                fetch_data(s->fetch, value, (size_t) n, now_usec);
}

static void step(Scene *s, Input *in, uint64_t now_usec) {
        uint8_t what = input_u8(in), *octets;
        size_t size;

        switch (what % 8) {
        case 0:
        case 1:
                octets = input_take(in, what >> 3, &size);
                if (what & 1)
                        fetch_data(s->fetch, octets, size, now_usec);
                else
                        fetch_response(s->fetch, octets, size, now_usec);
                free(octets);
                break;
        case 2:
                send_body(s, in, now_usec);
                break;
        case 3:
                if (s->writing) {
                        s->writing = false;
                        fetch_written(s->fetch, what & 0x80 ? -EIO : 0, now_usec);
                }
                break;
        case 4:
                if (s->traced) {
                        s->traced = false;
                        fetch_traced(s->fetch, what & 0x80 ? -EREMOTEIO : 0, input_u8(in), input_u16(in), now_usec);
                }
                break;
        case 5:
                if (s->handed) {
                        s->handed = false;
                        fetch_stored(s->fetch, &s->last, what & 0x80 ? -EIO : 0, now_usec);
                }
                break;
        case 6:
                fetch_tick(s->fetch, now_usec);
                break;
        case 7:
                if (what & 0x40)
                        fetch_tracing(s->fetch, now_usec);
                if (what & 0x80)
                        fetch_stop(s->fetch, now_usec);
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        Scene s = {};
        StoredCursor cursor = { .epoch = 1, .record = input_u8(&in), .start = input_u8(&in) };
        uint64_t now_usec = 1;

        s.memory = fetch_memory_new();
        s.fetch = fetch_new(&ops, s.memory, true, FETCH_MOST, &s);
        assert(fetch_begin(s.fetch, &cursor, input_u8(&in) & 1, now_usec) == 0);
        for (unsigned i = 0; i < STEPS_MAX && in.size > 0 && !s.over; i++) {
                step(&s, &in, now_usec);
                assert(s.over == !fetch_runs(s.fetch));
                now_usec += (uint64_t) input_u8(&in) << 18;
        }
        s.fetch = fetch_free(s.fetch);
        s.memory = fetch_memory_free(s.memory);
        assert(s.over);
        return 0;
}
