/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "link-fixture.h"
#include "log.h"
#include "needled/omp.h"

#define LIVE "95840102-2319-423b-8a8e-ee1ffb8d13f8"
#define WAVEFORM "95840103-2319-423b-8a8e-ee1ffb8d13f8"
#define STATUS "95840105-2319-423b-8a8e-ee1ffb8d13f8"
#define EVENT "95840104-2319-423b-8a8e-ee1ffb8d13f8"

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void test_adopt_and_stream(Fixture *f, const void *data) {
        fixture_stream(f);
        g_assert_cmpstr(f->done_message, ==, "");
        g_assert_true(f->device->adopted && f->device->bonded && f->device->auto_connect &&
                      f->device->has_feature);
        g_assert_cmpuint(f->device->owner, ==, 1000);
        g_assert_cmpstr(f->device->alias, ==, "My pen");
        g_assert_cmpstr(f->device->manufacturer, ==, "Example");
        g_assert_cmpstr(f->device->model, ==, "Pen?1");
        g_assert_cmpstr(f->device->serial, ==, "0042");
        g_assert_cmpstr(f->device->firmware, ==, "");
        g_assert_cmpint(f->device->feature.kind, ==, OMP_KIND_PEN);
        g_assert_cmpint(f->device->feature.needles, ==, 16);
        g_assert_true(f->fake->trusted);
        g_assert_cmpuint(f->fake->agents, ==, 0); /* only while it paired */
        g_assert_cmpuint(f->fake->applications, ==, 1);
        g_assert_true(f->fake->application_read);
        g_assert_false(link_searching(f->link)); /* no discovery beside a connection */
        g_assert_cmpuint(f->ups, ==, 1);

        /* Feature, as it was read; it was not notified. */
        g_assert_cmpuint(f->features, ==, 1);
        g_assert_cmpmem(f->data, f->size, f->fake->kind->chars[0].value, f->fake->kind->chars[0].size);
        g_assert_cmpuint(f->device->counters.received, ==, 0);

        fixture_notify(f, LIVE, "abc", 3);
        wait_for(f, f->frames == 1);
        g_assert_cmpint(f->channel, ==, OMP_CHAR_LIVE);
        g_assert_cmpuint(f->size, ==, 3);
        g_assert_cmpmem(f->data, f->size, "abc", 3);
        g_assert_cmpuint(f->device->counters.received, ==, 1);
        /* Nothing followed is read or broadcast, and nothing acquired is stopped. */
        for (unsigned i = 0; i < f->fake->n_chars; i++) {
                g_assert_cmpuint(f->fake->chars[i].starts, ==, 0);
                g_assert_cmpuint(f->fake->chars[i].stops, ==, 0);
        }
}

/* Zero-length values are forbidden (1.1), and look like the end of the socket: but while it is open they are
 * not. */
static void test_zero_length_is_not_the_end(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_notify(f, LIVE, "", 0);
        fixture_notify(f, LIVE, "x", 1);
        wait_for(f, f->frames == 2);
        g_assert_cmpuint(f->empty_frames, ==, 1);
        g_assert_cmpuint(f->device->counters.oversize_or_empty, ==, 1);
        g_assert_cmpuint(f->losts, ==, 0);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* What comes at once is read by few calls: all of it, in its order, and an empty one in between is one. */
static void test_burst(Fixture *f, const void *data) {
        fixture_stream(f);
        for (uint8_t i = 0; i < 100; i++)
                fixture_notify(f, LIVE, &i, i == 50 ? 0 : 1);
        wait_for(f, f->frames == 100);
        g_assert_cmpuint(f->empty_frames, ==, 1);
        g_assert_cmpuint(f->device->counters.received, ==, 100);
        g_assert_cmpuint(f->losts, ==, 0);
        g_assert_cmpuint(f->size, ==, 1);
        g_assert_cmpuint(((const uint8_t *) f->data)[0], ==, 99);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* It ends in the middle of what is read by one call. */
static void test_burst_that_ends(Fixture *f, const void *data) {
        fixture_stream(f);
        for (uint8_t i = 0; i < 4; i++)
                fixture_notify(f, LIVE, &i, i == 2 ? 0 : 1);
        fake_device_disconnect(f->fake);
        wait_for(f, f->losts == 1);
        g_assert_cmpuint(f->frames - f->empty_frames, ==, 3);
}

static void test_oversize(Fixture *f, const void *data) {
        uint8_t large[2000] = { 1 };

        fixture_stream(f);
        fixture_notify(f, LIVE, large, 512);
        wait_for(f, f->frames == 1);
        g_assert_cmpuint(f->empty_frames, ==, 0);
        fixture_notify(f, LIVE, large, 513);
        fixture_notify(f, LIVE, large, sizeof(large));
        wait_for(f, f->frames == 3);
        g_assert_cmpuint(f->empty_frames, ==, 2);
        g_assert_cmpuint(f->device->counters.oversize_or_empty, ==, 2);
}

/* What the socket took is what we have, also when the link goes right after. */
static void test_hang_up_after_data(Fixture *f, const void *data) {
        fixture_stream(f);
        for (int i = 0; i < 200; i++)
                fixture_notify(f, LIVE, "abc", 3);
        fixture_notify(f, STATUS, "", 0);
        fixture_notify(f, STATUS, "s", 1);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING);
        fixture_settle(f);
        g_assert_cmpuint(f->frames - f->empty_frames, ==, 201);
        g_assert_cmpuint(f->losts, ==, 1);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_AWAY);
        g_assert_cmpuint(f->device->retry_at_usec, ==,
                         0); /* bonded: it comes by itself, without a timer of ours */

        /* And by itself it comes. */
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->ups, ==, 2);
        g_assert_cmpuint(f->features, ==, 2);
        g_assert_cmpuint(f->device->counters.connects, ==, 2);
        g_assert_cmpuint(f->fake->connects, ==, 1);
}

/* A socket that ends while the device stays connected (another client's StopNotify) is taken anew. */
static void test_socket_ends_alone(Fixture *f, const void *data) {
        FakeChar *status;

        fixture_stream(f);
        status = fake_char(f->fake, STATUS);
        for (unsigned i = 0; i < f->fake->n_chars; i++)
                if (f->fake->chars[i].fd >= 0 && &f->fake->chars[i] != status) {
                        close(f->fake->chars[i].fd);
                        f->fake->chars[i].fd = -1;
                }
        close(status->fd);
        status->fd = -1;
        wait_for(f, f->losts == 1);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->ups, ==, 2);
}

static void test_held_by_another(Fixture *f, const void *data) {
        f->fake->acquire_error = "org.bluez.Error.NotPermitted";
        f->fake->acquire_error_text = "Notify acquired";
        f->fake->acquire_errors = UINT_MAX;
        fixture_adopt(f, false);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_WAITING);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_NOTIFICATIONS_HELD);
        g_assert_cmpuint(f->device->retry_at_usec, >, 0);
        g_assert_cmpuint(f->ups, ==, 0);

        fake_release(f->fake, fake_char(f->fake, STATUS));
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->device->retry_at_usec, ==, 0);
}

/* After a restart of needled bluetoothd lets go of the old sockets a moment later. */
static void test_not_permitted_then_success(Fixture *f, const void *data) {
        f->fake->acquire_error = "org.bluez.Error.NotPermitted";
        f->fake->acquire_error_text = "Notify acquired";
        f->fake->acquire_errors = 3;
        fixture_stream(f);
        g_assert_cmpuint(fake_char(f->fake, STATUS)->acquires, ==, 4);
        g_assert_cmpuint(fake_char(f->fake, LIVE)->acquires, ==, 1);
}

/* The same for one that is not required: it does not hold up the others, and is taken when it is let go. */
static void test_optional_held_then_released(Fixture *f, const void *data) {
        FakeChar *waveform = fake_char(f->fake, WAVEFORM);
        int held = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        waveform->fd = held;
        fixture_stream(f);
        g_assert_cmpuint(waveform->acquires, ==, 1);
        g_assert_cmpint(waveform->fd, ==, held);

        close(held);
        waveform->fd = -1;
        fake_release(f->fake, waveform);
        wait_for(f, waveform->acquires == 2);
        fixture_settle(f);
        fixture_notify(f, WAVEFORM, "w", 1);
        wait_for(f, f->frames == 1);
        g_assert_cmpint(f->channel, ==, OMP_CHAR_WAVEFORM);
        g_assert_cmpuint(f->ups, ==, 1);
}

static void test_start_notify_only_if_allowed(Fixture *f, const void *data) {
        f->fake->acquire_error = "org.bluez.Error.NotSupported";
        f->fake->acquire_error_text = "Operation is not supported";
        f->fake->acquire_errors = UINT_MAX;
        fixture_adopt(f, false);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        for (unsigned i = 0; i < f->fake->n_chars; i++)
                g_assert_cmpuint(f->fake->chars[i].starts, ==, 0);
}

/* Broadcast, or to one connection alone: that needs no match rule. */
static void send_to(sd_bus *bus, sd_bus_message *m, const char *destination) {
        if (destination)
                g_assert_cmpint(sd_bus_message_set_destination(m, destination), >=, 0);
        g_assert_cmpint(sd_bus_send(bus, m, NULL), >=, 0);
}

static void emit_value(sd_bus *bus, const char *destination, const char *path, const char *text) {
        g_autoptr(sd_bus_message) m = NULL;

        g_assert_cmpint(sd_bus_message_new_signal(bus, &m, path, "org.freedesktop.DBus.Properties",
                                                  "PropertiesChanged"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "sa{sv}as", "org.bluez.GattCharacteristic1", 1, "Value",
                                              "ay", 1, text[0], 0),
                        >=, 0);
        send_to(bus, m, destination);
}

static sd_bus *stranger(void) {
        sd_bus *bus;

        g_assert_cmpint(sd_bus_open_system(&bus), >=, 0);
        return bus;
}

static void test_broadcast_values(Fixture *f, const void *data) {
        g_autoptr(sd_bus) forger = stranger();

        f->fake->acquire_error = "org.bluez.Error.NotSupported";
        f->fake->acquire_error_text = "Operation is not supported";
        f->fake->acquire_errors = UINT_MAX;
        fixture_stream(f);
        g_assert_cmpuint(fake_char(f->fake, LIVE)->starts, ==, 1);
        emit_value(f->fake->bus, NULL, fake_char(f->fake, LIVE)->path, "v");
        wait_for(f, f->frames == 1);
        g_assert_cmpint(f->channel, ==, OMP_CHAR_LIVE);

        /* A forged sample: broadcast, and unicast, which needs no match rule at all. */
        emit_value(forger, NULL, fake_char(f->fake, LIVE)->path, "f");
        emit_value(forger, f->fake->application_sender, fake_char(f->fake, LIVE)->path, "f");
        g_assert_cmpint(sd_bus_flush(forger), >=, 0);
        emit_value(f->fake->bus, NULL, fake_char(f->fake, LIVE)->path, "w");
        wait_for(f, f->frames == 2);
        fixture_settle(f);
        g_assert_cmpuint(f->frames, ==, 2);
        g_assert_cmpint(f->data[0], ==, 'w');
}

/* Signals of bluetoothd's kind from somebody else change nothing, whether broadcast or sent to us alone. */
static void test_forged_signals(Fixture *f, const void *data) {
        static const char *const members[] = { "InterfacesAdded", "InterfacesRemoved" };
        g_autoptr(sd_bus) forger = stranger();

        fixture_stream(f);
        unsigned states = f->states;
        for (int unicast = 0; unicast < 2; unicast++) {
                const char *destination = unicast ? f->fake->application_sender : NULL;
                g_autoptr(sd_bus_message) changed = NULL, owner = NULL;

                g_assert_cmpint(sd_bus_message_new_signal(forger, &changed, FAKE_DEVICE,
                                                          "org.freedesktop.DBus.Properties",
                                                          "PropertiesChanged"),
                                >=, 0);
                g_assert_cmpint(sd_bus_message_append(changed, "sa{sv}as", "org.bluez.Device1", 2,
                                                      "Connected", "b", 0, "ServicesResolved", "b", 0, 0),
                                >=, 0);
                send_to(forger, changed, destination);

                g_assert_cmpint(sd_bus_message_new_signal(forger, &owner, "/org/freedesktop/DBus",
                                                          "org.freedesktop.DBus", "NameOwnerChanged"),
                                >=, 0);
                g_assert_cmpint(sd_bus_message_append(owner, "sss", "org.bluez", ":1.0", ""), >=, 0);
                send_to(forger, owner, destination);

                for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
                        g_autoptr(sd_bus_message) m = NULL;

                        g_assert_cmpint(sd_bus_message_new_signal(forger, &m, "/",
                                                                  "org.freedesktop.DBus.ObjectManager",
                                                                  members[i]),
                                        >=, 0);
                        if (i == 0)
                                g_assert_cmpint(sd_bus_message_append(m, "oa{sa{sv}}", "/org/bluez/hci7", 1,
                                                                      "org.bluez.Adapter1", 1, "Address",
                                                                      "s", "66:66:66:66:66:66"),
                                                >=, 0);
                        else
                                g_assert_cmpint(sd_bus_message_append(m, "oas", FAKE_ADAPTER, 1,
                                                                      "org.bluez.Adapter1"),
                                                >=, 0);
                        send_to(forger, m, destination);
                }
        }
        g_assert_cmpint(sd_bus_flush(forger), >=, 0);
        fixture_settle(f);

        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_cmpuint(f->states, ==, states);
        g_assert_cmpint(link_bluetooth(f->link), ==, LINK_BLUETOOTH_READY);
        fixture_notify(f, EVENT, "e", 1);
        wait_for(f, f->frames == 1);
}

/* Nobody but bluetoothd gets a yes from our agent, and not for another device. */
static void test_forged_authorization(Fixture *f, const void *data) {
        g_autoptr(sd_bus) forger = stranger();
        g_autoptr(sd_bus_message) m = NULL;
        uint64_t cookie;

        fixture_stream(f);
        g_assert_cmpint(sd_bus_message_new_method_call(forger, &m, f->fake->agent_sender,
                                                       "/org/needled/agent", "org.bluez.Agent1",
                                                       "RequestAuthorization"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "o", FAKE_DEVICE), >=, 0);
        g_assert_cmpint(sd_bus_send(forger, m, &cookie), >=, 0);
        g_assert_cmpint(sd_bus_flush(forger), >=, 0);
        for (;;) {
                g_autoptr(sd_bus_message) reply = NULL;

                g_assert_cmpint(sd_event_run(f->event, 10 * 1000), >=, 0);
                g_assert_cmpint(sd_bus_process(forger, &reply), >=, 0);
                if (!reply)
                        continue;
                uint64_t reply_cookie;
                if (sd_bus_message_get_reply_cookie(reply, &reply_cookie) < 0 || reply_cookie != cookie)
                        continue;
                g_assert_true(sd_bus_message_is_method_error(reply, "org.bluez.Error.Rejected"));
                break;
        }
}

static void test_pairing_refused(Fixture *f, const void *data) {
        f->fake->pair_refused = true;
        fixture_adopt(f, false);
        g_assert_cmpint(f->done_error, ==, -EKEYREJECTED);
        g_assert_nonnull(strstr(f->done_message, "--allow-unbonded"));
        g_assert_cmpint(f->device->state, ==, DEVICE_FOUND);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_PAIRING_FAILED);
        g_assert_false(f->device->adopted);
        wait_for(f, f->fake->removes == 1); /* nothing of it stays in bluetoothd */
        g_assert_cmpuint(f->fake->agents, ==, 0);
}

static void test_adopt_unbonded(Fixture *f, const void *data) {
        f->fake->pair_refused = true;
        fixture_adopt(f, true);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_true(f->device->adopted && f->device->allow_unbonded && !f->device->bonded);
        g_assert_cmpuint(f->fake->pairs, ==, 1);
        g_assert_cmpuint(f->fake->connects, ==, 2); /* the refusal dropped the link */
        g_assert_cmpuint(f->fake->applications, ==, 0);

        /* It does not come by itself: Connect, with a backoff that the device tells. */
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->reason == DEVICE_REASON_BACKOFF);
        g_assert_cmpuint(f->device->retry_at_usec, >, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->connects, ==, 3);
}

static void test_connect_tried_again(Fixture *f, const void *data) {
        f->fake->connect_error = "org.bluez.Error.Failed";
        f->fake->connect_error_text = "le-connection-abort-by-local";
        f->fake->connect_errors = 2;
        fixture_stream(f);
        g_assert_cmpuint(f->fake->connects, ==, 3);
}

/* bluetoothd forgets a device between its last signal and our Connect(). */
static void test_forgotten_meanwhile(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1000 };

        f->fake->connect_error = "org.bluez.Error.DoesNotExist";
        f->fake->connect_error_text = "Does Not Exist";
        f->fake->connect_errors = 1;
        fixture_find(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->fake->connects == 1);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_CONNECTING); /* it looks for it */

        fake_device_appear(f->fake);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpuint(f->added, ==, 1); /* it is the same */
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* A busy bluetoothd never signals Connected: neither when we called Connect() nor when the device came by
 * itself. */
static void test_connected_without_a_signal(Fixture *f, const void *data) {
        f->fake->connected_untold = true;
        fixture_stream(f);
        g_assert_cmpuint(f->fake->connects, ==, 1);

        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->reason == DEVICE_REASON_AWAY);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->connects, ==, 1);
        g_assert_cmpuint(f->ups, ==, 2);
}

static void test_adoption_cancelled(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1000 };

        f->fake->connect_error = "org.bluez.Error.Failed";
        f->fake->connect_error_text = "le-connection-abort-by-local";
        f->fake->connect_errors = 1;
        fixture_find(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->fake->connects == 1);
        fixture_settle(f);
        link_cancel(f->link, f);
        fixture_settle(f);
        g_assert_cmpuint(f->dones, ==, 0);
        g_assert_false(f->device->adopted);
        g_assert_cmpint(f->device->state, ==, DEVICE_FOUND);
}

/* kill -9: no PropertiesChanged, no InterfacesRemoved, only the name and the sockets go. */
static void test_bluetoothd_killed(Fixture *f, const void *data) {
        fixture_stream(f);
        f->fake = fake_bluez_free(f->fake);
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_ABSENT);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_NO_BLUETOOTHD);
        g_assert_cmpuint(f->losts, ==, 1);

        f->fake = fake_bluez_new(f->event, NULL);
        f->fake->paired = true;
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_READY);
        wait_for(f, f->fake->applications == 1);
        fake_device_appear(f->fake);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->ups, ==, 2);
}

static void test_adapter_off_and_on(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_powered(f->fake, false);
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_OFF &&
                            f->device->reason == DEVICE_REASON_ADAPTER_OFF);
        g_assert_cmpint(link_search(f->link, G_USEC_PER_SEC), ==, -ENODEV);
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -ENODEV);

        fake_powered(f->fake, true);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

static void test_connect_at_once(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING);
        fixture_settle(f);
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpuint(f->fake->connects, ==, 2);
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
}

static void test_forget(Fixture *f, const void *data) {
        fixture_stream(f);
        link_forget(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpuint(f->removed, ==, 1);
        g_assert_cmpuint(f->losts, ==, 1);
        g_assert_cmpuint(f->fake->removes, ==, 1);
        g_assert_false(f->fake->paired);
        g_assert_cmpuint(link_devices(f->link)->len, ==, 0);
}

static void test_auto_connect_off(Fixture *f, const void *data) {
        fixture_stream(f);
        device_set_auto_connect(f->device, false);
        wait_for(f, !f->fake->connected && f->device->state == DEVICE_KNOWN);
        fixture_settle(f);
        g_assert_false(f->fake->trusted);
        g_assert_cmpint(f->device->state, ==, DEVICE_KNOWN);
        g_assert_cmpuint(f->losts, ==, 1);
        device_set_auto_connect(f->device, true);
        wait_for(f, f->device->state == DEVICE_WAITING);
        fixture_settle(f);
        g_assert_true(f->fake->trusted);
}

/* needled restarted in the middle: the connection is there already, and is followed as it is. */
static void test_restored_while_connected(Fixture *f, const void *data) {
        const LinkSettings settings = { .profiles = f->profiles };

        f->link = link_free(f->link);
        fake_device_appear(f->fake);
        f->fake->paired = true;
        fake_device_connect(f->fake);

        Device remembered = {
                .path = (char *) "C0_FF_EE_12_34_56",
                .address = (char *) FAKE_ADDRESS,
                .address_type = (char *) "random",
                .adapter = (char *) "00:AA:01:00:00:00",
                .owner = 1000,
                .bonded = true,
                .auto_connect = true,
                .profile = profiles_by_id(f->profiles, "omp1"),
        };
        g_assert_cmpint(link_new(f->event, &settings, &fixture_observer, f, &f->link), >=, 0);
        g_assert_true(link_restore(f->link, &remembered) == f->device);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        link_start(f->link);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->connects, ==, 0);

        /* Not opened by us, not closed by us. */
        f->link = link_free(f->link);
        for (int i = 0; i < 20; i++)
                g_assert_cmpint(sd_event_run(f->event, 10 * 1000), >=, 0);
        g_assert_true(f->fake->connected);
}

static void test_no_bluetoothd(void) {
        Fixture f = { .bus = fake_bus_start(), .profiles = profiles_new() };
        const LinkSettings settings = { .profiles = f.profiles };

        g_assert_cmpint(sd_event_new(&f.event), >=, 0);
        g_assert_cmpint(link_new(f.event, &settings, &fixture_observer, &f, &f.link), >=, 0);
        link_start(f.link);
        wait_for(&f, f.bluetooth_changes == 1); /* told once, although it does not differ */
        g_assert_cmpint(link_bluetooth(f.link), ==, LINK_BLUETOOTH_ABSENT);
        g_assert_cmpint(link_search(f.link, G_USEC_PER_SEC), ==, -ENODEV);
        f.fake = fake_bluez_new(f.event, NULL);
        wait_for(&f, link_bluetooth(f.link) == LINK_BLUETOOTH_READY);
        fixture_tear_down(&f);
}

#define ADD(name, data, function) g_test_add("/link/" name, Fixture, data, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("adopt-and-stream", NULL, test_adopt_and_stream);
        ADD("zero-length-is-not-the-end", NULL, test_zero_length_is_not_the_end);
        ADD("burst", NULL, test_burst);
        ADD("burst-that-ends", NULL, test_burst_that_ends);
        ADD("oversize", NULL, test_oversize);
        ADD("hang-up-after-data", NULL, test_hang_up_after_data);
        ADD("socket-ends-alone", NULL, test_socket_ends_alone);
        ADD("held-by-another", NULL, test_held_by_another);
        ADD("not-permitted-then-success", NULL, test_not_permitted_then_success);
        ADD("optional-held-then-released", NULL, test_optional_held_then_released);
        ADD("start-notify-only-if-allowed", NULL, test_start_notify_only_if_allowed);
        ADD("broadcast-values", "broadcast", test_broadcast_values);
        ADD("forged-signals", NULL, test_forged_signals);
        ADD("forged-authorization", NULL, test_forged_authorization);
        ADD("pairing-refused", NULL, test_pairing_refused);
        ADD("adopt-unbonded", NULL, test_adopt_unbonded);
        ADD("connect-tried-again", NULL, test_connect_tried_again);
        ADD("forgotten-meanwhile", NULL, test_forgotten_meanwhile);
        ADD("connected-without-a-signal", NULL, test_connected_without_a_signal);
        ADD("adoption-cancelled", NULL, test_adoption_cancelled);
        ADD("bluetoothd-killed", NULL, test_bluetoothd_killed);
        ADD("adapter-off-and-on", NULL, test_adapter_off_and_on);
        ADD("connect-at-once", NULL, test_connect_at_once);
        ADD("forget", NULL, test_forget);
        ADD("auto-connect-off", NULL, test_auto_connect_off);
        ADD("restored-while-connected", NULL, test_restored_while_connected);
        g_test_add_func("/link/no-bluetoothd", test_no_bluetoothd);
        return g_test_run();
}
