/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "autoptr.h"
#include "bus/history.h"
#include "bus/private.h"

/* One export. The store says last how it ended, and then it is freed: it may outlive the caller and the bus. */
typedef struct Exporter {
        Bus *bus;               /* weak; NULL: it has gone */
        Call *call;             /* who waits for the count; NULL: answered, or gone */
        uid_t owner;            /* who asked, for the limit */
        uint64_t id;            /* of the session */
        StoreFormat format;
        int fd;                 /* the end to read from, until it is handed over; -1 */
} Exporter;

/* The store notices when it has the last end, and stops. */
static void close_fd(Exporter *exporter) {
        if (exporter->fd >= 0)
                (void) close(exporter->fd);
        exporter->fd = -1;
}

static void exporter_free(Exporter *exporter) {
        if (exporter->bus)
                g_ptr_array_remove_fast(exporter->bus->exports, exporter);
        close_fd(exporter);
        g_free(exporter);
}

static int count_error(const Exporter *exporter, int error, sd_bus_error *ret) {
        switch (error) {
        case -ENOENT:
                return history_not_found(exporter->call, ret);
        case -ENOBUFS:
                return error_set(ret, ERROR_LIMIT_REACHED, "%u exports are under way in all; try again when one is done.",
                                 STORE_EXPORTS_MAX);
        case -EINVAL:
                if (exporter->format == STORE_FORMAT_CSV)
                        return error_set(ret, ERROR_NOT_SUPPORTED,
                                         "The profile of session %" PRIu64 " is not loaded, so that its values cannot be told; put its file back "
                                         "into profiles.d, or export it as \"tape\" or \"json\".",
                                         exporter->id);
                return error_set(ret, ERROR_NOT_SUPPORTED,
                                 "Session %" PRIu64 " does not say by which profile its frames are to be read, so that no tape "
                                 "can be made of it.",
                                 exporter->id);
        default:
                return history_store_error(exporter->call, error, ret);
        }
}

static int answer(Exporter *exporter, uint64_t n_rows) {
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(exporter->call->message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "ht", exporter->fd, n_rows); /* a copy of the fd */
        if (r < 0)
                return r;

        call_reply_take(exporter->call, g_steal_pointer(&reply));
        return 0;
}

static void on_counted(int status, uint64_t n_rows, void *userdata) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        Exporter *exporter = userdata;
        int r;

        if (exporter->call) {
                r = status < 0 ? count_error(exporter, status, &error) : answer(exporter, n_rows);
                call_finish(exporter->call, r, &error);
                exporter->call = NULL;
        }
        close_fd(exporter);
        if (status < 0)
                exporter_free(exporter);
}

/* However it ended: the reader sees it by what has come. */
static void on_ended(int status, void *userdata) {
        exporter_free(userdata);
}

/* The caller has left. */
static void cancel(Call *call) {
        for (unsigned i = 0; i < call->bus->exports->len; i++) {
                Exporter *exporter = call->bus->exports->pdata[i];

                if (exporter->call != call)
                        continue;
                exporter->call = NULL;
                close_fd(exporter);
        }
}

static unsigned count_of(const Bus *bus, uid_t owner) {
        unsigned n = 0;

        for (unsigned i = 0; i < bus->exports->len; i++)
                n += ((const Exporter *) bus->exports->pdata[i])->owner == owner;

        return n;
}

/* Our end never blocks; the other one does as it likes. */
static int make_pipe(int ret_fds[static 2]) {
        if (pipe2(ret_fds, O_CLOEXEC) < 0)
                return -errno;
        if (fcntl(ret_fds[1], F_SETFL, O_NONBLOCK) < 0) {
                int r = -errno;

                (void) close(ret_fds[0]);
                (void) close(ret_fds[1]);
                return r;
        }

        return 0;
}

int exporter_begin(Call *call, const StoreExport *wanted, sd_bus_error *error) {
        StoreExport export = *wanted;
        Exporter *exporter;
        int r, fds[2];

        if (count_of(call->bus, call->caller->uid) >= EXPORTS_MAX_PER_USER)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "This user has %u exports under way; read or close one and try again.", EXPORTS_MAX_PER_USER);
        r = make_pipe(fds);
        if (r < 0)
                return r;
        r = call_pending(call, cancel, 0);
        if (r < 0) {
                (void) close(fds[0]);
                (void) close(fds[1]);
                return r;
        }

        exporter = g_new(Exporter, 1);
        *exporter = (Exporter) {
                .bus = call->bus,
                .call = call,
                .owner = call->caller->uid,
                .id = wanted->id,
                .format = wanted->format,
                .fd = fds[0],
        };
        g_ptr_array_add(call->bus->exports, exporter);
        export.fd = fds[1];
        store_export(call->bus->settings.store, &export, on_counted, on_ended, exporter);
        return 0;
}

void exporter_abandon(Bus *bus) {
        for (unsigned i = 0; i < bus->exports->len; i++) {
                Exporter *exporter = bus->exports->pdata[i];

                exporter->bus = NULL;
                close_fd(exporter);
        }
}
