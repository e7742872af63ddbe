/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "client/figures-view.h"
#include "client/follow.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/service.h"
#include "client/verbs.h"
#include "client/watch-control.h"
#include "client/watch-display.h"

#define GATHER_SCREEN_USEC UINT64_C(50000)
#define GATHER_JSON_USEC UINT64_C(80000)
#define PAST_USEC (60 * SECOND_USEC)    /* as the picture of the last minute needs */
#define GATHER_PLAIN_USEC (SECOND_USEC / 2)

typedef struct Watch {
        bool until_end;
        uint64_t missing;       /* the last session of which the end did not come; 0: none */
        sd_event *event;
        WatchModel model;
        WatchDisplay display;
        WatchControl control;
        Follow follow;
} Watch;

static uint64_t host_boottime(void *userdata) {
        return client_clock(CLOCK_BOOTTIME);
}

static uint64_t host_realtime(void *userdata) {
        return client_now();
}

/* How the session went, to stay in sight when the screen is gone. */
static void say_summary(const WatchModel *model) {
        json_auto *figures = json_from_figures(&model->figures);
        g_autofree char *summary = figures_view_summary(figures);
        const char *colon = *summary ? ": " : "", *ended;

        if (model->session_id == 0)
                return;
        if (model->phase != WATCH_ENDED) {
                output_say("Session %" PRIu64 " goes on%s%s.", model->session_id, colon, summary);
                return;
        }

        ended = names_end_reason(model->end_reason);
        if (strcmp(ended, "discarded") == 0)
                output_say("Session %" PRIu64 " was discarded.", model->session_id);
        else
                output_say("Session %" PRIu64 " %s%s%s. 'needlectl show %" PRIu64 "' has all its figures.",
                           model->session_id, names_end_reason_text(ended), colon, summary, model->session_id);
}

static void on_record(const StreamRecord *record, void *userdata) {
        Watch *w = userdata;

        watch_display_record(&w->display, record);
}

static void on_changed(void *userdata) {
        Watch *w = userdata;

        watch_display_yield(&w->display, follow_asks(&w->follow));
        watch_display_changed(&w->display);
}

static void miss_end(Watch *w) {
        g_autofree char *text = follow_missing_end(w->model.session_id);

        w->missing = w->model.session_id;
        if (w->display.mode == WATCH_SCREEN)
                watch_display_say(&w->display, true, text); /* and once more when the screen is gone */
        else
                output_error("%s", text);
}

static void on_ended(bool whole, void *userdata) {
        Watch *w = userdata;

        watch_display_ended(&w->display);
        if (!whole)
                miss_end(w);
        if (w->until_end || (w->follow.target.session > 0 && w->display.mode != WATCH_SCREEN))
                (void) sd_event_exit(w->event, EXIT_DONE);
}

static void on_act(WatchAction action, const char *value, void *userdata) {
        Watch *w = userdata;

        watch_control_do(&w->control, action, value);
}

static void on_said(bool bad, const char *text, void *userdata) {
        Watch *w = userdata;

        watch_display_say(&w->display, bad, text);
}

static int set_up(Watch *w, WatchMode mode) {
        static const FollowObserver observer = { NULL, on_record, on_changed, on_ended };
        static const WatchClocks clocks = { host_boottime, host_realtime, NULL };
        FollowOptions options = { .period_usec = mode == WATCH_PLAIN  ? GATHER_PLAIN_USEC :
                                                 mode == WATCH_SCREEN ? GATHER_SCREEN_USEC : GATHER_JSON_USEC,
                                  .history_usec = mode == WATCH_SCREEN ? PAST_USEC : 0 };
        int r;

        r = sd_event_new(&w->event);
        if (r < 0)
                return r;
        r = watch_display_begin(&w->display, w->event, mode, &w->model, &clocks);
        if (r < 0)
                return r;

        watch_control_init(&w->control, w->follow.client->bus, &w->model, on_said, w);
        watch_display_offer(&w->display, on_act, w);
        return follow_begin(&w->follow, w->event, &w->model, &options, &observer, w);
}

static Exit run(Watch *w, WatchMode mode) {
        g_autofree char *missing = NULL;
        int r;

        r = set_up(w, mode);
        if (r >= 0)
                r = sd_event_loop(w->event);
        watch_control_done(&w->control);
        watch_display_done(&w->display);
        if (r < 0)
                return service_error(NULL, r);
        missing = w->missing > 0 ? follow_missing_end(w->missing) : NULL;
        if (missing && mode == WATCH_SCREEN)
                output_error("%s", missing);
        if (r == EXIT_DONE && mode != WATCH_JSON && !(w->missing == w->model.session_id && w->model.phase == WATCH_ENDED))
                say_summary(&w->model);

        return r == EXIT_DONE && missing ? EXIT_FAILED : (Exit) r;
}

Exit verb_watch(Client *client) {
        Watch watch = { .until_end = options_has(&client->options, OPTION_UNTIL_END) };
        Exit e;

        watch_model_init(&watch.model);
        e = follow_choose(&watch.follow, client, client_arg(client, 0));
        if (e == EXIT_DONE)
                e = run(&watch, watch_display_mode(client));

        follow_done(&watch.follow);
        watch.event = sd_event_unref(watch.event);
        watch_model_done(&watch.model);
        return e;
}
