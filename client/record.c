/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>

#include "client/follow.h"
#include "client/format.h"
#include "client/json.h"
#include "client/objects.h"
#include "client/output.h"
#include "client/output-file.h"
#include "client/service.h"
#include "client/tape-writer.h"
#include "client/verbs.h"

#define GATHER_USEC (SECOND_USEC / 5)

typedef struct Recording {
        sd_event *event;
        Follow follow;
        WatchModel model;
        OutputFile out;
        TapeWriter tape;
        Profiles *profiles;
        uint64_t session;       /* 0: none has come */
        bool ended;
} Recording;

static void on_begun(const json_t *session, void *userdata) {
        Recording *rec = userdata;
        const json_t *device = rec->model.device;
        const char *profile = json_text(device, "profile");
        const Profile *known;

        if (rec->session > 0) /* the same one, after its stream broke off */
                return;

        rec->session = rec->follow.target.session = (uint64_t) json_number(session, "id");
        known = profiles_by_id(rec->profiles, profile);
        if (!known)
                output_error(
                        "The profile '%s' of this device is not known here: its characteristics go by their numbers.",
                        profile);
        tape_writer_init(&rec->tape, profile, device ? objects_device_title(device) : "", json_text(session, "uuid"),
                         known ? known->vendor : NULL);
        output_say("Recording session %" PRIu64 ". Ctrl-C ends the recording, not the session.", rec->session);
}

static void on_record(const StreamRecord *record, void *userdata) {
        g_autoptr(GString) lines = g_string_new(NULL);
        Recording *rec = userdata;

        tape_writer_record(&rec->tape, record, lines);
        if (!output_file_write(&rec->out, lines->str, lines->len))
                (void) sd_event_exit(rec->event, EXIT_FAILED);
}

static void on_changed(void *userdata) {
        Recording *rec = userdata;

        if (!output_file_flush(&rec->out))
                (void) sd_event_exit(rec->event, EXIT_FAILED);
}

static void miss_end(Recording *rec) {
        g_autofree char *text = follow_missing_end(rec->model.session_id);
        g_autoptr(GString) lines = g_string_new(NULL);

        output_error("%s", text);
        if (!rec->tape.begun)
                return;
        tape_writer_missing_end(lines);
        (void) output_file_write(&rec->out, lines->str, lines->len);
}

static void on_ended(bool whole, void *userdata) {
        Recording *rec = userdata;

        rec->ended = true;
        if (!whole)
                miss_end(rec);
        (void) sd_event_exit(rec->event, whole ? EXIT_DONE : EXIT_FAILED);
}

static int set_up(Recording *rec) {
        static const FollowObserver observer = { on_begun, on_record, on_changed, on_ended };
        static const FollowOptions options = { .frames = true, .period_usec = GATHER_USEC };
        int r;

        r = sd_event_new(&rec->event);
        if (r < 0)
                return r;
        r = client_leave_on_signals(rec->event);
        if (r < 0)
                return r;

        return follow_begin(&rec->follow, rec->event, &rec->model, &options, &observer, rec);
}

static void report(Client *client, const Recording *rec, bool by_hand) {
        g_autofree char *length = format_duration(rec->tape.last_usec - rec->tape.first_usec);
        const char *to = rec->out.path ? rec->out.path : "stdout";

        if (client_wants_json(client)) {
                json_auto *json = json_pack("{s:I s:o s:I s:I s:b}", "session", (json_int_t) rec->session, "file",
                                            json_of_text(to), "frames", (json_int_t) rec->tape.frames, "missed",
                                            (json_int_t) rec->tape.missed, "ended", rec->ended);

                output_json(json);
        }

        output_say("Recorded %" PRIu64 " frames of session %" PRIu64 " in %s: %s.%s", rec->tape.frames, rec->session, length, to,
                   by_hand && !rec->ended ? " The session goes on." : "");
        if (rec->tape.missed > 0 || rec->model.malformed > 0)
                output_error("%" PRIu64 " records of the stream were missed; the tape says where.",
                             rec->tape.missed + rec->model.malformed);
}

static Exit run(Client *client, Recording *rec) {
        int r;

        r = set_up(rec);
        if (r < 0)
                return service_error(NULL, r);
        if (rec->model.phase == WATCH_WAITING)
                output_say("Waiting for a session. Ctrl-C gives up.");

        r = sd_event_loop(rec->event);
        if (r < 0)
                return service_error(NULL, r);
        if (!rec->tape.begun) { /* none came, or one that was gone before it told anything */
                if (r == EXIT_DONE)
                        output_say("No session came: there is nothing on the tape.");
                (void) output_file_discard(&rec->out);
                return r == EXIT_DONE ? EXIT_NOTHING_TO_DO : (Exit) r;
        }

        report(client, rec, r == EXIT_DONE);
        return (Exit) r;
}

Exit verb_record(Client *client) {
        const char *path = client->options.value[OPTION_OUTPUT];
        Recording rec = {};
        Exit e, written;

        if (client_wants_json(client) && output_file_is_stdout(path)) {
                output_error("The tape goes to stdout: --json needs --output=FILE.");
                return EXIT_USAGE;
        }

        watch_model_init(&rec.model);
        e = follow_choose(&rec.follow, client, client_arg(client, 0));
        if (e == EXIT_DONE)
                e = output_file_open_growing(&rec.out, path, options_has(&client->options, OPTION_FORCE));
        if (e == EXIT_DONE) {
                rec.profiles = client_profiles(NULL, NULL);
                e = run(client, &rec);
                written = output_file_close(&rec.out);
                e = e == EXIT_DONE ? written : e;
        }

        follow_done(&rec.follow);
        rec.event = sd_event_unref(rec.event);
        profiles_free(rec.profiles);
        watch_model_done(&rec.model);
        return e;
}
