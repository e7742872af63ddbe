/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/import-send.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "client/json.h"
#include "client/output.h"
#include "client/service.h"

#define IMPORT_TIMEOUT_USEC (3600 * SECOND_USEC)

/* What History1.Import takes beside the tape, and of which type. */
static const struct {
        const char *key;
        char type;
} options[] = {
        { "uuid", 's' },   { "device", 's' },       { "alias", 's' },      { "subject", 's' },
        { "area", 's' },   { "product", 's' },      { "note", 's' },       { "rating", 'u' },
        { "record", 'u' }, { "record_start", 't' }, { "acknowledged", 'b' },
        { "utc_offset", 'i' },
};

struct ImportSend {
        sd_bus *bus;
        sd_bus_slot *slot;
        sd_bus_message *reply;          /* NULL until it is there */
        int fd;                         /* the end to write to */
};

static void import_send_free(ImportSend *send) {
        if (send->fd >= 0)
                (void) close(send->fd);
        sd_bus_slot_unref(send->slot);
        sd_bus_message_unref(send->reply);
        g_free(send);
}

static int append_label(sd_bus_message *call, const json_t *labels, const char *key, char type) {
        const char contents[2] = { type, '\0' };
        json_int_t number = json_number(labels, key);

        switch (type) {
        case 's':
                return *json_text(labels, key) ? service_append_text(call, key, json_text(labels, key)) : 0;
        case 'b':
                return json_is_true(json_object_get(labels, key)) ? sd_bus_message_append(call, "{sv}", key, "b", 1) : 0;
        case 'u':
                if (number <= 0 || number > UINT32_MAX)
                        return 0;
                return sd_bus_message_append(call, "{sv}", key, contents, (uint32_t) number);
        case 't':
                return number > 0 ? sd_bus_message_append(call, "{sv}", key, contents, (uint64_t) number) : 0;
        default:
                if (number == 0 || number < INT32_MIN || number > INT32_MAX)
                        return 0;
                return sd_bus_message_append(call, "{sv}", key, contents, (int32_t) number);
        }
}

static int append_arguments(sd_bus_message *call, int fd, const json_t *labels) {
        int r = sd_bus_message_append(call, "h", fd);

        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "{sv}");
        for (size_t i = 0; i < G_N_ELEMENTS(options) && r >= 0; i++)
                r = append_label(call, labels, options[i].key, options[i].type);

        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        ImportSend *send = userdata;

        send->reply = sd_bus_message_ref(reply);
        return 0;
}

/* The service alone has the end to read from when this is sent: if it goes, writing fails. */
static Exit send_call(ImportSend *send, int fd, const json_t *labels) {
        g_autoptr(sd_bus_message) call = NULL;
        Exit e;
        int r;

        e = service_message(send->bus, SERVICE_ROOT, SERVICE_HISTORY, "Import", &call);
        if (e != EXIT_DONE)
                return e;
        r = append_arguments(call, fd, labels);
        if (r < 0)
                return service_message_error(r);
        r = sd_bus_call_async(send->bus, &send->slot, call, on_reply, send, IMPORT_TIMEOUT_USEC);
        if (r >= 0)
                r = sd_bus_flush(send->bus);

        return r < 0 ? service_error(NULL, r) : EXIT_DONE;
}

Exit import_send_begin(Client *client, const json_t *labels, ImportSend **ret) {
        ImportSend *send;
        int fds[2];
        Exit e;

        e = client_connect(client);
        if (e != EXIT_DONE)
                return e;
        if (pipe2(fds, O_CLOEXEC) < 0) {
                output_error("There is no pipe: %s.", g_strerror(errno));
                return EXIT_FAILED;
        }

        send = g_new0(ImportSend, 1);
        *send = (ImportSend) { .bus = client->bus, .fd = fds[1] };
        e = send_call(send, fds[0], labels);
        (void) close(fds[0]);
        if (e != EXIT_DONE) {
                import_send_free(send);
                return e;
        }

        *ret = send;
        return EXIT_DONE;
}

bool import_send_write(ImportSend *send, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(send->fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                data += n;
                size -= (size_t) n;
        }

        return true;
}

Exit import_send_end(ImportSend *send, bool quiet, uint64_t *ret_id) {
        const uint64_t *ids;
        size_t size;
        int r = 0;
        Exit e;

        (void) close(send->fd);
        send->fd = -1;
        while (!send->reply && r >= 0) {
                r = sd_bus_process(send->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(send->bus, UINT64_MAX);
        }

        if (!send->reply)
                e = service_error(NULL, r);
        else if (sd_bus_message_is_method_error(send->reply, NULL)) {
                const sd_bus_error *error = sd_bus_message_get_error(send->reply);

                r = -sd_bus_message_get_errno(send->reply);
                e = quiet ? service_exit(error->name, r) : service_error(error, r);
        } else {
                r = sd_bus_message_read_array(send->reply, 't', (const void **) &ids, &size);
                e = r < 0 || size < sizeof(*ids) ? service_error(NULL, r < 0 ? r : -EBADMSG) : EXIT_DONE;
                if (e == EXIT_DONE)
                        *ret_id = ids[0];
        }
        import_send_free(send);
        return e;
}
