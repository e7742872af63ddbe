/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch-talk.h"

Fetch *fetch;
GString *said;
uint64_t now_usec;
unsigned changes;
bool keep_at_once, trace_at_once;
FetchMemory *memory;
StoredCursor handed;
GArray *kept_numbers;

static void on_write(const uint8_t *data, size_t size, void *userdata) {
        g_string_append(said, ">");
        for (size_t i = 0; i < size; i++)
                g_string_append_printf(said, " %02x", data[i]);
        g_string_append(said, "; ");
}

static int on_trace(uint32_t record, uint32_t first_entry, void *userdata) {
        g_string_append_printf(said, "trace %u from %u; ", record, first_entry);
        if (trace_at_once)
                fetch_tracing(fetch, now_usec);
        return 0;
}

static void on_stop_trace(void *userdata) {
        g_string_append(said, "stop trace; ");
}

static void on_record(const StoredRecord *stored, void *userdata) {
        OmpRecord record;

        handed = stored->cursor;
        g_array_append_val(kept_numbers, stored->record.number);
        g_assert_cmpint(omp_record_decode(stored->bodies[0].data, stored->bodies[0].size, &record), ==, 0);
        g_assert_cmpuint(record.number, ==, stored->record.number);
        g_assert_cmpuint(stored_start(&record.start), ==, stored->cursor.start);
        g_string_append_printf(said, "record %u of %u", stored->cursor.record, stored->cursor.epoch);
        for (size_t i = 1; i < stored->n_bodies; i++) {
                OmpTrace trace;

                g_assert_cmpuint(stored->bodies[i].size, <=, OMP_VALUE_MAX);
                g_assert_cmpint(omp_trace_decode(stored->bodies[i].data, stored->bodies[i].size, &trace), ==, 0);
                g_assert_cmpuint(stored->bodies[i].from_usec, ==, (uint64_t) trace.first_entry * trace.period_10ms * 10000);
                g_string_append_printf(said, " %u+%u", trace.first_entry, trace.n);
        }
        g_string_append(said, "; ");
        if (keep_at_once)
                fetch_stored(fetch, &handed, 0, now_usec);
}

static void on_changed(void *userdata) {
        changes++;
}

static void on_ended(int error, uint32_t number, void *userdata) {
        g_string_append(said, error < 0 ? g_strerror(-error) : "done");
        if (number > 0)
                g_string_append_printf(said, " at %u", number);
        g_string_append(said, "; ");
}

const FetchOps fetch_ops = { on_write, on_trace, on_stop_trace, on_record, on_changed, on_ended };

void begin_with(const FetchOps *with, uint32_t record, uint64_t start, bool clear) {
        const StoredCursor cursor = { .epoch = record > 0, .record = record, .start = start };

        memory = fetch_memory_new();
        fetch = fetch_new(with, memory, true, FETCH_MOST, NULL);
        said = g_string_new("");
        kept_numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        keep_at_once = trace_at_once = true;
        now_usec = 100 * SEC;
        g_assert_cmpint(fetch_begin(fetch, &cursor, clear, now_usec), ==, 0);
}

void begin(uint32_t record, uint64_t start, bool clear) {
        begin_with(&fetch_ops, record, start, clear);
}

void end(const char *rest) {
        fetch = fetch_free(fetch);
        expect(rest);
        g_string_free(said, true);
        g_array_unref(kept_numbers);
        memory = fetch_memory_free(memory);
}

void again(uint32_t record, uint64_t start, bool clear) {
        const StoredCursor cursor = { .epoch = 1, .record = record, .start = start };

        fetch = fetch_free(fetch);
        g_string_truncate(said, 0);
        fetch = fetch_new(&fetch_ops, memory, true, FETCH_MOST, NULL);
        g_assert_cmpint(fetch_begin(fetch, &cursor, clear, now_usec), ==, 0);
}

void written(int error) {
        fetch_written(fetch, error, now_usec);
}

void pass(uint64_t usec) {
        now_usec += usec;
        fetch_tick(fetch, now_usec);
}

/* ---- What the device sends ---- */

OmpSegmenter segmenter;

static OmpElapsed start_of(uint32_t number) {
        OmpElapsed start;

        g_assert_cmpint(omp_elapsed_from_realtime((UINT64_C(1700000000) + number % 100000 * 3600) * SEC, OMP_RESOLUTION_1S, OMP_SOURCE_NTP, 0, &start), ==, 0);
        return start;
}

uint64_t packed(uint32_t number) {
        OmpElapsed start = start_of(number);

        return stored_start(&start);
}

/* Of at most `room` octets each; all but those whose bit is set in `lost`. Returns their number. */
unsigned send_body(const uint8_t *body, size_t size, size_t room, uint64_t lost) {
        uint8_t value[OMP_VALUE_MAX];
        unsigned sent = 0;

        g_assert_cmpint(omp_segmenter_begin(&segmenter, body, size), ==, 0);
        while (!omp_segmenter_done(&segmenter)) {
                int n = omp_segmenter_next(&segmenter, value, room);

                if (!(lost >> sent++ & 1))
                        fetch_data(fetch, value, (size_t) n, now_usec);
        }

        return sent;
}

size_t make_record(uint32_t number, unsigned flags, uint8_t *body) {
        const OmpRecord record = { .flags = (uint8_t) (OMP_RECORD_SYNCED | flags), .number = number, .start = start_of(number), .duration_sec = 12 };

        return (size_t) omp_record_encode(&record, body, OMP_BODY_MAX);
}

void record_in(uint32_t number, unsigned flags, size_t room, uint64_t lost) {
        uint8_t body[OMP_BODY_MAX];

        (void) send_body(body, make_record(number, flags, body), room, lost);
}

void record(uint32_t number) {
        record_in(number, 0, 180, 0);
}

void chunk(uint32_t number, uint32_t first, uint8_t n, bool last, uint64_t lost) {
        OmpTrace trace = { .record = number, .first_entry = first, .n = n, .period_10ms = 100, .last = last };
        uint8_t body[OMP_BODY_MAX];

        (void) send_body(body, (size_t) omp_trace_encode(&trace, body, sizeof(body)), 180, lost);
}

void procedure(void) {
        segmenter = (OmpSegmenter) {};
}

/* The last record of the device, which comes with the answer. */
void tell_last(uint32_t number) {
        expect("> 01 06; ");
        written(0);
        procedure();
        record(number);
        response(0x06, 0x00, 0x01, 0x01);
}
