/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follows your live session with GDBus, in the main loop of a program that does other things too:
 * cc follow-gdbus.c -o follow-gdbus $(pkg-config --cflags --libs gio-unix-2.0)
 * docs/api.md explains it. */

#include <endian.h>
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <needled/stream.h>

#define NAME "org.needled"
#define SESSION "org.needled.Session1"

/* What a message has of a body: one from an older daemon is shorter, one from a later daemon longer. */
#define TAKE(body, data, size) memcpy(&(body), (data), MIN((size), sizeof(body)))

typedef struct Follow {
        GMainLoop *loop;
        int fd;
        int status;
} Follow;

static void show_live(double at_sec, const guint8 *data, gsize size) {
        struct needled_stream_live live = {};

        TAKE(live, data, size);
        if (le32toh(live.present) & NEEDLED_STREAM_HAS_FORCE)
                printf("%.3f s  %d mN  peak %d mN\n", at_sec, (gint32) le32toh((guint32) live.force_mean_mn),
                        (gint32) le32toh((guint32) live.force_peak_mn));
}

static void show_gap(double at_sec, const guint8 *data, gsize size) {
        struct needled_stream_gap gap = {};

        TAKE(gap, data, size);
        printf("%.3f s  gap of %.3f s, %u packets lost\n", at_sec, (double) (le64toh(gap.to_usec) - le64toh(gap.from_usec)) / 1e6,
                le32toh(gap.lost));
}

static void stop(Follow *f, int status) {
        f->status = status;
        g_main_loop_quit(f->loop);
}

static void take_record(Follow *f, const struct needled_stream_head *head, const guint8 *body, gsize size) {
        double at_sec = (double) le64toh(head->session_usec) / 1e6;

        if (head->dropped)
                printf("%u records missed\n", le32toh(head->dropped));

        switch (le16toh(head->type)) {
        case NEEDLED_STREAM_LIVE:
                show_live(at_sec, body, size);
                break;
        case NEEDLED_STREAM_GAP:
                show_gap(at_sec, body, size);
                break;
        case NEEDLED_STREAM_END:
                printf("end, reason %d\n", size > 0 ? body[0] : 0);
                stop(f, 0);
                break;
        }
}

/* Whole records, one after the other. */
static void take_message(Follow *f, const guint8 *data, gsize left) {
        struct needled_stream_head head;

        while (left >= sizeof(head)) {
                gsize size;

                memcpy(&head, data, sizeof(head));
                size = le16toh(head.size);
                if (size < sizeof(head) || size > left)
                        return;
                take_record(f, &head, data + sizeof(head), size - sizeof(head));
                data += size;
                left -= size;
        }
}

/* One message at a time: the loop calls again while there are more. */
static gboolean on_stream(gint fd, GIOCondition condition, gpointer userdata) {
        guint8 message[NEEDLED_STREAM_MESSAGE_MAX];
        Follow *f = userdata;
        gssize n;

        n = recv(fd, message, sizeof(message), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return G_SOURCE_CONTINUE;
        if (n <= 0) {
                g_printerr("The stream broke off: the service went away.\n");
                stop(f, 1);
                return G_SOURCE_REMOVE;
        }

        take_message(f, message, (gsize) n);
        return G_SOURCE_CONTINUE;
}

static void on_opened(GObject *source, GAsyncResult *result, gpointer userdata) {
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GVariant) reply = NULL;
        g_autoptr(GError) error = NULL;
        Follow *f = userdata;
        gint32 handle;

        reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(source), &fds, result, &error);
        if (reply) {
                g_variant_get(reply, "(h)", &handle);
                f->fd = g_unix_fd_list_get(fds, handle, &error); /* a copy, which is ours */
        }
        if (f->fd < 0) {
                g_printerr("The stream: %s\n", error->message);
                stop(f, 1);
                return;
        }

        g_unix_fd_add(f->fd, G_IO_IN | G_IO_HUP, on_stream, f);
}

static gboolean is_live_and_ours(GDBusProxy *session) {
        g_autoptr(GVariant) state = g_dbus_proxy_get_cached_property(session, "State");
        g_autoptr(GVariant) owner = g_dbus_proxy_get_cached_property(session, "Owner");

        return state && owner && g_variant_get_uint32(owner) == getuid() && !g_str_equal(g_variant_get_string(state, NULL), "finished");
}

/* A manager keeps all objects and their properties, and follows them. */
static GDBusProxy *find_session(GDBusObjectManager *manager) {
        g_autolist(GDBusObject) objects = g_dbus_object_manager_get_objects(manager);

        for (GList *o = objects; o; o = o->next) {
                g_autoptr(GDBusInterface) session = g_dbus_object_get_interface(o->data, SESSION);

                if (session && is_live_and_ours(G_DBUS_PROXY(session)))
                        return G_DBUS_PROXY(g_steal_pointer(&session));
        }

        return NULL;
}

int main(void) {
        g_autoptr(GDBusObjectManager) manager = NULL;
        g_autoptr(GDBusProxy) session = NULL;
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        g_autoptr(GError) error = NULL;
        Follow f = { .loop = loop, .fd = -1, .status = 1 };
        GVariantBuilder options;

        setvbuf(stdout, NULL, _IOLBF, 0); /* a line at once, into a pipe too */
        manager = g_dbus_object_manager_client_new_for_bus_sync(G_BUS_TYPE_SYSTEM, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, NAME,
                                                                "/org/needled", NULL, NULL, NULL, NULL, &error);
        if (!manager) {
                g_printerr("The objects of needled: %s\n", error->message);
                return 1;
        }
        session = find_session(manager);
        if (!session) {
                g_printerr("You have no live session.\n");
                return 1;
        }

        g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
        g_variant_builder_add(&options, "{sv}", "period", g_variant_new_uint64(50000));
        g_dbus_connection_call_with_unix_fd_list(g_dbus_proxy_get_connection(session), NAME, g_dbus_proxy_get_object_path(session),
                                                 SESSION, "OpenStream", g_variant_new("(a{sv})", &options), G_VARIANT_TYPE("(h)"),
                                                 G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, on_opened, &f);
        g_main_loop_run(loop);

        if (f.fd >= 0)
                close(f.fd);
        return f.status;
}
