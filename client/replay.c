/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>

#include "client/figures-view.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/playback.h"
#include "client/service.h"
#include "client/tape-file.h"
#include "client/verbs.h"
#include "client/watch-display.h"

#define SPEED_MIN 0.01
#define SPEED_MAX 1000000.0
#define LINES_PER_DISPATCH 256
#define BASE_USEC (3600 * SECOND_USEC)  /* time 0 of the tape on the model's clock: there was time before it */

typedef struct Replaying {
        TapeFile tape;
        TapeLine line;          /* read, and due at its time */
        int more;               /* of tape_file_next(): 1 while there is a line */
        Playback *playback;
        WatchModel model;

        double speed;           /* 0: at once */
        WatchDisplay display;
        sd_event *event;
        sd_event_source *line_timer;
        uint64_t began_usec;    /* CLOCK_MONOTONIC */
} Replaying;

/* The model's clock is that of the tape. */
static uint64_t tape_time(const Replaying *r) {
        if (r->speed == 0)
                return r->line.time_usec;

        return (uint64_t) ((double) (client_clock(CLOCK_MONOTONIC) - r->began_usec) * r->speed);
}

static uint64_t shown_boottime(void *userdata) {
        return BASE_USEC + tape_time(userdata);
}

static uint64_t shown_realtime(void *userdata) {
        const Replaying *r = userdata;

        return r->tape.reader.head.start_realtime_usec + tape_time(r);
}

static void show_device(Replaying *r) {
        const TapeHead *head = &r->tape.reader.head;
        json_auto *device =
                json_pack("{s:s s:s s:s s:s}", "alias", *head->device ? head->device : "Tape", "profile",
                          head->profile, "state", "streaming", "kind", omp_kind_name(playback_kind(r->playback)));

        watch_model_set_device(&r->model, device);
}

static void on_told(const StreamRecord *record, void *userdata) {
        Replaying *r = userdata;

        watch_model_record(&r->model, record, shown_boottime(r));
        watch_display_record(&r->display, record);
}

static void take_line(Replaying *r) {
        OmpKind before = playback_kind(r->playback);

        playback_line(r->playback, &r->line);
        if (playback_kind(r->playback) != before)
                show_device(r);
        r->more = tape_file_next(&r->tape, &r->line);
}

static bool is_due(const Replaying *r) {
        return r->more > 0 && (r->speed == 0 || r->line.time_usec <= tape_time(r));
}

static int on_line(sd_event_source *s, uint64_t usec, void *userdata) {
        Replaying *r = userdata;

        for (int i = 0; i < LINES_PER_DISPATCH && is_due(r); i++)
                take_line(r);
        if (r->more <= 0) {
                playback_finish(r->playback);
                watch_display_ended(&r->display);
                return sd_event_exit(r->event, EXIT_DONE);
        }

        (void) sd_event_source_set_time(s, r->speed > 0 ? r->began_usec + (uint64_t) ((double) r->line.time_usec / r->speed) : 0);
        return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

/* As if live. Returns what the loop did. */
static int play(Replaying *r, WatchMode mode) {
        const WatchClocks clocks = { shown_boottime, shown_realtime, r };
        int error;

        error = sd_event_new(&r->event);
        if (error >= 0)
                error = client_add_timer(r->event, &r->line_timer, on_line, r);
        if (error < 0)
                return error;

        r->began_usec = client_clock(CLOCK_MONOTONIC);
        error = watch_display_begin(&r->display, r->event, mode, &r->model, &clocks);
        if (error >= 0)
                error = sd_event_source_set_time(r->line_timer, r->began_usec);
        if (error >= 0)
                error = sd_event_source_set_enabled(r->line_timer, SD_EVENT_ONESHOT);

        return error < 0 ? error : sd_event_loop(r->event);
}

static void print_figures(Client *client, const Replaying *r) {
        json_auto *figures = NULL;
        Figures computed;

        playback_figures(r->playback, &computed);
        figures = json_from_figures(&computed);
        if (client_wants_json(client)) /* the records have told them */
                return;
        if (r->speed == 0)
                figures_view_print(figures);
        else {
                g_autofree char *summary = figures_view_summary(figures);

                output_say("%s: %s", r->tape.name, summary);
        }
}

/* At once, and only to know the figures. */
static int play_silently(Replaying *r) {
        while (r->more > 0) {
                playback_line(r->playback, &r->line);
                r->more = tape_file_next(&r->tape, &r->line);
        }

        return 0;
}

static Exit run(Client *client, Replaying *r, const VendorProfile *vendor) {
        bool silent = r->speed == 0 && !client_wants_json(client);
        int result;

        r->playback = playback_new(&r->tape.reader, vendor, silent ? NULL : on_told, r);
        watch_model_begin(&r->model, 0);
        show_device(r);
        result = silent ? play_silently(r) : play(r, watch_display_mode(client));
        watch_display_done(&r->display);
        if (result < 0)
                return service_error(NULL, result);

        print_figures(client, r);
        tape_file_unplaced(&r->tape, playback_unplaced(r->playback));
        if (r->more < 0)
                output_error("%s", r->tape.problem);
        return result == EXIT_DONE && r->more < 0 ? EXIT_FAILED : (Exit) result;
}

static Exit read_speed(const Client *client, double *ret) {
        const char *value = client->options.value[OPTION_SPEED];
        char *end = NULL;

        *ret = value ? g_ascii_strtod(value, &end) : 1;
        if (value && (!g_ascii_isdigit(*value) || *end || !(*ret == 0 || (*ret >= SPEED_MIN && *ret <= SPEED_MAX)))) {
                output_error("--speed takes a number from %g to %.0f, or 0 for at once, not '%s'.", SPEED_MIN, SPEED_MAX, value);
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}

Exit verb_replay(Client *client) {
        g_autoptr(Profiles) profiles = NULL;
        const VendorProfile *vendor = NULL;
        Replaying r = {};
        Exit e;

        e = read_speed(client, &r.speed);
        if (e == EXIT_DONE)
                e = tape_file_open(&r.tape, client_arg(client, 0));
        if (e != EXIT_DONE)
                return e;

        watch_model_init(&r.model);
        profiles = client_profiles(NULL, NULL);
        r.more = tape_file_next(&r.tape, &r.line);
        if (r.more < 0) {
                output_error("%s", r.tape.problem);
                e = EXIT_FAILED;
        } else if (r.more == 0) {
                output_say("There is nothing on this tape.");
                e = EXIT_NOTHING_TO_DO;
        } else
                e = tape_file_profile(&r.tape, profiles, &vendor);
        if (e == EXIT_DONE)
                e = run(client, &r, vendor);

        r.line_timer = sd_event_source_disable_unref(r.line_timer);
        r.event = sd_event_unref(r.event);
        playback_free(r.playback);
        watch_model_done(&r.model);
        tape_file_close(&r.tape);
        return e;
}
