/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-trouble.h"

#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"

#define ok(expression) g_assert_cmpint((expression), >=, 0)

void fake_unpair(FakeBluez *fake) {
        fake->paired = false;
        ok(sd_bus_emit_properties_changed(fake->bus, FAKE_DEVICE, "org.bluez.Device1", "Paired", "Bonded", NULL));
}

void fake_unplug(FakeBluez *fake) {
        if (fake->connected)
                fake_device_disconnect(fake);
        fake_device_vanish(fake);
        ok(sd_bus_emit_interfaces_removed(fake->bus, FAKE_ADAPTER, "org.bluez.Adapter1", "org.bluez.GattManager1", NULL));
        g_ptr_array_set_size(fake->adapter_slots, 0);
}

void fake_battery_gone(FakeBluez *fake) {
        g_ptr_array_remove_index(fake->device_slots, fake->device_slots->len - 1);
        ok(sd_bus_emit_interfaces_removed(fake->bus, FAKE_DEVICE, "org.bluez.Battery1", NULL));
}

void fake_char_hide(FakeChar *ch) {
        ch->hidden = true;
        g_assert_true(g_ptr_array_remove(ch->fake->char_slots, ch->slot));
        ch->slot = NULL;
        ok(sd_bus_emit_interfaces_removed(ch->fake->bus, ch->path, "org.bluez.GattCharacteristic1", NULL));
        if (ch->fd >= 0)
                close(ch->fd);
        ch->fd = -1;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        if (!fake->hold || sd_bus_message_is_method_call(m, NULL, fake->hold) <= 0)
                return 0;

        g_ptr_array_add(fake->held, sd_bus_message_ref(m));
        return 1;
}

void fake_hold(FakeBluez *fake, const char *member) {
        fake->hold = member;
        if (!fake->filter)
                ok(sd_bus_add_filter(fake->bus, &fake->filter, on_message, fake));
}

static void answer_as_usual(sd_bus_message *m) {
        const char *member = sd_bus_message_get_member(m);
        g_autoptr(sd_bus_message) reply = NULL;
        int fds[2] = { -1, -1 };

        ok(sd_bus_message_new_method_return(m, &reply));
        if (g_str_equal(member, "ReadValue")) {
                ok(sd_bus_message_append(reply, "ay", 1, 1));
        } else if (g_str_equal(member, "AcquireNotify")) {
                ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
                ok(sd_bus_message_append(reply, "hq", fds[1], 23));
        } else if (g_str_equal(member, "GetManagedObjects")) {
                ok(sd_bus_message_append(reply, "a{oa{sa{sv}}}", 0));
        }
        ok(sd_bus_send(NULL, reply, NULL));
        for (int i = 0; i < 2; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

void fake_answer(FakeBluez *fake, const char *name, const char *text) {
        for (guint i = 0; i < fake->held->len; i++) {
                sd_bus_message *m = fake->held->pdata[i];

                if (name)
                        ok(sd_bus_reply_method_error(m, &SD_BUS_ERROR_MAKE_CONST(name, text)));
                else
                        answer_as_usual(m);
        }
        g_ptr_array_set_size(fake->held, 0);
        fake->hold = NULL;
}

void fake_retire(FakeBluez *fake) {
        ok(sd_bus_release_name(fake->bus, "org.bluez"));
}
