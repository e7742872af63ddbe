/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "clock.h"
#include "link/fetch.h"
#include "log.h"

/* Sessions that an OMP device has stored: fetch.c says what comes after what; here are the ways to bluetoothd and back. When that is to be done,
 * and what becomes of a session, is not link's to say. */

#define TELL_USEC (300 * 1000)          /* progress is told at most so often, but for what is done next */

struct Sync {
        Device *device;                 /* weak: our owner */
        char *path;                     /* of the RACP */
        Fetch *fetch;
        Calls calls;
        sd_event_source *timer;
        int unsent;                     /* why a write could not be sent; 0: none */
        uint64_t told_usec;             /* CLOCK_BOOTTIME: when progress was told last */
        LinkDone done;                  /* of the one that runs */
        void *userdata;
};

/* ---- To bluetoothd and back ---- */

static void arm(Sync *s);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Sync *s = userdata;
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME);
        int unsent = s->unsent;

        s->unsent = 0;
        if (unsent < 0)
                fetch_written(s->fetch, unsent, now_usec);
        fetch_tick(s->fetch, now_usec);
        arm(s);
        return 0;
}

static void arm(Sync *s) {
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME);
        uint64_t deadline_usec = s->unsent < 0 ? now_usec : fetch_deadline(s->fetch);

        if (deadline_usec != UINT64_MAX)
                link_timer(s->device->link, &s->timer, deadline_usec > now_usec ? deadline_usec - now_usec : 0, on_timer, s);
        else if (s->timer)
                (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
}

static void on_written(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Sync *s = userdata;

        if (error)
                log_debug("%s: RACP: %s", s->device->path, error->sentence);
        fetch_written(s->fetch, error ? error->error : 0, clock_usec(CLOCK_BOOTTIME));
        arm(s);
}

static void on_write(const uint8_t *data, size_t size, void *userdata) {
        Sync *s = userdata;
        int r = bluez_write(s->device->link->bluez, &s->calls, s->path, data, size, false, on_written, s);

        if (r < 0)
                s->unsent = r;
}

static int on_trace(uint32_t record, uint32_t first_entry, void *userdata) {
        Sync *s = userdata;

        return control_trace(s->device, record, first_entry);
}

static void on_stop_trace(void *userdata) {
        Sync *s = userdata;

        control_stop_trace(s->device);
}

/* ---- What is told ---- */

static void on_record(const StoredRecord *record, void *userdata) {
        Sync *s = userdata;
        StoredRecord told = *record;

        if (!wallclock_realtime(s->device, &record->record.start, &told.start_realtime_usec))
                told.start_realtime_usec = 0;
        s->device->link->observer.device_record(s->device, &told, s->device->link->userdata);
}

static void on_changed(void *userdata) {
        Sync *s = userdata;
        Device *device = s->device;
        SyncPhase before = device->sync.phase;
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME);

        device->sync = fetch_progress(s->fetch);
        if (device->work->sync && device->state == DEVICE_STREAMING && device->sync.phase >= SYNC_FETCH)
                device_enter(device, DEVICE_SYNCING, DEVICE_REASON_NONE, STEP_NONE, 0);
        else if (device->work->sync && device->state == DEVICE_SYNCING && device->sync.phase == SYNC_IDLE)
                device_enter(device, DEVICE_STREAMING, DEVICE_REASON_NONE, STEP_NONE, 0);
        /* The end is told with how it ended. */
        if (device->sync.phase == SYNC_IDLE || (device->sync.phase == before && now_usec - s->told_usec < TELL_USEC))
                return;

        s->told_usec = now_usec;
        device_changed(device, DEVICE_CHANGED_SYNC);
}

/* What an end means, and what helps; number: of the record, 0 none. */
static int meaning(int error, uint32_t number, char **ret) {
        switch (-error) {
        case 0:
                *ret = g_strdup("");
                return 0;
        case ECANCELED:
                *ret = g_strdup("A session has begun: the rest is taken over when it is over.");
                return error;
        case ENOTCONN:
                *ret = g_strdup("The link to the device broke off: the rest is taken over when it is back.");
                return error;
        case ETIMEDOUT:
                *ret = g_strdup("The device has not answered in time: it is asked again when it is connected anew; switch it off and on.");
                return error;
        case EALREADY:
        case EBUSY:
                *ret = g_strdup("The device is busy with something else: try again in a moment.");
                return -EBUSY;
        case EOPNOTSUPP:
                *ret = g_strdup("The device does not hand over its stored sessions: its firmware does not offer it.");
                return error;
        case EBADMSG:
                *ret = g_strdup_printf("The stored session %u of the device cannot be read, and stops those behind it: bring the device nearer and try "
                                       "again (needlectl sync).", number);
                return error;
        case ENOSPC:
                *ret = g_strdup("What the device has stored could not be written: see the storage state of needled (needlectl status).");
                return error;
        default:
                *ret = g_strdup("The device could not hand over its stored sessions: switch it off and on, and try again.");
                return -EIO;
        }
}

static void on_ended(int error, uint32_t number, void *userdata) {
        Sync *s = userdata;
        Device *device = s->device;
        LinkDone done = g_steal_pointer(&s->done);
        g_autofree char *text = NULL;
        int public_error = meaning(error, number, &text);

        device->sync = fetch_progress(s->fetch);
        (void) device_set_text(&device->sync_error, text);
        device_changed(device, DEVICE_CHANGED_SYNC);
        if (done)
                done(public_error, text, s->userdata);
}

static const FetchOps ops = {
        .write = on_write,
        .trace = on_trace,
        .stop_trace = on_stop_trace,
        .record = on_record,
        .changed = on_changed,
        .ended = on_ended,
};

/* ---- The connection ---- */

static const Stream *find_stream(const Device *device, OmpChar channel) {
        for (size_t i = 0; i < device->work->n_streams; i++) {
                const Stream *stream = &device->work->streams[i];

                if (stream->ch->channel == (int) channel && (stream->mode == STREAM_FD || stream->mode == STREAM_SIGNAL))
                        return stream;
        }

        return NULL;
}

void sync_begin(Device *device) {
        const Stream *racp;
        Sync *s;

        if (device->work->sync || device->work->looks || device->profile->vendor || !device->link->observer.device_record ||
            !(device->feature.bits & OMP_FEATURE_STORED_SESSIONS))
                return;
        racp = find_stream(device, OMP_CHAR_RACP);
        if (!racp || !find_stream(device, OMP_CHAR_SESSION_DATA))
                return;

        s = g_new0(Sync, 1);
        s->device = device;
        s->path = g_strdup(racp->path);
        if (!device->work->memory)
                device->work->memory = fetch_memory_new();
        s->fetch = fetch_new(&ops, device->work->memory, device->feature.bits & OMP_FEATURE_TRACE && control_works(device),
                             device->feature.capacity ?: FETCH_MOST, s);
        device->work->sync = s;
        device->can_sync = true;
        device_changed(device, DEVICE_CHANGED_SYNC);
}

void sync_take(Device *device, const ProfileChar *ch, const uint8_t *data, size_t size) {
        Sync *s = device->work->sync;
        uint64_t now_usec;

        if (!s || !fetch_runs(s->fetch))
                return;

        now_usec = clock_usec(CLOCK_BOOTTIME);
        if (ch->channel == OMP_CHAR_RACP) {
                fetch_response(s->fetch, data, size, now_usec);
        } else {
                if (fetch_wants_trace(s->fetch))
                        control_prolong(device);
                fetch_data(s->fetch, data, size, now_usec);
        }
        arm(s);
}

void sync_tracing(Device *device) {
        Sync *s = device->work->sync;

        if (!s)
                return;

        fetch_tracing(s->fetch, clock_usec(CLOCK_BOOTTIME));
        arm(s);
}

void sync_traced(Device *device, int error, uint8_t result, uint32_t next_entry) {
        Sync *s = device->work->sync;

        if (!s)
                return;

        fetch_traced(s->fetch, error, result, next_entry, clock_usec(CLOCK_BOOTTIME));
        arm(s);
}

void sync_close(Device *device) {
        Sync *s = g_steal_pointer(&device->work->sync);

        if (!s)
                return;

        device->can_sync = false;
        calls_clear(&s->calls);
        s->fetch = fetch_free(s->fetch);
        device_changed(device, DEVICE_CHANGED_SYNC);
        sd_event_source_disable_unref(s->timer);
        g_free(s->path);
        g_free(s);
}

/* ---- What is asked of it ---- */

static int unusable(const Device *device, const char **ret_message) {
        if (!device->profile || device->profile->vendor || (device->has_feature && !(device->feature.bits & OMP_FEATURE_STORED_SESSIONS))) {
                *ret_message = "The device stores no sessions, or not in a way that is known: only what is followed live can be kept.";
                return -EOPNOTSUPP;
        }
        if (!device->work->up) {
                *ret_message = "The device is not connected: bring it near, switch it on, and try again.";
                return -ENOTCONN;
        }
        if (!device->work->asked || device->work->looks) {
                *ret_message = "The device has just been connected: try again in a moment.";
                return -EAGAIN;
        }

        *ret_message = "bluetoothd does not give what the device's stored sessions come by: close other programs that use the device, and connect it anew.";
        return -EBUSY;
}

int link_sync(Link *link, Device *device, bool clear, LinkDone done, void *userdata, const char **ret_message) {
        Sync *s = device->work->sync;
        int r;

        if (!s)
                return unusable(device, ret_message);

        r = fetch_begin(s->fetch, &device->stored, clear, clock_usec(CLOCK_BOOTTIME));
        if (r < 0) {
                *ret_message = r == -EBUSY ? "The stored sessions of the device are being taken over already: wait for that."
                                           : "The device did not answer on this connection: switch it off and on, and try again.";
                return r;
        }

        s->done = done;
        s->userdata = userdata;
        (void) device_set_text(&device->sync_error, "");
        arm(s);
        return 0;
}

void link_sync_stop(Link *link, Device *device) {
        Sync *s = device->work->sync;

        if (!s)
                return;

        fetch_stop(s->fetch, clock_usec(CLOCK_BOOTTIME));
        arm(s);
}

void link_sync_stored(Link *link, Device *device, const StoredCursor *cursor, int error) {
        Sync *s = device->work->sync;

        if (error >= 0 && (cursor->epoch > device->stored.epoch ||
                           (cursor->epoch == device->stored.epoch && cursor->record > device->stored.record)))
                device->stored = *cursor;
        if (!s)
                return;

        fetch_stored(s->fetch, cursor, error, clock_usec(CLOCK_BOOTTIME));
        arm(s);
}
