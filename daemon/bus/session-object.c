/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/session-object.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "autoptr.h"
#include "bus/labels.h"
#include "bus/options.h"
#include "bus/private.h"
#include "bus/stream.h"

#define INTERFACE "org.needled.Session1"

static const char *const property_names[] = { "State", "EndReason", "StartedAt", "Stage", NULL };

#define MASK_STATE 0x7u
#define MASK_STAGE 0x8u

/* ---- Properties ---- */

static int property_get_state(sd_bus *connection, const char *path, const char *interface,
                              const char *property, sd_bus_message *reply, void *userdata,
                              sd_bus_error *error) {
        const SessionObject *object = userdata;

        return sd_bus_message_append_basic(reply, 's', session_state_name(object->state));
}

static int property_get_end_reason(sd_bus *connection, const char *path, const char *interface,
                                   const char *property, sd_bus_message *reply, void *userdata,
                                   sd_bus_error *error) {
        const SessionObject *object = userdata;

        return sd_bus_message_append_basic(reply, 's', session_end_name(object->end));
}

static int property_get_stage(sd_bus *connection, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const SessionObject *object = userdata;

        return sd_bus_message_append_basic(reply, 's', stage_name(object->stage));
}

static int property_get_started_at(sd_bus *connection, const char *path, const char *interface,
                                   const char *property, sd_bus_message *reply, void *userdata,
                                   sd_bus_error *error) {
        const SessionObject *object = userdata;

        return sd_bus_message_append_basic(reply, 't', &object->started_at_usec);
}

static int property_get_id(sd_bus *connection, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const SessionObject *object = userdata;

        return sd_bus_message_append_basic(reply, 't', &object->session->id);
}

static int property_get_uuid(sd_bus *connection, const char *path, const char *interface,
                             const char *property, sd_bus_message *reply, void *userdata,
                             sd_bus_error *error) {
        const SessionObject *object = userdata;

        return sd_bus_message_append_basic(reply, 's', object->session->uuid);
}

static int property_get_device(sd_bus *connection, const char *path, const char *interface,
                               const char *property, sd_bus_message *reply, void *userdata,
                               sd_bus_error *error) {
        const SessionObject *object = userdata;

        return sd_bus_message_append_basic(reply, 'o', object->device);
}

static int property_get_owner(sd_bus *connection, const char *path, const char *interface,
                              const char *property, sd_bus_message *reply, void *userdata,
                              sd_bus_error *error) {
        const SessionObject *object = userdata;
        uint32_t owner = (uint32_t) object->session->owner;

        return sd_bus_message_append_basic(reply, 'u', &owner);
}

/* ---- Methods ---- */

static int find_session(Call *call, CallSubject *ret, sd_bus_error *error) {
        const char *path = sd_bus_message_get_path(call->message);
        SessionObject *object = session_object_find(call->bus, path);

        if (!object)
                return error_set(error, ERROR_NOT_FOUND,
                                 "There is no live session %.128s (any more); see History1.", path);

        call->object = object;
        *ret = (CallSubject) { .owner = object->session->owner, .owner_name = object->session->owner_name };
        return 0;
}

/* The session itself is over before it is durable and shown as finished. */
static int find_live_session(Call *call, CallSubject *ret, sd_bus_error *error) {
        const SessionObject *object;
        int r;

        r = find_session(call, ret, error);
        if (r < 0)
                return r;

        object = call->object;
        if (object->session->state == SESSION_FINISHED)
                return error_set(error, ERROR_NOT_READY,
                                 "The session %" PRIu64 " is over; History1 has it when it is durable.",
                                 object->session->id);

        return 0;
}

static int run_get_figures(Call *call, sd_bus_error *error) {
        const SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;
        r = session_object_figures(reply, object->session, settings->ops->now_usec(settings->userdata));
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

/* The end of a method that says something about the session. */
static int told(Call *call, int r, const char *message, sd_bus_error *error) {
        if (r < 0 && r != -EALREADY) /* who wants what is so already has it */
                return error_set_errno(error, r, message);

        call_reply(call);
        return 0;
}

static int pause_session(Call *call, bool pause, sd_bus_error *error) {
        SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        const char *message = NULL;
        int r;

        r = settings->ops->session_pause(object->session, pause, &message, settings->userdata);
        return told(call, r, message, error);
}

static int run_pause(Call *call, sd_bus_error *error) {
        return pause_session(call, true, error);
}

static int run_resume(Call *call, sd_bus_error *error) {
        return pause_session(call, false, error);
}

static int read_text(Call *call, const char **ret) {
        int r;

        r = sd_bus_message_rewind(call->message, true);
        if (r < 0)
                return r;

        return sd_bus_message_read(call->message, "s", ret);
}

static int run_set_stage(Call *call, sd_bus_error *error) {
        SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        const char *name, *message = NULL;
        Stage stage;
        int r;

        r = read_text(call, &name);
        if (r < 0)
                return r;
        if (stage_from_name(name, &stage) < 0)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "There is no stage \"%.64s\"; stages are cleanse, numb, needling, aftercare, and \"\" for none.",
                                 name);

        r = settings->ops->session_stage(object->session, stage, &message, settings->userdata);
        return told(call, r, message, error);
}

static int run_set_area(Call *call, sd_bus_error *error) {
        SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        const char *name, *message = NULL;
        uint8_t area;
        int r;

        r = read_text(call, &name);
        if (r < 0)
                return r;
        r = options_check_area(name, error);
        if (r < 0)
                return r;

        (void) omp_area_from_name(name, &area);
        r = settings->ops->session_area(object->session, area, &message, settings->userdata);
        return told(call, r, message, error);
}

static int run_mark(Call *call, sd_bus_error *error) {
        SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        const char *text, *message = NULL;
        int r;

        r = read_text(call, &text);
        if (r < 0)
                return r;
        if (!*text || strlen(text) > NOTE_TEXT_MAX)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "A mark is a text of 1 to %u octets; say it more briefly.", NOTE_TEXT_MAX);
        r = options_check_text("text", text, NOTE_TEXT_MAX, false, error);
        if (r < 0)
                return r;

        r = settings->ops->session_mark(object->session, text, &message, settings->userdata);
        return told(call, r, message, error);
}

/* -EIO: not durable after 20 s, "kept in memory, follows". */
static void on_finished(int error, const char *message, void *userdata) {
        call_done(error == -EIO ? -EINPROGRESS : error, message, userdata);
}

static int run_annotate(Call *call, sd_bus_error *error) {
        SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        StoreLabels labels;
        int r;

        r = sd_bus_message_rewind(call->message, true);
        if (r < 0)
                return r;
        r = labels_read(call->message, &labels, error);
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        settings->ops->session_annotate(object->session, &labels, on_finished, call, settings->userdata);
        return 0;
}

static int run_finish(Call *call, sd_bus_error *error) {
        SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        int r;

        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        settings->ops->session_finish(object->session, on_finished, call, settings->userdata);
        return 0;
}

static int run_discard(Call *call, sd_bus_error *error) {
        SessionObject *object = call->object;
        const BusSettings *settings = &call->bus->settings;
        int r;

        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        settings->ops->session_discard(object->session, on_finished, call, settings->userdata);
        return 0;
}

static int read_stream_options(Call *call, ReaderOptions *ret, sd_bus_error *error) {
        bool rated = false;
        const Option options[] = {
                { "waveform", 'b', &ret->waveform, NULL },
                { "frames", 'b', &ret->frames, NULL },
                { "period", 't', &ret->period_usec, NULL },
                { "max_rate_hz", 'u', &ret->max_rate_hz, &rated },
                { "history", 't', &ret->history_usec, NULL },
                { NULL, 0, NULL, NULL },
        };
        int r;

        *ret = (ReaderOptions) { .owner = call->caller->uid };
        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        if (ret->period_usec > READER_PERIOD_MAX_USEC)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "The period is too long; %" PRIu64 " µs are the most.",
                                 READER_PERIOD_MAX_USEC);
        if (rated && (ret->max_rate_hz == 0 || ret->max_rate_hz > READER_RATE_MAX_HZ))
                return error_set(error, ERROR_INVALID_ARGUMENT, "The rate is out of its range; 1 to %u values a second can be asked for.",
                                 READER_RATE_MAX_HZ);

        return 0;
}

static int run_open_stream(Call *call, sd_bus_error *error) {
        SessionObject *object = call->object;
        g_autoptr(sd_bus_message) reply = NULL;
        ReaderOptions options;
        int r, fd;

        r = read_stream_options(call, &options, error);
        if (r < 0)
                return r;
        r = stream_open(object, &options, &fd);
        if (r == -EDQUOT)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "This user has %u streams open; close one and try again.",
                                 STREAMS_MAX_PER_USER);
        if (r == -EUSERS)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "%u streams of this user are still given their past; try again when one of them has come to what is live.",
                                 STREAMS_PAST_MAX_PER_USER);
        if (r == -ENOBUFS)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "%u streams are open in all; try again when one is closed.", STREAMS_MAX);
        if (r < 0)
                return r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "h", fd); /* a copy */
        (void) close(fd);
        if (r < 0) /* without an other end the reader goes by itself */
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

#define METHOD(name, right, find, run) CALL_METHOD(((SessionObject *) userdata)->bus, name, right, find, run)
#define CHEAP(name, right, find, run) CALL_METHOD_CHEAP(((SessionObject *) userdata)->bus, name, right, find, run)

CHEAP(get_figures, CALL_READ, find_session, run_get_figures)
METHOD(pause, CALL_CONTROL, find_live_session, run_pause)
METHOD(resume, CALL_CONTROL, find_live_session, run_resume)
METHOD(set_stage, CALL_CONTROL, find_live_session, run_set_stage)
METHOD(set_area, CALL_CONTROL, find_live_session, run_set_area)
METHOD(mark, CALL_CONTROL, find_live_session, run_mark)
METHOD(annotate, CALL_CONTROL, find_live_session, run_annotate)
METHOD(finish, CALL_CONTROL, find_live_session, run_finish)
METHOD(discard, CALL_ERASE, find_live_session, run_discard)
METHOD(open_stream, CALL_READ, find_live_session, run_open_stream)

/* ---- The object ---- */

static int find_object(sd_bus *connection, const char *path, const char *interface, void *userdata,
                       void **ret, sd_bus_error *error) {
        SessionObject *object = session_object_find(userdata, path);

        if (!object)
                return 0;

        *ret = object;
        return 1;
}

static int enumerate(sd_bus *connection, const char *prefix, void *userdata, char ***ret,
                     sd_bus_error *error) {
        const Bus *bus = userdata;

        *ret = bus_paths(bus->sessions);
        return 0;
}

SessionObject *session_object_free(SessionObject *object) {
        stream_close(object);
        g_ptr_array_unref(object->readers);
        announce_removed(object->bus->announcer, &object->announced);
        object->session->announced = NULL;
        g_free(object->device);
        g_free(object);
        return NULL;
}

SessionObject *session_object_find(Bus *bus, const char *path) {
        return g_hash_table_lookup(bus->sessions, path);
}

const char *session_object_path(const Session *session) {
        const SessionObject *object = session->announced;

        return object ? object->announced.path : "/";
}

/* As GDestroyNotify. */
static void free_reader(void *reader) {
        reader_free(reader);
}

static void show(SessionObject *object) {
        object->state = object->session->state;
        object->end = object->session->end;
        object->stage = object->session->stage;
        object->started_at_usec = object->session->start_realtime_usec;
}

void bus_session_added(Bus *bus, Session *session) {
        SessionObject *object;
        char *path;

        if (!bus || session->announced)
                return;

        object = g_new0(SessionObject, 1);
        object->bus = bus;
        object->session = session;
        object->device = g_strdup_printf(BUS_DEVICES "/%s", session->device_path);
        object->readers = g_ptr_array_new_with_free_func(free_reader);
        object->announced.interface = INTERFACE;
        object->announced.properties = property_names;
        show(object);
        session->announced = object;
        path = g_strdup_printf(BUS_SESSIONS "/%" PRIu64, session->id);
        g_hash_table_insert(bus->sessions, path, object);
        announce_added(bus->announcer, &object->announced, path);
}

void bus_session_state_changed(Bus *bus, Session *session) {
        SessionObject *object = session->announced;

        if (!object)
                return;

        show(object);
        announce_changed(bus->announcer, &object->announced, MASK_STATE, false);
        stream_state(object);
}

void bus_session_stage_changed(Bus *bus, Session *session) {
        SessionObject *object = session->announced;

        if (!object)
                return;

        object->stage = session->stage;
        announce_changed(bus->announcer, &object->announced, MASK_STAGE, false);
        stream_state(object);
}

void bus_session_removed(Bus *bus, Session *session) {
        SessionObject *object = session->announced;

        if (object)
                g_hash_table_remove(bus->sessions, object->announced.path);
}

#define CONSTANT(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_CONST)
#define PROPERTY(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        CONSTANT("Id", "t", property_get_id),
        CONSTANT("Uuid", "s", property_get_uuid),
        CONSTANT("Device", "o", property_get_device),
        CONSTANT("Owner", "u", property_get_owner),
        PROPERTY("State", "s", property_get_state),
        PROPERTY("EndReason", "s", property_get_end_reason),
        PROPERTY("Stage", "s", property_get_stage),
        PROPERTY("StartedAt", "t", property_get_started_at),
        SD_BUS_METHOD_WITH_ARGS("GetFigures", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", figures),
                                method_get_figures, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Pause", NULL, NULL, method_pause, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Resume", NULL, NULL, method_resume, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetStage", SD_BUS_ARGS("s", stage), SD_BUS_NO_RESULT, method_set_stage,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetArea", SD_BUS_ARGS("s", area), SD_BUS_NO_RESULT, method_set_area,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Mark", SD_BUS_ARGS("s", text), SD_BUS_NO_RESULT, method_mark,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Annotate", SD_BUS_ARGS("a{sv}", labels), SD_BUS_NO_RESULT, method_annotate,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Finish", NULL, NULL, method_finish, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Discard", NULL, NULL, method_discard, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("OpenStream", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("h", stream),
                                method_open_stream, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int session_objects_register(Bus *bus) {
        int r;

        r = bus_serve(bus, BUS_SESSIONS, INTERFACE, vtable, find_object);
        return r < 0 ? r : bus_serve_nodes(bus, BUS_SESSIONS, enumerate);
}
