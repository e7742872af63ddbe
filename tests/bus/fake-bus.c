/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-bus.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "autoptr.h"

#define DRIVER "org.freedesktop.DBus"
#define LOGIND "org.freedesktop.login1"

static void message_unref(void *m) {
        sd_bus_message_unref(m);
}

static void reply_uid(FakeBus *fb, sd_bus_message *m) {
        const char *name;
        gpointer uid;

        g_assert_cmpint(sd_bus_message_rewind(m, true), >=, 0);
        g_assert_cmpint(sd_bus_message_read(m, "s", &name), >, 0);
        if (g_hash_table_lookup_extended(fb->users, name, NULL, &uid))
                g_assert_cmpint(sd_bus_reply_method_return(m, "u", GPOINTER_TO_UINT(uid)), >=, 0);
        else
                g_assert_cmpint(
                        sd_bus_reply_method_errorf(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "No %s here.", name),
                        >=, 0);
}

static void remove_match(FakeBus *fb, const char *rule) {
        for (unsigned i = 0; i < fb->matches->len; i++)
                if (g_str_equal(fb->matches->pdata[i], rule)) {
                        g_ptr_array_remove_index(fb->matches, i);
                        return;
                }
}

static int driver_call(FakeBus *fb, sd_bus_message *m) {
        const char *member = sd_bus_message_get_member(m), *rule;

        if (g_str_equal(member, "Hello"))
                return sd_bus_reply_method_return(m, "s", ":1.1");
        if (g_str_equal(member, "RequestName")) {
                fb->n_name_requests++;
                g_assert_cmpint(sd_bus_message_read(m, "su", &rule, &fb->name_flags), >, 0);
                return fb->name_answer
                               ? sd_bus_reply_method_return(m, "u", fb->name_answer)
                               : sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "Not yours.");
        }
        if (g_str_equal(member, "AddMatch") || g_str_equal(member, "RemoveMatch")) {
                g_assert_cmpint(sd_bus_message_read(m, "s", &rule), >, 0);
                if (member[0] == 'A')
                        g_ptr_array_add(fb->matches, g_strdup(rule));
                else
                        remove_match(fb, rule);
                return sd_bus_reply_method_return(m, NULL);
        }
        if (g_str_equal(member, "GetConnectionUnixUser")) {
                fb->n_uid_queries++;
                if (fb->hold_uids)
                        g_ptr_array_add(fb->held, sd_bus_message_ref(m));
                else
                        reply_uid(fb, m);
                return 1;
        }

        if (g_str_equal(member, "GetNameOwner")) {
                g_assert_cmpint(sd_bus_message_read(m, "s", &rule), >, 0);
                return g_str_equal(rule, LOGIND) && fb->logind
                               ? sd_bus_reply_method_return(m, "s", fb->logind)
                               : sd_bus_reply_method_errorf(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "No %s.", rule);
        }

        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_METHOD, "No %s.", member);
}

void fake_bus_grant_delay(FakeBus *fb) {
        g_autoptr(sd_bus_message) m = g_steal_pointer(&fb->inhibit);
        int ends[2];

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        if (fb->delay >= 0)
                (void) close(fb->delay);
        fb->delay = ends[0];
        g_assert_cmpint(sd_bus_reply_method_return(m, "h", ends[1]), >=, 0);
        (void) close(ends[1]);
}

bool fake_bus_is_delayed(const FakeBus *fb) {
        struct pollfd p = { .fd = fb->delay, .events = POLLIN };

        return fb->delay >= 0 && poll(&p, 1, 0) == 0;
}

static int logind_call(FakeBus *fb, sd_bus_message *m) {
        const char *what, *who, *why, *mode;

        g_assert_cmpstr(sd_bus_message_get_member(m), ==, "Inhibit");
        g_assert_cmpint(sd_bus_message_get_auto_start(m), ==, 0);
        g_assert_cmpint(sd_bus_message_read(m, "ssss", &what, &who, &why, &mode), >, 0);
        fb->n_inhibits++;
        g_free(fb->inhibit_text);
        fb->inhibit_text = g_strdup_printf("%s %s %s", what, who, mode);
        if (fb->refuse_delays)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "Not you.");

        sd_bus_message_unref(fb->inhibit);
        fb->inhibit = sd_bus_message_ref(m);
        if (!fb->hold_delays)
                fake_bus_grant_delay(fb);
        return 1;
}

static void read_check(FakeBus *fb, sd_bus_message *m) {
        const char *kind, *key, *name, *action;

        g_assert_cmpstr(sd_bus_message_get_signature(m, true), ==, "(sa{sv})sa{ss}us");
        g_assert_cmpint(sd_bus_message_read(m, "(sa{sv})s", &kind, 1, &key, "s", &name, &action), >, 0);
        g_assert_cmpint(sd_bus_message_skip(m, "a{ss}"), >, 0);
        g_assert_cmpint(sd_bus_message_read(m, "u", &fb->flags), >, 0);
        g_assert_cmpstr(kind, ==, "system-bus-name");
        g_assert_cmpstr(key, ==, "name");
        g_free(fb->action);
        fb->action = g_strdup(action);
        g_free(fb->subject);
        fb->subject = g_strdup(name);
}

void fake_bus_polkit_answer(FakeBus *fb, FakePolkit answer) {
        g_autoptr(sd_bus_message) m = g_steal_pointer(&fb->check);
        int r;

        g_assert_nonnull(m);
        if (answer == FAKE_POLKIT_ABSENT)
                r = sd_bus_reply_method_errorf(m, SD_BUS_ERROR_SERVICE_UNKNOWN, "Not provided by any file.");
        else if (answer == FAKE_POLKIT_NONSENSE)
                r = sd_bus_reply_method_return(m, "s", "yes");
        else
                r = sd_bus_reply_method_return(m, "(bba{ss})", answer == FAKE_POLKIT_ALLOW,
                                               answer == FAKE_POLKIT_CHALLENGE, 0);
        g_assert_cmpint(r, >=, 0);
}

static int polkit_call(FakeBus *fb, sd_bus_message *m) {
        if (g_str_equal(sd_bus_message_get_member(m), "CancelCheckAuthorization")) {
                fb->n_cancels++;
                return sd_bus_reply_method_return(m, NULL);
        }

        fb->n_checks++;
        read_check(fb, m);
        sd_bus_message_unref(fb->check);
        fb->check = sd_bus_message_ref(m);
        if (fb->polkit != FAKE_POLKIT_HOLD)
                fake_bus_polkit_answer(fb, fb->polkit);
        return 1;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *destination = sd_bus_message_get_destination(m);
        FakeBus *fb = userdata;

        if (sd_bus_message_is_signal(m, NULL, NULL) > 0) {
                g_ptr_array_add(fb->signals, sd_bus_message_ref(m));
                return 1;
        }
        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
                return 0;
        if (g_strcmp0(destination, DRIVER) == 0)
                return driver_call(fb, m) < 0 ? -EIO : 1;
        if (g_strcmp0(destination, "org.freedesktop.PolicyKit1") == 0)
                return polkit_call(fb, m) < 0 ? -EIO : 1;
        if (fb->logind && g_strcmp0(destination, fb->logind) == 0)
                return logind_call(fb, m) < 0 ? -EIO : 1;
        if (destination && destination[0] == ':') {
                g_ptr_array_add(fb->asked, sd_bus_message_ref(m));
                return 1;
        }

        return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        const sd_id128_t id = { .bytes = { 1 } };
        FakeBus *fb = userdata;
        int client;

        client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        g_assert_cmpint(client, >=, 0);
        fb->n_connections++;
        fb->filter = sd_bus_slot_unref(fb->filter);
        fb->server = sd_bus_close_unref(fb->server);
        g_ptr_array_set_size(fb->matches, 0);
        g_assert_cmpint(sd_bus_new(&fb->server), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(fb->server, client, client), >=, 0);
        g_assert_cmpint(sd_bus_set_server(fb->server, true, id), >=, 0);
        g_assert_cmpint(sd_bus_set_trusted(fb->server, true), >=, 0);
        g_assert_cmpint(sd_bus_add_filter(fb->server, &fb->filter, on_message, fb), >=, 0);
        g_assert_cmpint(sd_bus_start(fb->server), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(fb->server, fb->event, 0), >=, 0);
        return 0;
}

FakeBus *fake_bus_new(sd_event *event) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        FakeBus *fb = g_new0(FakeBus, 1);
        g_autofree char *where = NULL;
        int fd;

        fb->event = sd_event_ref(event);
        fb->name_answer = 1;
        fb->delay = -1;
        fb->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        fb->matches = g_ptr_array_new_with_free_func(g_free);
        fb->signals = g_ptr_array_new_with_free_func(message_unref);
        fb->asked = g_ptr_array_new_with_free_func(message_unref);
        fb->held = g_ptr_array_new_with_free_func(message_unref);
        fb->folder = g_dir_make_tmp("needled-bus-XXXXXX", NULL);
        g_assert_nonnull(fb->folder);
        fb->path = g_build_filename(fb->folder, "bus", NULL);
        where = g_strdup_printf("unix:path=%s", fb->path);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", where, true);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(fd, >=, 0);
        g_strlcpy(address.sun_path, fb->path, sizeof(address.sun_path));
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        g_assert_cmpint(listen(fd, 1), ==, 0);
        g_assert_cmpint(sd_event_add_io(event, &fb->listener, fd, EPOLLIN, on_connection, fb), >=, 0);
        g_assert_cmpint(sd_event_source_set_io_fd_own(fb->listener, true), >=, 0);
        return fb;
}

FakeBus *fake_bus_free(FakeBus *fb) {
        sd_event_source_disable_unref(fb->listener);
        sd_bus_message_unref(fb->check);
        sd_bus_message_unref(fb->inhibit);
        if (fb->delay >= 0)
                (void) close(fb->delay);
        g_free(fb->inhibit_text);
        g_free(fb->logind);
        g_ptr_array_unref(fb->held);
        g_ptr_array_unref(fb->signals);
        g_ptr_array_unref(fb->asked);
        g_ptr_array_unref(fb->matches);
        g_hash_table_unref(fb->users);
        sd_bus_slot_unref(fb->filter);
        sd_bus_close_unref(fb->server);
        g_free(fb->action);
        g_free(fb->subject);
        g_unlink(fb->path);
        g_rmdir(fb->folder);
        g_free(fb->path);
        g_free(fb->folder);
        sd_event_unref(fb->event);
        g_free(fb);
        return NULL;
}

void fake_bus_user(FakeBus *fb, const char *name, uid_t uid) {
        g_hash_table_insert(fb->users, g_strdup(name), GUINT_TO_POINTER(uid));
}

void fake_bus_stop_reading(FakeBus *fb) {
        g_assert_cmpint(sd_bus_detach_event(fb->server), >=, 0);
}

void fake_bus_read_on(FakeBus *fb) {
        g_assert_cmpint(sd_bus_attach_event(fb->server, fb->event, 0), >=, 0);
}

void fake_bus_name_lost(FakeBus *fb, const char *sender) {
        g_autoptr(sd_bus_message) m = NULL;

        g_assert_cmpint(sd_bus_message_new_signal(fb->server, &m, "/org/freedesktop/DBus", DRIVER, "NameLost"), >=, 0);
        g_assert_cmpint(sd_bus_message_set_sender(m, sender), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "org.needled"), >=, 0);
        g_assert_cmpint(sd_bus_send(fb->server, m, NULL), >=, 0);
        fake_bus_settle(fb);
}

static void send_owner_changed(FakeBus *fb, const char *sender, const char *name, const char *old_owner, const char *new_owner) {
        g_autoptr(sd_bus_message) m = NULL;

        g_assert_cmpint(sd_bus_message_new_signal(fb->server, &m, "/org/freedesktop/DBus", DRIVER,
                                                  "NameOwnerChanged"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_set_sender(m, sender), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "sss", name, old_owner, new_owner), >=, 0);
        g_assert_cmpint(sd_bus_send(fb->server, m, NULL), >=, 0);
        fake_bus_settle(fb);
}

void fake_bus_leave(FakeBus *fb, const char *name, const char *sender) {
        if (g_str_equal(sender, DRIVER))
                g_hash_table_remove(fb->users, name);
        send_owner_changed(fb, sender, name, name, "");
}

void fake_bus_logind(FakeBus *fb, const char *name) {
        g_autofree char *old = g_steal_pointer(&fb->logind);

        fb->logind = g_strdup(name);
        send_owner_changed(fb, DRIVER, LOGIND, old ?: "", name ?: "");
}

void fake_bus_prepare_for_sleep(FakeBus *fb, const char *sender, bool asleep) {
        g_autoptr(sd_bus_message) m = NULL;

        g_assert_cmpint(sd_bus_message_new_signal(fb->server, &m, "/org/freedesktop/login1", LOGIND ".Manager", "PrepareForSleep"), >=,
                        0);
        g_assert_cmpint(sd_bus_message_set_sender(m, sender), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "b", asleep), >=, 0);
        g_assert_cmpint(sd_bus_send(fb->server, m, NULL), >=, 0);
        fake_bus_settle(fb);
}

void fake_bus_release_uids(FakeBus *fb) {
        fb->hold_uids = false;
        for (unsigned i = 0; i < fb->held->len; i++)
                reply_uid(fb, fb->held->pdata[i]);
        g_ptr_array_set_size(fb->held, 0);
}

sd_bus_message *fake_bus_asked(const FakeBus *fb, const char *member) {
        for (unsigned i = fb->asked->len; i-- > 0;)
                if (g_str_equal(sd_bus_message_get_member(fb->asked->pdata[i]), member))
                        return fb->asked->pdata[i];

        return NULL;
}

void fake_bus_reply(FakeBus *fb, const char *sender, const char *member, const char *error, const char *types, ...) {
        sd_bus_message *question = fake_bus_asked(fb, member);
        g_autoptr(sd_bus_message) m = NULL;
        va_list args;

        g_assert_nonnull(question);
        if (error) {
                g_assert_cmpint(sd_bus_message_new_method_errorf(question, &m, error, "No."), >=, 0);
        } else {
                g_assert_cmpint(sd_bus_message_new_method_return(question, &m), >=, 0);
                va_start(args, types);
                g_assert_cmpint(sd_bus_message_appendv(m, types, args), >=, 0);
                va_end(args);
        }
        g_assert_cmpint(sd_bus_message_set_sender(m, sender), >=, 0);
        g_assert_cmpint(sd_bus_send(fb->server, m, NULL), >=, 0);
        fake_bus_settle(fb);
}

bool fake_bus_has_match(const FakeBus *fb, const char *part) {
        for (unsigned i = 0; i < fb->matches->len; i++)
                if (strstr(fb->matches->pdata[i], part))
                        return true;

        return false;
}

/* A round that finds nothing ready, thrice: each side answers within one. */
void fake_bus_settle(FakeBus *fb) {
        for (unsigned idle = 0; idle < 3;) {
                int r = sd_event_run(fb->event, 0);

                g_assert_cmpint(r, >=, 0);
                idle = r > 0 ? 0 : idle + 1;
        }
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeCall *call = userdata;

        g_assert_null(call->reply);
        call->reply = sd_bus_message_ref(m);
        return 1;
}

FakeCall *fake_call_free(FakeCall *call) {
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->reply);
        g_free(call);
        return NULL;
}

FakeCall *fake_call(FakeBus *fb, const char *sender, const char *how, const char *path,
                    const char *interface, const char *member, const char *types, ...) {
        g_autoptr(sd_bus_message) m = NULL;
        FakeCall *call = g_new0(FakeCall, 1);
        va_list args;

        g_assert_cmpint(
                sd_bus_message_new_method_call(fb->server, &m, "org.needled", path, interface, member), >=,
                0);
        if (sender)
                g_assert_cmpint(sd_bus_message_set_sender(m, sender), >=, 0);
        if (strchr(how, 'i'))
                g_assert_cmpint(sd_bus_message_set_allow_interactive_authorization(m, true), >=, 0);
        va_start(args, types);
        g_assert_cmpint(sd_bus_message_appendv(m, types, args), >=, 0);
        va_end(args);
        g_assert_cmpint(sd_bus_call_async(fb->server, &call->slot, m, on_reply, call, 600 * G_USEC_PER_SEC),
                        >=, 0);
        return call;
}

sd_bus_message *fake_call_wait(FakeBus *fb, FakeCall *call) {
        fake_bus_until(fb, call->reply);
        return call->reply;
}

sd_bus_message *fake_call_expect(FakeBus *fb, FakeCall *call, const char *error) {
        sd_bus_message *reply = fake_call_wait(fb, call);
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        g_autofree char *name = error && !strchr(error, '.') ? g_strdup_printf("org.needled.Error.%s", error)
                                                             : g_strdup(error);

        g_assert_cmpstr(e ? e->name : NULL, ==, name);
        if (e) { /* "each message says what happened and what to do about it, in one sentence" */
                g_assert_cmpuint(strlen(e->message), >, 20);
                g_assert_true(g_str_has_suffix(e->message, "."));
        }
        return reply;
}

sd_bus_message *fake_bus_signal(const FakeBus *fb, const char *path, const char *member) {
        for (unsigned i = fb->signals->len; i-- > 0;) {
                sd_bus_message *m = fb->signals->pdata[i];

                if ((!path || g_str_equal(sd_bus_message_get_path(m), path)) &&
                    g_str_equal(sd_bus_message_get_member(m), member)) {
                        g_assert_cmpint(sd_bus_message_rewind(m, true), >=, 0);
                        return m;
                }
        }

        return NULL;
}

unsigned fake_bus_count_signals(const FakeBus *fb, const char *path, const char *member) {
        unsigned n = 0;

        for (unsigned i = 0; i < fb->signals->len; i++) {
                sd_bus_message *m = fb->signals->pdata[i];

                n += (!path || g_str_equal(sd_bus_message_get_path(m), path)) &&
                     g_str_equal(sd_bus_message_get_member(m), member);
        }

        return n;
}
