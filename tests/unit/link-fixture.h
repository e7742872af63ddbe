/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Link and a small bluetoothd in one loop, and what link said. */

#include <glib.h>
#include <stdbool.h>

#include "fake-bluez.h"
#include "link/link.h"

#define FIXTURE_DEADLINE_USEC (100 * G_USEC_PER_SEC) /* generous: a busy neighbour is no failure */

typedef struct Fixture {
        GPid bus;
        sd_event *event;
        const FakeKind *kind;   /* of the device; NULL: an OMP pen */
        const char *root;       /* of LinkSettings */
        DeviceParameters wanted; /* likewise, parameters */
        void (*on_record)(Device *device, const StoredRecord *record, void *userdata); /* NULL: stored sessions are not taken over */
        FakeBluez *fake;
        Profiles *profiles;
        Link *link;
        Device *device; /* the last added */
        unsigned added, removed, ups, losts, suspends, frames, empty_frames, identities, states, batteries, bluetooth_changes,
                searching_changes;
        unsigned told;          /* frames to the device; `frames` does not count them */
        unsigned parameter_changes;
        unsigned features;      /* Feature as a frame; `frames` does not count them */
        unsigned since_up;      /* frames of any kind since the link was up */
        uint8_t channel;
        uint8_t data[64];
        size_t size;
        uint64_t boottime_usec;
        int done_error;
        char *done_message;
        unsigned dones;
} Fixture;

extern const LinkObserver fixture_observer;     /* userdata is the Fixture */
void fixture_on_done(int error, const char *message, void *userdata);

/* Starts all of it; profiles (then the fixture's), kind and root may be set before. */
void fixture_set_up(Fixture *f, bool allow_broadcast);
void fixture_tear_down(Fixture *f);
/* The device as the store remembers it, bonded; strings are static. */
Device fixture_remembered(const Fixture *f);
/* A new link that remembers the device. */
void fixture_restart(Fixture *f, const Device *remembered);

/* Runs the loop until the condition holds. */
#define wait_for(f, condition) \
        do { \
                uint64_t _end = (uint64_t) g_get_monotonic_time() + FIXTURE_DEADLINE_USEC; \
                while (!(condition)) { \
                        if ((uint64_t) g_get_monotonic_time() > _end) \
                                g_error("line %i: never came: %s (state %s %s)", __LINE__, #condition, \
                                        (f)->device ? device_state_name((f)->device->state) : "-", \
                                        (f)->device ? device_reason_name((f)->device->reason) : ""); \
                        g_assert_cmpint(sd_event_run((f)->event, 100 * 1000), >=, 0); \
                } \
        } while (0)

/* Lets everything that is on its way arrive: a call goes to the bus and back on each side. */
void fixture_settle(Fixture *f);
/* Away by the radio, and waiting to come back by itself. */
void fixture_lose(Fixture *f);
void fixture_find(Fixture *f);
void fixture_adopt(Fixture *f, bool allow_unbonded);
void fixture_stream(Fixture *f); /* adopted, bonded, and all that was asked for is answered */
void fixture_notify(Fixture *f, const char *uuid, const void *data, size_t size);
