/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* docs/profile.md cannot drift from the code: each of its examples is decoded, all its fields are compared, and it is encoded
 * again to the very octets. Its last section says how examples are written. The tables of numbers are compared with the code's
 * words. */

#include "codec-test.h"
#include "needled/omp-control.h"
#include "needled/omp-records.h"
#include "needled/omp-words.h"

#define EXAMPLES_MIN 119u
#define VALUES_MAX 16u

typedef struct Example {
        unsigned line;          /* of the document */
        char **words;           /* of the fence, after "omp" */
        Value values[VALUES_MAX];
        size_t n;
        GString *fields;        /* as they stand in the document, comments and spaces taken off */
} Example;

/* Writes the fields of a value as the document has them, and encodes it again. Returns the decoder's error, or how many octets
 * the encoder made: 0 if there is no way back. */
typedef int (*Turn)(const Example *example, GString *fields, uint8_t *buf);

static bool example_has(const Example *example, const char *word) {
        return g_strv_contains((const char *const *) example->words, word);
}

static void put(GString *s, const char *name, long long value) {
        g_string_append_printf(s, "%s = %lld\n", name, value);
}

static void put_word(GString *s, const char *name, OmpVocabulary vocabulary, uint32_t number) {
        char buf[OMP_WORD_SIZE];

        g_string_append_printf(s, "%s = %s\n", name, omp_word(vocabulary, number, buf));
}

static void put_force(GString *s, const char *name, int16_t force) {
        if (force == OMP_FORCE_UNKNOWN)
                g_string_append_printf(s, "%s = not available\n", name);
        else
                put(s, name, force);
}

static void put_known(GString *s, const char *name, uint16_t value) {
        if (value == OMP_U16_UNKNOWN)
                g_string_append_printf(s, "%s = unknown\n", name);
        else
                put(s, name, value);
}

static void put_flags(GString *s, const char *name, OmpVocabulary vocabulary, uint32_t flags) {
        g_string_append_printf(s, "%s =", name);
        for (unsigned bit = 0; bit < 32; bit++) {
                char buf[OMP_WORD_SIZE];

                if (flags & 1u << bit)
                        g_string_append_printf(s, " %s", omp_word(vocabulary, bit, buf));
        }
        g_string_append(s, flags == 0 ? " none\n" : "\n");
}

static void put_elapsed(GString *s, const OmpElapsed *elapsed) {
        uint64_t usec;

        put_flags(s, "time_flags", OMP_WORDS_ELAPSED_FLAG, elapsed->flags & ~(uint32_t) OMP_ELAPSED_RESOLUTION);
        put(s, "unit_usec", omp_resolution_usec(omp_elapsed_resolution(elapsed)));
        put(s, "count", (long long) elapsed->count);
        put_word(s, "source", OMP_WORDS_CLOCK_SOURCE, elapsed->source);
        put(s, "offset_quarters", elapsed->offset_quarters);
        if (omp_elapsed_to_realtime(elapsed, &usec) == 0) {
                g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64) (usec / 1000000));
                g_autofree char *text = g_date_time_format(time, "%Y-%m-%d %H:%M:%S");

                g_string_append_printf(s, "utc = %s.%06u\n", text, (unsigned) (usec % 1000000));
        } else
                g_string_append(s, "utc = none\n");
}

#define DECODE_VALUE(decode, ret)                                                  \
        do {                                                                       \
                int _r = DECODE(decode, &example->values[0], (ret));               \
                if (_r < 0)                                                        \
                        return _r;                                                 \
        } while (0)

static int turn_feature(const Example *example, GString *s, uint8_t *buf) {
        OmpFeature feature;

        DECODE_VALUE(omp_feature_decode, &feature);
        put(s, "major", feature.major);
        put(s, "minor", feature.minor);
        put_flags(s, "features", OMP_WORDS_FEATURE, feature.bits);
        put_word(s, "kind", OMP_WORDS_KIND, feature.kind);
        put(s, "needles", feature.needles);
        put(s, "full_scale_mn", feature.full_scale_mn);
        put(s, "area_centi_mm2", feature.area_centi_mm2);
        put(s, "sample_rate_hz", feature.sample_rate_hz);
        put(s, "max_depth_um", feature.max_depth_um);
        put(s, "capacity", feature.capacity);
        return omp_feature_encode(&feature, buf, OMP_VALUE_MAX);
}

static int turn_live(const Example *example, GString *s, uint8_t *buf) {
        static const char *const contact[] = { "not supported", "not supported", "no", "yes" };
        OmpLive live;

        DECODE_VALUE(omp_live_decode, &live);
        put_flags(s, "flags", OMP_WORDS_LIVE_FLAG, live.flags & ~(uint32_t) OMP_LIVE_CONTACT_MASK);
        g_string_append_printf(s, "contact = %s\n", contact[(live.flags & OMP_LIVE_CONTACT_MASK) >> 8]);
        put(s, "sequence", live.sequence);
        put(s, "tick", live.tick);
        put_force(s, "force_mean_mn", live.force_mean_mn);
        put_force(s, "force_peak_mn", live.force_peak_mn);
        put(s, "strokes", live.strokes);
        put(s, "last_stroke", live.last_stroke);
        if (live.flags & OMP_LIVE_DEPTH)
                put(s, "depth_um", live.depth_um);
        if (live.flags & OMP_LIVE_RATE)
                put(s, "rate_per_min", live.rate_per_min);
        if (live.flags & OMP_LIVE_CURRENT)
                put(s, "current_ma", live.current_ma);
        if (live.flags & OMP_LIVE_DISTANCE)
                put(s, "distance_mm", live.distance_mm);
        if (live.flags & OMP_LIVE_CONTACT_TIME)
                put(s, "contact_ms", live.contact_ms);
        if (live.flags & OMP_LIVE_AREA)
                put_word(s, "area", OMP_WORDS_AREA, live.area);
        if (live.flags & OMP_LIVE_PASSES)
                put(s, "passes", live.passes);
        return omp_live_encode(&live, buf, OMP_VALUE_MAX);
}

static int turn_waveform(const Example *example, GString *s, uint8_t *buf) {
        OmpWaveform waveform;

        DECODE_VALUE(omp_waveform_decode, &waveform);
        put(s, "sequence", waveform.sequence);
        put(s, "tick", waveform.tick);
        put(s, "period_usec", waveform.period_usec);
        put_word(s, "encoding", OMP_WORDS_ENCODING, waveform.encoding);
        put_word(s, "channel", OMP_WORDS_CHANNEL, waveform.channel);
        put(s, "lost_before", waveform.lost_before);
        put(s, "crc", waveform.crc);
        g_string_append(s, "samples =");
        for (unsigned i = 0; i < waveform.n; i++)
                g_string_append_printf(s, " %d", waveform.samples[i]);
        g_string_append(s, "\n");
        return omp_waveform_encode(&waveform, buf, OMP_VALUE_MAX);
}

static int turn_event(const Example *example, GString *s, uint8_t *buf) {
        OmpEvent event;

        DECODE_VALUE(omp_event_decode, &event);
        put_word(s, "code", OMP_WORDS_EVENT, event.code);
        put_word(s, "severity", OMP_WORDS_SEVERITY, event.severity);
        put(s, "asserted", event.asserted);
        put(s, "replayed", event.replayed);
        put(s, "crc", event.crc);
        put(s, "sequence", event.sequence);
        put(s, "tick", event.tick);
        put(s, "value", event.value);
        return omp_event_encode(&event, buf, OMP_VALUE_MAX);
}

static int turn_status(const Example *example, GString *s, uint8_t *buf) {
        OmpStatus status;

        DECODE_VALUE(omp_status_decode, &status);
        put_word(s, "state", OMP_WORDS_STATE, status.state);
        put_flags(s, "flags", OMP_WORDS_STATUS_FLAG, status.flags);
        put(s, "session_id", status.session_id);
        put(s, "session_seconds", status.session_seconds);
        put(s, "session_strokes", status.session_strokes);
        put_known(s, "depth_um", status.depth_um);
        put_known(s, "motor_per_min", status.motor_per_min);
        put_known(s, "cartridge_uses", status.cartridge_uses);
        return omp_status_encode(&status, buf, OMP_VALUE_MAX);
}

static int turn_clock(const Example *example, GString *s, uint8_t *buf) {
        OmpClock clock;

        DECODE_VALUE(omp_clock_decode, &clock);
        put(s, "tick", clock.tick);
        put_elapsed(s, &clock.elapsed);
        return omp_clock_encode(&clock, buf, OMP_VALUE_MAX);
}

static int turn_clock_write(const Example *example, GString *s, uint8_t *buf) {
        OmpElapsed elapsed;
        int r = DECODE(omp_clock_write_decode, &example->values[0], &elapsed);

        if (r != 0) {
                put_word(s, "att_error", OMP_WORDS_ATT_ERROR, (uint32_t) r);
                return 0;
        }
        put_elapsed(s, &elapsed);
        return omp_clock_write_encode(&elapsed, buf, OMP_VALUE_MAX);
}

static void put_parameter(GString *s, uint8_t parameter) {
        put_word(s, "parameter", OMP_WORDS_PARAMETER, parameter);
}

static int turn_request(const Example *example, GString *s, uint8_t *buf) {
        const Value *v = &example->values[0];
        g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);
        bool crc = example_has(example, "crc");
        OmpRequest request;
        OmpResult result;
        int r = omp_request_decode(copy, v->size, crc, &request, &result);

        if (r != 0) {
                put_word(s, "att_error", OMP_WORDS_ATT_ERROR, (uint32_t) r);
                return 0;
        }
        put_word(s, "op", OMP_WORDS_OP, request.op);
        if (result != OMP_RESULT_OK) {
                put_word(s, "result", OMP_WORDS_RESULT, result);
                return 0;
        }
        if (request.op == OMP_OP_GET || request.op == OMP_OP_SET)
                put_parameter(s, request.parameter);
        if (request.op == OMP_OP_SET)
                put(s, "value", request.value);
        if (request.op == OMP_OP_START || request.op == OMP_OP_AREA)
                put_word(s, "area", OMP_WORDS_AREA, request.area);
        if (request.op == OMP_OP_SIGNAL) {
                put_flags(s, "pattern", OMP_WORDS_FEEDBACK, request.pattern);
                put(s, "duration_10ms", request.duration_10ms);
        }
        if (request.op == OMP_OP_IDENTIFY)
                put(s, "seconds", request.seconds);
        if (request.op == OMP_OP_TRACE) {
                put(s, "record", request.record);
                put(s, "first_entry", request.first_entry);
        }
        return omp_request_encode(&request, crc, buf, OMP_VALUE_MAX);
}

static int turn_response(const Example *example, GString *s, uint8_t *buf) {
        const Value *v = &example->values[0];
        g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);
        bool crc = example_has(example, "crc");
        OmpResponse response;
        int r = omp_response_decode(copy, v->size, crc, &response);

        if (r < 0)
                return r;
        put_word(s, "op", OMP_WORDS_OP, response.op);
        put_word(s, "result", OMP_WORDS_RESULT, response.result);
        if (response.has_value) {
                put_parameter(s, response.parameter);
                put(s, "value", response.value);
        }
        if (response.result == OMP_RESULT_OK && (response.op == OMP_OP_START || response.op == OMP_OP_STOP))
                put(s, "session_id", response.session_id);
        if (response.result == OMP_RESULT_OK && response.op == OMP_OP_TRACE)
                put(s, "next_entry", response.next_entry);
        return omp_response_encode(&response, crc, buf, OMP_VALUE_MAX);
}

static int turn_racp_request(const Example *example, GString *s, uint8_t *buf) {
        const Value *v = &example->values[0];
        g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);
        OmpRacpRequest request;
        OmpRacpCode code;
        int r = omp_racp_request_decode(copy, v->size, &request, &code);

        if (r != 0) {
                put_word(s, "att_error", OMP_WORDS_ATT_ERROR, (uint32_t) r);
                return 0;
        }
        put_word(s, "op", OMP_WORDS_RACP_OP, request.op);
        if (code != OMP_RACP_SUCCESS) {
                put_word(s, "code", OMP_WORDS_RACP_CODE, code);
                return 0;
        }
        put_word(s, "operator", OMP_WORDS_RACP_OPERATOR, request.operator_);
        if (request.operator_ == OMP_RACP_AT_LEAST || request.operator_ == OMP_RACP_RANGE)
                put(s, "first", request.first);
        if (request.operator_ == OMP_RACP_AT_MOST || request.operator_ == OMP_RACP_RANGE)
                put(s, "last", request.last);
        return omp_racp_request_encode(&request, buf, OMP_VALUE_MAX);
}

static int turn_racp_response(const Example *example, GString *s, uint8_t *buf) {
        OmpRacpResponse response;

        DECODE_VALUE(omp_racp_response_decode, &response);
        put_word(s, "op", OMP_WORDS_RACP_OP, response.op);
        if (response.op == OMP_RACP_COUNT_RESPONSE)
                put(s, "count", response.count);
        else {
                put_word(s, "request_op", OMP_WORDS_RACP_OP, response.request_op);
                put_word(s, "code", OMP_WORDS_RACP_CODE, response.code);
        }
        return omp_racp_response_encode(&response, buf, OMP_VALUE_MAX);
}

static void put_record(GString *s, const OmpRecord *record) {
        put_flags(s, "flags", OMP_WORDS_RECORD_FLAG, record->flags);
        put(s, "record", record->number);
        put_elapsed(s, &record->start);
        put(s, "duration_sec", record->duration_sec);
        put(s, "contact_sec", record->contact_sec);
        put(s, "strokes", record->strokes);
        put(s, "passes", record->passes);
        put(s, "distance_mm", record->distance_mm);
        put_force(s, "force_mean_mn", record->force_mean_mn);
        put_force(s, "force_p95_mn", record->force_p95_mn);
        put_force(s, "force_peak_mn", record->force_peak_mn);
        put(s, "over_count", record->over_count);
        put(s, "over_100ms", record->over_100ms);
        put_known(s, "depth_um", record->depth_um);
        put_known(s, "depth_max_um", record->depth_max_um);
        put(s, "rate_per_min", record->rate_per_min);
        put_word(s, "area", OMP_WORDS_AREA, record->area);
        put(s, "cartridge_id", record->cartridge_id);
        put_known(s, "cartridge_uses", record->cartridge_uses);
        put(s, "battery_start", record->battery_start);
        put(s, "battery_end", record->battery_end);
}

static void put_trace(GString *s, const OmpTrace *trace) {
        put(s, "last", trace->last);
        put(s, "record", trace->record);
        put(s, "first_entry", trace->first_entry);
        put(s, "period_10ms", trace->period_10ms);
        g_string_append(s, "entries =");
        for (unsigned i = 0; i < trace->n; i++)
                g_string_append_printf(s, " %d/%d/%u", trace->entries[i].force_mean_mn, trace->entries[i].force_peak_mn,
                                       trace->entries[i].strokes);
        g_string_append(s, trace->n == 0 ? " none\n" : "\n");
}

static int turn_octets(const uint8_t *octets, size_t size, GString *s, uint8_t *buf) {
        g_autofree uint8_t *copy = g_memdup2(octets, size);
        OmpBody body;
        int r = omp_body_decode(copy, size, &body);

        if (r < 0)
                return r;
        put_word(s, "body", OMP_WORDS_BODY, body.type);
        if (body.type == OMP_BODY_RECORD) {
                put_record(s, &body.record);
                return omp_record_encode(&body.record, buf, OMP_VALUE_MAX);
        }
        if (body.type == OMP_BODY_TRACE) {
                put_trace(s, &body.trace);
                return omp_trace_encode(&body.trace, buf, OMP_VALUE_MAX);
        }
        return 0;
}

static int turn_body(const Example *example, GString *s, uint8_t *buf) {
        return turn_octets(example->values[0].octets, example->values[0].size, s, buf);
}

/* Several values of Session Data, in the order in which they come; what is whole is decoded. The way back is a segmenter whose
 * values are as long as the first one. */
static int turn_segments(const Example *example, GString *s, uint8_t *buf) {
        static const char *const what_names[] = { NULL, "lost", "duplicate", "unended", "orphan", "too-long", "dropped" };
        g_autofree OmpReassembler *reassembler = g_new0(OmpReassembler, 1);
        OmpSegmenter segmenter = {};

        for (size_t i = 0; i < example->n; i++) {
                const Value *v = &example->values[i];
                g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);
                unsigned lost;
                int what = omp_reassembler_push(reassembler, copy, v->size, &lost), size;

                if (what < 0)
                        return what;
                for (unsigned bit = 1; bit < G_N_ELEMENTS(what_names); bit++)
                        if (what & 1 << bit)
                                put(s, what_names[bit], what & 1 << bit & OMP_SEGMENT_LOST ? (int) lost : 1);
                if (!(what & OMP_SEGMENT_BODY))
                        continue;
                size = turn_octets(reassembler->body, reassembler->size, s, buf);
                if (size < 0)
                        return size;
                if (example_has(example, "receive"))
                        continue;
                g_assert_cmpint(omp_segmenter_begin(&segmenter, buf, (size_t) size), ==, 0);
                for (size_t k = 0; k < example->n; k++)
                        ASSERT_ENCODES_VALUE(omp_segmenter_next, &segmenter, example->values[0].size, &example->values[k]);
                g_assert_true(omp_segmenter_done(&segmenter));
        }

        return 0;
}

static const struct {
        const char *name;
        Turn turn;
} shapes[] = {
        { "feature", turn_feature },
        { "live", turn_live },
        { "waveform", turn_waveform },
        { "event", turn_event },
        { "status", turn_status },
        { "clock", turn_clock },
        { "clock-write", turn_clock_write },
        { "request", turn_request },
        { "response", turn_response },
        { "racp-request", turn_racp_request },
        { "racp-response", turn_racp_response },
        { "body", turn_body },
        { "segments", turn_segments },
};

static const char *error_name(int r) {
        return r == -EMSGSIZE     ? "length"
               : r == -EBADMSG    ? "crc"
               : r == -EPROTO     ? "malformed"
               : r == -EOPNOTSUPP ? "major"
                                  : g_strerror(-r);
}

static Turn find_turn(const char *name) {
        for (size_t i = 0; name && i < G_N_ELEMENTS(shapes); i++)
                if (strcmp(shapes[i].name, name) == 0)
                        return shapes[i].turn;

        return NULL;
}

static void check_example(const Example *example) {
        Turn turn = find_turn(example->words[0]);
        g_autoptr(GString) fields = g_string_new(NULL);
        uint8_t buf[OMP_VALUE_MAX];
        int r;

        g_test_message("line %u", example->line);
        g_assert_nonnull(turn);
        g_assert_cmpuint(example->n, >, 0);
        r = turn(example, fields, buf);
        if (r < 0) {
                g_string_truncate(fields, 0);
                g_string_append_printf(fields, "error = %s\n", error_name(r));
        }
        g_assert_cmpstr(example->fields->str, ==, fields->str);

        /* What no device sends is only received, and what was refused has no way back. */
        if (r > 0 && !example_has(example, "receive")) {
                g_assert_cmpuint(example->n, ==, 1);
                g_assert_cmpmem(buf, (size_t) r, example->values[0].octets, example->values[0].size);
        }
}

/* ---- Reading the document ---- */

static void example_clear(Example *example) {
        g_clear_pointer(&example->words, g_strfreev);
        if (example->fields)
                g_string_free(example->fields, TRUE);
        *example = (Example) {};
}

static char *read_document(void) {
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "docs", "profile.md", NULL);
        g_autoptr(GError) error = NULL;
        char *text;

        g_file_get_contents(path, &text, NULL, &error);
        g_assert_no_error(error);
        return text;
}

/* A line of a block: octets, or a field with a comment behind it. */
static void example_line(Example *example, const char *line) {
        g_auto(GStrv) halves = g_strsplit(line, "#", 2);
        char *text = g_strstrip(halves[0] ? halves[0] : (char[]) { "" });

        if (*text == '\0')
                return;
        if (strchr(text, '=')) {
                g_string_append_printf(example->fields, "%s\n", text);
                return;
        }
        g_assert_cmpuint(example->n, <, VALUES_MAX);
        g_assert_cmpuint(example->fields->len, ==, 0);
        example->values[example->n++] = value_from_hex(strcmp(text, "none") == 0 ? "" : text);
}

static void examples_hold(void) {
        g_autofree char *text = read_document();
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autoptr(GString) value = g_string_new(NULL);
        Example example = {};
        unsigned n = 0;

        for (unsigned i = 0; lines[i]; i++) {
                if (!example.fields) {
                        if (!g_str_has_prefix(lines[i], "```omp "))
                                continue;
                        example.line = i + 1;
                        example.words = g_strsplit(lines[i] + strlen("```omp "), " ", -1);
                        example.fields = g_string_new(NULL);
                } else if (g_str_has_prefix(lines[i], "```")) {
                        check_example(&example);
                        example_clear(&example);
                        n++;
                } else if (g_str_has_suffix(lines[i], "\\")) { /* the value goes on in the next line */
                        g_string_append_len(value, lines[i], (gssize) strlen(lines[i]) - 1);
                } else {
                        g_string_append(value, lines[i]);
                        example_line(&example, value->str);
                        g_string_truncate(value, 0);
                }
        }

        g_assert_null(example.fields); /* the last block has an end */
        g_test_message("%u examples", n);
        g_assert_cmpuint(n, >=, EXAMPLES_MIN);
}

/* ---- The tables ---- */

static void assert_row(const char *text, const char *row) {
        if (!strstr(text, row))
                g_error("docs/profile.md has no row beginning with %s", row);
}

static void tables_of_numbers(void) {
        static const struct {
                OmpVocabulary vocabulary;
                bool hex;
                uint32_t first, last;
        } tables[] = {
                { OMP_WORDS_KIND, false, 0, 255 },
                { OMP_WORDS_FEATURE, false, 0, 31 },
                { OMP_WORDS_STATE, false, 0, 255 },
                { OMP_WORDS_SEVERITY, false, 0, 255 },
                { OMP_WORDS_CLOCK_SOURCE, false, 0, 255 },
                { OMP_WORDS_AREA, false, 0, 22 },
                { OMP_WORDS_EVENT, true, 0, 255 },
                { OMP_WORDS_OP, true, 0, 0x1f },
                { OMP_WORDS_OP, true, 0x21, 255 },
                { OMP_WORDS_RESULT, false, 0, 255 },
                { OMP_WORDS_ATT_ERROR, true, 0, 255 },
                { OMP_WORDS_RACP_OP, false, 0, 255 },
                { OMP_WORDS_RACP_OPERATOR, false, 0, 255 },
                { OMP_WORDS_RACP_CODE, false, 0, 255 },
                { OMP_WORDS_BODY, false, 0, 255 },
        };
        g_autofree char *text = read_document();

        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
                for (uint32_t number = tables[i].first; number <= tables[i].last; number++) {
                        const char *name = omp_name(tables[i].vocabulary, number);
                        g_autofree char *row = NULL;

                        if (!name)
                                continue;
                        row = tables[i].hex ? g_strdup_printf("| 0x%02x | `%s` |", number, name)
                                            : g_strdup_printf("| %u | `%s` |", number, name);
                        assert_row(text, row);
                }
}

static void table_of_parameters(void) {
        static const char *const types[] = { [OMP_TYPE_U8] = "u8", [OMP_TYPE_U16] = "u16", [OMP_TYPE_S16] = "s16" };
        g_autofree char *text = read_document();

        for (uint8_t id = 1; id < _OMP_PARAMETER_MAX; id++) {
                const OmpParameterInfo *info = omp_parameter_info(id);
                g_autofree char *max = id == OMP_PARAMETER_WAVEFORM_RATE ? g_strdup("sample rate")
                                       : info->type == OMP_TYPE_S16      ? g_strdup("full scale")
                                                                         : g_strdup_printf("%d", info->max);
                g_autofree char *row = g_strdup_printf("| 0x%02x | `%s` | %s | %s | %d | %s | %d | %d |", id, info->name,
                                                       types[info->type], *info->unit ? info->unit : "–", info->min, max,
                                                       info->at_boot, info->at_boot_roller);

                assert_row(text, row);
        }
}

static void table_of_characteristics(void) {
        g_autofree char *text = read_document();

        g_assert_nonnull(strstr(text, OMP_SERVICE_UUID));
        for (int c = 0; c < _OMP_CHAR_MAX; c++)
                g_assert_nonnull(strstr(text, omp_char_uuid((OmpChar) c)));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/document/examples-hold", examples_hold);
        g_test_add_func("/document/tables-of-numbers", tables_of_numbers);
        g_test_add_func("/document/table-of-parameters", table_of_parameters);
        g_test_add_func("/document/table-of-characteristics", table_of_characteristics);
        return g_test_run();
}
