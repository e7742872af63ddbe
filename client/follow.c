/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/agent.h"
#include "client/json.h"
#include "client/output.h"
#include "client/redact.h"
#include "client/service.h"
#include "client/terminal.h"

#define GATHER_USEC UINT64_C(80000)     /* changes come in groups */
#define REOPEN_USEC SECOND_USEC
/* A service that crashed is back within a second or two; one that was stopped stays away. */
#define SERVICE_WINDOW_USEC (10 * SECOND_USEC)
/* A service that has just started takes up what was live as soon as it has read its database. */
#define SETTLE_USEC (5 * SECOND_USEC)
#define MESSAGES_PER_DISPATCH 64

static int leave(Follow *f, Exit e) {
        return sd_event_exit(f->event, (int) e);
}

static int fail(Follow *f, const sd_bus_error *e, int error) {
        terminal_leave(); /* or the message would go with the screen */
        return leave(f, service_error(e, error));
}

static void tell_changed(Follow *f) {
        f->observer.changed(f->userdata);
}

/* ---- The stream ---- */

static void close_stream(Follow *f) {
        f->open_slot = sd_bus_slot_unref(f->open_slot);
        f->stream_source = sd_event_source_disable_unref(f->stream_source);
        if (f->stream_fd >= 0)
                (void) close(f->stream_fd);
        f->stream_fd = -1;
}

static void refresh_by(Follow *f, uint64_t monotonic_usec) {
        (void) sd_event_source_set_time(f->refresh_timer, monotonic_usec);
        (void) sd_event_source_set_enabled(f->refresh_timer, SD_EVENT_ONESHOT);
}

static void on_session_end(Follow *f) {
        bool whole = f->model->phase == WATCH_ENDED || f->broken != f->model->session_id;

        f->target.ended = f->model->session_id;
        f->model->phase = WATCH_ENDED;
        f->observer.ended(whole, f->userdata);
}

/* On CLOCK_BOOTTIME; where the wall clock was set in the meantime, not later than now. */
static uint64_t time_of_record(const Follow *f, const StreamRecord *record) {
        uint64_t now_usec = client_clock(CLOCK_BOOTTIME), realtime_usec = client_now();
        uint64_t age_usec = realtime_usec > record->realtime_usec ? realtime_usec - record->realtime_usec : 0;

        return f->in_past && age_usec < now_usec ? now_usec - age_usec : now_usec;
}

static void take_record(Follow *f, const StreamRecord *record) {
        if (record->type == NEEDLED_STREAM_PAST)
                f->in_past = false;
        watch_model_record(f->model, record, time_of_record(f, record));
        f->observer.record(record, f->userdata);
}

static void take_message(Follow *f, const uint8_t *data, size_t size) {
        size_t offset = 0;

        for (;;) {
                StreamRecord record;
                int r = stream_reader_next(data, size, &offset, &record);

                if (r == 0)
                        return;
                if (r < 0)
                        f->model->malformed++;
                else
                        take_record(f, &record);
        }
}

static void on_stream_closed(Follow *f) {
        bool ended = f->model->phase == WATCH_ENDED;

        close_stream(f);
        if (ended)
                on_session_end(f);
        else
                f->broken = f->model->session_id;

        /* Without END it broke off: what the service shows says whether the session still lives. */
        refresh_by(f, client_clock(CLOCK_MONOTONIC) + (ended ? 0 : REOPEN_USEC));
}

static int on_stream(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        static uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX];
        Follow *f = userdata;

        for (unsigned i = 0; i < MESSAGES_PER_DISPATCH; i++) {
                ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        break;
                if (n <= 0) {
                        on_stream_closed(f);
                        break;
                }
                if ((size_t) n > sizeof buffer)
                        f->model->malformed++; /* "No message exceeds 16,384 bytes." */
                else
                        take_message(f, buffer, (size_t) n);
        }

        tell_changed(f);
        return 0;
}

/* The session went or ended in the meantime, or the service did: the next look shows what is left. */
static bool is_passing(const sd_bus_error *error) {
        Exit e = service_exit(error->name, -sd_bus_error_get_errno(error));

        return e == EXIT_NOT_FOUND || e == EXIT_UNREACHABLE ||
               sd_bus_error_has_name(error, SERVICE_ERROR_NOT_READY);
}

static int on_stream_opened(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        Follow *f = userdata;
        int fd, r;

        f->open_slot = sd_bus_slot_unref(f->open_slot);
        if (error && is_passing(error)) {
                refresh_by(f, client_clock(CLOCK_MONOTONIC) + REOPEN_USEC);
                return 0;
        }
        if (error && f->asked_for_past && service_exit(error->name, -sd_bus_error_get_errno(error)) != EXIT_NOT_AUTHORISED) {
                /* An older service, or one that is telling two others theirs: without it then. */
                f->has_no_past = true;
                refresh_by(f, client_clock(CLOCK_MONOTONIC));
                return 0;
        }
        if (error)
                return fail(f, error, -sd_bus_error_get_errno(error));

        f->in_past = f->asked_for_past;
        r = sd_bus_message_read(m, "h", &fd);
        if (r < 0)
                return fail(f, NULL, r);
        f->stream_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* that of the message goes with it */
        r = f->stream_fd < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(f->event, &f->stream_source, f->stream_fd, EPOLLIN, on_stream, f);
        if (r < 0)
                return fail(f, NULL, r);

        tell_changed(f);
        return 0;
}

static int open_stream(Follow *f, const json_t *session) {
        g_autoptr(sd_bus_message) call = NULL;
        int r;

        r = sd_bus_message_new_method_call(f->client->bus, &call, SERVICE_NAME, json_text(session, "path"),
                                           SERVICE_SESSION, "OpenStream");
        if (r < 0)
                return r;
        f->asked_for_past = f->options.history_usec > 0 && !f->has_no_past;
        if (f->asked_for_past)
                r = sd_bus_message_append(call, "a{sv}", 3, "period", "t", f->options.period_usec, "frames", "b",
                                          f->options.frames,
                                          "history", "t", f->options.history_usec);
        else
                r = sd_bus_message_append(call, "a{sv}", 2, "period", "t", f->options.period_usec, "frames", "b",
                                          f->options.frames);
        f->may_ask = json_number(session, "owner") != (int64_t) getuid() && getuid() != 0 && agent_may_ask();
        if (r >= 0 && f->may_ask)
                r = service_may_ask(call);
        if (r < 0)
                return r;

        r = sd_bus_call_async(f->client->bus, &f->open_slot, call, on_stream_opened, f, 0);
        if (r < 0)
                return r;

        watch_model_begin(f->model, (uint64_t) json_number(session, "id"));
        if (f->observer.begun)
                f->observer.begun(session, f->userdata);
        return 0;
}

/* ---- What there is to watch ---- */

/* A session whose stream broke off has ended in the meantime, without an END for us. */
static void check_ended(Follow *f) {
        const json_t *session;

        if (f->model->phase != WATCH_FOLLOWING || f->stream_fd >= 0 || f->open_slot)
                return;

        session = objects_session_by_id(&f->objects, f->model->session_id);
        if (session && objects_session_is_live(session))
                return;
        if (client_clock(CLOCK_MONOTONIC) < f->settled_usec)
                refresh_by(f, f->settled_usec);
        else
                on_session_end(f);
}

static void look(Follow *f) {
        bool streams = f->stream_fd >= 0 || f->open_slot;
        const json_t *session, *shown, *device;
        int r = 0;

        if (f->model->phase == WATCH_UNREACHABLE)
                f->model->phase = f->model->session_id > 0 ? WATCH_FOLLOWING : WATCH_WAITING;
        check_ended(f);

        session = streams ? objects_session_by_id(&f->objects, f->model->session_id)
                          : watch_target_session(&f->target, &f->objects);
        shown = !session && f->model->phase == WATCH_ENDED
                        ? objects_session_by_id(&f->objects, f->model->session_id) : session;
        device = watch_target_device(&f->target, &f->objects, shown);
        watch_model_set_device(f->model, (json_t *) device);
        f->model->others_session = session ? 0 : watch_target_others(&f->target, &f->objects, device);
        if (session && !streams)
                r = open_stream(f, session);
        if (r < 0)
                (void) fail(f, NULL, r);
        tell_changed(f);
}

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        json_auto *managed = NULL;
        Follow *f = userdata;

        f->refresh_slot = sd_bus_slot_unref(f->refresh_slot);
        if (sd_bus_message_is_method_error(m, NULL) || json_from_message(m, &managed) < 0) {
                if (f->model->phase != WATCH_UNREACHABLE)
                        refresh_by(f, client_clock(CLOCK_MONOTONIC) + REOPEN_USEC);
                return 0;
        }

        redact_learn(managed);
        objects_done(&f->objects);
        objects_init(&f->objects, managed);
        look(f);

        if (f->changed_again)
                refresh_by(f, client_clock(CLOCK_MONOTONIC) + GATHER_USEC);
        f->changed_again = false;
        return 0;
}

static int on_refresh(sd_event_source *s, uint64_t usec, void *userdata) {
        Follow *f = userdata;
        int r;

        if (f->refresh_slot) {
                f->changed_again = true;
                return 0;
        }

        r = sd_bus_call_method_async(f->client->bus, &f->refresh_slot, SERVICE_NAME, SERVICE_ROOT,
                                     "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", on_objects,
                                     f, "");
        if (r < 0)
                return fail(f, NULL, r);

        return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Follow *f = userdata;
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(f->refresh_timer, &enabled);
        if (f->refresh_slot)
                f->changed_again = true;
        else if (enabled == SD_EVENT_OFF)
                refresh_by(f, client_clock(CLOCK_MONOTONIC) + GATHER_USEC / 2);

        return 0;
}

/* ---- The service and the bus ---- */

static int on_away_for_long(sd_event_source *s, uint64_t usec, void *userdata) {
        terminal_leave();
        output_error("The service needled went away and did not come back. 'systemctl status needled' shows "
                     "why.");
        return leave(userdata, EXIT_UNREACHABLE);
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const char *name, *old, *new;
        Follow *f = userdata;

        if (!service_is_bus(m) || sd_bus_message_read(m, "sss", &name, &old, &new) < 0)
                return 0;

        if (*new) {
                (void) sd_event_source_set_enabled(f->away_timer, SD_EVENT_OFF);
                f->settled_usec = client_clock(CLOCK_MONOTONIC) + SETTLE_USEC;
                refresh_by(f, client_clock(CLOCK_MONOTONIC));
                return 0;
        }

        if (f->stream_fd >= 0)
                f->broken = f->model->session_id;
        close_stream(f);
        f->refresh_slot = sd_bus_slot_unref(f->refresh_slot);
        (void) sd_event_source_set_enabled(f->refresh_timer, SD_EVENT_OFF);
        if (f->model->phase != WATCH_ENDED)
                f->model->phase = WATCH_UNREACHABLE;
        (void) sd_event_source_set_time_relative(f->away_timer, SERVICE_WINDOW_USEC);
        (void) sd_event_source_set_enabled(f->away_timer, SD_EVENT_ONESHOT);
        tell_changed(f);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        terminal_leave();
        output_error("The connection to the system bus is gone.");
        return leave(userdata, EXIT_UNREACHABLE);
}

static int add_matches(Follow *f) {
        sd_bus *bus = f->client->bus;
        int r;

        r = sd_bus_add_match(bus, NULL,
                             "type='signal',sender='" SERVICE_NAME "',path_namespace='" SERVICE_ROOT "'",
                             on_changed, f);
        if (r < 0)
                return r;
        r = sd_bus_add_match(bus, NULL,
                             "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0="
                             "'" SERVICE_NAME "'",
                             on_owner_changed, f);
        if (r < 0)
                return r;

        return sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                   "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, f);
}

static int add_timers(Follow *f) {
        int r;

        r = client_add_timer(f->event, &f->refresh_timer, on_refresh, f);
        return r < 0 ? r : client_add_timer(f->event, &f->away_timer, on_away_for_long, f);
}

Exit follow_choose(Follow *f, Client *client, const char *typed) {
        const json_t *device;
        Exit e;
        int r;

        *f = (Follow) { .client = client, .target = { .uid = getuid() }, .stream_fd = -1 };
        e = client_objects(client, &f->objects);
        if (e != EXIT_DONE)
                return e;

        r = watch_target_choose(&f->target, &f->objects, typed);
        if (r == -ENOTUNIQ)
                return client_device(&f->objects, typed, &device); /* says so */
        if (r < 0 && objects_is_session_id(typed))
                return client_no_session(typed);
        if (r < 0) {
                output_error("There is no device and no live session '%s'. 'needlectl status' shows what there is.", typed);
                return EXIT_NOT_FOUND;
        }

        return EXIT_DONE;
}

int follow_begin(Follow *f, sd_event *event, WatchModel *model, const FollowOptions *options, const FollowObserver *observer,
                 void *userdata) {
        int r;

        f->event = sd_event_ref(event);
        f->model = model;
        f->options = *options;
        f->observer = *observer;
        f->userdata = userdata;

        r = add_timers(f);
        if (r < 0)
                return r;
        r = add_matches(f);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(f->client->bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;

        look(f);
        refresh_by(f, 0); /* what changed between the first look and the matches */
        return 0;
}

bool follow_asks(const Follow *f) {
        return f->open_slot && f->may_ask;
}

char *follow_missing_end(uint64_t session) {
        return g_strdup_printf("The end of session %" PRIu64 " is missing: its stream broke off before. 'needlectl show %" PRIu64
                               "' has what is stored of it.", session, session);
}

void follow_done(Follow *f) {
        close_stream(f);
        f->refresh_slot = sd_bus_slot_unref(f->refresh_slot);
        if (f->client->bus)
                (void) sd_bus_detach_event(f->client->bus);
        f->client->bus = sd_bus_flush_close_unref(f->client->bus);
        f->refresh_timer = sd_event_source_disable_unref(f->refresh_timer);
        f->away_timer = sd_event_source_disable_unref(f->away_timer);
        f->event = sd_event_unref(f->event);
        objects_done(&f->objects);
        watch_target_done(&f->target);
}
