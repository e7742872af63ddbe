/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-display.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "client/json.h"
#include "client/output.h"
#include "client/service.h"
#include "client/terminal.h"
#include "client/watch-json.h"
#include "client/watch-text.h"
#include "client/watch-view.h"
#include "needled/omp-words.h"

#define PICTURE_USEC UINT64_C(50000)    /* 20 pictures a second at most */

static uint64_t shown_boottime(const WatchDisplay *d) {
        return d->clocks.boottime(d->clocks.userdata);
}

static uint64_t shown_realtime(const WatchDisplay *d) {
        return d->clocks.realtime(d->clocks.userdata);
}

static void paint(WatchDisplay *d) {
        g_autoptr(GPtrArray) lines = NULL;
        WatchSize size = { .color = output_has_color() };

        terminal_size(&size.columns, &size.rows);
        size.columns -= size.columns > 0; /* the last one would make some terminals wrap */
        lines = watch_view_render(d->model, d->key_source ? &d->prompt : NULL, &size, shown_boottime(d), shown_realtime(d));
        if (!terminal_paint(lines)) /* it is gone */
                (void) sd_event_exit(d->event, EXIT_DONE);
        d->last_picture_usec = client_clock(CLOCK_MONOTONIC);
}

static void print_line(WatchDisplay *d, char *line_take) {
        if (!output_line(line_take))
                (void) sd_event_exit(d->event, EXIT_FAILED);
        g_free(d->last_line);
        d->last_line = line_take;
}

/* A line a second while there is a session, else when something is different. */
static void print_plain(WatchDisplay *d) {
        uint64_t now_usec = shown_boottime(d);
        g_autofree char *line = watch_text_plain(d->model, now_usec, shown_realtime(d));
        g_autofree char *session = watch_text_session(d->model);
        char *notice;

        while ((notice = watch_model_take_notice(d->model))) {
                printf("%s  %s\n", session, notice);
                g_free(notice);
        }
        if (line && (d->model->phase == WATCH_FOLLOWING || !d->last_line || strcmp(line, d->last_line) != 0))
                print_line(d, g_steal_pointer(&line));
}

static void show_by(WatchDisplay *d, uint64_t monotonic_usec) {
        if (d->away)
                return;
        (void) sd_event_source_set_time(d->picture_timer, monotonic_usec);
        (void) sd_event_source_set_enabled(d->picture_timer, SD_EVENT_ONESHOT);
}

static int on_picture(sd_event_source *s, uint64_t usec, void *userdata) {
        WatchDisplay *d = userdata;

        if (d->mode == WATCH_SCREEN)
                paint(d);
        else if (d->mode == WATCH_PLAIN)
                print_plain(d);

        show_by(d, client_clock(CLOCK_MONOTONIC) + SECOND_USEC);
        return 0;
}

/* The area that holds now; NULL: none. `word` is room for it. */
static const char *current_area(const WatchModel *m, char word[OMP_WORD_SIZE]) {
        return m->has_live && m->live.present & NEEDLED_STREAM_HAS_AREA ? omp_word(OMP_WORDS_AREA, m->live.area, word) : NULL;
}

static int on_key(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        WatchDisplay *d = userdata;
        char word[OMP_WORD_SIZE];
        int key;

        while ((key = terminal_read_key()) > 0) {
                WatchAction action =
                        watch_prompt_key(&d->prompt, (unsigned char) key, current_area(d->model, word), shown_boottime(d));

                if (action == WATCH_ACTION_QUIT)
                        return sd_event_exit(d->event, EXIT_DONE);
                if (action != WATCH_ACTION_NONE && d->act)
                        d->act(action, d->prompt.value, d->act_userdata);
        }
        watch_prompt_settle(&d->prompt);
        if (key < 0 || revents & (EPOLLHUP | EPOLLERR))
                return sd_event_exit(d->event, EXIT_DONE);

        paint(d);
        return 0;
}

static int on_resize(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        WatchDisplay *d = userdata;

        terminal_forget();
        watch_display_changed(d); /* a window that is being dragged tells it many times */
        return 0;
}

static int on_suspend(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        terminal_leave();
        (void) raise(SIGSTOP); /* goes on here when the shell says so, and with on_continue() */
        return 0;
}

static void enter_again(WatchDisplay *d) {
        terminal_leave();
        (void) terminal_enter();
        paint(d);
}

/* Whoever had the terminal meanwhile may have left it in another way. */
static int on_continue(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        WatchDisplay *d = userdata;

        if (!d->away)
                enter_again(d);
        return 0;
}

static int enter_screen(WatchDisplay *d) {
        int r;

        r = sd_event_add_signal(d->event, NULL, SIGWINCH | SD_EVENT_SIGNAL_PROCMASK, on_resize, d);
        if (r < 0)
                return r;
        r = sd_event_add_signal(d->event, NULL, SIGTSTP | SD_EVENT_SIGNAL_PROCMASK, on_suspend, d);
        if (r < 0)
                return r;
        r = sd_event_add_signal(d->event, NULL, SIGCONT | SD_EVENT_SIGNAL_PROCMASK, on_continue, d);
        if (r < 0)
                return r;
        r = terminal_enter();
        if (r < 0 || !isatty(STDIN_FILENO))
                return r;

        return sd_event_add_io(d->event, &d->key_source, STDIN_FILENO, EPOLLIN, on_key, d);
}

WatchMode watch_display_mode(const Client *client) {
        if (client_wants_json(client))
                return WATCH_JSON;

        return terminal_is_screen() ? WATCH_SCREEN : WATCH_PLAIN;
}

int watch_display_begin(WatchDisplay *d, sd_event *event, WatchMode mode, WatchModel *model, const WatchClocks *clocks) {
        int r;

        *d = (WatchDisplay) { .mode = mode, .model = model, .clocks = *clocks, .event = sd_event_ref(event) };
        watch_prompt_init(&d->prompt, false);
        r = client_add_timer(event, &d->picture_timer, on_picture, d);
        if (r >= 0)
                r = client_leave_on_signals(event);
        if (r >= 0 && mode == WATCH_SCREEN)
                r = enter_screen(d);
        if (r < 0)
                return r;

        show_by(d, 0);
        return 0;
}

void watch_display_offer(WatchDisplay *d, WatchAct act, void *userdata) {
        d->act = act;
        d->act_userdata = userdata;
        d->prompt.has_actions = true;
}

void watch_display_done(WatchDisplay *d) {
        terminal_leave();
        d->picture_timer = sd_event_source_disable_unref(d->picture_timer);
        d->key_source = sd_event_source_disable_unref(d->key_source);
        d->event = sd_event_unref(d->event);
        g_clear_pointer(&d->last_line, g_free);
        watch_prompt_done(&d->prompt);
}

void watch_display_record(WatchDisplay *d, const StreamRecord *record) {
        json_auto *json = NULL;

        if (d->mode != WATCH_JSON) {
                watch_display_changed(d);
                return;
        }

        d->unshown_dropped += record->dropped;
        json = watch_json(record, d->model->session_id);
        if (!json)
                return;

        if (d->unshown_dropped > 0)
                json_object_set_new(json, "dropped", json_integer((json_int_t) d->unshown_dropped));
        d->unshown_dropped = 0;
        output_json_line(json);
        if (ferror(stdout)) /* whoever read it has gone */
                (void) sd_event_exit(d->event, EXIT_FAILED);
}

void watch_display_changed(WatchDisplay *d) {
        if (d->mode == WATCH_SCREEN)
                show_by(d, d->last_picture_usec + PICTURE_USEC);
}

void watch_display_yield(WatchDisplay *d, bool away) {
        if (d->mode != WATCH_SCREEN || d->away == away)
                return;

        d->away = away;
        if (d->key_source)
                (void) sd_event_source_set_enabled(d->key_source, away ? SD_EVENT_OFF : SD_EVENT_ON);
        if (away) {
                (void) sd_event_source_set_enabled(d->picture_timer, SD_EVENT_OFF);
                terminal_leave();
                return;
        }

        (void) tcflush(STDIN_FILENO, TCIFLUSH); /* what nobody has read was typed for who asked */
        enter_again(d);
        show_by(d, client_clock(CLOCK_MONOTONIC) + SECOND_USEC);
}

void watch_display_say(WatchDisplay *d, bool bad, const char *text) {
        watch_prompt_say(&d->prompt, bad, text, shown_boottime(d));
        watch_display_changed(d);
}

void watch_display_ended(WatchDisplay *d) {
        if (d->mode == WATCH_PLAIN)
                print_plain(d);
}
