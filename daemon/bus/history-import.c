/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/history-import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "autoptr.h"
#include "bus/history.h"
#include "bus/labels.h"
#include "bus/options.h"
#include "bus/private.h"

#define UTC_OFFSET_MAX (24 * 3600)

/* One import. It goes on when its caller has left: then its pipe ends, and so does it. It may outlive the bus. */
typedef struct Importer {
        Bus *bus;                       /* weak; NULL: it has gone */
        Call *call;                     /* the store answers it once, also when nobody hears it */
        uid_t owner;
} Importer;

/* What the caller says of the session beyond the tape. */
typedef struct ImportLabels {
        const char *uuid, *device, *alias;
        StoreLabels labels;
        bool acknowledged;
        int32_t utc_offset_sec;
        uint32_t record;
        uint64_t record_start;
} ImportLabels;

static int check_identity(const ImportLabels *l, sd_bus_error *error) {
        int r;

        if (*l->uuid && !g_uuid_string_is_valid(l->uuid))
                return error_set(error, ERROR_INVALID_ARGUMENT, "\"uuid\" is not a UUID; leave it out for the one that the tape names.");
        r = options_check_text("device", l->device, OPTIONS_LABEL_MAX, false, error);
        if (r < 0)
                return r;
        r = options_check_text("alias", l->alias, OPTIONS_LABEL_MAX, false, error);
        if (r < 0)
                return r;
        if (ABS((int64_t) l->utc_offset_sec) > UTC_OFFSET_MAX)
                return error_set(error, ERROR_INVALID_ARGUMENT, "\"utc_offset\" is not within a day.");
        if (l->record_start > INT64_MAX)
                return error_set(error, ERROR_INVALID_ARGUMENT, "\"record_start\" is no start that a device tells.");

        return 0;
}

/* The options stand behind the fd. */
static int read_labels(sd_bus_message *m, ImportLabels *ret, sd_bus_error *error) {
        bool rated = false;
        uint32_t rating = 0;
        const Option options[] = {
                { "uuid", 's', &ret->uuid, NULL },
                { "device", 's', &ret->device, NULL },
                { "alias", 's', &ret->alias, NULL },
                { "subject", 's', &ret->labels.subject, NULL },
                { "area", 's', &ret->labels.area, NULL },
                { "product", 's', &ret->labels.product, NULL },
                { "note", 's', &ret->labels.note, NULL },
                { "rating", 'u', &rating, &rated },
                { "acknowledged", 'b', &ret->acknowledged, NULL },
                { "utc_offset", 'i', &ret->utc_offset_sec, NULL },
                { "record", 'u', &ret->record, NULL },
                { "record_start", 't', &ret->record_start, NULL },
        };
        int r;

        *ret = (ImportLabels) { .uuid = "", .device = "", .alias = "" };
        r = options_read(m, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        r = labels_take_rating(rated, rating, &ret->labels, error);
        if (r < 0)
                return r;
        r = labels_check(&ret->labels, error);
        if (r < 0)
                return r;

        return check_identity(ret, error);
}

/* Only a pipe: a file may lie on a file system that the caller itself serves, and then whoever reads it waits as long as the caller likes.
 * F_GETPIPE_SZ asks no file system. */
static int take_pipe(int fd, int *ret_fd, sd_bus_error *error) {
        int flags = fcntl(fd, F_GETFL);
        int taken;

        if (flags < 0 || fcntl(fd, F_GETPIPE_SZ) < 0)
                return error_set(error, ERROR_INVALID_ARGUMENT, "The tape has to come through a pipe; read the file and write it into one.");
        if ((flags & O_ACCMODE) == O_WRONLY)
                return error_set(error, ERROR_INVALID_ARGUMENT, "This is the end of the pipe that is written to; pass the other one.");

        taken = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* that of the message goes with it */
        if (taken < 0)
                return -errno;

        *ret_fd = taken;
        return 0;
}

static int check_limits(const Call *call, sd_bus_error *error) {
        const GPtrArray *imports = call->bus->imports;
        unsigned n = 0;

        for (unsigned i = 0; i < imports->len; i++)
                n += ((const Importer *) imports->pdata[i])->owner == call->caller->uid;
        if (n >= IMPORTS_MAX_PER_USER)
                return error_set(error, ERROR_LIMIT_REACHED, "This user has an import under way; try again when it is done.");
        if (imports->len >= IMPORTS_MAX)
                return error_set(error, ERROR_LIMIT_REACHED, "%u imports are under way in all; try again when one is done.", IMPORTS_MAX);

        return 0;
}

/* ---- The end ---- */

static int import_error(Call *call, int status, const char *message, sd_bus_error *error) {
        if (!message || !*message)
                message = "see the journal of needled";

        switch (status) {
        case -EBADMSG:
                return error_set(error, ERROR_INVALID_ARGUMENT, "The tape cannot be taken in, and nothing of it was: %s.", message);
        case -EOPNOTSUPP:
                return error_set(error, ERROR_NOT_SUPPORTED, "The tape cannot be taken in: %s; update needled.", message);
        case -EEXIST:
                return error_set(error, ERROR_EXISTS, "This session is in the record already; nothing was changed.");
        case -EFBIG:
        case -EDQUOT:
                return error_set(error, ERROR_LIMIT_REACHED, "The tape cannot be taken in, and nothing of it was: %s.", message);
        case -ETIMEDOUT:
                return error_set(error, ERROR_TIMEOUT, "In 30 seconds less than 64 KiB came through the pipe; nothing was taken in.");
        case -ENOBUFS:
                return error_set(error, ERROR_LIMIT_REACHED, "%u imports are under way in all; try again when one is done.", IMPORTS_MAX);
        case -ENOSPC:
                return error_set(error, ERROR_DEGRADED, "The disk is full: nothing of the tape was taken in; make room and try again.");
        case -EIO:
                return error_set(error, ERROR_DEGRADED, "The record cannot be written now, and nothing of the tape was taken in: %s.", message);
        default:
                return history_store_error(call, status, error);
        }
}

static int answer(Call *call, uint64_t id) {
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "at", 1, id);
        if (r < 0)
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

static void on_imported(int status, const char *message, uint64_t id, void *userdata) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        Importer *importer = userdata;
        Call *call = importer->call;
        int r;

        if (importer->bus) {
                g_ptr_array_remove_fast(importer->bus->imports, importer);
                if (status == 0)
                        bus_history_added(importer->bus, id, importer->owner);
        }
        g_free(importer);
        if (!call->message) {
                call_reply_take(call, NULL);
                return;
        }

        r = status < 0 ? import_error(call, status, message, &error) : answer(call, id);
        call_finish(call, r, &error);
}

/* ---- The beginning ---- */

static const char *owner_name(const Call *call) {
        const BusSettings *settings = &call->bus->settings;

        return settings->ops->user_name ? settings->ops->user_name(call->caller->uid, settings->userdata) : "";
}

static void import_begin(Call *call, const ImportLabels *l, int fd) {
        const BusSettings *settings = &call->bus->settings;
        g_autofree char *uuid = g_ascii_strdown(l->uuid, -1);
        Importer *importer = g_new0(Importer, 1);
        StoreImport import = {
                .session = {
                        .id = settings->ops->session_id(settings->userdata),
                        .uuid = uuid,
                        .device_address = (char *) l->device,
                        .device_alias = (char *) l->alias,
                        .owner = call->caller->uid,
                        .owner_name = (char *) owner_name(call),
                        .utc_offset_sec = l->utc_offset_sec,
                        .subject = (char *) (l->labels.subject ?: ""),
                        .area = (char *) (l->labels.area ?: ""),
                        .product = (char *) (l->labels.product ?: ""),
                        .note = (char *) (l->labels.note ?: ""),
                        .rating = l->labels.rating,
                        .acknowledged = l->acknowledged,
                        .record = l->record,
                        .record_start = l->record_start,
                        .source = (char *) "imported",
                },
                .fd = fd,
        };

        *importer = (Importer) { .bus = call->bus, .call = call, .owner = call->caller->uid };
        g_ptr_array_add(call->bus->imports, importer);
        store_import(settings->store, &import, on_imported, importer);
}

int history_run_import(Call *call, sd_bus_error *error) {
        StoreState state = store_state(call->bus->settings.store);
        ImportLabels labels;
        int r, fd;

        r = sd_bus_message_rewind(call->message, true);
        if (r < 0)
                return r;
        r = sd_bus_message_read(call->message, "h", &fd);
        if (r < 0)
                return r;
        r = read_labels(call->message, &labels, error);
        if (r < 0)
                return r;
        /* Before the database was read nobody knows which numbers sessions have. */
        if (state == STORE_OPENING || state == STORE_UNAVAILABLE)
                return history_store_error(call, -EIO, error);
        r = check_limits(call, error);
        if (r < 0)
                return r;
        r = take_pipe(fd, &fd, error);
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0) {
                (void) close(fd);
                return r;
        }

        import_begin(call, &labels, fd);
        return 0;
}

void importer_abandon(Bus *bus) {
        for (unsigned i = 0; i < bus->imports->len; i++)
                ((Importer *) bus->imports->pdata[i])->bus = NULL;
}
