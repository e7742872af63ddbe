/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A message bus in the test's own process and loop: the bus driver, polkit, and as many clients of as many
 * users as a test needs. The code under test connects to it as to the system bus. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef enum FakePolkit {
        FAKE_POLKIT_ABSENT,             /* not installed */
        FAKE_POLKIT_ALLOW,
        FAKE_POLKIT_DENY,
        FAKE_POLKIT_CHALLENGE,          /* would allow to who authenticates */
        FAKE_POLKIT_NONSENSE,           /* answers with something else */
        FAKE_POLKIT_HOLD,               /* does not answer until fake_bus_polkit_answer() */
} FakePolkit;

typedef struct FakeBus {
        sd_event *event;
        char *folder, *path;
        sd_event_source *listener;
        sd_bus *server;                 /* our end of the daemon's connection */
        sd_bus_slot *filter;

        unsigned n_connections;         /* of the daemon; each takes the place of the one before */
        uint32_t name_answer;           /* to RequestName; 0: AccessDenied */
        unsigned n_name_requests;
        uint32_t name_flags;            /* of the newest */
        bool hold_uids; /* GetConnectionUnixUser is not answered until fake_bus_release_uids() */
        GPtrArray *held;                /* sd_bus_message */
        GHashTable *users;              /* unique name → uid */
        GPtrArray *matches;             /* rules that the daemon has added and not removed */
        GPtrArray *signals;             /* sd_bus_message: what the daemon broadcast */
        GPtrArray *asked;               /* sd_bus_message: what it called of clients, who answer by fake_bus_reply() or never */
        unsigned n_uid_queries, n_checks, n_cancels;

        FakePolkit polkit;
        sd_bus_message *check;          /* the newest CheckAuthorization */
        char *action, *subject;         /* of it */
        uint32_t flags;

        char *logind;                   /* unique name of org.freedesktop.login1, NULL: it is not there */
        bool refuse_delays, hold_delays; /* Inhibit fails; is not answered until fake_bus_grant_delay() */
        sd_bus_message *inhibit;        /* the newest Inhibit that was not answered */
        unsigned n_inhibits;
        char *inhibit_text;             /* its arguments */
        int delay;                      /* our end of the pipe that the newest one was answered with, -1: none */
} FakeBus;

FakeBus *fake_bus_new(sd_event *event);
FakeBus *fake_bus_free(FakeBus *fb);

void fake_bus_user(FakeBus *fb, const char *name, uid_t uid);
/* The name leaves the bus; `sender` is who says so. */
void fake_bus_leave(FakeBus *fb, const char *name, const char *sender);
/* The bus reads nothing more from the daemon's connection, and delivers to it still. */
void fake_bus_stop_reading(FakeBus *fb);
void fake_bus_read_on(FakeBus *fb);
/* `sender` says that the daemon has lost its name. */
void fake_bus_name_lost(FakeBus *fb, const char *sender);
void fake_bus_release_uids(FakeBus *fb);
void fake_bus_polkit_answer(FakeBus *fb, FakePolkit answer);
/* logind comes (a unique name), goes (NULL) or is another one, and the bus says so. */
void fake_bus_logind(FakeBus *fb, const char *name);
void fake_bus_prepare_for_sleep(FakeBus *fb, const char *sender, bool asleep);
void fake_bus_grant_delay(FakeBus *fb);
bool fake_bus_is_delayed(const FakeBus *fb); /* the computer would wait */
/* The client's answer to the newest call of `member`: an error's name, or values as for sd_bus_message_append(). */
void fake_bus_reply(FakeBus *fb, const char *sender, const char *member, const char *error, const char *types, ...);
/* The newest call of `member`, or NULL. */
sd_bus_message *fake_bus_asked(const FakeBus *fb, const char *member);
bool fake_bus_has_match(const FakeBus *fb, const char *part);

/* Runs the loop until it is so, 120 s at most; the test fails then. */
#define fake_bus_until(fb, condition)                                                           \
        do {                                                                                    \
                gint64 _end = g_get_monotonic_time() + 120 * G_USEC_PER_SEC;                    \
                while (!(condition)) {                                                          \
                        g_assert_cmpint(g_get_monotonic_time(), <, _end);                       \
                        g_assert_cmpint(sd_event_run((fb)->event, 100000), >=, 0);              \
                }                                                                               \
        } while (0)
/* Runs what is ready, until nothing is. */
void fake_bus_settle(FakeBus *fb);

typedef struct FakeCall {
        sd_bus_message *reply;          /* NULL: no answer yet */
        sd_bus_slot *slot;
} FakeCall;

FakeCall *fake_call_free(FakeCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeCall, fake_call_free)

/* A call by a client; arguments as for sd_bus_message_append(). `how`: "i" allows interactive authorization,
 * "" not. */
FakeCall *fake_call(FakeBus *fb, const char *sender, const char *how, const char *path,
                    const char *interface, const char *member, const char *types, ...);
/* Waits for the answer. */
sd_bus_message *fake_call_wait(FakeBus *fb, FakeCall *call);
/* Waits for the answer and asserts that it is this error ("NotFound", or a full name), or success (NULL).
 * Returns the answer. */
sd_bus_message *fake_call_expect(FakeBus *fb, FakeCall *call, const char *error);

/* Signals by member, the newest that match; NULL: none. `path` may be NULL. */
sd_bus_message *fake_bus_signal(const FakeBus *fb, const char *path, const char *member);
unsigned fake_bus_count_signals(const FakeBus *fb, const char *path, const char *member);
