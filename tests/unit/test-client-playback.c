/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "client/playback.h"
#include "client/names.h"
#include "needled/note.h"
#include "profiles/file.h"

#define S UINT64_C(1000000)

typedef struct Tape {
        GString *text, *told;
        TapeHead head;
        uint64_t now_usec;
        uint16_t sequence;
        uint32_t strokes;
} Tape;

static Tape *tape_new(void) {
        Tape *t = g_new0(Tape, 1);
        char head[TAPE_HEAD_MAX];

        *t = (Tape) { .text = g_string_new(NULL), .told = g_string_new(NULL),
                      .head = { .profile = "omp1", .device = "pen", .start_realtime_usec = UINT64_C(1787423400) * S } };
        g_assert_cmpint(tape_format_head(&t->head, head, sizeof head), >, 0);
        g_string_append(t->text, head);
        return t;
}

static void tape_free(Tape *t) {
        g_string_free(t->text, TRUE);
        g_string_free(t->told, TRUE);
        g_free(t);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tape, tape_free)

static void put(Tape *t, uint8_t direction, uint8_t channel, const uint8_t *data, size_t size) {
        Frame frame = { .boottime_usec = t->now_usec, .realtime_usec = t->head.start_realtime_usec + t->now_usec,
                        .channel = channel, .direction = direction, .size = (uint16_t) size, .data = data };
        char line[TAPE_LINE_MAX];

        g_assert_cmpint(tape_format_frame(&t->head, &frame, 0, line, sizeof line), >, 0);
        g_string_append(t->text, line);
}

static void put_link(Tape *t, FrameLink what) {
        uint8_t data = (uint8_t) what;

        put(t, FRAME_OF_LINK, 0, &data, 1);
}

static void put_feature(Tape *t, OmpKind kind) {
        OmpFeature feature = { .major = 1, .kind = kind, .needles = 12, .full_scale_mn = 5000,
                               .bits = OMP_FEATURE_FORCE | OMP_FEATURE_CONTACT | OMP_FEATURE_STROKES };
        uint8_t buf[OMP_VALUE_MAX];
        int n = omp_feature_encode(&feature, buf, sizeof buf);

        g_assert_cmpint(n, >, 0);
        put(t, FRAME_FROM_DEVICE, OMP_CHAR_FEATURE, buf, (size_t) n);
}

/* Live values, 100 ms apart, in contact with the motor on, 10 strokes each. */
static void put_use(Tape *t, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                OmpLive live = { .flags = OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | OMP_LIVE_SESSION, .sequence = t->sequence++,
                                 .force_mean_mn = 800, .force_peak_mn = 1200, .strokes = t->strokes += 10 };
                uint8_t buf[OMP_VALUE_MAX];
                int size;

                t->now_usec += S / 10;
                live.tick = (uint32_t) (t->now_usec / OMP_TICK_USEC);
                size = omp_live_encode(&live, buf, sizeof buf);
                g_assert_cmpint(size, >, 0);
                put(t, FRAME_FROM_DEVICE, OMP_CHAR_LIVE, buf, (size_t) size);
        }
}

/* As words; live values that follow each other are one. */
static void on_told(const StreamRecord *record, void *userdata) {
        Tape *t = userdata;

        g_assert_true(record->known);
        switch ((enum NeedledStreamType) record->type) {
        case NEEDLED_STREAM_HELLO:
                g_string_append(t->told, "hello");
                break;
        case NEEDLED_STREAM_LIVE:
                if (!g_str_has_suffix(t->told->str, "live "))
                        g_string_append(t->told, "live");
                else
                        return;
                break;
        case NEEDLED_STREAM_EVENT:
                g_string_append_printf(t->told, "event:%u", record->event.code);
                break;
        case NEEDLED_STREAM_STATE:
                g_string_append(t->told, names_session_state(record->state.state));
                break;
        case NEEDLED_STREAM_MARK:
                g_string_append_printf(t->told, "mark:%.*s", (int) record->mark.length, record->mark.text);
                break;
        case NEEDLED_STREAM_GAP:
                g_string_append_printf(t->told, "gap:%u", record->gap.lost);
                break;
        case NEEDLED_STREAM_FIGURES:
                g_string_append(t->told, "figures");
                break;
        case NEEDLED_STREAM_END:
                g_string_append_printf(t->told, "end:%s", names_end_reason(record->end.reason));
                break;
        case NEEDLED_STREAM_WAVEFORM:
        case NEEDLED_STREAM_ALERT:
        case NEEDLED_STREAM_FRAME:
        case NEEDLED_STREAM_PAST:
                g_assert_not_reached();
        }
        g_string_append_c(t->told, ' ');
}

/* Plays what was put on the tape, to nobody if `silently`. */
static Playback *play(Tape *t, TapeReader *reader, bool silently, Figures *ret) {
        g_auto(GStrv) lines = g_strsplit(t->text->str, "\n", -1);
        Playback *p = NULL;

        tape_reader_init(reader);
        for (char **line = lines; *line && line[1]; line++) {
                TapeLine item;

                g_assert_cmpint(tape_read(reader, *line, strlen(*line), &item), ==, 0);
                if (!p && item.item != TAPE_NOTHING)
                        p = playback_new(reader, NULL, silently ? NULL : on_told, t);
                if (p)
                        playback_line(p, &item);
        }

        g_assert_nonnull(p);
        playback_finish(p);
        playback_figures(p, ret);
        return p;
}

static void test_as_if_live(void) {
        g_autoptr(Playback) p = NULL;
        g_autoptr(Tape) t = tape_new();
        TapeReader reader;
        Figures figures;

        put_link(t, FRAME_LINK_UP);
        put_feature(t, OMP_KIND_PEN);
        put_use(t, 5);
        t->sequence += 3;
        put_use(t, 10);
        g_string_append(t->text, "1.500000 * it hurt\n1.600000 = device\n");
        p = play(t, &reader, false, &figures);
        g_assert_cmpstr(
                t->told->str, ==,
                "hello open figures live running live figures live mark:it hurt gap:3 figures end:device ");
        g_assert_cmpint(figures.value[FIGURE_STROKES].i, ==, 140);
        g_assert_cmpint(figures.value[FIGURE_LOST_LIVE].i, ==, 3);
        g_assert_cmpint(figures.value[FIGURE_PUNCTURES].i, ==, 140 * 12);
        g_assert_cmpint(figures.value[FIGURE_DURATION].i, ==, 1500000);
        g_assert_cmpuint(playback_kind(p), ==, OMP_KIND_PEN);
        g_assert_cmpuint(playback_frames(p), ==, 17);
}

static void test_the_figures_are_the_same_in_silence(void) {
        g_autoptr(Playback) loud = NULL, silent = NULL;
        g_autoptr(Tape) t = tape_new();
        TapeReader readers[2];
        Figures figures[2];

        put_link(t, FRAME_LINK_UP);
        put_use(t, 25);
        put_link(t, FRAME_LINK_LOST);
        t->now_usec += 5 * S;
        put_link(t, FRAME_LINK_UP);
        put_use(t, 25);
        loud = play(t, &readers[0], false, &figures[0]);
        silent = play(t, &readers[1], true, &figures[1]);
        g_assert_cmpmem(&figures[0], sizeof figures[0], &figures[1], sizeof figures[1]);
        g_assert_true(strstr(t->told->str, "interrupted gap:0 running"));
}

/* A recording that was broken off: the session went on. */
static void test_a_tape_without_an_end_tells_none(void) {
        g_autoptr(Playback) p = NULL;
        g_autoptr(Tape) t = tape_new();
        TapeReader reader;
        Figures figures;

        put_use(t, 3);
        p = play(t, &reader, false, &figures);
        g_assert_cmpstr(t->told->str, ==, "hello open live running figures live figures ");
}

/* What cannot be decoded is passed over, as the service does. */
static void test_frames_that_are_malformed(void) {
        g_autoptr(Playback) p = NULL;
        g_autoptr(Tape) t = tape_new();
        TapeReader reader;
        Figures figures;

        put_use(t, 3);
        put(t, FRAME_FROM_DEVICE, OMP_CHAR_LIVE, (const uint8_t *) "\xff", 1);
        put(t, FRAME_FROM_DEVICE, 200, (const uint8_t *) "\xff", 1);
        put(t, FRAME_TO_DEVICE, OMP_CHAR_CONTROL_POINT, (const uint8_t *) "\x01", 1);
        put_use(t, 3);
        p = play(t, &reader, true, &figures);
        g_assert_cmpint(figures.value[FIGURE_STROKES].i, ==, 50);
        g_assert_cmpuint(playback_kind(p), ==, OMP_KIND_UNKNOWN);
}

static void put_note(Tape *t, const Note *note) {
        uint8_t buf[NOTE_SIZE_MAX];
        int n = note_encode(note, buf);

        g_assert_cmpint(n, >, 0);
        put(t, FRAME_OF_HOST, 0, buf, (size_t) n);
}

/* What the host noted is part of the figures. */
static void test_notes(void) {
        g_autoptr(Playback) p = NULL;
        g_autoptr(Tape) t = tape_new();
        TapeReader reader;
        Figures figures;

        put_note(t, &(Note) { .kind = NOTE_LIMITS, .limits = { .overpressure_mn = 700, .zone_low_mn = 100, .zone_high_mn = 500,
                                                               .time_limit_sec = 60 } });
        put_use(t, 11);
        put_note(t, &(Note) { .kind = NOTE_PAUSE });
        t->now_usec += 5 * S;
        put_use(t, 1);
        p = play(t, &reader, true, &figures);
        g_assert_cmpint(figures.value[FIGURE_LIMIT].i, ==, 60 * (int64_t) S);
        g_assert_cmpint(figures.value[FIGURE_PAUSED_TIME].i, ==, 5 * (int64_t) S + 100000);
        g_assert_cmpint(figures.value[FIGURE_OVER_COUNT].i, ==, 1);
        g_assert_false(figures_has(&figures, FIGURE_DEVICE_TIME_OFFSET)); /* by a clock that the tape does not know */
}

static void test_times_are_those_of_the_tape(void) {
        g_autoptr(Playback) p = NULL;
        g_autoptr(Tape) t = tape_new();
        TapeReader reader;
        Figures figures;

        t->now_usec = 20 * S;           /* nothing for a while */
        put_use(t, 1);
        g_string_append(t->text, "30.000000 = idle\n");
        p = play(t, &reader, true, &figures);
        g_assert_cmpint(figures.value[FIGURE_LEAD_IN].i, ==, 20 * (int64_t) S + 100000);
        g_assert_cmpint(figures.value[FIGURE_DURATION].i, ==, 10 * (int64_t) S - 100000);
}

/* A pen of another make, as a file describes it today. */
static const char vendor_text[] =
        "[Profile]\nFormat=1\nId=example.pen\nName=Pen\nKind=pen\nMatch=name:Pen*\n"
        "[Characteristic battery]\nUUID=00002a19-0000-1000-8000-00805f9b34fb\nUse=read\n"
        "[Characteristic data]\nUUID=0000fff1-0000-1000-8000-00805f9b34fb\nUse=notify\n"
        "[Field level]\nChar=battery\nOffset=0\nType=u8\nUnit=%\nMeaning=battery\n"
        "[Field contact]\nChar=data\nOffset=0\nType=u8\nEnum=0:off;1:on\nMeaning=contact\n"
        "[Field force]\nChar=data\nOffset=1\nType=u16\nEndian=be\nUnit=mN\nMeaning=force\n";

static void on_problem(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

static Playback *play_vendor(const char *body, const ProfileFile *file, Tape *t, TapeReader *reader, Figures *ret) {
        g_auto(GStrv) lines = g_strsplit(body, "\n", -1);
        Playback *p = NULL;

        tape_reader_init(reader);
        for (char **line = lines; *line && line[1]; line++) {
                TapeLine item;

                g_assert_cmpint(tape_read(reader, *line, strlen(*line), &item), ==, 0);
                if (!p && item.item != TAPE_NOTHING)
                        p = playback_new(reader, &file->vendor, on_told, t);
                if (p)
                        playback_line(p, &item);
        }
        playback_finish(p);
        playback_figures(p, ret);
        return p;
}

/* The tape was made when the characteristics had other numbers and names, and one more. */
static void test_channels_of_a_vendor_profile_go_by_their_uuid(void) {
        static const char body[] =
                "needled-tape 1\nprofile example.pen\n"
                "channel 7 stream 0000fff1-0000-1000-8000-00805f9b34fb\n"
                "channel 1 gone 0000fff9-0000-1000-8000-00805f9b34fb\n"
                "0.0 ! up\n"
                "0.1 < stream 01 03 20\n"
                "0.2 < gone 01 7f ff\n"
                "0.3 < stream 01 03 20\n"
                "0.4 < stream 00 00 00\n"
                "1.0 = user\n";
        g_autoptr(ProfileFile) file = NULL;
        g_autoptr(Playback) p = NULL;
        g_autoptr(Tape) t = tape_new();
        TapeReader reader;
        Figures figures;

        g_assert_cmpint(profile_file_parse("pen", vendor_text, strlen(vendor_text), on_problem, NULL, &file), ==, 0);
        p = play_vendor(body, file, t, &reader, &figures);
        g_assert_cmpint(figures.value[FIGURE_FORCE_PEAK].i, ==, 800);
        g_assert_true(figures_has(&figures, FIGURE_CONTACT_TIME));
        g_assert_false(figures_has(&figures, FIGURE_STROKES)); /* it has none: absent, not zero */
        g_assert_cmpuint(playback_frames(p), ==, 5);
        g_assert_cmpuint(playback_unplaced(p), ==, 1);
        g_assert_true(g_str_has_suffix(t->told->str, "end:user "));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-playback/as-if-live", test_as_if_live);
        g_test_add_func("/client-playback/the-figures-are-the-same-in-silence", test_the_figures_are_the_same_in_silence);
        g_test_add_func("/client-playback/a-tape-without-an-end-tells-none", test_a_tape_without_an_end_tells_none);
        g_test_add_func("/client-playback/frames-that-are-malformed", test_frames_that_are_malformed);
        g_test_add_func("/client-playback/notes", test_notes);
        g_test_add_func("/client-playback/times-are-those-of-the-tape", test_times_are_those_of_the_tape);
        g_test_add_func("/client-playback/channels-of-a-vendor-profile-go-by-their-uuid",
                        test_channels_of_a_vendor_profile_go_by_their_uuid);
        return g_test_run();
}
