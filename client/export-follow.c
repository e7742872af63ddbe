/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/export.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/history.h"
#include "client/json.h"
#include "client/output.h"
#include "client/service.h"
#include "client/session-filter.h"

/* What was exported into this folder, one UUID a line: what is moved away or removed there does not come again. */
#define LEDGER ".needled-exported"
#define UUID_LENGTH 36u
#define LEDGER_MAX (64u * 1024u * 1024u)
#define WAITING_MAX 1000u               /* what is more is listed anew: anybody may send us a signal */

typedef struct FollowExport {
        Client *client;
        ExportOptions options;
        const char *folder;
        int folder_fd, ledger_fd;
        GHashTable *exported;           /* UUIDs, owned */
        GQueue waiting;                 /* uint64_t *: sessions to look at, owned */
        sd_event *event;
        sd_event_source *work;          /* on while something is to be done */
        bool catch_up;                  /* the service is there anew, or we are */
} FollowExport;

static Exit folder_failed(const FollowExport *f, const char *name, int error) {
        output_error("%s/%s cannot be written: %s.", f->folder, name, g_strerror(error));
        return EXIT_FAILED;
}

/* ---- The folder ---- */

static Exit open_folder(FollowExport *f) {
        if (g_mkdir_with_parents(f->folder, 0700) < 0)
                return folder_failed(f, "", errno);
        f->folder_fd = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (f->folder_fd < 0)
                return folder_failed(f, "", errno);
        f->ledger_fd = openat(f->folder_fd, LEDGER, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (f->ledger_fd < 0)
                return folder_failed(f, LEDGER, errno);
        if (flock(f->ledger_fd, LOCK_EX | LOCK_NB) < 0) {
                output_error("Another 'needlectl export --follow' writes into %s already.", f->folder);
                return EXIT_FAILED;
        }

        return EXIT_DONE;
}

/* A line that a power cut left without its end is none. */
static Exit read_ledger(FollowExport *f) {
        g_autofree char *path = g_build_filename(f->folder, LEDGER, NULL), *text = NULL;
        g_auto(GStrv) lines = NULL;
        struct stat st;
        gsize size;

        if (fstat(f->ledger_fd, &st) < 0 || st.st_size > LEDGER_MAX || !g_file_get_contents(path, &text, &size, NULL)) {
                output_error("%s cannot be read. If it is removed, sessions whose files are gone are written again.", path);
                return EXIT_FAILED;
        }
        lines = g_strsplit(text, "\n", -1);
        for (unsigned i = 0; lines[i]; i++)
                if (g_uuid_string_is_valid(lines[i]))
                        (void) g_hash_table_add(f->exported, g_strdup(lines[i]));
        if (size > 0 && text[size - 1] != '\n' && write(f->ledger_fd, "\n", 1) != 1)
                return folder_failed(f, LEDGER, errno);

        return EXIT_DONE;
}

static Exit remember(FollowExport *f, const char *uuid) {
        char line[UUID_LENGTH + 2];

        (void) g_snprintf(line, sizeof(line), "%s\n", uuid);
        (void) g_hash_table_add(f->exported, g_strdup(uuid));
        if (write(f->ledger_fd, line, strlen(line)) != (ssize_t) strlen(line) || fdatasync(f->ledger_fd) < 0)
                return folder_failed(f, LEDGER, errno);

        return EXIT_DONE;
}

/* ---- One session ---- */

/* At its place only when it is whole and on the disk. */
static Exit put_in_place(FollowExport *f, FILE *file, const char *temporary, const char *name) {
        if (fflush(file) != 0 || fsync(fileno(file)) < 0)
                return folder_failed(f, temporary, errno);
        if (renameat(f->folder_fd, temporary, f->folder_fd, name) < 0 || fsync(f->folder_fd) < 0)
                return folder_failed(f, name, errno);

        return EXIT_DONE;
}

static Exit write_session(FollowExport *f, uint64_t id, const char *name) {
        g_autofree char *temporary = g_strdup_printf(".%s.part", name), *missing = NULL;
        int fd = openat(f->folder_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
        uint64_t rows;
        Exit e;

        if (!file)
                return folder_failed(f, temporary, errno);
        e = export_session(f->client, id, &f->options, export_sink_stream, file, &rows, &missing);
        if (missing)
                output_error("The export of session %" PRIu64 " is not whole: %s.", id, missing);
        if (e == EXIT_DONE)
                e = put_in_place(f, file, temporary, name);
        (void) fclose(file);
        if (e != EXIT_DONE)
                (void) unlinkat(f->folder_fd, temporary, 0);
        else
                output_say("Session %" PRIu64 " is in %s/%s.", id, f->folder, name);
        return e;
}

/* The number for people, the beginning of the UUID since a number may come again in a new database. */
static char *file_name(const FollowExport *f, uint64_t id, const char *uuid) {
        return g_strdup_printf("session-%" PRIu64 "-%.8s.%s", id, uuid, export_format_name(f->options.format));
}

static Exit export_known(FollowExport *f, uint64_t id, const char *uuid) {
        g_autofree char *name = NULL;
        struct stat st;
        Exit e;

        if (!g_uuid_string_is_valid(uuid) || g_hash_table_contains(f->exported, uuid))
                return EXIT_DONE;

        name = file_name(f, id, uuid);
        e = fstatat(f->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? EXIT_DONE : write_session(f, id, name);
        if (e == EXIT_NOT_FOUND) /* deleted meanwhile */
                return EXIT_DONE;

        return e == EXIT_DONE ? remember(f, uuid) : e;
}

static Exit export_by_id(FollowExport *f, uint64_t id) {
        json_auto *session = NULL;
        Exit e = history_get(f->client, id, &session);

        if (e == EXIT_NOT_FOUND)
                return EXIT_DONE;
        return e == EXIT_DONE ? export_known(f, id, json_text(session, "uuid")) : e;
}

/* Page by page, newest first; a page whose sessions were all exported does not end it, since an older one may have
 * ended later. */
static Exit catch_up(FollowExport *f) {
        const SessionFilter filter = { .owner = getuid(), .owner_given = true };
        uint64_t before = 0;
        Exit worst = EXIT_DONE;

        for (;;) {
                json_auto *page = NULL;
                size_t i, n;
                json_t *session;
                Exit e;

                e = session_filter_page(f->client, &filter, SESSION_PAGE_MAX, before, &page);
                if (e == EXIT_NOT_FOUND && before > 0) { /* deleted meanwhile: anew, and quickly over what is exported */
                        before = 0;
                        continue;
                }
                if (e != EXIT_DONE)
                        return e;
                json_array_foreach(page, i, session) {
                        before = (uint64_t) json_number(session, "id");
                        e = export_known(f, before, json_text(session, "uuid"));
                        if (e == EXIT_UNREACHABLE)
                                return e;
                        worst = MAX(worst, e); /* what is wrong with one is no reason to leave the others */
                }
                n = json_array_size(page);
                if (n < SESSION_PAGE_MAX)
                        return worst;
        }
}

/* ---- Waiting ---- */

/* Not from within a message of the bus: it asks the bus itself. */
static int on_work(sd_event_source *source, void *userdata) {
        FollowExport *f = userdata;
        g_autofree uint64_t *id = NULL;
        Exit e = EXIT_DONE;

        if (f->catch_up) {
                f->catch_up = false;
                e = catch_up(f);
        } else if ((id = g_queue_pop_head(&f->waiting)))
                e = export_by_id(f, *id);
        if (e != EXIT_DONE)
                return sd_event_exit(f->event, e);

        return sd_event_source_set_enabled(source, f->catch_up || f->waiting.length > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FollowExport *f = userdata;
        uint32_t owner;
        uint64_t id;

        if (sd_bus_message_read(m, "tu", &id, &owner) < 0 || owner != getuid())
                return 0;

        if (f->waiting.length < WAITING_MAX)
                g_queue_push_tail(&f->waiting, g_memdup2(&id, sizeof(id)));
        else
                f->catch_up = true;
        return sd_event_source_set_enabled(f->work, SD_EVENT_ONESHOT);
}

/* It has begun anew: what it added while it was not heard is listed. */
static int on_service(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *before, *now;
        FollowExport *f = userdata;

        if (!service_is_bus(m) || sd_bus_message_read(m, "sss", &name, &before, &now) < 0 || !*now)
                return 0;

        f->catch_up = true;
        return sd_event_source_set_enabled(f->work, SD_EVENT_ONESHOT);
}

static int listen_to(FollowExport *f) {
        sd_bus *bus = f->client->bus;
        int r;

        r = sd_event_new(&f->event);
        if (r >= 0)
                r = client_leave_on_signals(f->event);
        if (r >= 0)
                r = sd_event_add_defer(f->event, &f->work, on_work, f);
        if (r >= 0)
                r = sd_bus_attach_event(bus, f->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(bus, true);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, SERVICE_NAME, SERVICE_ROOT, SERVICE_HISTORY, "Added", on_added, f);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                                     "member='NameOwnerChanged',arg0='" SERVICE_NAME "'",
                                     on_service, f);

        return r;
}

static Exit follow(FollowExport *f) {
        Exit e;
        int r;

        e = open_folder(f);
        if (e == EXIT_DONE)
                e = read_ledger(f);
        if (e == EXIT_DONE)
                e = client_connect(f->client);
        if (e != EXIT_DONE)
                return e;

        f->catch_up = true;
        r = listen_to(f);
        if (r >= 0)
                r = sd_event_loop(f->event);

        return r < 0 ? service_error(NULL, r) : (Exit) r;
}

static void follow_export_done(FollowExport *f) {
        client_done(f->client);         /* its matches point to us */
        sd_event_source_disable_unref(f->work);
        sd_event_unref(f->event);
        g_queue_clear_full(&f->waiting, g_free);
        g_hash_table_unref(f->exported);
        if (f->ledger_fd >= 0)
                (void) close(f->ledger_fd);
        if (f->folder_fd >= 0)
                (void) close(f->folder_fd);
}

Exit export_follow(Client *client, const char *folder) {
        FollowExport f = { .client = client, .folder = folder, .folder_fd = -1, .ledger_fd = -1, .waiting = G_QUEUE_INIT };
        Exit e;

        if (client->n_args > 0 || session_filter_given(&client->options) || options_has(&client->options, OPTION_OUTPUT)) {
                output_error("--follow takes a folder and --format, and chooses the sessions itself.");
                return EXIT_USAGE;
        }
        e = export_read_options(client, EXPORT_JSON, &f.options);
        if (e != EXIT_DONE)
                return e;

        f.exported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        e = follow(&f);
        follow_export_done(&f);
        return e;
}
