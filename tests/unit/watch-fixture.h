/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session as "needlectl watch" follows it, and its picture as one text. */

#include <glib.h>
#include <string.h>

#include "client/json.h"
#include "client/watch-model.h"
#include "client/watch-view.h"

#define S UINT64_C(1000000)
#define NOW (1000 * S)
#define REALTIME (UINT64_C(1770127530) * S)

static inline json_t *device(const char *state, const char *reason) {
        return json_pack("{s:s s:s s:s s:s s:s s:i}", "address", "C0:FF:EE:00:00:01", "alias", "Anna\x1b[2J",
                         "kind", "pen", "state", state, "state_reason", reason, "battery", 81);
}

static inline StreamRecord live(int32_t mean_mn, int32_t peak_mn, uint32_t flags) {
        return (StreamRecord){
                .type = NEEDLED_STREAM_LIVE,
                .known = true,
                .session_usec = 5 * S,
                .live = { .present = NEEDLED_STREAM_HAS_FORCE | NEEDLED_STREAM_HAS_STROKES | NEEDLED_STREAM_HAS_RATE |
                                     NEEDLED_STREAM_HAS_CONTACT | NEEDLED_STREAM_HAS_AREA | NEEDLED_STREAM_HAS_DEPTH,
                          .flags = flags,
                          .force_mean_mn = mean_mn,
                          .force_peak_mn = peak_mn,
                          .strokes = 123456,
                          .stroke_rate = 7003.6,
                          .depth_um = 500,
                          .area = 3 },
        };
}

static inline void begin(WatchModel *m, const char *state, const char *reason) {
        StreamRecord running = { .type = NEEDLED_STREAM_STATE, .known = true, .state = { .state = NEEDLED_STREAM_STATE_RUNNING } };
        json_auto *d = device(state, reason);

        watch_model_init(m);
        watch_model_set_device(m, d);
        watch_model_begin(m, 42);
        watch_model_record(m, &running, NOW);
}

static inline void feed(WatchModel *m, StreamRecord record, uint64_t now_usec) {
        watch_model_record(m, &record, now_usec);
}

/* As one text, to look for what must be in it. */
static inline char *render_with(const WatchModel *m, const WatchPrompt *prompt, unsigned columns, unsigned rows, bool color, uint64_t now_usec) {
        WatchSize size = { columns, rows, color };
        g_autoptr(GPtrArray) lines = watch_view_render(m, prompt, &size, now_usec, REALTIME);

        g_assert_cmpuint(lines->len, ==, rows);
        g_ptr_array_add(lines, NULL);
        return g_strjoinv("\n", (char **) lines->pdata);
}

static inline char *render(const WatchModel *m, unsigned columns, unsigned rows, bool color, uint64_t now_usec) {
        return render_with(m, NULL, columns, rows, color, now_usec);
}

static inline void assert_shows(const char *text, const char *part) {
        if (!strstr(text, part)) {
                g_test_message("'%s' is not in:\n%s", part, text);
                g_test_fail();
        }
}

static inline void assert_hides(const char *text, const char *part) {
        if (strstr(text, part)) {
                g_test_message("'%s' is in:\n%s", part, text);
                g_test_fail();
        }
}
