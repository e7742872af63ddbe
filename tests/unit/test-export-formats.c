/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "export-fixture.h"

/* A decoder that counts, so that a row shows what was decoded before it. */
static void *counting_begin(const StoreSession *session, void *userdata) {
        return g_str_equal(session->profile, "gone") ? NULL : g_new0(unsigned, 1);
}

static void counting_frame(void *decoding, const Frame *frame, StoreSample *ret) {
        ++*(unsigned *) decoding;
}

static size_t counting_row(void *decoding, const Frame *frame, char *buf) {
        return (size_t) snprintf(buf, STORE_ROW_MAX, "%" G_GUINT64_FORMAT ",%u,%u", frame->boottime_usec - FIXTURE_START_BOOTTIME, frame->channel,
                                 *(unsigned *) decoding);
}

static size_t counting_moment(void *decoding, uint64_t boottime_usec, char *buf) {
        return (size_t) snprintf(buf, STORE_ROW_MAX, "%" G_GUINT64_FORMAT ",,%u", boottime_usec - FIXTURE_START_BOOTTIME, *(unsigned *) decoding);
}

static size_t counting_event(const StoreEvent *event, char *buf) {
        return event->kind == STORE_EVENT_MARK ? (size_t) snprintf(buf, STORE_ROW_MAX, "{\"code\":%u}", event->code) : 0;
}

static void *counting_free(void *decoding) {
        g_free(decoding);
        return NULL;
}

static const StoreDecoder counting = {
        .begin = counting_begin, .frame = counting_frame, .csv_row = counting_row, .csv_moment = counting_moment, .csv_head = "time_us,channel,n",
        .event_json = counting_event, .free = counting_free,
};

static void make_decoded(Fixture *f, uint64_t n_frames) {
        fixture_init(f);
        f->decoder = counting;
        fixture_start(f);
        fixture_begin(f, 1);
        fixture_record(f, 1, 0, n_frames);
}

/* The whole text of one export, and its lines without their end. */
static char **export_lines(Fixture *f, StoreExport wanted, const char *line_end, uint64_t *ret_rows) {
        char **lines;
        Tape t;

        start_as(f, &t, wanted);
        wait_over(f, &t);
        g_assert_cmpint(t.count_error, ==, 0);
        g_assert_cmpint(t.end_error, ==, 0);
        g_assert_true(g_str_has_suffix(t.text->str, line_end));
        lines = g_strsplit(t.text->str, line_end, -1);
        *ret_rows = t.n_rows;
        done(&t);
        return lines;
}

static void test_csv(void) {
        StoreExport wanted = { .id = 1, .format = STORE_FORMAT_CSV, .to_usec = UINT64_MAX };
        FixtureFrame frame;
        uint64_t rows;
        Fixture f;

        make_decoded(&f, 3000);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_auto(GStrv) all = export_lines(&f, wanted, "\r\n", &rows);
        g_assert_cmpuint(rows, ==, 3000);
        g_assert_cmpuint(g_strv_length(all), ==, 3002); /* the head, and nothing after the last end */
        g_assert_cmpstr(all[0], ==, "time_us,channel,n");
        for (unsigned i = 0; i < 3000; i++) {
                g_autofree char *want = NULL;

                fixture_make_frame(&frame, 1, i);
                want = g_strdup_printf("%" G_GUINT64_FORMAT ",%u,%u", frame.frame.boottime_usec - FIXTURE_START_BOOTTIME, frame.frame.channel, i + 1);
                g_assert_cmpstr(all[i + 1], ==, want);
        }

        /* What lies before a part is decoded, too. */
        wanted.from_usec = 1000000;
        wanted.to_usec = 2000000 - 1;
        g_auto(GStrv) part = export_lines(&f, wanted, "\r\n", &rows);
        g_assert_cmpuint(rows, ==, 400);
        g_assert_cmpstr(part[1], ==, all[401]);
        g_assert_cmpstr(part[400], ==, all[800]);
        fixture_done(&f);
}

static void test_csv_resampled(void) {
        StoreExport wanted = { .id = 1, .format = STORE_FORMAT_CSV, .resample_hz = 10, .to_usec = UINT64_MAX };
        uint64_t rows;
        Fixture f;

        make_decoded(&f, 4000);         /* 10 s of 60 */
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_auto(GStrv) all = export_lines(&f, wanted, "\r\n", &rows);
        g_assert_cmpuint(rows, ==, 601); /* both ends */
        g_assert_cmpuint(g_strv_length(all), ==, 603);
        for (unsigned i = 0; i <= 600; i++) {
                g_auto(GStrv) fields = g_strsplit(all[i + 1], ",", 3);

                g_assert_cmpuint(g_ascii_strtoull(fields[0], NULL, 10), ==, i * 100000);
                /* A frame comes up to 6 us after its time: that of the moment itself has not come, or just so. */
                g_assert_cmpuint(g_ascii_strtoull(fields[2], NULL, 10), >=, MIN(i * 40, 4000));
                g_assert_cmpuint(g_ascii_strtoull(fields[2], NULL, 10), <=, MIN(i * 40 + 1, 4000));
        }
        wanted.from_usec = 1;
        wanted.to_usec = 1000000;
        g_auto(GStrv) part = export_lines(&f, wanted, "\r\n", &rows);
        g_assert_cmpuint(rows, ==, 10);
        g_assert_cmpstr(part[1], ==, all[2]);
        wanted.from_usec = 70000000;    /* behind the end */
        wanted.to_usec = UINT64_MAX;
        g_auto(GStrv) none = export_lines(&f, wanted, "\r\n", &rows);
        g_assert_cmpuint(rows, ==, 0);
        g_assert_cmpuint(g_strv_length(none), ==, 2);
        /* Fifty seconds behind the last frame, a thousand rows each: made as the pipe takes them. */
        wanted = (StoreExport) { .id = 1, .format = STORE_FORMAT_CSV, .resample_hz = 1000, .to_usec = UINT64_MAX };
        g_auto(GStrv) fine = export_lines(&f, wanted, "\r\n", &rows);
        g_assert_cmpuint(rows, ==, 60001);
        g_assert_cmpuint(g_strv_length(fine), ==, 60003);
        fixture_done(&f);
}

static void test_csv_of_what_nobody_can_decode(void) {
        Fixture f;
        Tape t;

        make_decoded(&f, 10);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        change(&f, "UPDATE session SET profile = 'gone'");
        start_as(&f, &t, (StoreExport) { .id = 1, .format = STORE_FORMAT_CSV, .to_usec = UINT64_MAX });
        wait_over(&f, &t);
        g_assert_cmpint(t.count_error, ==, -EINVAL);
        g_assert_cmpuint(t.text->len, ==, 0);
        done(&t);
        fixture_done(&f);
}

static void test_csv_says_where_it_is_damaged(void) {
        uint64_t rows;
        Fixture f;

        make_decoded(&f, 3000);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        change(&f, "UPDATE chunk SET crc = crc + 1 WHERE seq = 0");
        g_auto(GStrv) lines = export_lines(&f, (StoreExport) { .id = 1, .format = STORE_FORMAT_CSV, .to_usec = UINT64_MAX }, "\r\n", &rows);
        g_assert_cmpuint(g_strv_length(lines), ==, rows + 2);
        g_assert_true(g_str_has_prefix(lines[1], "0.00000"));
        g_assert_true(g_str_has_suffix(lines[1], ",,\"" "needled: the database was damaged here, and frames are lost\""));
        fixture_done(&f);
}

static void add_details(Fixture *f, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                store_session_gap(f->store, 1, &(StoreGap) { .from_usec = i * 1000, .to_usec = i * 1000 + 500, .stream = 1, .lost = i });
                store_session_event(f->store, 1, &(StoreEvent) { .session_usec = i * 1000, .kind = STORE_EVENT_MARK, .code = (uint8_t) i, .text = "x" });
                store_session_event(f->store, 1, &(StoreEvent) { .session_usec = i * 1000, .kind = STORE_EVENT_STATE });
        }
}

/* What stands for all that the device has of it is said of all of it alone. */
static bool has_record_start(Fixture *f, uint64_t from_usec, uint64_t to_usec) {
        const StoreExport wanted = { .id = 1, .format = STORE_FORMAT_JSON, .head = &head, .from_usec = from_usec, .to_usec = to_usec };
        uint64_t rows;
        g_auto(GStrv) lines = export_lines(f, wanted, "\n", &rows);

        g_assert_nonnull(strstr(lines[1], "\"record\": 12, "));
        return strstr(lines[1], "\"record\": 12, \"record_start\": 281474976710755, ");
}

/* More gaps and events than a page, and all frames. */
static void test_json(void) {
        StoreExport wanted = { .id = 1, .format = STORE_FORMAT_JSON, .head = &head, .to_usec = UINT64_MAX };
        unsigned gaps = 0, events = 0, frames = 0;
        uint64_t rows;
        Fixture f;

        make_decoded(&f, 3000);
        add_details(&f, 450);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_auto(GStrv) lines = export_lines(&f, wanted, "\n", &rows);
        g_assert_cmpuint(rows, ==, 3000);
        g_assert_cmpstr(lines[0], ==, "{\"format\": \"needled-session\", \"version\": 1,");
        g_assert_true(g_str_has_prefix(lines[1], "\"session\": {\"uuid\": \"00000000-0000-4000-8000-000000000001\", \"start\": 1700000000000000, "
                                                 "\"utc_offset\": -3600, \"end\": 60000000, \"end_reason\": \"user\", \"device\": "));
        g_assert_true(g_str_has_suffix(lines[1], "\"acknowledged\": false, \"source\": \"live\", \"boot_id\": \"0123456789abcdef0123456789abcdef\"},"));
        g_assert_cmpstr(lines[2], ==, "\"figures\": {\"strokes\": 1234, \"stroke_rate\": 90.5, \"force_mean\": -5, \"lost\": {\"waveform\": 7}, "
                                      "\"limit\": 900000000, \"device_time_offset\": -5000000000},");
        for (char **line = lines; *line; line++) {
                gaps += g_str_has_prefix(*line, "{\"from\": ");
                events += g_str_has_prefix(*line, "{\"code\":");
                frames += g_str_has_prefix(*line, "{\"t\": ");
        }
        g_assert_cmpuint(gaps, ==, 450);
        g_assert_cmpuint(events, ==, 450); /* what the decoder has no words for is left out */
        g_assert_cmpuint(frames, ==, 3000);
        g_assert_cmpstr(lines[g_strv_length(lines) - 2], ==, "]}");

        wanted.from_usec = 1000000;
        wanted.to_usec = 2000000 - 1;
        g_auto(GStrv) part = export_lines(&f, wanted, "\n", &rows);
        g_assert_cmpuint(rows, ==, 400);
        g_assert_true(g_str_has_prefix(part[0], "{\"format\": "));
        g_assert_cmpstr(part[g_strv_length(part) - 2], ==, "]}");
        change(&f, "UPDATE session SET record = 12, record_start = 281474976710755");
        g_assert_cmpint(has_record_start(&f, 0, UINT64_MAX), ==, true);
        g_assert_cmpint(has_record_start(&f, 1, UINT64_MAX), ==, false);
        g_assert_cmpint(has_record_start(&f, 0, 59000000), ==, false);
        change(&f, "UPDATE chunk SET crc = crc + 1 WHERE seq = 0");
        g_assert_cmpint(has_record_start(&f, 0, UINT64_MAX), ==, false);
        wanted.from_usec = 0;
        g_auto(GStrv) damaged = export_lines(&f, wanted, "\n", &rows);
        g_assert_cmpuint(rows, <, 800);
        g_assert_true(g_strv_contains((const char *const *) damaged, "\"damaged_chunks\": 1,"));
        fixture_done(&f);
}

/* "A session of 60 minutes at 1 kHz exports without the daemon's memory growing": what is made and not taken is bounded, however long the
 * session is. */
static void test_what_waits_is_bounded(void) {
        static const struct {
                StoreFormat format;
                unsigned hz;
        } cases[] = { { STORE_FORMAT_TAPE, 0 }, { STORE_FORMAT_CSV, 0 }, { STORE_FORMAT_CSV, 1000 }, { STORE_FORMAT_JSON, 0 } };
        Fixture f;

        make_decoded(&f, 20000);
        fixture_wait(&f, fixture_has_committed, 20000);
        add_details(&f, 1000);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Export *export;
                Tape t;

                start_as(&f, &t, (StoreExport) { .id = 1, .format = cases[i].format, .resample_hz = cases[i].hz, .head = &head, .to_usec = UINT64_MAX });
                fixture_wait(&f, is_stalled, 0);
                shared_lock(f.store);
                export = TAILQ_FIRST(&f.store->exports);
                g_assert_cmpuint(export->lines->allocated_len, >, 0);
                g_assert_cmpuint(export->lines->allocated_len, <, 512 * 1024);
                g_assert_cmpuint(export->frames.allocated * sizeof(Frame), <, 512 * 1024);
                shared_unlock(f.store);
                close_reader(&t);
                fixture_wait(&f, is_ended, 0);
                g_assert_cmpint(t.end_error, ==, -EPIPE);
                done(&t);
        }
        fixture_done(&f);
}

static void test_json_of_other_frames(void) {
        StoreExport wanted = { .id = 2, .format = STORE_FORMAT_JSON, .head = &head, .to_usec = UINT64_MAX };
        static const char *const want[] = {
                "{\"t\": 1000000, \"w\": -5, \"d\": \"!\", \"x\": \"01\"},",
                "{\"t\": 2000000, \"d\": \"<\", \"c\": \"live\", \"x\": \"\"},",
                "{\"t\": 3000000, \"w\": 7, \"d\": \">\", \"c\": \"channel-31\", \"x\": \"0100\"},",
                "{\"t\": 4000000, \"d\": \"%\", \"x\": \"01\"}",
        };
        static const struct {
                uint8_t channel, direction, size;
                int wall;
        } frames[] = { { 0, FRAME_OF_LINK, 1, -5 }, { 1, FRAME_FROM_DEVICE, 0, 0 }, { 31, FRAME_TO_DEVICE, 2, 7 }, { 0, FRAME_OF_HOST, 1, 0 } };
        uint64_t rows;
        Fixture f;

        make_decoded(&f, 0);
        fixture_begin(&f, 2);
        for (unsigned i = 0; i < G_N_ELEMENTS(frames); i++)
                store_session_frame(f.store, 2, &(Frame) {
                        .boottime_usec = FIXTURE_START_BOOTTIME + (i + 1) * 1000000,
                        .realtime_usec = FIXTURE_START_REALTIME + (i + 1) * 1000000 + (uint64_t) (int64_t) frames[i].wall,
                        .channel = frames[i].channel, .direction = frames[i].direction, .size = frames[i].size,
                        .data = (const uint8_t[]) { 1, 0 },
                }, NULL);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_auto(GStrv) lines = export_lines(&f, wanted, "\n", &rows);
        g_assert_cmpuint(rows, ==, 4);
        for (unsigned i = 0; i < 4; i++)
                g_assert_cmpstr(lines[6 + i], ==, want[i]);
        fixture_done(&f);
}

/* A record of a vendor's device says how its frames call its channels. */
static void test_json_names_its_channels(void) {
        TapeHead with = head;
        StoreExport wanted = { .id = 1, .format = STORE_FORMAT_JSON, .head = &with, .to_usec = UINT64_MAX };
        uint64_t rows;
        Fixture f;

        g_strlcpy(with.profile, "made-up-pen", sizeof(with.profile));
        with.channels[0] = (TapeChannel) { 1, "pressure", "0000fff1-0000-1000-8000-00805f9b34fb" };
        with.channels[1] = (TapeChannel) { 2, "motor", "" };
        with.n_channels = 2;
        make_decoded(&f, 2);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_auto(GStrv) lines = export_lines(&f, wanted, "\n", &rows);
        g_assert_nonnull(strstr(lines[1], ", \"names\": \"1=pressure;2=motor\", "));
        g_assert_nonnull(strstr(lines[6], "\"c\": \"pressure\""));
        wanted.head = &head;
        g_auto(GStrv) plain = export_lines(&f, wanted, "\n", &rows);
        g_assert_null(strstr(plain[1], "\"names\""));
        fixture_done(&f);
}

static void on_recorded(int error, StoreRecordFate fate, uint64_t id, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        g_assert_cmpint(fate, ==, STORE_RECORD_MERGED);
        *(bool *) userdata = true;
}

static bool is_recorded(Fixture *f, uint64_t told) {
        return *(bool *) (uintptr_t) told;
}

/* Session 1, 1 s long, with a record that its device has kept of it. */
static void make_merged(Fixture *f, const uint64_t *times, size_t n) {
        Frame frames[8] = {};
        bool told = false;
        StoreRecord record = {
                .session = {
                        .id = 2,
                        .uuid = (char *) "11111111-0000-4000-8000-000000000002",
                        .device_address = (char *) "AA:BB:CC:DD:EE:01",
                        .device_alias = (char *) "pen",
                        .profile = (char *) "omp1",
                        .owner = 1000,
                        .start_boottime_usec = 777000000,
                        .start_realtime_usec = FIXTURE_START_REALTIME,
                        .end_boottime_usec = 777000000 + FIXTURE_LENGTH_USEC,
                        .end_realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC,
                        .end_reason = (char *) "device",
                        .record = 12,
                        .epoch = 3,
                },
                .device_address_type = "random",
                .frames = frames,
                .n_frames = n,
        };

        for (size_t i = 0; i < n; i++)
                frames[i] = (Frame) {
                        .boottime_usec = 777000000 + times[i],
                        .channel = 8,
                        .direction = FRAME_FROM_DEVICE,
                        .size = 2,
                        .data = (const uint8_t *) "\xab\xcd",
                };
        fixture_init(f);
        f->decoder = counting;
        fixture_start(f);
        fixture_begin(f, 1);
        fixture_record(f, 1, 0, 400);
        store_session_end(f->store, 1,
                          &(StoreEnd) { .reason = "user", .boottime_usec = FIXTURE_START_BOOTTIME + FIXTURE_LENGTH_USEC,
                                        .realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC, .record = 12, .epoch = 3 },
                          NULL, NULL);
        store_record_put(f->store, &record, on_recorded, &told);
        fixture_wait(f, is_recorded, (uintptr_t) &told);
}

/* "The time runs backwards", says who reads it else: what the device kept stands behind what came live, and is written between. */
static void test_a_record_that_was_added(void) {
        static const uint64_t times[] = { 0, 101001, 500001, 500001, 900001, 20000000 };
        static const struct {
                StoreFormat format;
                const char *before, *kept, *after;
                unsigned n_rows;
        } cases[] = {
                { STORE_FORMAT_TAPE, "\n0.10000", "\n0.101001 < racp ab cd\n", "\n0.1025", 407 },
                { STORE_FORMAT_JSON, "\n{\"t\": 10000", "\n{\"t\": 101001,", "\n{\"t\": 1025", 406 },
                { STORE_FORMAT_CSV, "\n10000", "\n101001,8,43\r\n", "\n1025", 406 },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *before, *kept, *after;
                Fixture f;
                Tape t;

                make_merged(&f, times, G_N_ELEMENTS(times));
                start_as(&f, &t, (StoreExport) { .id = 1, .format = cases[i].format, .head = &head, .to_usec = UINT64_MAX });
                wait_over(&f, &t);
                g_assert_cmpint(t.count_error, ==, 0);
                g_assert_cmpint(t.end_error, ==, 0);
                g_assert_cmpuint(t.n_rows, ==, cases[i].n_rows);
                before = strstr(t.text->str, cases[i].before);
                kept = strstr(t.text->str, cases[i].kept);
                after = strstr(t.text->str, cases[i].after);
                g_assert_true(before && kept && after);
                g_assert_true(before < kept && kept < after);
                done(&t);
                start_as(&f, &t,
                         (StoreExport) { .id = 1, .format = cases[i].format, .head = &head, .from_usec = 101001, .to_usec = 501000 });
                wait_over(&f, &t);
                g_assert_cmpint(t.end_error, ==, 0);
                g_assert_cmpuint(t.n_rows, ==, 160 + 3); /* 102.5 … 500 ms, and of the record */
                done(&t);
                fixture_stop(&f);
                fixture_done(&f);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/export-formats/csv", test_csv);
        g_test_add_func("/export-formats/csv-resampled", test_csv_resampled);
        g_test_add_func("/export-formats/csv-of-what-nobody-can-decode", test_csv_of_what_nobody_can_decode);
        g_test_add_func("/export-formats/csv-says-where-it-is-damaged", test_csv_says_where_it_is_damaged);
        g_test_add_func("/export-formats/json", test_json);
        g_test_add_func("/export-formats/what-waits-is-bounded", test_what_waits_is_bounded);
        g_test_add_func("/export-formats/json-of-other-frames", test_json_of_other_frames);
        g_test_add_func("/export-formats/json-names-its-channels", test_json_names_its_channels);
        g_test_add_func("/export-formats/a-record-that-was-added", test_a_record_that_was_added);
        return g_test_run();
}
