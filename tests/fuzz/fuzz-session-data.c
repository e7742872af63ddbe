/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "needled/omp-records.h"

/* Segments to bodies to records and traces. The lowest bit of the first octet: the rest is one body without its CRC, which is added and
 * sent in segments as long as the second octet says. Else the rest is segments, each behind its length. */

/* Flags beyond those known are kept, and not sent. */
static bool record_same(const OmpRecord *one, const OmpRecord *two) {
        return ((one->flags ^ two->flags) & ((OMP_RECORD_ALARM << 1) - 1)) == 0 &&
               ((one->start.flags ^ two->start.flags) & ((OMP_ELAPSED_CURRENT << 1) - 1)) == 0 && SAME(number) &&
               SAME(start.count) && SAME(start.source) && SAME(start.offset_quarters) && SAME(duration_sec) &&
               SAME(contact_sec) && SAME(strokes) && SAME(passes) && SAME(distance_mm) && SAME(force_mean_mn) &&
               SAME(force_p95_mn) && SAME(force_peak_mn) && SAME(over_count) && SAME(over_100ms) && SAME(depth_um) &&
               SAME(depth_max_um) && SAME(rate_per_min) && SAME(area) && SAME(cartridge_id) &&
               SAME(cartridge_uses) && SAME(battery_start) && SAME(battery_end);
}

static bool trace_same(const OmpTrace *one, const OmpTrace *two) {
        for (unsigned i = 0; i < one->n; i++)
                if (!(SAME(entries[i].force_mean_mn) && SAME(entries[i].force_peak_mn) && SAME(entries[i].strokes)))
                        return false;

        return SAME(last) && SAME(record) && SAME(first_entry) && SAME(period_10ms) && SAME(n);
}

static void body_decode(const uint8_t *body, size_t size) {
        uint8_t *copy = malloc(size);
        OmpBody decoded;

        assert(copy);
        memcpy(copy, body, size);
        if (omp_body_decode(copy, size, &decoded) == 0) {
                Input in = { copy, size };

                if (decoded.type == OMP_BODY_RECORD)
                        ROUND_TRIP(OmpRecord, &in, OMP_RECORD_SIZE, omp_record_decode, omp_record_encode, always, record_same);
                else if (decoded.type == OMP_BODY_TRACE)
                        ROUND_TRIP(OmpTrace, &in, OMP_TRACE_SIZE(OMP_TRACE_ENTRIES_MAX), omp_trace_decode, omp_trace_encode, always,
                                   trace_same);
        }
        free(copy);
}

/* What is sent arrives, and is one body. */
static void send(const uint8_t *body, size_t size, size_t value_size) {
        static OmpReassembler r;
        OmpSegmenter s = {};
        uint8_t value[OMP_VALUE_MAX];
        unsigned lost;
        int n, what = 0;

        omp_reassembler_reset(&r);
        assert(omp_segmenter_begin(&s, body, size) == 0);
        while ((n = omp_segmenter_next(&s, value, value_size)) > 0) {
                assert((size_t) n <= value_size && what == 0);
                what = omp_reassembler_push(&r, value, (size_t) n, &lost);
        }
        assert(n == 0 && omp_segmenter_done(&s));
        assert(what == OMP_SEGMENT_BODY && r.size == size && memcmp(r.body, body, size) == 0);
        body_decode(r.body, r.size);
}

static void receive(Input *in) {
        static OmpReassembler r;

        omp_reassembler_reset(&r);
        while (in->size > 0) {
                size_t size, length = input_u8(in);
                uint8_t *value = input_take(in, length == 0xff ? in->size : length, &size);
                unsigned lost;
                int what = omp_reassembler_push(&r, value, size, &lost);

                assert(lost < OMP_SEGMENT_COUNTERS);
                assert(r.size <= OMP_BODY_MAX);
                assert((what >= 0 && what & OMP_SEGMENT_LOST) == (lost > 0));
                if (what >= 0 && what & OMP_SEGMENT_BODY)
                        body_decode(r.body, r.size);
                free(value);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };

        if (input_u8(&in) & 1) {
                size_t value_size = 2 + input_u8(&in) * 2u, body_size;
                uint8_t body[OMP_BODY_MAX];
                uint16_t crc;

                body_size = in.size < sizeof(body) - 2 ? in.size : sizeof(body) - 2;
                memcpy(body, in.data, body_size);
                crc = omp_crc16(body, body_size);
                body[body_size++] = (uint8_t) crc;
                body[body_size++] = (uint8_t) (crc >> 8);
                send(body, body_size, value_size);
        } else
                receive(&in);

        return 0;
}
