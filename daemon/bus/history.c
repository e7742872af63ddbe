/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/history.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "autoptr.h"
#include "bus/exporter.h"
#include "bus/gate.h"
#include "bus/history-import.h"
#include "bus/history-read.h"
#include "bus/labels.h"
#include "bus/options.h"
#include "bus/private.h"
#include "bus/session-object.h"
#include "bus/tape-head.h"

#define INTERFACE "org.needled.History1"
#define LIST_DEFAULT 50u
#define LIST_MAX 500u
#define RESAMPLE_HZ_MAX 1000u

static CallSubject subject_of(const StoreSession *session) {
        return (CallSubject) { .owner = session->owner, .owner_name = session->owner_name };
}

/* ---- Entries ---- */

int history_append_entry(sd_bus_message *m, const StoreSession *s) {
        const struct {
                const char *key, *value;
        } strings[] = {
                { "uuid", s->uuid },       { "device", s->device_address }, { "alias", s->device_alias },
                { "profile", s->profile }, { "subject", s->subject },       { "area", s->area },
                { "source", s->source },   { "end_reason", s->end_reason },
        };
        const uint32_t owner = (uint32_t) s->owner, record = s->record;
        const int acknowledged = s->acknowledged;
        int r;

        r = dictionary_basic(m, "id", 't', &s->id);
        if (r < 0)
                return r;
        r = dictionary_basic(m, "start", 't', &s->start_realtime_usec);
        if (r < 0)
                return r;
        r = dictionary_basic(m, "owner", 'u', &owner);
        if (r < 0)
                return r;
        r = dictionary_basic(m, "acknowledged", 'b', &acknowledged);
        if (r < 0)
                return r;
        r = record > 0 ? dictionary_basic(m, "record", 'u', &record) : 0;
        if (r < 0)
                return r;
        for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
                r = dictionary_string(m, strings[i].key, strings[i].value);
                if (r < 0)
                        return r;
        }

        return dictionary_figures(m, &s->figures);
}

/* ---- List ---- */

static int read_filter(Call *call, StoreFilter *ret, bool *ret_owner_given, sd_bus_error *error) {
        const BusOps *ops = call->bus->settings.ops;
        uint32_t owner = (uint32_t) -1, limit = LIST_DEFAULT;
        const Option options[] = {
                { "since", 't', &ret->since_usec, NULL },
                { "until", 't', &ret->until_usec, NULL },
                { "device", 's', &ret->device, NULL },
                { "subject", 's', &ret->subject, NULL },
                { "area", 's', &ret->area, NULL },
                { "owner", 'u', &owner, ret_owner_given },
                { "limit", 'u', &limit, NULL },
                { "before", 't', &ret->before, NULL },
        };
        int r;

        *ret = (StoreFilter) {};
        *ret_owner_given = false;
        r = sd_bus_message_rewind(call->message, true);
        if (r < 0)
                return r;
        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        if (limit < 1 || limit > LIST_MAX)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "The limit is 1 to %u, not %u; get the rest with \"before\".", LIST_MAX,
                                 limit);

        ret->limit = limit;
        ret->owner = *ret_owner_given || call_is_root(call) ? (uid_t) owner : call->caller->uid;
        if (ops->user_name && !call->granted && !call_is_root(call))
                ret->owner_name = ops->user_name(call->caller->uid, call->bus->settings.userdata);
        return 0;
}

static int append_list(Call *call, sd_bus_message *reply, const StoreSession *sessions, size_t n) {
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}");
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                CallSubject subject = subject_of(&sessions[i]);

                if (!call->granted && !call_owns(call, &subject)) /* of somebody who had this uid before */
                        continue;
                r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
                if (r < 0)
                        return r;
                r = history_append_entry(reply, &sessions[i]);
                if (r < 0)
                        return r;
                r = sd_bus_message_close_container(reply);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

static void on_listed(int status, const StoreSession *sessions, size_t n, void *userdata) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) reply = NULL;
        Call *call = userdata;
        int r;

        if (!call->message) {
                call_reply_take(call, NULL);
                return;
        }

        r = status < 0 ? history_store_error(call, status, &error) : gate_large_reply(call, &reply, &error);
        if (r >= 0)
                r = append_list(call, reply, sessions, n);
        if (r < 0)
                call_finish(call, r, &error);
        else
                call_reply_take(call, g_steal_pointer(&reply));
}

static int run_list_granted(Call *call, sd_bus_error *error) {
        StoreFilter filter;
        bool owner_given;
        int r;

        r = read_filter(call, &filter, &owner_given, error);
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        store_list(call->bus->settings.store, &filter, on_listed, call);
        return 0;
}

static int run_list(Call *call, sd_bus_error *error) {
        StoreFilter filter;
        bool owner_given;
        int r;

        r = read_filter(call, &filter, &owner_given, error);
        if (r < 0)
                return r;
        if (filter.owner != call->caller->uid && !call_is_root(call))
                return call_elevate(call, CALL_READ, run_list_granted, NULL, error);

        return run_list_granted(call, error);
}

/* ---- One session ---- */

int history_read_id(Call *call, uint64_t *ret) {
        int r;

        r = sd_bus_message_rewind(call->message, true);
        if (r < 0)
                return r;

        return sd_bus_message_read(call->message, "t", ret);
}

int history_ask(Call *call, StoreListed got) {
        uint64_t id;
        int r;

        r = history_read_id(call, &id);
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        store_get(call->bus->settings.store, id, got, call);
        return 0;
}

/* It comes into the record when it is over. */
const Session *history_find_live(Call *call) {
        g_autofree char *path = NULL;
        const SessionObject *object;
        uint64_t id = 0;

        (void) history_read_id(call, &id);
        path = g_strdup_printf(BUS_SESSIONS "/%" PRIu64, id);
        object = session_object_find(call->bus, path);
        return object ? object->session : NULL;
}

void history_on_session(const HistoryUse *use, int status, const StoreSession *sessions, size_t n, Call *call) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        const Session *live;
        CallSubject subject;
        int r;

        if (!call->message) {
                call_reply_take(call, NULL);
                return;
        }
        if (status < 0 && status != -ENOENT) {
                r = history_store_error(call, status, &error);
                call_finish(call, r, &error);
                return;
        }

        live = n > 0 ? NULL : history_find_live(call);
        subject = n > 0  ? subject_of(&sessions[0])
                  : live ? (CallSubject) { .owner = live->owner, .owner_name = live->owner_name }
                         : (CallSubject) { .owner = (uid_t) -1 };
        if (call->granted || call_owns(call, &subject))
                r = n > 0 ? use->use(call, &sessions[0], &error) : use->missing(call, &error);
        else
                r = call_elevate(call, use->right, use->again, history_not_found, &error);
        call_finish(call, r, &error);
}

/* ---- Export ---- */

static const char *const formats[_STORE_FORMAT_MAX] = {
        [STORE_FORMAT_TAPE] = "tape", [STORE_FORMAT_CSV] = "csv", [STORE_FORMAT_JSON] = "json",
};

static int read_export(Call *call, StoreExport *ret, sd_bus_error *error) {
        bool resampled;
        const Option options[] = {
                { "from", 't', &ret->from_usec, NULL },
                { "to", 't', &ret->to_usec, NULL },
                { "resample_hz", 'u', &ret->resample_hz, &resampled },
        };
        const char *format;
        int r;

        *ret = (StoreExport) { .to_usec = UINT64_MAX, .fd = -1 };
        resampled = false;
        r = history_read_id(call, &ret->id);
        if (r < 0)
                return r;
        r = sd_bus_message_read(call->message, "s", &format);
        if (r < 0)
                return r;
        while (ret->format < _STORE_FORMAT_MAX && strcmp(formats[ret->format], format) != 0)
                ret->format++;
        if (ret->format == _STORE_FORMAT_MAX)
                return error_set(error, ERROR_NOT_SUPPORTED,
                                 "This format is not supported by this version of needled; \"tape\", \"csv\" and \"json\" are.");
        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        if (ret->from_usec > ret->to_usec)
                return error_set(error, ERROR_INVALID_ARGUMENT, "\"from\" lies behind \"to\"; exchange them.");
        if (resampled && ret->format != STORE_FORMAT_CSV)
                return error_set(error, ERROR_INVALID_ARGUMENT, "\"resample_hz\" is of the format \"csv\" alone; leave it out.");
        if (resampled && (ret->resample_hz < 1 || ret->resample_hz > RESAMPLE_HZ_MAX))
                return error_set(error, ERROR_INVALID_ARGUMENT, "\"resample_hz\" is 1 to %u, not %u.", RESAMPLE_HZ_MAX, ret->resample_hz);

        return 0;
}

static int export_begin(Call *call, const StoreSession *session, sd_bus_error *error) {
        StoreExport wanted;
        TapeHead head;
        int r;

        r = read_export(call, &wanted, error);
        if (r < 0)
                return r;

        tape_head_make(call->bus->settings.profiles, session, &head);
        wanted.head = &head;
        return exporter_begin(call, &wanted, error);
}

static int export_missing(Call *call, sd_bus_error *error) {
        return history_missing(call, "export it when it is finished, or follow it with Session1.OpenStream() now.", error);
}

static int run_export(Call *call, sd_bus_error *error);

static void on_export_got(int status, const StoreSession *sessions, size_t n, void *userdata) {
        static const HistoryUse use = { CALL_READ, export_begin, export_missing, run_export };

        history_on_session(&use, status, sessions, n, userdata);
}

static int run_export(Call *call, sd_bus_error *error) {
        StoreExport wanted;
        int r;

        r = read_export(call, &wanted, error);
        return r < 0 ? r : history_ask(call, on_export_got);
}

/* ---- Annotate ---- */

/* What the announcement needs when the labels are durable; the call may be gone by then. */
typedef struct Annotation {
        Call *call;
        uint64_t id;
        uid_t owner;
} Annotation;

static void on_labelled(int error, void *userdata) {
        g_autofree Annotation *annotation = userdata;
        Call *call = annotation->call;

        if (error == 0)
                bus_history_changed(call->bus, annotation->id, annotation->owner);
        if (error == -EIO && call->bus) /* kept in memory, and written when storage works again */
                announce_history_changed_late(call->bus->announcer, annotation->id, annotation->owner);
        if (error == -ENOENT)
                call_done(error, "The session was deleted meanwhile.", call);
        else
                call_done(error == -EIO ? -EINPROGRESS : error, NULL, call);
}

static int annotate_begin(Call *call, const StoreSession *session, sd_bus_error *error) {
        Annotation *annotation;
        StoreLabels labels;
        uint64_t id;
        int r;

        r = history_read_id(call, &id);
        if (r < 0)
                return r;
        r = labels_read(call->message, &labels, error);
        if (r < 0)
                return r;

        annotation = g_new0(Annotation, 1);
        *annotation = (Annotation) { call, session->id, session->owner };
        store_session_label(call->bus->settings.store, session->id, &labels, on_labelled, annotation);
        return 0;
}

static int annotate_missing(Call *call, sd_bus_error *error) {
        return history_missing(call, "annotate it with Session1.Annotate() while it is live.", error);
}

static int run_annotate(Call *call, sd_bus_error *error);

static void on_annotate_got(int status, const StoreSession *sessions, size_t n, void *userdata) {
        static const HistoryUse use = { CALL_CONTROL, annotate_begin, annotate_missing, run_annotate };

        history_on_session(&use, status, sessions, n, userdata);
}

static int run_annotate(Call *call, sd_bus_error *error) {
        StoreLabels labels;
        uint64_t id;
        int r;

        r = history_read_id(call, &id);
        if (r < 0)
                return r;
        r = labels_read(call->message, &labels, error);
        return r < 0 ? r : history_ask(call, on_annotate_got);
}

#define METHOD(name, right, find, run) CALL_METHOD(userdata, name, right, find, run)

/* Whose sessions they are is known when they are read. */
METHOD(list, CALL_ANYBODY, NULL, run_list)
METHOD(get, CALL_ANYBODY, NULL, history_run_get)
METHOD(get_series, CALL_ANYBODY, NULL, history_run_get_series)
METHOD(verify, CALL_ANYBODY, NULL, history_run_verify)
METHOD(get_events, CALL_ANYBODY, NULL, history_run_get_events)
METHOD(annotate, CALL_ANYBODY, NULL, run_annotate)
METHOD(export, CALL_ANYBODY, NULL, run_export)
METHOD(import, CALL_ANYBODY, NULL, history_run_import)
METHOD(delete, CALL_ANYBODY, NULL, history_run_delete)
METHOD(erase_all, CALL_ANYBODY, NULL, history_run_erase_all)

int history_not_found(Call *call, sd_bus_error *error) {
        uint64_t id = 0;

        (void) history_read_id(call, &id);
        return error_set(error, ERROR_NOT_FOUND,
                         "There is no session %" PRIu64
                         " that you may read; list yours, or authenticate to read those of others.",
                         id);
}

int history_missing(Call *call, const char *remedy, sd_bus_error *error) {
        const Session *live = history_find_live(call);

        if (live)
                return error_set(error, ERROR_NOT_READY, "The session %" PRIu64 " is not in the record yet; %s", live->id, remedy);

        return history_not_found(call, error);
}

int history_store_error(Call *call, int r, sd_bus_error *error) {
        const char *reason = store_state(call->bus->settings.store) == STORE_OPENING ? "it is being opened; wait a moment."
                                                                                       : store_reason(call->bus->settings.store);

        if (r == -EIO)
                return error_set(
                        error, ERROR_DEGRADED, "The record cannot be read now: %s",
                        reason && *reason
                                ? reason
                                : "the database gave an error; try again, or see the journal of needled.");
        if (r == -ECANCELED)
                return error_set(error, ERROR_CANCELLED, "needled is stopping; try again when it runs.");

        return error_set_errno(error, r, NULL);
}

void bus_history_added(Bus *bus, uint64_t id, uid_t owner) {
        if (!bus)
                return;

        announce_history_added(bus->announcer, id, owner);
}

void bus_history_added_late(Bus *bus, uint64_t id, uid_t owner) {
        if (!bus)
                return;

        announce_history_added_late(bus->announcer, id, owner);
}

void bus_history_changed(Bus *bus, uint64_t id, uid_t owner) {
        if (!bus)
                return;

        announce_history_changed(bus->announcer, id, owner);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", filter), SD_BUS_RESULT("aa{sv}", sessions),
                                method_list, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("t", id), SD_BUS_RESULT("a{sv}", session), method_get,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetEvents", SD_BUS_ARGS("t", id, "a{sv}", options), SD_BUS_RESULT("aa{sv}", events),
                                method_get_events, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetSeries", SD_BUS_ARGS("t", id, "s", metric, "t", from, "t", to, "u", points),
                                SD_BUS_RESULT("a(tiii)", series), method_get_series, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_ARGS("t", id), SD_BUS_RESULT("a{sv}", report), method_verify,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Annotate", SD_BUS_ARGS("t", id, "a{sv}", labels), SD_BUS_NO_RESULT, method_annotate,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_ARGS("t", id, "s", format, "a{sv}", options),
                                SD_BUS_RESULT("h", stream, "t", rows), method_export, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Import", SD_BUS_ARGS("h", stream, "a{sv}", labels), SD_BUS_RESULT("at", ids), method_import,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("t", id), SD_BUS_RESULT("a{sv}", erased), method_delete,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("EraseAll", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("a{sv}", erased), method_erase_all,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Added", SD_BUS_ARGS("t", id, "u", owner), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Changed", SD_BUS_ARGS("t", id, "u", owner), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Removed", SD_BUS_ARGS("t", id, "u", owner), 0),
        SD_BUS_VTABLE_END,
};

int history_register(Bus *bus) {
        return bus_serve(bus, BUS_ROOT, INTERFACE, vtable, NULL);
}
