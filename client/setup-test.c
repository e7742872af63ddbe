/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/follow.h"
#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/prompt.h"
#include "client/service.h"
#include "client/setup.h"
#include "client/watch-model.h"

#define GATHER_USEC UINT64_C(80000)
#define DISCARD_TIMEOUT_USEC (30 * SECOND_USEC)

typedef struct Press {
        Follow follow;
        WatchModel model;
        sd_event *event;
        sd_event_source *timer;
        int32_t peak_mn;
        bool measured, contact, ended, late;
} Press;

/* ---- The session ---- */

static Exit start_session(Client *client, const char *device, char **ret) {
        json_auto *path = NULL;
        Exit e = client_call_with(client, SERVICE_ROOT, SERVICE_MANAGER, "StartSession", 0, &path, "oa{sv}", device, 0);

        if (e == EXIT_DONE)
                *ret = g_strdup(json_is_string(path) ? json_string_value(path) : "");
        return e;
}

static Exit discard_session(Client *client, const char *path) {
        Exit e = client_call(client, path, SERVICE_SESSION, "Discard", DISCARD_TIMEOUT_USEC, NULL);

        if (e != EXIT_DONE)
                output_say("The session of this test may be there still: 'needlectl status' shows it, 'needlectl "
                           "discard' ends it.");
        return e;
}

/* ---- What it measures ---- */

static void show(Press *p, const struct needled_stream_live *live) {
        WatchZones zones = watch_model_zones(&p->model);
        const char *zone = watch_zone_name(watch_zone_of(&zones, live->force_peak_mn));
        g_autofree char *force = format_force(live->force_peak_mn);

        fprintf(stderr, "\r\x1b[KForce %s, %s", force, zone);
        (void) fflush(stderr);
}

static void on_record(const StreamRecord *record, void *userdata) {
        Press *p = userdata;
        const struct needled_stream_live *live = &record->live;

        if (!record->known || record->type != NEEDLED_STREAM_LIVE || p->contact)
                return;
        if (live->present & NEEDLED_STREAM_HAS_FORCE) {
                WatchZones zones = watch_model_zones(&p->model);

                p->measured = true;
                p->peak_mn = live->force_peak_mn;
                show(p, live);
                /* Of one that does not tell contact. */
                if (!(live->present & NEEDLED_STREAM_HAS_CONTACT))
                        p->contact = watch_zone_of(&zones, live->force_peak_mn) != WATCH_ZONE_LOW;
        }
        if (live->present & NEEDLED_STREAM_HAS_CONTACT && live->flags & NEEDLED_STREAM_IN_CONTACT)
                p->contact = true;
        if (p->contact)
                (void) sd_event_exit(p->event, EXIT_DONE);
}

static void on_changed(void *userdata) {
}

static void on_ended(bool whole, void *userdata) {
        Press *p = userdata;

        p->ended = true;
        (void) sd_event_exit(p->event, EXIT_DONE);
}

static int on_late(sd_event_source *s, uint64_t usec, void *userdata) {
        Press *p = userdata;

        p->late = true;
        return sd_event_exit(p->event, EXIT_DONE);
}

static Exit follow(Press *p, uint64_t seconds) {
        static const FollowObserver observer = { NULL, on_record, on_changed, on_ended };
        FollowOptions options = { .period_usec = GATHER_USEC };
        int r;

        r = sd_event_new(&p->event);
        if (r >= 0)
                r = client_leave_on_signals(p->event);
        if (r >= 0)
                r = sd_event_add_time_relative(p->event, &p->timer, CLOCK_MONOTONIC, seconds * SECOND_USEC, 0, on_late, p);
        if (r >= 0)
                r = follow_begin(&p->follow, p->event, &p->model, &options, &observer, p);
        if (r >= 0)
                r = sd_event_loop(p->event);
        fputs("\n", stderr); /* after the last force */

        return r < 0 ? service_error(NULL, r) : (Exit) r;
}

static Exit tell(const Press *p, uint64_t seconds) {
        WatchZones zones = watch_model_zones(&p->model);
        g_autofree char *force = format_force(p->peak_mn);

        if (p->contact && p->measured) {
                output_say("It measures: %s, %s.", force, watch_zone_name(watch_zone_of(&zones, p->peak_mn)));
                return EXIT_DONE;
        }
        if (p->contact) {
                output_say("It tells contact; it measures no force.");
                return EXIT_DONE;
        }
        if (p->ended)
                output_error("The session ended before the device touched anything. Is it switched on? 'needlectl "
                             "devices' shows its state.");
        else if (p->late && p->measured)
                output_error("It measured, but touched nothing within %" PRIu64 " s. Press harder, or take its zero "
                             "anew: needlectl tare.", seconds);
        else if (p->late)
                output_error("Nothing came from it within %" PRIu64 " s. Switch its motor on if it measures only "
                             "then; 'needlectl doctor' looks "
                             "for what is wrong.", seconds);
        else
                output_error("The test was stopped.");

        return EXIT_FAILED;
}

static Exit run(Client *client, const char *session, uint64_t seconds) {
        Press press = {};
        Exit e;

        watch_model_init(&press.model);
        e = follow_choose(&press.follow, client, session);
        if (e == EXIT_DONE)
                e = follow(&press, seconds);
        follow_done(&press.follow);
        if (e == EXIT_DONE)
                e = tell(&press, seconds);

        press.timer = sd_event_source_disable_unref(press.timer);
        press.event = sd_event_unref(press.event);
        watch_model_done(&press.model);
        prompt_catch_interrupt(); /* it was the loop's */
        return e;
}

Exit setup_test_press(Client *client, const char *path, uint64_t seconds) {
        g_auto(Objects) before = {};
        g_autofree char *session = NULL;
        const json_t *device;
        bool ours;
        Exit e, discarded = EXIT_DONE;

        e = client_objects(client, &before);
        if (e != EXIT_DONE)
                return e;
        device = objects_at(before.devices, path);
        ours = !*json_text(device, "session"); /* one that goes on already is not for us to end */
        if (ours)
                e = start_session(client, path, &session);
        else
                session = g_strdup(json_text(device, "session"));
        if (e != EXIT_DONE)
                return e;

        e = prompt_interrupted() ? EXIT_FAILED : run(client, session, seconds);
        if (ours)
                discarded = discard_session(client, session);
        if (ours && e == EXIT_DONE && discarded == EXIT_DONE)
                output_say(NAMES_NEXT_AFTER_REST);
        return e != EXIT_DONE ? e : discarded;
}
