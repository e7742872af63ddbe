/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fake-trouble.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

#define FEATURE "95840101-2319-423b-8a8e-ee1ffb8d13f8"
#define LIVE "95840102-2319-423b-8a8e-ee1ffb8d13f8"
#define WAVEFORM "95840103-2319-423b-8a8e-ee1ffb8d13f8"
#define STATUS "95840105-2319-423b-8a8e-ee1ffb8d13f8"
#define MAKER "00002a29-0000-1000-8000-00805f9b34fb"
#define SERIAL "00002a25-0000-1000-8000-00805f9b34fb"

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void stream_unbonded(Fixture *f) {
        f->fake->pair_refused = true;
        fixture_adopt(f, true);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
}

/* Away by the radio, and waiting to come back by itself. */
static void lose(Fixture *f) {
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->work->step == STEP_NONE);
        fixture_settle(f);
}

static void lose_known(Fixture *f) {
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_KNOWN && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_KNOWN);
}

static void assert_bond_lost(Fixture *f, Step step) {
        wait_for(f, f->device->state == DEVICE_BOND_LOST && f->device->work->step == step);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
        g_assert_cmpint(f->device->retry_at_usec > 0, ==, step == STEP_BACKOFF);
        g_assert_false(f->fake->connected || f->fake->trusted);
        g_assert_cmpuint(f->fake->unregistered, ==, 1);
        g_assert_cmpuint(f->ups, ==, f->losts);
}

static void lose_bond(Fixture *f) {
        fixture_stream(f);
        fake_unpair(f->fake);
        assert_bond_lost(f, STEP_NONE);
}

/* ---- The bond ---- */

/* Somebody removed it on this computer; nothing loops after that. */
static void test_bond_removed_here(Fixture *f, const void *data) {
        lose_bond(f);
        unsigned connects = f->fake->connects, disconnects = f->fake->disconnects;
        fake_device_connect(f->fake);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpuint(f->fake->connects, ==, connects);
        g_assert_cmpuint(f->fake->disconnects, ==, disconnects);
        g_assert_cmpuint(f->ups, ==, 1);
}

static void test_object_removed(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        fake_device_vanish(f->fake);
        wait_for(f, f->device->work->step == STEP_MISSING);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        wait_for(f, f->device->state == DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
}

/* bluetoothd shows it a little later than its adapter: no harm. */
static void test_object_comes_late(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        fake_device_vanish(f->fake);
        wait_for(f, f->device->work->step == STEP_MISSING);
        fake_device_appear(f->fake);
        wait_for(f, f->device->work->step == STEP_NONE);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* With its adapter all of it goes, and comes back under another path. */
static void test_unplugged(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_unplug(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_NO_ADAPTER);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
        fake_plug(f->fake, FAKE_ADAPTER);
        fake_device_appear(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY && f->device->work->step == STEP_NONE);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* After a restart bluetoothd shows Paired when the device is connected again, not before. */
static void test_paired_comes_late(Fixture *f, const void *data) {
        fixture_stream(f);
        f->fake = fake_bluez_free(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_NO_BLUETOOTHD);
        f->fake = fake_bluez_new(f->event, NULL);
        f->fake->trusted = true;
        fake_device_appear(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY);
        f->fake->paired = true;
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

static void test_authentication_fails(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        f->fake->connect_error = "org.bluez.Error.AuthenticationFailed";
        f->fake->connect_error_text = "Authentication Failed";
        f->fake->connect_errors = 1;
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EKEYREVOKED);
        g_assert_nonnull(strstr(f->done_message, "needlectl adopt"));
        assert_bond_lost(f, STEP_NONE);
}

/* ATT 0x05 and 0x0f at Feature. */
static void test_feature_needs_the_key(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        f->fake->read_error = "org.bluez.Error.NotPermitted";
        f->fake->read_error_text = "Not paired";
        fake_device_connect(f->fake);
        assert_bond_lost(f, STEP_NONE);
}

static void test_notifications_need_the_key(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        f->fake->acquire_error = "org.bluez.Error.Failed";
        f->fake->acquire_error_text = "Operation failed with ATT error: 0x0f";
        f->fake->acquire_errors = 1;
        fake_device_connect(f->fake);
        assert_bond_lost(f, STEP_NONE);
}

/* The device does not know our key and drops each connection: three are enough. */
static void test_early_falls(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        f->fake->unresolved = true;
        for (int i = 0; i < 3; i++) {
                g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
                fake_device_connect(f->fake);
                wait_for(f, f->device->state == DEVICE_RESOLVING);
                fake_device_disconnect(f->fake);
                wait_for(f, f->device->state != DEVICE_RESOLVING);
        }
        assert_bond_lost(f, STEP_BACKOFF); /* it may have been the radio: it is tried again */
}

/* The wait is over before its time. */
static void wait_is_over(Fixture *f) {
        g_assert_cmpint(f->device->work->step, ==, STEP_BACKOFF);
        g_assert_cmpint(sd_event_source_set_time(f->device->work->timer, 0), >=, 0);
}

/* BlueZ may not wait for a device whose connection broke off while it was set up: it is asked to, once. */
static void test_asked_for_after_an_early_fall(Fixture *f, const void *data) {
        unsigned connects;

        fixture_stream(f);
        lose(f);
        fixture_settle(f);
        connects = f->fake->connects;
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE); /* after one that streamed it waits by itself */
        f->fake->unresolved = true;
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_RESOLVING);
        f->fake->unresolved = false;
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->connects, ==, connects + 1);
}

/* It comes again with the key that there is; one more early fall, and it waits twice as long; a connection that streams clears it. */
static void test_a_suspicion_is_tested_again(Fixture *f, const void *data) {
        uint64_t first, second;

        test_early_falls(f, data);
        first = f->device->retry_at_usec - f->device->state_since_usec;
        f->fake->connect_error = "org.bluez.Error.Failed";
        f->fake->connect_error_text = "le-connection-abort-by-local";
        f->fake->connect_errors = 1;
        wait_is_over(f);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->work->step == STEP_NONE);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_AWAY);
        wait_for(f, f->fake->trusted);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_RESOLVING);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_BOND_LOST && f->device->work->step == STEP_BACKOFF);
        second = f->device->retry_at_usec - f->device->state_since_usec;
        g_assert_cmpuint(second, >, first + first / 2);

        f->fake->unresolved = false;
        wait_is_over(f);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->pairs, ==, 1);
        wait_for(f, f->fake->trusted);
}

/* Its bond is removed here meanwhile: there is no key to test, and whatever answers at its address is not connected. */
static void test_a_suspicion_without_a_key(Fixture *f, const void *data) {
        unsigned discoveries, connects;

        test_early_falls(f, data);
        fake_device_vanish(f->fake);
        fixture_settle(f);
        discoveries = f->fake->discoveries;
        connects = f->fake->connects;
        wait_is_over(f);
        wait_for(f, f->device->work->step != STEP_BACKOFF);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
        f->fake->paired = false;
        fake_device_appear(f->fake);
        fixture_settle(f);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
        g_assert_cmpuint(f->fake->discoveries, ==, discoveries);
        g_assert_cmpuint(f->fake->connects, ==, connects);
}

/* One that streams in between is a bad place for radio, and no more. */
static void test_early_falls_not_in_a_row(Fixture *f, const void *data) {
        fixture_stream(f);
        for (int i = 0; i < 4; i++) {
                f->fake->unresolved = i != 2;
                fake_device_disconnect(f->fake);
                wait_for(f, f->device->state == DEVICE_WAITING && !f->device->work->connected);
                if (f->device->work->step == STEP_NONE)
                        fake_device_connect(f->fake);
                wait_for(f, f->device->state == (i != 2 ? DEVICE_RESOLVING : DEVICE_STREAMING));
        }
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state != DEVICE_RESOLVING);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
}

/* The owner may try once more, and if it streams all is well. */
static void test_connect_once_more(Fixture *f, const void *data) {
        lose_bond(f);
        f->fake->connect_error = "org.bluez.Error.Failed";
        f->fake->connect_error_text = "le-connection-abort-by-local";
        f->fake->connect_errors = 1;
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EKEYREVOKED);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);

        f->fake->paired = true;
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        wait_for(f, f->fake->trusted);
        g_assert_cmpuint(f->fake->applications, ==, 2);
}

static void test_adopt_again(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };
        Device *device;

        lose_bond(f);
        device = f->device;
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_true(f->device == device && f->added == 1);
        g_assert_true(device->adopted && device->bonded && f->fake->trusted);
        g_assert_cmpstr(device->alias, ==, "My pen");
        g_assert_cmpuint(device->owner, ==, 1001);
        g_assert_cmpuint(f->fake->removes, ==, 1); /* the old bond */
        g_assert_cmpuint(f->fake->pairs, ==, 2);
}

static void test_adopt_again_fails(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        lose_bond(f);
        f->fake->pair_refused = true;
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EKEYREJECTED);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
        g_assert_true(f->device->adopted);
        g_assert_cmpuint(f->device->owner, ==, 1000);
}

/* On its way to streaming by the owner's Connect() when it is adopted again. */
static void get_ready(Fixture *f) {
        lose_bond(f);
        f->fake->paired = true;
        fake_hold(f->fake, "AcquireNotify");
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2 && f->fake->held->len == 1);
        g_assert_cmpint(f->device->state, ==, DEVICE_READY);
}

static void test_adopt_again_on_its_way(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        get_ready(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        fake_answer(f->fake, "org.bluez.Error.Failed", "Not connected");
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->removes, ==, 1);
}

/* What was under way before it does not come back. */
static void test_adopt_again_on_its_way_fails(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        get_ready(f);
        f->fake->pair_refused = true;
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        fake_answer(f->fake, "org.bluez.Error.Failed", "Not connected");
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, -EKEYREJECTED);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
}

static void test_settings_of_one_that_is_adopted_again(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        lose_bond(f);
        fake_hold(f->fake, "RemoveDevice");
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->fake->held->len == 1);
        device_set_auto_connect(f->device, false);
        g_assert_cmpint(f->device->work->step, ==, STEP_REMOVE);
        fake_answer(f->fake, NULL, NULL);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

static void test_adopt_again_without_trouble(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        fixture_stream(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EEXIST);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* ---- Who it is ---- */

static void another(Fixture *f, const char *uuid, const char *text) {
        static FakeCharKind other;
        FakeChar *ch = fake_char(f->fake, uuid);

        other = *ch->kind;
        other.value = text;
        other.size = strlen(text);
        ch->kind = &other;
}

static void test_another_device(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        another(f, SERIAL, "0043");
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_IDENTITY_CHANGED);
        g_assert_cmpstr(f->device->serial, ==, "0042");
        g_assert_false(f->fake->connected || f->fake->trusted);
        g_assert_cmpuint(f->losts, ==, 2);

        /* Nor by hand; but its owner may take it for the device. */
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EOPNOTSUPP);
        wait_for(f, f->device->state == DEVICE_REFUSED && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        f->device->n_lasted = 3;
        const LinkAdopt options = { .owner = 1000 };
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpstr(f->device->serial, ==, "0043");
        g_assert_cmpuint(f->device->n_lasted, ==, 0); /* those were another bond's */
        wait_for(f, f->fake->trusted);
}

/* Without a bond it could be anybody: who it is comes before what it says. */
static void test_another_unbonded_device(Fixture *f, const void *data) {
        stream_unbonded(f);
        another(f, SERIAL, "0043");
        unsigned acquires = fake_char(f->fake, STATUS)->acquires;
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_IDENTITY_CHANGED);
        g_assert_cmpuint(f->ups, ==, 1);
        g_assert_cmpuint(fake_char(f->fake, STATUS)->acquires, ==, acquires);
        g_assert_false(f->fake->connected);
}

static void test_what_may_change(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        another(f, MAKER, "Example Inc.");
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        wait_for(f, g_str_equal(f->device->manufacturer, "Example Inc."));
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* Answers to an examination that was broken off are none of the next one's. */
static void test_examined_anew(Fixture *f, const void *data) {
        static FakeCharKind other;
        FakeChar *feature = fake_char(f->fake, FEATURE);
        const FakeCharKind *kind = feature->kind;
        g_autofree uint8_t *value = g_memdup2(kind->value, kind->size);

        fixture_stream(f);
        lose(f);
        value[0]++; /* the major version */
        other = *kind;
        other.value = value;
        feature->kind = &other;
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_PROFILE_MAJOR);
        fake_hold(f->fake, "ReadValue");
        wait_for(f, f->fake->held->len > 1); /* who it is */

        feature->kind = kind;
        link_connect(f->link, f->device, fixture_on_done, f);
        fake_answer(f->fake, NULL, NULL);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        wait_for(f, f->device->work->identity_read);
        g_assert_cmpstr(f->device->serial, ==, "0042");
}

/* ---- Services ---- */

/* The socket ends before bluetoothd says why: a short gap, and nobody is blamed. */
static void test_optional_goes_and_comes(Fixture *f, const void *data) {
        FakeChar *waveform = fake_char(f->fake, WAVEFORM);

        fixture_stream(f);
        fake_char_hide(waveform);
        wait_for(f, f->ups == 2 && f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 0);

        fake_char_show(waveform);
        wait_for(f, waveform->acquires == 2);
        fixture_settle(f);
        fixture_notify(f, WAVEFORM, "w", 1);
        wait_for(f, f->frames == 1);
        g_assert_cmpuint(f->ups, ==, 2);
}

static void test_required_goes_and_comes(Fixture *f, const void *data) {
        FakeChar *live = fake_char(f->fake, LIVE);

        fixture_stream(f);
        fake_char_hide(live);
        wait_for(f, f->device->work->step == STEP_OBJECTS);
        g_assert_cmpuint(f->losts, ==, 1);
        fake_char_show(live);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->ups, ==, 2);
        g_assert_cmpuint(f->device->counters.interferences, ==, 0);
}

/* bluetoothd remembers another set of services than the device has now. */
static void test_stale_cache_bonded(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        fake_char_hide(fake_char(f->fake, LIVE));
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SERVICES_MISSING);
        g_assert_cmpuint(f->fake->removes, ==, 0); /* that would lose the bond */
}

static void test_stale_cache_unbonded(Fixture *f, const void *data) {
        stream_unbonded(f);
        fake_char_hide(fake_char(f->fake, LIVE));
        fake_device_disconnect(f->fake);
        wait_for(f, f->fake->removes == 1);
        fake_char_show(fake_char(f->fake, LIVE));
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->removes, ==, 1);
}

static void test_stale_cache_renewed_once(Fixture *f, const void *data) {
        stream_unbonded(f);
        fake_char_hide(fake_char(f->fake, LIVE));
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SERVICES_MISSING);
        g_assert_cmpuint(f->fake->removes, ==, 1);
}

/* ---- Other programs ---- */

static void end_sockets(Fixture *f) {
        for (unsigned i = 0; i < f->fake->n_chars; i++)
                if (f->fake->chars[i].fd >= 0) {
                        close(f->fake->chars[i].fd);
                        f->fake->chars[i].fd = -1;
                }
}

/* Another client's StopNotify ends our sockets. A program that does it again and again is given way. */
static void test_notifications_ended(Fixture *f, const void *data) {
        fixture_stream(f);
        end_sockets(f);
        wait_for(f, f->ups == 2 && f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 1);
        fixture_settle(f);
        end_sockets(f);
        wait_for(f, f->device->reason == DEVICE_REASON_NOTIFICATIONS_HELD);
        g_assert_cmpuint(f->device->retry_at_usec, >, 0);
        g_assert_cmpuint(f->device->counters.interferences, ==, 2);
        wait_for(f, f->ups == 3 && f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->device->n_lasted, ==, 0);
}

/* Also one that was connected by hand alone: it is connected, so it is followed. */
static void test_notifications_ended_by_hand(Fixture *f, const void *data) {
        fixture_stream(f);
        device_set_auto_connect(f->device, false);
        wait_for(f, f->device->state == DEVICE_KNOWN && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        end_sockets(f);
        wait_for(f, f->ups == 3 && f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 1);
        lose_known(f);
}

/* A local Disconnect() of 5.66: Battery1 goes at once, two seconds later ServicesResolved falls alone, and then Connected. */
static void test_disconnected_by_another(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_battery(f->fake, 80);
        wait_for(f, f->device->battery == 80);
        fake_battery_gone(f->fake);
        wait_for(f, f->device->work->detached_usec > 0);
        fake_services_gone(f->fake);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_DISCONNECTED_BY_OTHER);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 1);
        g_assert_cmpuint(f->device->n_lasted, ==, 1);
        g_assert_cmpuint(f->device->retry_at_usec, ==, 0); /* trusted: bluetoothd connects it again */
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* Lost by the radio: all at once. */
static void test_lost_is_no_interference(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_battery(f->fake, 80);
        wait_for(f, f->device->battery == 80);
        lose(f);
        fake_battery_gone(f->fake);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_AWAY);
        g_assert_cmpuint(f->device->counters.interferences, ==, 0);
        g_assert_cmpuint(f->device->n_lasted, ==, 1);
        g_assert_cmpuint(f->device->lasted_usec[0], >, 0);
}

static void test_lasted_is_a_ring(Fixture *f, const void *data) {
        fixture_stream(f);
        for (unsigned i = 0; i < DEVICE_LASTED_MAX + 1; i++) {
                lose(f);
                fake_device_connect(f->fake);
                wait_for(f, f->device->state == DEVICE_STREAMING);
        }
        g_assert_cmpuint(f->device->n_lasted, ==, DEVICE_LASTED_MAX + 1);
        for (unsigned i = 0; i < DEVICE_LASTED_MAX; i++)
                g_assert_cmpuint(f->device->lasted_usec[i], >, 0);
}

/* bluetoothd denies once what it goes on to show: it is looked for, and found where it was. */
static void test_denied_once(Fixture *f, const void *data) {
        stream_unbonded(f);
        f->fake->connect_error = SD_BUS_ERROR_UNKNOWN_OBJECT;
        f->fake->connect_error_text = "Method doesn't exist";
        f->fake->connect_errors = 1;
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->work->step == STEP_SEARCH);
        g_assert_cmpint(sd_event_source_set_time(f->device->work->timer, 0), >=, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* "NotReady": bluetoothd has not taken up what only a Connect() makes it wait for. */
static void test_connect_not_taken_up(Fixture *f, const void *data) {
        fixture_stream(f);
        f->fake->connect_error = "org.bluez.Error.NotReady";
        f->fake->connect_error_text = "Resource Not Ready";
        f->fake->connect_errors = 1;
        link_release(f->link, f->device, G_USEC_PER_SEC, fixture_on_done, f);
        wait_for(f, f->fake->connect_errors == 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* A bluetoothd that fails at once to tell its objects is not asked at once again. */
static void test_objects_not_told(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_hold(f->fake, "GetManagedObjects");
        bluez_refresh(f->link->bluez);
        wait_for(f, f->fake->held->len == 1);
        fake_answer(f->fake, SD_BUS_ERROR_NO_REPLY, "It did not answer");
        fake_hold(f->fake, "GetManagedObjects");
        uint64_t begin = (uint64_t) g_get_monotonic_time();
        wait_for(f, f->fake->held->len == 1);
        g_assert_cmpuint((uint64_t) g_get_monotonic_time() - begin, >, G_USEC_PER_SEC / 2);
        fake_answer(f->fake, "org.bluez.Error.Failed", "");
}

/* Heard by a search, and deaf to Connect() for its 40 s. */
static void test_held_elsewhere(Fixture *f, const void *data) {
        stream_unbonded(f);
        fake_hold(f->fake, "Connect");
        fake_device_disconnect(f->fake);
        wait_for(f, f->fake->held->len == 1);
        f->device->work->asked_usec -= 40 * G_USEC_PER_SEC;
        f->device->work->heard_usec = f->device->work->asked_usec - G_USEC_PER_SEC;
        fake_answer(f->fake, "org.bluez.Error.Failed", "le-connection-abort-by-local");
        wait_for(f, f->device->reason == DEVICE_REASON_HELD_ELSEWHERE);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        g_assert_cmpuint(f->device->retry_at_usec, >, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* What breaks off at once, or was not heard, is not held by anybody. */
static void test_not_held(Fixture *f, const void *data) {
        uint64_t now = clock_usec(CLOCK_BOOTTIME) + 3600 * (uint64_t) G_USEC_PER_SEC;

        stream_unbonded(f);
        DeviceWork *work = f->device->work;
        g_assert_cmpuint(work->heard_usec, ==, 0); /* the search that found it was before the link that is lost */
        work->asked_usec = now - 40 * G_USEC_PER_SEC;
        work->heard_usec = work->asked_usec - G_USEC_PER_SEC;
        g_assert_cmpint(reconnect_unanswered(f->device, now), ==, DEVICE_REASON_HELD_ELSEWHERE);
        g_assert_cmpint(reconnect_unanswered(f->device, work->asked_usec + G_USEC_PER_SEC), ==, DEVICE_REASON_NONE);
        work->heard_usec = work->asked_usec - 600 * G_USEC_PER_SEC;
        g_assert_cmpint(reconnect_unanswered(f->device, now), ==, DEVICE_REASON_NONE);
        work->heard_usec = 0;
        g_assert_cmpint(reconnect_unanswered(f->device, now), ==, DEVICE_REASON_NONE);
}

#define ADD(name, function) g_test_add("/link-trouble/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("bond-removed-here", test_bond_removed_here);
        ADD("object-removed", test_object_removed);
        ADD("object-comes-late", test_object_comes_late);
        ADD("unplugged", test_unplugged);
        ADD("paired-comes-late", test_paired_comes_late);
        ADD("authentication-fails", test_authentication_fails);
        ADD("feature-needs-the-key", test_feature_needs_the_key);
        ADD("notifications-need-the-key", test_notifications_need_the_key);
        ADD("early-falls", test_early_falls);
        ADD("asked-for-after-an-early-fall", test_asked_for_after_an_early_fall);
        ADD("a-suspicion-is-tested-again", test_a_suspicion_is_tested_again);
        ADD("a-suspicion-without-a-key", test_a_suspicion_without_a_key);
        ADD("early-falls-not-in-a-row", test_early_falls_not_in_a_row);
        ADD("connect-once-more", test_connect_once_more);
        ADD("adopt-again", test_adopt_again);
        ADD("adopt-again-fails", test_adopt_again_fails);
        ADD("adopt-again-on-its-way", test_adopt_again_on_its_way);
        ADD("adopt-again-on-its-way-fails", test_adopt_again_on_its_way_fails);
        ADD("settings-of-one-that-is-adopted-again", test_settings_of_one_that_is_adopted_again);
        ADD("adopt-again-without-trouble", test_adopt_again_without_trouble);
        ADD("another-device", test_another_device);
        ADD("another-unbonded-device", test_another_unbonded_device);
        ADD("what-may-change", test_what_may_change);
        ADD("examined-anew", test_examined_anew);
        ADD("optional-goes-and-comes", test_optional_goes_and_comes);
        ADD("required-goes-and-comes", test_required_goes_and_comes);
        ADD("stale-cache-bonded", test_stale_cache_bonded);
        ADD("stale-cache-unbonded", test_stale_cache_unbonded);
        ADD("stale-cache-renewed-once", test_stale_cache_renewed_once);
        ADD("notifications-ended", test_notifications_ended);
        ADD("notifications-ended-by-hand", test_notifications_ended_by_hand);
        ADD("disconnected-by-another", test_disconnected_by_another);
        ADD("lost-is-no-interference", test_lost_is_no_interference);
        ADD("lasted-is-a-ring", test_lasted_is_a_ring);
        ADD("denied-once", test_denied_once);
        ADD("connect-not-taken-up", test_connect_not_taken_up);
        ADD("objects-not-told", test_objects_not_told);
        ADD("held-elsewhere", test_held_elsewhere);
        ADD("not-held", test_not_held);
        return g_test_run();
}
