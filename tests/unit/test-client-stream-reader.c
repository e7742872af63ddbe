/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "client/stream-reader.h"
#include "client/watch-json.h"
#include "client/json.h"

/* Messages as the daemon makes them. */
static void put_head(GByteArray *m, uint16_t type, size_t body, uint32_t dropped) {
        struct needled_stream_head head = { htole16(type), htole16((uint16_t) (sizeof head + body)),
                                            htole32(dropped), htole64(1500000), htole64(1770127530000000) };

        g_byte_array_append(m, (const uint8_t *) &head, sizeof head);
}

static void put_record(GByteArray *m, uint16_t type, const void *body, size_t size, uint32_t dropped) {
        static const uint8_t zeros[8];
        size_t padding = (8 - size % 8) % 8;

        put_head(m, type, size + padding, dropped);
        g_byte_array_append(m, body, (guint) size);
        g_byte_array_append(m, zeros, (guint) padding);
}

static double le_double(double d) {
        uint64_t bits;

        memcpy(&bits, &d, sizeof bits);
        bits = htole64(bits);
        memcpy(&d, &bits, sizeof bits);
        return d;
}

static const struct needled_stream_live *sample_live(void) {
        static struct needled_stream_live live;

        live = (struct needled_stream_live){
                .present = htole32(NEEDLED_STREAM_HAS_FORCE | NEEDLED_STREAM_HAS_STROKES |
                                   NEEDLED_STREAM_HAS_RATE | NEEDLED_STREAM_HAS_CONTACT |
                                   NEEDLED_STREAM_HAS_AREA),
                .flags = htole32(NEEDLED_STREAM_IN_CONTACT | NEEDLED_STREAM_MOTOR),
                .force_mean_mn = (int32_t) htole32(850),
                .force_peak_mn = (int32_t) htole32((uint32_t) -12),
                .strokes = htole64(123456),
                .stroke_rate = le_double(7004.5),
                .area = 3,
        };
        return &live;
}

static int next(const GByteArray *m, size_t *offset, StreamRecord *ret) {
        return stream_reader_next(m->data, m->len, offset, ret);
}

static void assert_json(const StreamRecord *record, const char *expected) {
        json_auto *json = watch_json(record, 42);
        g_autofree char *line = NULL;

        if (!expected) {
                g_assert_null(json);
                return;
        }
        line = json_line(json);
        g_assert_cmpstr(line, ==, expected);
}

static void test_a_message_of_several_records(void) {
        g_autoptr(GByteArray) m = g_byte_array_new();
        struct needled_stream_hello hello = { htole32(1), 0, htole64(42), htole64(1770127528500000) };
        struct needled_stream_end end = { .reason = 1 };
        StreamRecord record;
        size_t offset = 0;

        put_record(m, NEEDLED_STREAM_HELLO, &hello, sizeof hello, 0);
        put_record(m, NEEDLED_STREAM_LIVE, sample_live(), sizeof(struct needled_stream_live), 3);
        put_record(m, NEEDLED_STREAM_END, &end, sizeof end, 0);

        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpuint(record.hello.session_id, ==, 42);
        assert_json(&record, "{\"type\":\"hello\",\"session\":42,\"time\":1500000,\"realtime\":"
                             "1770127530000000,\"start\":1770127528500000}");

        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpuint(record.dropped, ==, 3);
        g_assert_cmpint(record.live.force_peak_mn, ==, -12);
        assert_json(&record, "{\"type\":\"live\",\"session\":42,\"time\":1500000,\"realtime\":"
                             "1770127530000000,\"dropped\":3,"
                             "\"force\":850,\"force_peak\":-12,\"strokes\":123456,\"stroke_rate\":7004.5,"
                             "\"contact\":true,"
                             "\"area\":\"cheek-left\",\"overpressure\":false,\"motor\":true,\"saturated\":"
                             "false,\"device_dropped\":false}");

        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"end\",\"session\":42,\"time\":1500000,\"realtime\":"
                             "1770127530000000,\"reason\":\"device\"}");
        g_assert_cmpint(next(m, &offset, &record), ==, 0);
        g_assert_cmpint(next(m, &offset, &record), ==, 0);
}

static void test_events_states_and_gaps(void) {
        g_autoptr(GByteArray) m = g_byte_array_new();
        struct needled_stream_event event = {
                .code = 1, .severity = 2, .asserted = 1, .value = (int32_t) htole32(5210)
        };
        struct needled_stream_event unknown = { .code = 0x99, .severity = 7, .value = (int32_t) htole32(1) };
        struct needled_stream_state state = { .state = NEEDLED_STREAM_STATE_INTERRUPTED };
        struct needled_stream_gap gap = { htole64(10), htole64(20), htole32(4), 1, {} };
        StreamRecord record;
        size_t offset = 0;

        put_record(m, NEEDLED_STREAM_EVENT, &event, sizeof event, 0);
        put_record(m, NEEDLED_STREAM_EVENT, &unknown, sizeof unknown, 0);
        put_record(m, NEEDLED_STREAM_STATE, &state, sizeof state, 0);
        put_record(m, NEEDLED_STREAM_GAP, &gap, sizeof gap, 0);

        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record,
                    "{\"type\":\"event\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,"
                    "\"code\":1,"
                    "\"event\":\"overpressure\",\"severity\":\"warning\",\"asserted\":true,\"value\":5210}");
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record,
                    "{\"type\":\"event\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,"
                    "\"code\":153,"
                    "\"event\":\"unknown-153\",\"severity\":\"unknown-7\",\"asserted\":false,\"value\":1}");
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"state\",\"session\":42,\"time\":1500000,\"realtime\":"
                             "1770127530000000,\"state\":\"interrupted\"}");
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"gap\",\"session\":42,\"time\":1500000,\"realtime\":"
                             "1770127530000000,\"from\":10,\"to\":20,"
                             "\"stream\":\"live\",\"lost\":4}");
}

static void put_mark(GByteArray *m, uint16_t length, const char *text) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        struct needled_stream_mark head = { .length = htole16(length) };

        g_byte_array_append(body, (const uint8_t *) &head, sizeof head);
        g_byte_array_append(body, (const uint8_t *) text, (guint) strlen(text));
        put_record(m, NEEDLED_STREAM_MARK, body->data, body->len, 0);
}

static void test_alerts_and_marks(void) {
        struct needled_stream_alert raised = { 0, 2, 1, 1, (int32_t) htole32(3100), htole64(1400000) };
        struct needled_stream_alert unknown = { .code = 200, .level = 9, .raised_usec = htole64(5) };
        g_autoptr(GByteArray) m = g_byte_array_new();
        g_autofree char *text = NULL;
        json_auto *json = NULL;
        StreamRecord record;
        size_t offset = 0;

        put_record(m, NEEDLED_STREAM_ALERT, &raised, sizeof raised, 0);
        put_record(m, NEEDLED_STREAM_ALERT, &unknown, sizeof unknown, 0);
        put_mark(m, 4, "12345678"); /* padding is not of it */
        put_mark(m, 2, "\xff!");
        put_mark(m, 9, "12345678");

        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        json = watch_json(&record, 42);
        text = json_line(json);
        g_assert_true(g_str_has_prefix(text, "{\"type\":\"alert\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,"
                                             "\"code\":\"overpressure\",\"level\":\"warning\",\"raised\":true,\"raised_at\":1400000,"
                                             "\"value\":3100,\"text\":\""));
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"alert\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,"
                             "\"code\":\"unknown\",\"level\":\"unknown\",\"raised\":false,\"raised_at\":5}");
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"mark\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,\"text\":\"1234\"}");
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"mark\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,\"text\":\"\xef\xbf\xbd!\"}");
        g_assert_cmpint(next(m, &offset, &record), ==, -EPROTO);
        g_assert_cmpint(next(m, &offset, &record), ==, 0);
}

/* "Bodies grow at the end only": a service that knew no limits wrote 8 octets. */
static void test_states_with_and_without_zones(void) {
        struct needled_stream_state state = { .state = 1, .stage = 3, .zone_low_mn = (int32_t) htole32(300),
                                              .zone_high_mn = (int32_t) htole32(2000), .overpressure_mn = (int32_t) htole32(3000) };
        g_autoptr(GByteArray) m = g_byte_array_new();
        StreamRecord record;
        size_t offset = 0;

        put_record(m, NEEDLED_STREAM_STATE, &state, sizeof state, 0);
        put_record(m, NEEDLED_STREAM_STATE, &state, 8, 0);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"state\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,\"state\":\"running\","
                             "\"stage\":\"needling\",\"zones\":{\"good\":300,\"high\":2000,\"over\":3000}}");
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        assert_json(&record, "{\"type\":\"state\",\"session\":42,\"time\":1500000,\"realtime\":1770127530000000,\"state\":\"running\","
                             "\"stage\":\"needling\"}");
}

static void put_frame(GByteArray *m, uint16_t length, const void *data, size_t size) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        struct needled_stream_frame head = { .channel = 1, .direction = 2, .length = htole16(length) };

        g_byte_array_append(body, (const uint8_t *) &head, sizeof head);
        g_byte_array_append(body, data, (guint) size);
        put_record(m, NEEDLED_STREAM_FRAME, body->data, body->len, 0);
}

static void test_frames_keep_their_octets(void) {
        g_autoptr(GByteArray) m = g_byte_array_new();
        StreamRecord record;
        size_t offset = 0;

        put_frame(m, 3, "\x01\x00\xff", 3);
        put_frame(m, 0, "", 0);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_true(record.known);
        g_assert_cmpuint(record.frame.head.channel, ==, 1);
        g_assert_cmpuint(record.frame.head.direction, ==, 2);
        g_assert_cmpmem(record.frame.data, record.frame.head.length, "\x01\x00\xff", 3);
        assert_json(&record, NULL); /* --json does not print them */
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpuint(record.frame.head.length, ==, 0);
}

static void test_frames_longer_than_their_record(void) {
        static const uint16_t lengths[] = { 9, 512, UINT16_MAX };

        for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
                g_autoptr(GByteArray) m = g_byte_array_new();
                StreamRecord record;
                size_t offset = 0;

                put_frame(m, lengths[i], "12345678", 8);
                g_assert_cmpint(next(m, &offset, &record), ==, -EPROTO);
                g_assert_cmpint(next(m, &offset, &record), ==, 0);
        }
}

static void put_figures(GByteArray *m, uint64_t present, uint32_t count, uint32_t written) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        struct needled_stream_figures head = { htole64(present), htole32(count), 0 };

        g_byte_array_append(body, (const uint8_t *) &head, sizeof head);
        for (uint32_t i = 0; i < written; i++) {
                bool is_double = i < _FIGURE_MAX && figure_info[i].type == 'd';
                double d = le_double(i + 0.5);
                uint64_t n = htole64(i + 100);

                g_byte_array_append(body, is_double ? (const uint8_t *) &d : (const uint8_t *) &n, 8);
        }
        put_record(m, NEEDLED_STREAM_FIGURES, body->data, body->len, 0);
}

static void test_figures(void) {
        g_autoptr(GByteArray) m = g_byte_array_new();
        StreamRecord record;
        size_t offset = 0;

        put_figures(m, UINT64_C(1) << FIGURE_STROKES | UINT64_C(1) << FIGURE_STROKE_RATE, _FIGURE_MAX,
                    _FIGURE_MAX);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpint(record.figures.value[FIGURE_STROKES].i, ==, FIGURE_STROKES + 100);
        g_assert_cmpfloat(record.figures.value[FIGURE_STROKE_RATE].d, ==, FIGURE_STROKE_RATE + 0.5);
        g_assert_false(figures_has(&record.figures, FIGURE_DURATION));
}

static void test_figures_of_older_and_newer_services(void) {
        g_autoptr(GByteArray) m = g_byte_array_new();
        StreamRecord record;
        size_t offset = 0;

        put_figures(m, UINT64_MAX, 2, 2);
        put_figures(m, UINT64_MAX, 60, 60);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpuint(record.figures.present, ==, 3);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpuint(record.figures.present, ==, (UINT64_C(1) << _FIGURE_MAX) - 1);
}

static void test_figures_that_announce_more_than_there_is(void) {
        static const uint32_t counts[] = { 3, 4, UINT32_MAX / 8 + 1, UINT32_MAX };

        for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
                g_autoptr(GByteArray) m = g_byte_array_new();
                StreamRecord record;
                size_t offset = 0;

                put_figures(m, UINT64_MAX, counts[i], 2);
                g_assert_cmpint(next(m, &offset, &record), ==, -EPROTO);
                g_assert_cmpuint(offset, ==, m->len);
        }
}

static void test_unknown_types_are_skipped(void) {
        g_autoptr(GByteArray) m = g_byte_array_new();
        struct needled_stream_end end = { .reason = 2 };
        StreamRecord record;
        size_t offset = 0;

        put_record(m, 4711, "something new that is long", 26, 2);
        put_record(m, NEEDLED_STREAM_END, &end, sizeof end, 0);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_false(record.known);
        g_assert_cmpuint(record.dropped, ==, 2); /* must not get lost with it */
        assert_json(&record, NULL);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_true(record.known);
        g_assert_cmpuint(record.end.reason, ==, 2);
}

static void test_bodies_may_have_grown(void) {
        g_autoptr(GByteArray) m = g_byte_array_new(), body = g_byte_array_new();
        StreamRecord record;
        size_t offset = 0;

        g_byte_array_append(body, (const uint8_t *) sample_live(), sizeof(struct needled_stream_live));
        g_byte_array_append(body, (const uint8_t *) "a field of a later version, yes!", 32);
        put_record(m, NEEDLED_STREAM_LIVE, body->data, body->len, 0);
        put_record(m, NEEDLED_STREAM_LIVE, sample_live(), sizeof(struct needled_stream_live), 0);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpint(record.live.force_mean_mn, ==, 850);
        g_assert_cmpint(next(m, &offset, &record), ==, 1);
        g_assert_cmpint(record.live.force_mean_mn, ==, 850);
}

static void test_bodies_that_are_too_short(void) {
        static const uint16_t types[] = { NEEDLED_STREAM_HELLO, NEEDLED_STREAM_LIVE, NEEDLED_STREAM_EVENT,
                                          NEEDLED_STREAM_STATE, NEEDLED_STREAM_GAP,  NEEDLED_STREAM_FIGURES,
                                          NEEDLED_STREAM_FRAME, NEEDLED_STREAM_ALERT, NEEDLED_STREAM_MARK,
                                          NEEDLED_STREAM_END };

        for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
                g_autoptr(GByteArray) m = g_byte_array_new();
                struct needled_stream_end end = { .reason = 3 };
                StreamRecord record;
                size_t offset = 0;

                put_record(m, types[i], NULL, 0, 0);
                put_record(m, NEEDLED_STREAM_END, &end, sizeof end, 0);
                g_assert_cmpint(next(m, &offset, &record), ==, -EPROTO);
                g_assert_cmpint(next(m, &offset, &record), ==, 1); /* the next one is not lost */
                g_assert_cmpuint(record.end.reason, ==, 3);
        }
}

static void test_sizes_that_cannot_be(void) {
        static const uint16_t sizes[] = { 0, 1, 8, 16, 23, 25, 31, 40, UINT16_MAX, UINT16_MAX - 7 };

        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
                g_autoptr(GByteArray) m = g_byte_array_new();
                uint16_t size = htole16(sizes[i]);
                StreamRecord record;
                size_t offset = 0;

                put_record(m, NEEDLED_STREAM_END, "\1\0\0\0\0\0\0", 8, 0); /* 32 octets in all */
                memcpy(m->data + offsetof(struct needled_stream_head, size), &size, sizeof size);
                g_assert_cmpint(next(m, &offset, &record), ==, -EBADMSG);
                g_assert_cmpint(next(m, &offset, &record), ==, 0); /* and it ends */
        }
}

static void test_every_truncation_ends(void) {
        g_autoptr(GByteArray) m = g_byte_array_new();

        put_record(m, NEEDLED_STREAM_LIVE, sample_live(), sizeof(struct needled_stream_live), 0);
        put_figures(m, UINT64_MAX, _FIGURE_MAX, _FIGURE_MAX);
        for (size_t size = 0; size <= m->len; size++) {
                g_autofree uint8_t *copy = g_memdup2(m->data, size); /* so that ASan sees a step too far */
                StreamRecord record;
                size_t offset = 0;
                int r, n = 0;

                while ((r = stream_reader_next(copy, size, &offset, &record)) > 0)
                        n++;
                g_assert_cmpint(n, ==, size == m->len ? 2 : size >= 64 ? 1 : 0);
                g_assert_cmpint(r, ==, size == 0 || size == 64 || size == m->len ? 0 : -EBADMSG);
        }
}

static void test_any_octets_end(void) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(1);

        for (unsigned round = 0; round < 20000; round++) {
                size_t size = (size_t) g_rand_int_range(rand, 0, 400), offset = 0, steps = 0;
                g_autofree uint8_t *data = g_malloc0(size + 1), *exact = NULL;
                StreamRecord record = {};

                for (size_t i = 0; i < size; i++)
                        data[i] = (uint8_t) g_rand_int(rand);
                /* Heads that are nearly right get further. */
                if (size >= 4 && round % 2) {
                        data[0] = (uint8_t) g_rand_int_range(rand, 0, 13);
                        data[1] = 0;
                        data[2] = (uint8_t) (g_rand_int_range(rand, 2, 32) * 8);
                        data[3] = 0;
                }

                exact = g_memdup2(data, size);
                while (stream_reader_next(exact, size, &offset, &record) != 0) {
                        g_assert_cmpuint(offset, <=, size);
                        g_assert_cmpuint(++steps, <=, size / 24 + 1);
                        if (record.known)
                                json_decref(watch_json(&record, 1));
                        record = (StreamRecord) {};
                }
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-stream-reader/a-message-of-several-records",
                        test_a_message_of_several_records);
        g_test_add_func("/client-stream-reader/events-states-and-gaps", test_events_states_and_gaps);
        g_test_add_func("/client-stream-reader/alerts-and-marks", test_alerts_and_marks);
        g_test_add_func("/client-stream-reader/states-with-and-without-zones", test_states_with_and_without_zones);
        g_test_add_func("/client-stream-reader/frames-keep-their-octets", test_frames_keep_their_octets);
        g_test_add_func("/client-stream-reader/frames-longer-than-their-record", test_frames_longer_than_their_record);
        g_test_add_func("/client-stream-reader/figures", test_figures);
        g_test_add_func("/client-stream-reader/figures-of-older-and-newer-services",
                        test_figures_of_older_and_newer_services);
        g_test_add_func("/client-stream-reader/figures-that-announce-more-than-there-is",
                        test_figures_that_announce_more_than_there_is);
        g_test_add_func("/client-stream-reader/unknown-types-are-skipped", test_unknown_types_are_skipped);
        g_test_add_func("/client-stream-reader/bodies-may-have-grown", test_bodies_may_have_grown);
        g_test_add_func("/client-stream-reader/bodies-that-are-too-short", test_bodies_that_are_too_short);
        g_test_add_func("/client-stream-reader/sizes-that-cannot-be", test_sizes_that_cannot_be);
        g_test_add_func("/client-stream-reader/every-truncation-ends", test_every_truncation_ends);
        g_test_add_func("/client-stream-reader/any-octets-end", test_any_octets_end);
        return g_test_run();
}
