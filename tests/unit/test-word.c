/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "needled/omp-words.h"

/* Each vocabulary, by its numbers from 0; NULL has no name. All above have none. */
static const struct {
        OmpVocabulary vocabulary;
        const char *names[24];
        size_t n;
} listed[] = {
        { OMP_WORDS_KIND, { "unknown", "roller", "stamp", "pen", "rf-pen", "other" }, 6 },
        { OMP_WORDS_FEATURE,
          { "force", "waveform", "contact", "strokes", "depth", "motor-speed", "motor-current", "overpressure", "distance",
            "stored-sessions", "clock", "feedback", "cartridge-id", "e2e-crc", "trace", "remote-stop", "passes", "area",
            "multiple-bonds", "calibrated", "contact-strokes" }, 21 },
        { OMP_WORDS_LIVE_FLAG,
          { "depth", "stroke-rate", "motor-current", "distance", "contact-time", "area", "passes", NULL, "contact",
            "contact-supported", "overpressure", "motor", "session", "saturated", "dropped", "crc" }, 16 },
        { OMP_WORDS_ENCODING, { "mn", "raw" }, 2 },
        { OMP_WORDS_CHANNEL, { "axial", "lateral" }, 2 },
        { OMP_WORDS_EVENT_FLAG, { "severity", "severity", "asserted", "replayed", NULL, NULL, NULL, "crc" }, 8 },
        { OMP_WORDS_SEVERITY, { "info", "notice", "warning", "alarm" }, 4 },
        { OMP_WORDS_STATE, { "standby", "idle", "ready", "running", "paused", "charging", "fault", "updating" }, 8 },
        { OMP_WORDS_STATUS_FLAG,
          { "session", "contact", "clock-set", "cartridge", "tare-valid", "overpressure", "fault", "crc" }, 8 },
        { OMP_WORDS_CLOCK_SOURCE, { "unknown", "ntp", "gps", NULL, "manual", NULL, "cellular", "not-synchronised" }, 8 },
        { OMP_WORDS_ELAPSED_FLAG, { "ticks", "utc", "resolution", "resolution", "offset", "current" }, 6 },
        { OMP_WORDS_OP,
          { NULL, "get", "set", "tare", "start", "stop", "area", NULL, "signal", "stop-motor", NULL, "identify", NULL, NULL, NULL,
            NULL, "trace", "abort" }, 18 },
        { OMP_WORDS_RESULT,
          { NULL, "ok", "not-supported", "invalid", "failed", "out-of-range", "busy", "wrong-state", "needs-confirmation",
            "storage-full" }, 10 },
        { OMP_WORDS_PARAMETER,
          { NULL, "live_period_ms", "waveform_rate_hz", "overpressure_mn", "hysteresis_mn", "feedback_mask", "session_limit_s",
            "contact_threshold_mn", "zone_low_mn", "zone_high_mn", "feedback_window_ms", "waveform_batch" }, 12 },
        { OMP_WORDS_FEEDBACK, { "vibrate", "light", "sound", "slow-motor", "stop-motor" }, 5 },
        { OMP_WORDS_RACP_OP, { NULL, "report", "delete", "abort", "count", "count-response", "response" }, 7 },
        { OMP_WORDS_RACP_OPERATOR, { "null", "all", "at-most", "at-least", "range", "first", "last" }, 7 },
        { OMP_WORDS_RACP_CODE,
          { NULL, "success", "op-not-supported", "invalid-operator", "operator-not-supported", "invalid-operand", "no-records",
            "abort-unsuccessful", "not-completed", "operand-not-supported" }, 10 },
        { OMP_WORDS_BODY, { NULL, "record", "trace" }, 3 },
        { OMP_WORDS_RECORD_FLAG, { "synced", "limit", "truncated", "trace", "alarm" }, 5 },
};

/* Those that stand apart: sparse, or with a table elsewhere. */
static const struct {
        OmpVocabulary vocabulary;
        uint32_t number;
        const char *word;
} apart[] = {
        { OMP_WORDS_OP, 0x20, "response" },
        { OMP_WORDS_OP, 0x7f, "factory-reset" },
        { OMP_WORDS_OP, 0x80, "unknown-128" },
        { OMP_WORDS_AREA, 0, "unspecified" },
        { OMP_WORDS_AREA, 3, "cheek-left" },
        { OMP_WORDS_AREA, 22, "back" },
        { OMP_WORDS_AREA, 23, "unknown-23" },
        { OMP_WORDS_AREA, 0xf0, "user-0" },
        { OMP_WORDS_AREA, 0xfe, "user-14" },
        { OMP_WORDS_AREA, 0xff, "unknown-255" },
        { OMP_WORDS_AREA, 259, "unknown-259" },
        { OMP_WORDS_ATT_ERROR, 0x0d, "length" },
        { OMP_WORDS_ATT_ERROR, 0x0e, "unknown-14" },
        { OMP_WORDS_ATT_ERROR, 0x80, "crc-missing" },
        { OMP_WORDS_ATT_ERROR, 0x81, "crc-bad" },
        { OMP_WORDS_ATT_ERROR, 0x82, "clock-source" },
        { OMP_WORDS_ATT_ERROR, 0x83, "clock-format" },
        { OMP_WORDS_ATT_ERROR, 0xfd, "cccd" },
        { OMP_WORDS_ATT_ERROR, 0xfe, "in-progress" },
        { OMP_WORDS_ATT_ERROR, 0xff, "range" },
        { OMP_WORDS_PARAMETER, 0x0c, "unknown-12" },
        { OMP_WORDS_PARAMETER, 0x101, "unknown-257" },
        { OMP_WORDS_EVENT, 0x00, "unknown-0" },
        { OMP_WORDS_EVENT, 0x01, "overpressure" },
        { OMP_WORDS_EVENT, 0x71, "calibration" },
        { OMP_WORDS_EVENT, 0x72, "unknown-114" },
        { OMP_WORDS_EVENT, 0xef, "unknown-239" },
        { OMP_WORDS_EVENT, 0xf0, "vendor-240" },
        { OMP_WORDS_EVENT, 0xff, "vendor-255" },
        { OMP_WORDS_EVENT, 0x100, "unknown-256" },
        { OMP_WORDS_STATE, UINT32_MAX, "unknown-4294967295" },
};

static void the_lists(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(listed); i++)
                for (uint32_t number = 0; number < listed[i].n + 2; number++) {
                        const char *name = number < listed[i].n ? listed[i].names[number] : NULL;
                        g_autofree char *expected = name ? g_strdup(name) : g_strdup_printf("unknown-%u", number);
                        char buf[OMP_WORD_SIZE];

                        g_assert_cmpstr(omp_name(listed[i].vocabulary, number), ==, name);
                        g_assert_cmpstr(omp_word(listed[i].vocabulary, number, buf), ==, expected);
                }
}

static void those_apart(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(apart); i++) {
                char buf[OMP_WORD_SIZE];

                g_assert_cmpstr(omp_word(apart[i].vocabulary, apart[i].number, buf), ==, apart[i].word);
        }
}

/* Whatever the number, there is a word, and the buffer holds it. */
static void never_nothing(void) {
        for (unsigned vocabulary = 0; vocabulary < _OMP_VOCABULARY_MAX; vocabulary++)
                for (uint32_t number = 0; number < 600; number++) {
                        g_autofree char *buf = g_malloc(OMP_WORD_SIZE);
                        const char *word = omp_word((OmpVocabulary) vocabulary, number, buf);

                        g_assert_cmpuint(strlen(word), >, 0);
                        g_assert_true(word == buf || word == omp_name((OmpVocabulary) vocabulary, number));
                }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/word/the-lists", the_lists);
        g_test_add_func("/word/those-apart", those_apart);
        g_test_add_func("/word/never-nothing", never_nothing);
        return g_test_run();
}
