/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-bluez.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "needled/omp.h"

#define SERVICE FAKE_DEVICE "/service000a"
#define INFORMATION FAKE_DEVICE "/service0030"
#define INFORMATION_UUID "0000180a-0000-1000-8000-00805f9b34fb"
#define ok(expression) g_assert_cmpint((expression), >=, 0)

static const uint8_t feature[] = { 0x01, 0x00, 0xff, 0x0e, 0x0a, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                   0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0xff, 0xff };

static const FakeCharKind pen_chars[] = {
        { .uuid = "95840101-2319-423b-8a8e-ee1ffb8d13f8", .value = feature, .size = sizeof(feature) },
        { .uuid = "95840102-2319-423b-8a8e-ee1ffb8d13f8" },
        { .uuid = "95840103-2319-423b-8a8e-ee1ffb8d13f8" },
        { .uuid = "95840104-2319-423b-8a8e-ee1ffb8d13f8" },
        { .uuid = "95840105-2319-423b-8a8e-ee1ffb8d13f8" },
        { .uuid = "00002a29-0000-1000-8000-00805f9b34fb", .information = true, .value = "Example", .size = 7 },
        { .uuid = "00002a24-0000-1000-8000-00805f9b34fb", .information = true, .value = "Pen\n1", .size = 5 },
        { .uuid = "00002a25-0000-1000-8000-00805f9b34fb", .information = true, .value = "0042",
          .size = 5 }, /* with its NUL, as some devices send it */
};

static const FakeKind pen = {
        .name = "Pen",
        .service = OMP_SERVICE_UUID,
        .chars = pen_chars,
        .n_chars = G_N_ELEMENTS(pen_chars),
};

static int give_error(sd_bus_error *error, const char *name, const char *text) {
        return sd_bus_error_set(error, name, text);
}

static int method_noop(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, NULL);
}

static int method_set_filter(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;
        const char *key;

        fake->filtered = false;
        ok(sd_bus_message_enter_container(m, 'a', "{sv}"));
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                ok(sd_bus_message_read(m, "s", &key));
                ok(sd_bus_message_skip(m, "v"));
                ok(sd_bus_message_exit_container(m));
                fake->filtered = fake->filtered || g_str_equal(key, "UUIDs");
        }
        return sd_bus_reply_method_return(m, NULL);
}

static int method_start_discovery(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        fake->discoveries++;
        if (fake->forgotten)
                fake_device_appear(fake);
        return sd_bus_reply_method_return(m, NULL);
}

void fake_device_vanish(FakeBluez *fake) {
        if (!fake->present)
                return;

        fake->present = false;
        ok(sd_bus_emit_interfaces_removed(fake->bus, FAKE_DEVICE, "org.bluez.Device1", NULL));
}

static int method_remove_device(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        fake->removes++;
        if (fake->connected)
                fake_device_disconnect(fake);
        fake->paired = fake->trusted = false;
        fake->forgotten = fake->present;
        fake_device_vanish(fake);
        return sd_bus_reply_method_return(m, NULL);
}

static int on_application_objects(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        g_assert_false(sd_bus_message_is_method_error(reply, NULL));
        g_autofree char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        ok(sd_bus_message_dump(reply, f, 0));
        fclose(f);
        fake->application_read = strstr(text, "org.bluez.GattProfile1") && strstr(text, fake->kind->service);
        g_free(fake->application);
        fake->application = g_strdup(text);
        return 0;
}

static int method_register_application(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;
        const char *path;

        ok(sd_bus_message_read(m, "o", &path));
        fake->applications++;
        g_free(fake->application_sender);
        fake->application_sender = g_strdup(sd_bus_message_get_sender(m));
        /* bluetoothd reads the tree before it answers; here the answer does not wait, so that a test fails
         * on the tree alone. */
        ok(sd_bus_call_method_async(fake->bus, NULL, sd_bus_message_get_sender(m), path,
                                    "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                                    on_application_objects, fake, NULL));
        return sd_bus_reply_method_return(m, NULL);
}

static int method_register_agent(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;
        const char *path, *capability;

        ok(sd_bus_message_read(m, "os", &path, &capability));
        g_free(fake->capability);
        fake->capability = g_strdup(capability);
        fake->agents++;
        g_free(fake->agent_sender);
        fake->agent_sender = g_strdup(sd_bus_message_get_sender(m));
        return sd_bus_reply_method_return(m, NULL);
}

static int method_unregister_agent(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ((FakeBluez *) userdata)->agents--;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_connect(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        fake->connects++;
        if (fake->connect_silent)
                return 1;
        if (fake->connect_errors > 0) {
                fake->connect_errors--;
                return give_error(error, fake->connect_error, fake->connect_error_text);
        }
        fake_device_connect(fake);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_disconnect(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        fake->disconnects++;
        if (fake->connected)
                fake_device_disconnect(fake);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_unregister_application(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ((FakeBluez *) userdata)->unregistered++;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_pair(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        fake->pairs++;
        if (fake->pair_refused) {
                fake_device_disconnect(fake); /* as BlueZ does when pairing fails */
                return give_error(error, "org.bluez.Error.AuthenticationFailed", "Authentication Failed");
        }
        if (g_strcmp0(fake->agent_sender, sd_bus_message_get_sender(m)) != 0 || fake->agents == 0)
                return give_error(error, "org.bluez.Error.AuthenticationFailed", "No agent");

        g_assert_null(fake->pair);
        fake->pair = sd_bus_message_ref(m);
        if (!fake->pair_holds)
                fake_pair_end(fake, NULL);
        return 1;
}

static int method_cancel_pairing(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = userdata;

        fake->pairs_cancelled++;
        if (!fake->pair)
                return give_error(error, "org.bluez.Error.DoesNotExist", "Does Not Exist");

        fake_pair_end(fake, "org.bluez.Error.AuthenticationCanceled");
        return sd_bus_reply_method_return(m, NULL);
}

static int method_read(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeChar *ch = userdata;
        sd_bus_message *reply;

        ch->reads++;
        g_assert_nonnull(ch->kind->value); /* nothing measured is ever read */
        if (ch->fake->read_error && !ch->kind->information)
                return give_error(error, ch->fake->read_error, ch->fake->read_error_text ?: "");
        ok(sd_bus_message_new_method_return(m, &reply));
        ok(sd_bus_message_append_array(reply, 'y', ch->kind->value, ch->kind->size));
        ok(sd_bus_send(NULL, reply, NULL));
        sd_bus_message_unref(reply);
        return 1;
}

static int method_write(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeBluez *fake = ((FakeChar *) userdata)->fake;
        const char *key, *type;
        const void *data;
        size_t size;

        ok(sd_bus_message_read_array(m, 'y', &data, &size));
        ok(sd_bus_message_read(m, "a{sv}", 1, &key, "s", &type));
        g_assert_cmpstr(key, ==, "type");
        g_string_append(fake->writes, type);
        for (size_t i = 0; i < size; i++)
                g_string_append_printf(fake->writes, " %02x", ((const uint8_t *) data)[i]);
        g_string_append_c(fake->writes, ';');
        return fake->write_error ? give_error(error, fake->write_error, "") : sd_bus_reply_method_return(m, NULL);
}

/* Our peer has closed its end, as bluetoothd hears at once. */
static bool is_closed(int fd) {
        char octet;

        return fd >= 0 && recv(fd, &octet, sizeof(octet), MSG_DONTWAIT | MSG_PEEK) == 0;
}

static int method_acquire(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeChar *ch = userdata;
        FakeBluez *fake = ch->fake;
        int fds[2], r;

        ch->acquires++;
        if (is_closed(ch->fd)) {
                close(ch->fd);
                ch->fd = -1;
        }
        if (fake->acquire_errors > 0) {
                fake->acquire_errors--;
                return give_error(error, fake->acquire_error, fake->acquire_error_text);
        }
        if (ch->kind->acquire_error)
                return give_error(error, ch->kind->acquire_error, "");
        if (ch->fd >= 0)
                return give_error(error, "org.bluez.Error.NotPermitted", "Notify acquired");

        ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
        ch->fd = fds[0];
        r = sd_bus_reply_method_return(m, "hq", fds[1], 247);
        close(fds[1]);
        return r;
}

static int method_start_notify(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeChar *ch = userdata;

        ch->starts++;
        ch->notifying = true;
        ok(sd_bus_emit_properties_changed(ch->fake->bus, ch->path, "org.bluez.GattCharacteristic1",
                                          "Notifying", NULL));
        return sd_bus_reply_method_return(m, NULL);
}

static int method_stop_notify(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ((FakeChar *) userdata)->stops++;
        return sd_bus_reply_method_return(m, NULL);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const FakeBluez *fake = userdata;
        const struct {
                const char *property, *interface, *type, *value;
        } texts[] = {
                { "Address", "org.bluez.Adapter1", "s",
                  g_str_equal(path, FAKE_ADAPTER_2) != fake->renumbered ? "00:AA:01:01:00:01" : "00:AA:01:00:00:00" },
                { "Address", "org.bluez.Device1", "s", FAKE_ADDRESS },
                { "AddressType", "org.bluez.Device1", "s", "random" },
                { "Name", "org.bluez.Device1", "s", fake->kind->name },
                { "Adapter", "org.bluez.Device1", "o", g_str_equal(path, FAKE_DEVICE_2) ? FAKE_ADAPTER_2 : FAKE_ADAPTER },
                { "Device", "org.bluez.GattService1", "o", FAKE_DEVICE },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                if (g_str_equal(texts[i].property, property) && g_str_equal(texts[i].interface, interface))
                        return sd_bus_message_append(reply, texts[i].type, texts[i].value);

        return sd_bus_message_append(reply, "s", g_str_equal(path, SERVICE) ? fake->kind->service : INFORMATION_UUID);
}

static int get_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const FakeKind *kind = ((FakeBluez *) userdata)->kind;

        return kind->hides_service ? sd_bus_message_append(reply, "as", 1, INFORMATION_UUID)
                                   : sd_bus_message_append(reply, "as", 2, INFORMATION_UUID, kind->service);
}

static int get_makers(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const FakeKind *kind = ((FakeBluez *) userdata)->kind;

        ok(sd_bus_message_open_container(reply, 'a', "{qv}"));
        if (kind->company) {
                ok(sd_bus_message_open_container(reply, 'e', "qv"));
                ok(sd_bus_message_append(reply, "q", kind->company));
                ok(sd_bus_message_open_container(reply, 'v', "ay"));
                ok(sd_bus_message_append_array(reply, 'y', kind->maker_data, kind->maker_size));
                ok(sd_bus_message_close_container(reply));
                ok(sd_bus_message_close_container(reply));
        }
        return sd_bus_message_close_container(reply);
}

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("RegisterAgent", "os", NULL, method_register_agent, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("UnregisterAgent", "o", NULL, method_unregister_agent, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

static const sd_bus_vtable adapter_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("SetDiscoveryFilter", "a{sv}", NULL, method_set_filter, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartDiscovery", NULL, NULL, method_start_discovery, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopDiscovery", NULL, NULL, method_noop, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RemoveDevice", "o", NULL, method_remove_device, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Address", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("Powered", "b", NULL, offsetof(FakeBluez, powered), CHANGES),
        SD_BUS_VTABLE_END
};

static const sd_bus_vtable gatt_manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("RegisterApplication", "oa{sv}", NULL, method_register_application,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("UnregisterApplication", "o", NULL, method_unregister_application, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

static const sd_bus_vtable device_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Connect", NULL, NULL, method_connect, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Disconnect", NULL, NULL, method_disconnect, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Pair", NULL, NULL, method_pair, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("CancelPairing", NULL, NULL, method_cancel_pairing, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Address", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("AddressType", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("Name", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("Adapter", "o", get_text, 0, 0),
        SD_BUS_PROPERTY("UUIDs", "as", get_uuids, 0, 0),
        SD_BUS_PROPERTY("ManufacturerData", "a{qv}", get_makers, 0, 0),
        SD_BUS_PROPERTY("RSSI", "n", NULL, offsetof(FakeBluez, rssi), CHANGES),
        SD_BUS_PROPERTY("Connected", "b", NULL, offsetof(FakeBluez, connected), CHANGES),
        SD_BUS_PROPERTY("ServicesResolved", "b", NULL, offsetof(FakeBluez, resolved), CHANGES),
        SD_BUS_PROPERTY("Paired", "b", NULL, offsetof(FakeBluez, paired), CHANGES),
        SD_BUS_PROPERTY("Bonded", "b", NULL, offsetof(FakeBluez, paired), CHANGES),
        SD_BUS_WRITABLE_PROPERTY("Trusted", "b", NULL, NULL, offsetof(FakeBluez, trusted),
                                 CHANGES | SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

static const sd_bus_vtable battery_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Percentage", "y", NULL, offsetof(FakeBluez, battery), CHANGES),
        SD_BUS_VTABLE_END
};

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("UUID", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("Device", "o", get_text, 0, 0),
        SD_BUS_VTABLE_END
};

static const sd_bus_vtable char_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ReadValue", "a{sv}", "ay", method_read, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("WriteValue", "aya{sv}", NULL, method_write, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AcquireNotify", "a{sv}", "hq", method_acquire, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartNotify", NULL, NULL, method_start_notify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopNotify", NULL, NULL, method_stop_notify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("UUID", "s", NULL, offsetof(FakeChar, uuid), 0),
        SD_BUS_PROPERTY("Service", "o", NULL, offsetof(FakeChar, service), 0),
        SD_BUS_PROPERTY("NotifyAcquired", "b", NULL, offsetof(FakeChar, acquired), CHANGES),
        SD_BUS_PROPERTY("Notifying", "b", NULL, offsetof(FakeChar, notifying), CHANGES),
        SD_BUS_VTABLE_END
};

static void message_free(void *p) {
        sd_bus_message_unref(p);
}

static void slot_free(void *p) {
        sd_bus_slot_unref(p);
}

static void add(FakeBluez *fake, GPtrArray *slots, const char *path, const char *interface,
                const sd_bus_vtable *vtable, void *userdata) {
        sd_bus_slot *slot;

        ok(sd_bus_add_object_vtable(fake->bus, &slot, path, interface, vtable, userdata));
        g_ptr_array_add(slots, slot);
}

void fake_char_show(FakeChar *ch) {
        FakeBluez *fake = ch->fake;

        ch->hidden = false;
        add(fake, fake->char_slots, ch->path, "org.bluez.GattCharacteristic1", char_vtable, ch);
        ch->slot = fake->char_slots->pdata[fake->char_slots->len - 1];
        ok(sd_bus_emit_interfaces_added(fake->bus, ch->path, "org.bluez.GattCharacteristic1", NULL));
}

static void add_gatt(FakeBluez *fake) {
        add(fake, fake->char_slots, SERVICE, "org.bluez.GattService1", service_vtable, fake);
        add(fake, fake->char_slots, INFORMATION, "org.bluez.GattService1", service_vtable, fake);
        ok(sd_bus_emit_interfaces_added(fake->bus, SERVICE, "org.bluez.GattService1", NULL));
        ok(sd_bus_emit_interfaces_added(fake->bus, INFORMATION, "org.bluez.GattService1", NULL));
        for (unsigned i = 0; i < fake->n_chars; i++) {
                if (fake->chars[i].hidden)
                        continue;
                fake_char_show(&fake->chars[i]);
        }
}

void fake_plug(FakeBluez *fake, const char *adapter) {
        add(fake, fake->adapter_slots, adapter, "org.bluez.Adapter1", adapter_vtable, fake);
        add(fake, fake->adapter_slots, adapter, "org.bluez.GattManager1", gatt_manager_vtable, fake);
        ok(sd_bus_emit_interfaces_added(fake->bus, adapter, "org.bluez.Adapter1", "org.bluez.GattManager1", NULL));
}

GPid fake_bus_start(void) {
        return fake_bus_start_with("");
}

GPid fake_bus_start_with(const char *more) {
        static const char format[] =
                "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
                "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>"
                "%s<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>"
                "<allow own=\"*\"/></policy></busconfig>\n";
        g_autofree char *path = NULL, *config = g_strdup_printf(format, more);
        char address[512] = "";
        int fd, out[2];
        pid_t pid;

        fd = g_file_open_tmp("needled-test-XXXXXX.conf", &path, NULL);
        g_assert_cmpint(write(fd, config, strlen(config)), ==, (ssize_t) strlen(config));
        close(fd);
        ok(pipe(out));

        pid = fork();
        ok(pid);
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that aborts leaves no bus behind */
                g_autofree char *file = g_strdup_printf("--config-file=%s", path);
                g_autofree char *print = g_strdup_printf("--print-address=%i", out[1]);

                /* It complains of limits that only root can raise. */
                (void) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
                execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", file, print, NULL);
                _exit(127);
        }

        close(out[1]);
        if (read(out[0], address, sizeof(address) - 1) <= 0)
                g_error("dbus-daemon cannot be started: install the package dbus");
        close(out[0]);
        unlink(path);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_strchomp(address), true);
        return pid;
}

void fake_bus_stop(GPid pid) {
        ok(kill(pid, SIGTERM));
        ok(waitpid(pid, NULL, 0));
}

FakeBluez *fake_bluez_new(sd_event *event, const FakeKind *kind) {
        FakeBluez *fake = g_new0(FakeBluez, 1);

        fake->event = event;
        fake->powered = true;
        fake->rssi = -60;
        fake->held = g_ptr_array_new_with_free_func(message_free);
        fake->slots = g_ptr_array_new_with_free_func(slot_free);
        fake->device_slots = g_ptr_array_new_with_free_func(slot_free);
        fake->char_slots = g_ptr_array_new_with_free_func(slot_free);
        fake->kind = kind ? kind : &pen;
        fake->writes = g_string_new("");
        g_assert_cmpuint(fake->kind->n_chars, <=, FAKE_CHARS_MAX);
        for (size_t i = 0; i < fake->kind->n_chars; i++) {
                const FakeCharKind *ch = &fake->kind->chars[i];
                const char *service = ch->information ? INFORMATION : SERVICE;

                fake->chars[fake->n_chars++] = (FakeChar) {
                        .fake = fake,
                        .kind = ch,
                        .uuid = ch->uuid,
                        .service = g_strdup(service),
                        .path = g_strdup_printf("%s/char%04zx", service, i + 1),
                        .fd = -1,
                };
        }

        ok(sd_bus_open_system(&fake->bus));
        ok(sd_bus_attach_event(fake->bus, event, 0));
        sd_bus_slot *slot;
        ok(sd_bus_add_object_manager(fake->bus, &slot, "/"));
        g_ptr_array_add(fake->slots, slot);
        add(fake, fake->slots, "/org/bluez", "org.bluez.AgentManager1", manager_vtable, fake);
        fake->adapter_slots = g_ptr_array_new_with_free_func(slot_free);
        fake_plug(fake, FAKE_ADAPTER);
        ok(sd_bus_request_name(fake->bus, "org.bluez", 0));
        return fake;
}

FakeBluez *fake_bluez_free(FakeBluez *fake) {
        if (!fake)
                return NULL;

        for (unsigned i = 0; i < fake->n_chars; i++) {
                if (fake->chars[i].fd >= 0)
                        close(fake->chars[i].fd);
                g_free(fake->chars[i].path);
                g_free(fake->chars[i].service);
        }
        g_ptr_array_unref(fake->char_slots);
        g_ptr_array_unref(fake->device_slots);
        g_ptr_array_unref(fake->slots);
        g_ptr_array_unref(fake->adapter_slots);
        g_ptr_array_unref(fake->held);
        sd_bus_slot_unref(fake->filter);
        sd_bus_flush_close_unref(fake->bus);
        g_string_free(fake->writes, true);
        sd_bus_message_unref(fake->pair);
        g_free(fake->agent_sender);
        g_free(fake->capability);
        g_free(fake->application_sender);
        g_free(fake->application);
        g_free(fake);
        return NULL;
}

void fake_device_appear(FakeBluez *fake) {
        if (fake->device_slots->len == 0)
                add(fake, fake->device_slots, FAKE_DEVICE, "org.bluez.Device1", device_vtable, fake);
        fake->present = true;
        fake->forgotten = false;
        ok(sd_bus_emit_interfaces_added(fake->bus, FAKE_DEVICE, "org.bluez.Device1", NULL));
}

void fake_device_appear_2(FakeBluez *fake) {
        add(fake, fake->device_slots, FAKE_DEVICE_2, "org.bluez.Device1", device_vtable, fake);
        ok(sd_bus_emit_interfaces_added(fake->bus, FAKE_DEVICE_2, "org.bluez.Device1", NULL));
}

void fake_device_connect(FakeBluez *fake) {
        fake->connected = true;
        if (!fake->connected_untold)
                ok(sd_bus_emit_properties_changed(fake->bus, FAKE_DEVICE, "org.bluez.Device1", "Connected",
                                                  NULL));
        if (fake->unresolved)
                return;
        if (fake->char_slots->len == 0)
                add_gatt(fake);
        fake->resolved = true;
        ok(sd_bus_emit_properties_changed(fake->bus, FAKE_DEVICE, "org.bluez.Device1", "ServicesResolved",
                                          NULL));
}

void fake_device_disconnect(FakeBluez *fake) {
        for (unsigned i = 0; i < fake->n_chars; i++)
                if (fake->chars[i].fd >= 0) {
                        close(fake->chars[i].fd);
                        fake->chars[i].fd = -1;
                }
        fake->connected = fake->resolved = false;
        ok(sd_bus_emit_properties_changed(fake->bus, FAKE_DEVICE, "org.bluez.Device1", "ServicesResolved",
                                          "Connected", NULL));
}

void fake_pair_end(FakeBluez *fake, const char *error) {
        sd_bus_message *m = g_steal_pointer(&fake->pair);

        if (error) {
                ok(sd_bus_reply_method_errorf(m, error, "Authentication Failed"));
                if (fake->connected)
                        fake_device_disconnect(fake);
        } else {
                fake->paired = true;
                ok(sd_bus_emit_properties_changed(fake->bus, FAKE_DEVICE, "org.bluez.Device1", "Paired", "Bonded",
                                                  NULL));
                ok(sd_bus_reply_method_return(m, NULL));
        }
        sd_bus_message_unref(m);
}

void fake_powered(FakeBluez *fake, bool on) {
        if (!on && fake->connected)
                fake_device_disconnect(fake);
        fake->powered = on;
        ok(sd_bus_emit_properties_changed(fake->bus, FAKE_ADAPTER, "org.bluez.Adapter1", "Powered", NULL));
}

void fake_battery(FakeBluez *fake, uint8_t percent) {
        fake->battery = percent;
        add(fake, fake->device_slots, FAKE_DEVICE, "org.bluez.Battery1", battery_vtable, fake);
        ok(sd_bus_emit_interfaces_added(fake->bus, FAKE_DEVICE, "org.bluez.Battery1", NULL));
}

FakeChar *fake_char(FakeBluez *fake, const char *uuid) {
        for (unsigned i = 0; i < fake->n_chars; i++)
                if (g_str_equal(fake->chars[i].uuid, uuid))
                        return &fake->chars[i];

        g_assert_not_reached();
}

void fake_release(FakeBluez *fake, FakeChar *ch) {
        fake->acquire_errors = 0;
        ok(sd_bus_emit_properties_changed(fake->bus, ch->path, "org.bluez.GattCharacteristic1",
                                          "NotifyAcquired", NULL));
}
