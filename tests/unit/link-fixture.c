/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link-fixture.h"

#include <string.h>
#include <sys/socket.h>

#include "link/private.h"

static void on_bluetooth(Link *link, void *userdata) {
        ((Fixture *) userdata)->bluetooth_changes++;
}

static void on_searching(Link *link, void *userdata) {
        ((Fixture *) userdata)->searching_changes++;
}

static void on_added(Device *device, void *userdata) {
        Fixture *f = userdata;

        f->device = device;
        f->added++;
}

static void on_changed(Device *device, unsigned changed, void *userdata) {
        Fixture *f = userdata;

        f->identities += !!(changed & DEVICE_CHANGED_IDENTITY);
        f->states += !!(changed & DEVICE_CHANGED_STATE);
        f->batteries += !!(changed & DEVICE_CHANGED_BATTERY);
        f->parameter_changes += !!(changed & DEVICE_CHANGED_PARAMETERS);
}

static void on_removed(Device *device, void *userdata) {
        Fixture *f = userdata;

        f->removed++;
        f->device = NULL;
}

static void on_frame(Device *device, const Frame *frame, void *userdata) {
        Fixture *f = userdata;

        if (frame->direction == FRAME_OF_LINK) {
                f->ups += frame->data[0] == FRAME_LINK_UP;
                f->losts += frame->data[0] == FRAME_LINK_LOST;
                f->suspends += frame->data[0] == FRAME_LINK_SUSPENDED;
                g_assert_cmpuint(f->ups - f->losts - f->suspends, <=, 1); /* they take turns */
                f->since_up = 0;
                return;
        }

        if (frame->direction == FRAME_TO_DEVICE) {
                g_assert_true(frame->channel == OMP_CHAR_CONTROL_POINT || frame->channel == OMP_CHAR_CLOCK);
                f->told++;
                return;
        }

        g_assert_cmpint(frame->direction, ==, FRAME_FROM_DEVICE);
        g_assert_cmpuint(f->ups, ==, f->losts + f->suspends + 1); /* frames only while the link is up */
        f->channel = frame->channel;
        f->size = MIN(frame->size, sizeof(f->data));
        if (f->size > 0)
                memcpy(f->data, frame->data, f->size);
        g_assert_cmpuint(frame->boottime_usec, >=, f->boottime_usec);
        f->boottime_usec = frame->boottime_usec;

        if (!device->profile->vendor && frame->channel == OMP_CHAR_FEATURE) {
                g_assert_cmpuint(f->since_up, ==, 0); /* before all that it explains */
                f->features++;
        } else {
                f->frames++;
                f->empty_frames += frame->size == 0;
        }
        f->since_up++;
}

static void on_failed(Link *link, int error, void *userdata) {
        g_error("link failed: %s", g_strerror(-error));
}

const LinkObserver fixture_observer = {
        .bluetooth_changed = on_bluetooth,
        .searching_changed = on_searching,
        .device_added = on_added,
        .device_changed = on_changed,
        .device_removed = on_removed,
        .device_frame = on_frame,
        .failed = on_failed,
};

void fixture_on_done(int error, const char *message, void *userdata) {
        Fixture *f = userdata;

        f->done_error = error;
        g_free(f->done_message);
        f->done_message = g_strdup(message);
        f->dones++;
}

void fixture_set_up(Fixture *f, bool allow_broadcast) {
        if (!f->profiles)
                f->profiles = profiles_new();
        const LinkSettings settings = { .profiles = f->profiles, .allow_broadcast = allow_broadcast, .parameters = f->wanted,
                                        .root = f->root };
        LinkObserver observer = fixture_observer;

        f->bus = fake_bus_start();
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->fake = fake_bluez_new(f->event, f->kind);
        observer.device_record = f->on_record;
        g_assert_cmpint(link_new(f->event, &settings, &observer, f, &f->link), >=, 0);
        link_start(f->link);
        g_assert_cmpint(link_bluetooth(f->link), ==, LINK_BLUETOOTH_ABSENT);
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_READY);
}

Device fixture_remembered(const Fixture *f) {
        return (Device) {
                .path = (char *) "C0_FF_EE_12_34_56",
                .address = (char *) FAKE_ADDRESS,
                .address_type = (char *) "random",
                .adapter = (char *) "00:AA:01:00:00:00",
                .name = (char *) "Pen",
                .serial = (char *) "0042",
                .owner = 1000,
                .bonded = true,
                .auto_connect = true,
                .profile = profiles_by_id(f->profiles, "omp1"),
        };
}

void fixture_restart(Fixture *f, const Device *remembered) {
        const LinkSettings settings = { .profiles = f->profiles };

        f->link = link_free(f->link);
        f->ups = f->losts = f->suspends = 0;
        g_assert_cmpint(link_new(f->event, &settings, &fixture_observer, f, &f->link), >=, 0);
        g_assert_true(link_restore(f->link, remembered) == f->device);
        link_start(f->link);
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_READY);
}

void fixture_tear_down(Fixture *f) {
        f->fake = fake_bluez_free(f->fake); /* it cannot answer the link, which waits for it, in the same loop */
        f->link = link_free(f->link);
        f->profiles = profiles_free(f->profiles);
        sd_event_unref(f->event);
        fake_bus_stop(f->bus);
        g_free(f->done_message);
}

static int on_pong(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ++*(unsigned *) userdata;
        return 0;
}

/* The bus keeps the order: what was sent to the other side before has come when the answer has, however busy the bus is. */
static void go_there_and_back(Fixture *f, sd_bus *from, sd_bus *to) {
        const char *name;
        unsigned pongs = 0;
        sd_bus_slot *slot;

        g_assert_cmpint(sd_bus_get_unique_name(to, &name), >=, 0);
        g_assert_cmpint(sd_bus_call_method_async(from, &slot, name, "/", "org.freedesktop.DBus.Peer", "Ping", on_pong, &pongs, NULL), >=, 0);
        wait_for(f, pongs > 0);
        sd_bus_slot_unref(slot);
}

/* Three times: a call, its answer, what comes of that. */
void fixture_settle(Fixture *f) {
        for (int i = 0; i < 3; i++) {
                sd_bus *link = f->link ? link_connection(f->link) : NULL;

                if (link && f->fake) {
                        go_there_and_back(f, link, f->fake->bus);
                        go_there_and_back(f, f->fake->bus, link);
                }
                while (sd_event_run(f->event, 50 * 1000) > 0)
                        ;
        }
}

void fixture_lose(Fixture *f) {
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->work->step == STEP_NONE);
        fixture_settle(f);
}

void fixture_find(Fixture *f) {
        g_assert_cmpint(link_search(f->link, 10 * G_USEC_PER_SEC), ==, 0);
        g_assert_true(link_searching(f->link));
        wait_for(f, f->fake->discoveries > 0);
        fake_device_appear(f->fake);
        wait_for(f, f->device);
        g_assert_cmpint(f->device->state, ==, DEVICE_FOUND);
        g_assert_cmpstr(f->device->path, ==, "C0_FF_EE_12_34_56");
        g_assert_cmpstr(f->device->name, ==, f->fake->kind->name);
        g_assert_cmpint(f->device->rssi, ==, -60);
}

void fixture_adopt(Fixture *f, bool allow_unbonded) {
        const LinkAdopt options = { .alias = "My pen", .allow_unbonded = allow_unbonded, .owner = 1000 };

        fixture_find(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        g_assert_cmpuint(f->dones, ==, 0); /* nobody is answered before the call returns */
        wait_for(f, f->dones == 1);
}

void fixture_stream(Fixture *f) {
        fixture_adopt(f, false);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f); /* the optional ones, and Device Information */
}

void fixture_notify(Fixture *f, const char *uuid, const void *data, size_t size) {
        FakeChar *ch = fake_char(f->fake, uuid);

        g_assert_cmpint(send(ch->fd, data, size, 0), ==, (ssize_t) size);
}
