/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/figures-view.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/service.h"
#include "client/terminal.h"
#include "client/text.h"
#include "client/verbs.h"
#include "client/watch-json.h"
#include "client/watch-model.h"
#include "client/watch-target.h"
#include "client/watch-text.h"
#include "client/watch-view.h"

#define FRAME_USEC UINT64_C(80000)      /* 12.5 pictures a second */
#define REOPEN_USEC SECOND_USEC
/* A service that crashed is back within a second or two; one that was stopped stays away. */
#define SERVICE_WINDOW_USEC (10 * SECOND_USEC)
/* A service that has just started takes up what was live as soon as it has read its database. */
#define SETTLE_USEC (5 * SECOND_USEC)
#define MESSAGES_PER_DISPATCH 64

typedef enum Mode {
        MODE_SCREEN,
        MODE_PLAIN,
        MODE_JSON,
} Mode;

typedef struct Watch {
        Client *client;
        Mode mode;
        bool until_end;
        WatchTarget target;

        sd_event *event;
        sd_event_source *frame_timer, *refresh_timer, *away_timer, *stream_source, *key_source;
        sd_bus_slot *refresh_slot, *open_slot;
        int stream_fd;          /* -1: none */
        bool changed_again;     /* something was signalled while the objects were being read */

        Objects objects;
        WatchModel model;
        uint64_t unshown_dropped; /* of records that --json does not print */
        uint64_t last_frame_usec, last_notice_usec;
        uint64_t settled_usec;  /* from then on (CLOCK_MONOTONIC) a session that is not there has ended */
        char *last_line;
} Watch;

static uint64_t now_of(clockid_t clock) {
        struct timespec ts;

        (void) clock_gettime(clock, &ts);
        return (uint64_t) ts.tv_sec * SECOND_USEC + (uint64_t) ts.tv_nsec / 1000;
}

static uint64_t now_boottime(void) {
        return now_of(CLOCK_BOOTTIME);
}

/* ---- Showing ---- */

static void paint(Watch *w) {
        g_autoptr(GPtrArray) lines = NULL;
        WatchSize size = { .color = output_has_color() };

        terminal_size(&size.columns, &size.rows);
        size.columns -= size.columns > 0; /* the last one would make some terminals wrap */
        lines = watch_view_render(&w->model, &size, now_boottime(), now_of(CLOCK_REALTIME));
        terminal_paint(lines);
        w->last_frame_usec = now_of(CLOCK_MONOTONIC);
}

static void print_line(Watch *w, char *line_take) {
        if (!output_line(line_take))
                (void) sd_event_exit(w->event, EXIT_FAILED);
        g_free(w->last_line);
        w->last_line = line_take;
}

/* A line a second while there is a session, else when something is different. */
static void print_plain(Watch *w) {
        uint64_t now_usec = now_boottime();
        g_autofree char *line = watch_text_plain(&w->model, now_usec, now_of(CLOCK_REALTIME));
        const char *notice = watch_model_notice(&w->model, now_usec);

        if (notice && w->model.notice_usec != w->last_notice_usec) {
                printf("session %" PRIu64 "  %s\n", w->model.session_id, notice);
                w->last_notice_usec = w->model.notice_usec;
        }
        if (w->model.phase == WATCH_FOLLOWING || !w->last_line || strcmp(line, w->last_line) != 0)
                print_line(w, g_steal_pointer(&line));
}

static void show_by(Watch *w, uint64_t monotonic_usec) {
        (void) sd_event_source_set_time(w->frame_timer, monotonic_usec);
        (void) sd_event_source_set_enabled(w->frame_timer, SD_EVENT_ONESHOT);
}

/* Soon, but not more often than the eye can use. */
static void show_soon(Watch *w) {
        if (w->mode == MODE_SCREEN)
                show_by(w, w->last_frame_usec + FRAME_USEC);
}

static int on_frame(sd_event_source *s, uint64_t usec, void *userdata) {
        Watch *w = userdata;

        if (w->mode == MODE_SCREEN)
                paint(w);
        else if (w->mode == MODE_PLAIN)
                print_plain(w);

        show_by(w, now_of(CLOCK_MONOTONIC) + SECOND_USEC);
        return 0;
}

/* How the session went, to stay in sight when the screen is gone. */
static void say_summary(const Watch *w) {
        json_auto *figures = json_from_figures(&w->model.figures);
        g_autofree char *summary = figures_view_summary(figures);
        const char *colon = *summary ? ": " : "", *ended;

        if (w->model.session_id == 0)
                return;
        if (w->model.phase != WATCH_ENDED) {
                output_say("Session %" PRIu64 " goes on%s%s.", w->model.session_id, colon, summary);
                return;
        }

        ended = names_end_reason(w->model.end_reason);
        if (strcmp(ended, "discarded") == 0)
                output_say("Session %" PRIu64 " was discarded.", w->model.session_id);
        else
                output_say("Session %" PRIu64 " %s%s%s. 'needlectl show %" PRIu64 "' has all its figures.",
                           w->model.session_id, names_end_reason_text(ended), colon, summary,
                           w->model.session_id);
}

static int leave(Watch *w, Exit e) {
        return sd_event_exit(w->event, (int) e);
}

static int fail(Watch *w, const sd_bus_error *e, int error) {
        terminal_leave(); /* or the message would go with the screen */
        return leave(w, service_error(e, error));
}

/* ---- The stream ---- */

static void close_stream(Watch *w) {
        w->open_slot = sd_bus_slot_unref(w->open_slot);
        w->stream_source = sd_event_source_disable_unref(w->stream_source);
        if (w->stream_fd >= 0)
                (void) close(w->stream_fd);
        w->stream_fd = -1;
}

static void refresh_by(Watch *w, uint64_t monotonic_usec) {
        (void) sd_event_source_set_time(w->refresh_timer, monotonic_usec);
        (void) sd_event_source_set_enabled(w->refresh_timer, SD_EVENT_ONESHOT);
}

static void on_session_end(Watch *w) {
        w->target.ended = w->model.session_id;
        w->model.phase = WATCH_ENDED;

        if (w->mode == MODE_PLAIN)
                print_plain(w);
        if (w->until_end || (w->target.session > 0 && w->mode != MODE_SCREEN))
                (void) leave(w, EXIT_DONE);
}

static void take_record(Watch *w, const StreamRecord *record) {
        json_auto *json = NULL;

        watch_model_record(&w->model, record, now_boottime());
        if (w->mode != MODE_JSON)
                return;

        w->unshown_dropped += record->dropped;
        json = watch_json(record, w->model.session_id);
        if (!json)
                return;

        if (w->unshown_dropped > 0)
                json_object_set_new(json, "dropped", json_integer((json_int_t) w->unshown_dropped));
        w->unshown_dropped = 0;
        output_json_line(json);
}

static void take_message(Watch *w, const uint8_t *data, size_t size) {
        size_t offset = 0;

        for (;;) {
                StreamRecord record;
                int r = stream_reader_next(data, size, &offset, &record);

                if (r == 0)
                        return;
                if (r < 0)
                        w->model.malformed++;
                else
                        take_record(w, &record);
        }
}

static void on_stream_closed(Watch *w) {
        bool ended = w->model.phase == WATCH_ENDED;

        close_stream(w);
        if (ended)
                on_session_end(w);

        /* Without END it broke off: what the service shows says whether the session still lives. */
        refresh_by(w, now_of(CLOCK_MONOTONIC) + (ended ? 0 : REOPEN_USEC));
}

static int on_stream(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        static uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX];
        Watch *w = userdata;

        for (unsigned i = 0; i < MESSAGES_PER_DISPATCH; i++) {
                ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        break;
                if (n <= 0) {
                        on_stream_closed(w);
                        break;
                }
                if ((size_t) n > sizeof buffer)
                        w->model.malformed++; /* "No message exceeds 16,384 bytes." */
                else
                        take_message(w, buffer, (size_t) n);
        }

        if (ferror(stdout)) /* whoever read it has gone */
                return sd_event_exit(w->event, EXIT_FAILED);

        show_soon(w);
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
        Watch *w = userdata;
        int fd, r;

        w->open_slot = sd_bus_slot_unref(w->open_slot);
        if (error && is_passing(error)) {
                refresh_by(w, now_of(CLOCK_MONOTONIC) + REOPEN_USEC);
                return 0;
        }
        if (error)
                return fail(w, error, -sd_bus_error_get_errno(error));

        r = sd_bus_message_read(m, "h", &fd);
        if (r < 0)
                return fail(w, NULL, r);
        w->stream_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* that of the message goes with it */
        r = w->stream_fd < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(w->event, &w->stream_source, w->stream_fd, EPOLLIN, on_stream, w);
        if (r < 0)
                return fail(w, NULL, r);

        show_soon(w);
        return 0;
}

static int open_stream(Watch *w, const json_t *session) {
        g_autoptr(sd_bus_message) call = NULL;
        int r;

        r = sd_bus_message_new_method_call(w->client->bus, &call, SERVICE_NAME, json_text(session, "path"),
                                           SERVICE_SESSION, "OpenStream");
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "a{sv}", 1, "period", "t",
                                  w->mode == MODE_PLAIN ? SECOND_USEC / 2 : FRAME_USEC);
        if (r < 0)
                return r;

        r = sd_bus_call_async(w->client->bus, &w->open_slot, call, on_stream_opened, w, 0);
        if (r < 0)
                return r;

        watch_model_begin(&w->model, (uint64_t) json_number(session, "id"));
        return 0;
}

/* ---- What there is to watch ---- */

/* A session whose stream broke off has ended in the meantime, without an END for us. */
static void check_ended(Watch *w) {
        const json_t *session;

        if (w->model.phase != WATCH_FOLLOWING || w->stream_fd >= 0 || w->open_slot)
                return;

        session = watch_target_session_of_id(&w->objects, w->model.session_id);
        if (session && objects_session_is_live(session))
                return;
        if (now_of(CLOCK_MONOTONIC) < w->settled_usec)
                refresh_by(w, w->settled_usec);
        else
                on_session_end(w);
}

static void watch_choose(Watch *w) {
        const json_t *session;
        int r = 0;

        if (w->model.phase == WATCH_UNREACHABLE)
                w->model.phase = w->model.session_id > 0 ? WATCH_FOLLOWING : WATCH_WAITING;
        check_ended(w);

        session = w->stream_fd >= 0 || w->open_slot
                          ? watch_target_session_of_id(&w->objects, w->model.session_id)
                          : watch_target_session(&w->target, &w->objects);
        if (!session && w->model.phase == WATCH_ENDED)
                session = watch_target_session_of_id(&w->objects, w->model.session_id);
        else if (session && w->stream_fd < 0 && !w->open_slot)
                r = open_stream(w, session);

        watch_model_set_device(&w->model, (json_t *) watch_target_device(&w->target, &w->objects, session));
        if (r < 0)
                (void) fail(w, NULL, r);
        show_soon(w);
}

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        json_auto *managed = NULL;
        Watch *w = userdata;

        w->refresh_slot = sd_bus_slot_unref(w->refresh_slot);
        if (sd_bus_message_is_method_error(m, NULL) || json_from_message(m, &managed) < 0) {
                if (w->model.phase != WATCH_UNREACHABLE)
                        refresh_by(w, now_of(CLOCK_MONOTONIC) + REOPEN_USEC);
                return 0;
        }

        objects_done(&w->objects);
        objects_init(&w->objects, managed);
        watch_choose(w);

        if (w->changed_again)
                refresh_by(w, now_of(CLOCK_MONOTONIC) + FRAME_USEC);
        w->changed_again = false;
        return 0;
}

static int on_refresh(sd_event_source *s, uint64_t usec, void *userdata) {
        Watch *w = userdata;
        int r;

        if (w->refresh_slot) {
                w->changed_again = true;
                return 0;
        }

        r = sd_bus_call_method_async(w->client->bus, &w->refresh_slot, SERVICE_NAME, SERVICE_ROOT,
                                     "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", on_objects,
                                     w, "");
        if (r < 0)
                return fail(w, NULL, r);

        return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Watch *w = userdata;
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(w->refresh_timer, &enabled);
        if (w->refresh_slot)
                w->changed_again = true;
        else if (enabled == SD_EVENT_OFF)
                refresh_by(w, now_of(CLOCK_MONOTONIC) + FRAME_USEC / 2); /* changes come in groups */

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
        Watch *w = userdata;

        if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0)
                return 0;

        if (*new) {
                (void) sd_event_source_set_enabled(w->away_timer, SD_EVENT_OFF);
                w->settled_usec = now_of(CLOCK_MONOTONIC) + SETTLE_USEC;
                refresh_by(w, now_of(CLOCK_MONOTONIC));
                return 0;
        }

        close_stream(w);
        w->refresh_slot = sd_bus_slot_unref(w->refresh_slot);
        (void) sd_event_source_set_enabled(w->refresh_timer, SD_EVENT_OFF);
        if (w->model.phase != WATCH_ENDED)
                w->model.phase = WATCH_UNREACHABLE;
        (void) sd_event_source_set_time_relative(w->away_timer, SERVICE_WINDOW_USEC);
        (void) sd_event_source_set_enabled(w->away_timer, SD_EVENT_ONESHOT);
        show_soon(w);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        terminal_leave();
        output_error("The connection to the system bus is gone.");
        return leave(userdata, EXIT_UNREACHABLE);
}

/* ---- The user ---- */

static int on_key(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Watch *w = userdata;
        int key;

        while ((key = terminal_read_key()) > 0)
                if (key == 'q' || key == 'Q')
                        return leave(w, EXIT_DONE);

        if (key < 0 || revents & (EPOLLHUP | EPOLLERR))
                return leave(w, EXIT_DONE);

        return 0;
}

static int on_leave_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        return leave(userdata, EXIT_DONE);
}

static int on_resize(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Watch *w = userdata;

        terminal_forget();
        paint(w);
        return 0;
}

static int on_suspend(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Watch *w = userdata;

        terminal_leave();
        (void) raise(SIGSTOP); /* goes on here when the shell says so */
        (void) terminal_enter();
        paint(w);
        return 0;
}

/* ---- Setting up ---- */

static Exit choose_target(Watch *w, const char *typed) {
        const json_t *device;
        int r = watch_target_choose(&w->target, &w->objects, typed);

        if (r == -ENOTUNIQ)
                return client_device(&w->objects, typed, &device); /* says so */
        if (r < 0) {
                output_error("There is no device and no live session '%s'. 'needlectl status' shows what "
                             "there is.",
                             typed);
                return EXIT_NOT_FOUND;
        }

        return EXIT_DONE;
}

static int add_timers(Watch *w) {
        struct { sd_event_source **source; sd_event_time_handler_t handler;
        } timers[] = {
                { &w->frame_timer, on_frame },
                { &w->refresh_timer, on_refresh },
                { &w->away_timer, on_away_for_long },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(timers); i++) {
                int r = sd_event_add_time(w->event, timers[i].source, CLOCK_MONOTONIC, 0, 1000,
                                          timers[i].handler, w);

                if (r >= 0)
                        r = sd_event_source_set_enabled(*timers[i].source, SD_EVENT_OFF);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int add_signals(Watch *w) {
        static const struct { int number; sd_event_signal_handler_t handler; bool screen;
        } signals[] = {
                { SIGINT, on_leave_signal, false }, { SIGTERM, on_leave_signal, false },
                { SIGHUP, on_leave_signal, false }, { SIGQUIT, on_leave_signal, false },
                { SIGWINCH, on_resize, true },      { SIGTSTP, on_suspend, true },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
                int r;

                if (signals[i].screen && w->mode != MODE_SCREEN)
                        continue;
                r = sd_event_add_signal(w->event, NULL, signals[i].number | SD_EVENT_SIGNAL_PROCMASK,
                                        signals[i].handler, w);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int add_matches(Watch *w) {
        sd_bus *bus = w->client->bus;
        int r;

        r = sd_bus_add_match(bus, NULL,
                             "type='signal',sender='" SERVICE_NAME "',path_namespace='" SERVICE_ROOT "'",
                             on_changed, w);
        if (r < 0)
                return r;
        r = sd_bus_add_match(bus, NULL,
                             "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0="
                             "'" SERVICE_NAME "'",
                             on_owner_changed, w);
        if (r < 0)
                return r;

        return sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                   "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, w);
}

static int set_up(Watch *w) {
        int r;

        r = sd_event_new(&w->event);
        if (r < 0)
                return r;
        r = add_timers(w);
        if (r < 0)
                return r;
        r = add_signals(w);
        if (r < 0)
                return r;
        r = add_matches(w);
        if (r < 0)
                return r;

        return sd_bus_attach_event(w->client->bus, w->event, SD_EVENT_PRIORITY_NORMAL);
}

static int enter_screen(Watch *w) {
        int r;

        if (w->mode != MODE_SCREEN)
                return 0;

        r = terminal_enter();
        if (r < 0 || !isatty(STDIN_FILENO))
                return r;

        return sd_event_add_io(w->event, &w->key_source, STDIN_FILENO, EPOLLIN, on_key, w);
}

static Exit run(Watch *w) {
        int r;

        r = enter_screen(w);
        if (r < 0)
                return service_error(NULL, r);

        watch_choose(w);
        show_by(w, 0);
        refresh_by(w, 0); /* what changed between the first look and the matches */

        r = sd_event_loop(w->event);
        terminal_leave();
        if (r < 0)
                return service_error(NULL, r);
        if (r == EXIT_DONE && w->mode != MODE_JSON)
                say_summary(w);

        return (Exit) r;
}

static void watch_done(Watch *w) {
        terminal_leave();
        close_stream(w);
        w->refresh_slot = sd_bus_slot_unref(w->refresh_slot);
        if (w->client->bus)
                (void) sd_bus_detach_event(w->client->bus);
        w->client->bus = sd_bus_flush_close_unref(w->client->bus); /* with its matches, which point to us */
        w->frame_timer = sd_event_source_disable_unref(w->frame_timer);
        w->refresh_timer = sd_event_source_disable_unref(w->refresh_timer);
        w->away_timer = sd_event_source_disable_unref(w->away_timer);
        w->key_source = sd_event_source_disable_unref(w->key_source);
        w->event = sd_event_unref(w->event);
        objects_done(&w->objects);
        watch_model_done(&w->model);
        watch_target_done(&w->target);
        g_free(w->last_line);
}

Exit verb_watch(Client *client) {
        Watch watch = {
                .client = client,
                .mode = client_wants_json(client) ? MODE_JSON
                        : terminal_is_screen()    ? MODE_SCREEN
                                                  : MODE_PLAIN,
                .until_end = options_has(&client->options, OPTION_UNTIL_END),
                .target = { .uid = getuid() },
                .stream_fd = -1,
        };
        Exit e;
        int r;

        watch_model_init(&watch.model);
        e = client_objects(client, &watch.objects);
        if (e == EXIT_DONE)
                e = choose_target(&watch, client_arg(client, 0));
        if (e == EXIT_DONE) {
                r = set_up(&watch);
                e = r < 0 ? service_error(NULL, r) : run(&watch);
        }

        watch_done(&watch);
        return e;
}
