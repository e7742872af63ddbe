/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "hub-private.h"
#include "needled/omp-words.h"
#include "profiles/channels.h"
#include "session/stored.h"

/* Sessions that devices have stored: when they are taken over (at each connection, after each live session, after each of the device's own
 * that ends later than ours, and when somebody asks), and what becomes of them. Never while a session is live: one that begins ends it, and
 * it goes on afterwards. */

#define USEC_PER_SEC UINT64_C(1000000)
#define QUARTER_SEC (15 * 60)
#define WAITERS_MAX 64u                 /* who asked, of one device */
#define SESSION_LIVE "A session with the device is live: its stored sessions are taken over when that is over."
#define STILL_WRITTEN "A session that was taken over is still being written: see the storage state of needled, and try again when it is ready."

typedef struct Waiter {
        BusDone done;
        void *call;
} Waiter;

/* Of a record on its way to the disk: the device may have gone when it is there. */
typedef struct Passage {
        Hub *hub;
        char *device_path;
        StoredCursor cursor;
        uid_t owner;
} Passage;

static void answer_all(Follower *f, int error, const char *message) {
        g_autoptr(GArray) waiters = g_steal_pointer(&f->sync.waiters);

        for (unsigned i = 0; waiters && i < waiters->len; i++) {
                const Waiter *w = &g_array_index(waiters, Waiter, i);

                w->done(error, message, w->call);
        }
}

static int begin(Follower *f, const char **ret_message);

/* What was wanted meanwhile, and could not begin. */
static void begin_wanted(Follower *f) {
        const char *message;

        if (f->sync.wanted && f->device && f->device->adopted && f->device->can_sync)
                (void) begin(f, &message);
}

static void on_done(int error, const char *message, void *userdata) {
        Follower *f = userdata;

        f->sync.running = false;
        if (f->hub->stopping) {
                answer_all(f, -ECANCELED, "needled is stopping; what was taken over is safely stored, the rest follows.");
                return;
        }

        hub_journal_sync(f, f->sync.added, f->sync.merged, error == -ECANCELED || error == -ENOTCONN ? "" : message);
        answer_all(f, error, message);
        begin_wanted(f);
}

/* -EBUSY: not while a session is live, or one waits for the disk; it follows. */
static int begin(Follower *f, const char **ret_message) {
        Hub *hub = f->hub;
        int r;

        if (f->sync.running)
                return 0;
        if (tracker_session(f->tracker)) {
                *ret_message = SESSION_LIVE;
                return -EBUSY;
        }

        if (f->sync.writing > 0) {
                *ret_message = STILL_WRITTEN;
                return -EBUSY;
        }

        r = link_sync(hub->link, f->device, hub->config.store_clear_on_device, on_done, f, ret_message);
        if (r < 0)
                return r;
        f->sync.wanted = false;
        f->sync.running = true;
        f->sync.added = f->sync.merged = 0;
        return 0;
}

void hub_sync_want(Follower *f) {
        if (!f->device || f->hub->stopping)
                return;

        f->sync.wanted = true;
        begin_wanted(f);
}

void hub_sync_device_changed(Follower *f) {
        bool came = f->device->can_sync && !f->sync.offered;

        f->sync.offered = f->device->can_sync;
        if (came)
                hub_sync_want(f);
}

void hub_sync_session_opened(Follower *f) {
        if (!f->sync.running)
                return;

        f->sync.wanted = true;
        link_sync_stop(f->hub->link, f->device);
}

void hub_sync_session_over(Follower *f) {
        if (f->device && f->device->can_sync)
                hub_sync_want(f);
}

int hub_sync_ask(Device *device, BusDone done, void *call, const char **ret_message) {
        Follower *f = device->follower;
        Waiter w = { done, call };
        int r;

        r = begin(f, ret_message);
        if (r < 0)
                return r;
        if (!f->sync.waiters)
                f->sync.waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        if (f->sync.waiters->len >= WAITERS_MAX) {
                *ret_message = "Too many wait for the stored sessions of the device already: wait for them.";
                return -ENOBUFS;
        }

        g_array_append_val(f->sync.waiters, w);
        return 0;
}

uint32_t hub_sync_epoch(const Device *device, uint32_t record) {
        uint32_t epoch = MAX(device->stored.epoch, 1u);

        /* Numbers only grow: one that is known already is that of another session, since the device was reset. */
        return record <= device->stored.record ? epoch + 1 : epoch;
}

/* ---- A session from a record ---- */

/* Without the device's own, that of here and now. */
static int utc_offset(const OmpRecord *record, uint64_t realtime_usec) {
        time_t at = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm tm = {};

        if (omp_elapsed_is_time(&record->start) && record->start.flags & OMP_ELAPSED_OFFSET)
                return record->start.offset_quarters * QUARTER_SEC;

        return localtime_r(&at, &tm) ? (int) tm.tm_gmtoff : 0;
}

/* Its boot times count from its own beginning: what this computer's clock was then, nobody knows. */
static Frame *make_frames(const StoredRecord *stored, uint64_t start_realtime_usec, uint64_t length_usec) {
        Frame *frames = g_new0(Frame, stored->n_bodies);

        for (size_t i = 0; i < stored->n_bodies; i++) {
                const StoredBody *body = &stored->bodies[i];
                uint64_t at_usec = MIN(body->from_usec, length_usec);

                frames[i] = (Frame) {
                        .boottime_usec = at_usec,
                        .realtime_usec = start_realtime_usec + at_usec,
                        .channel = OMP_CHAR_SESSION_DATA,
                        .direction = FRAME_FROM_DEVICE,
                        .size = (uint16_t) body->size,
                        .data = body->data,
                };
        }

        return frames;
}

static void on_recorded(int error, StoreRecordFate fate, uint64_t id, void *userdata) {
        g_autofree Passage *p = userdata;
        g_autofree char *path = p->device_path;
        Device *device = p->hub->stopping ? NULL : link_device_by_path(p->hub->link, path);
        Follower *f = device ? device->follower : NULL;

        if (p->hub->stopping)
                return;
        if (error >= 0 && fate == STORE_RECORD_ADDED)
                bus_history_added(p->hub->bus, id, p->owner);
        else if (error >= 0 && fate == STORE_RECORD_MERGED)
                bus_history_changed(p->hub->bus, id, p->owner);
        if (!f)
                return;

        if (f->sync.writing > 0)        /* else it was forgotten and adopted anew */
                f->sync.writing--;
        if (error >= 0) {
                f->sync.added += fate == STORE_RECORD_ADDED;
                f->sync.merged += fate == STORE_RECORD_MERGED;
        }
        link_sync_stored(p->hub->link, device, &p->cursor, error);
        begin_wanted(f);
}

void hub_sync_recorded(StoreRecordFate fate, uint64_t id, const StoreSession *session, const StoreCursor *cursor, void *userdata) {
        const StoredCursor stored = { .epoch = cursor->epoch, .record = cursor->record, .start = cursor->start };
        Hub *hub = userdata;

        if (hub->stopping)
                return;
        if (fate == STORE_RECORD_ADDED)
                bus_history_added(hub->bus, id, session->owner);
        else if (fate == STORE_RECORD_MERGED)
                bus_history_changed(hub->bus, id, session->owner);
        for (unsigned i = 0; i < hub->followers->len; i++) {
                const Follower *f = hub->followers->pdata[i];

                /* One that is under way comes to it by itself. */
                if (f->device && !f->sync.running && g_strcmp0(f->device->address, session->device_address) == 0)
                        link_sync_stored(hub->link, f->device, &stored, 0);
        }
}

static uint64_t start_of(const StoredRecord *stored, uint64_t length_usec) {
        uint64_t now_usec, realtime_usec;

        if (stored->start_realtime_usec > 0)
                return stored->start_realtime_usec;

        hub_now(&now_usec, &realtime_usec); /* before now is all that is known */
        return realtime_usec > length_usec ? realtime_usec - length_usec : 0;
}

void hub_sync_record(Device *device, const StoredRecord *stored) {
        Follower *f = device->follower;
        Hub *hub = f->hub;
        uint64_t length_usec = stored->record.duration_sec * USEC_PER_SEC, start_usec = start_of(stored, length_usec);
        g_autofree Frame *frames = make_frames(stored, start_usec, length_usec);
        const char *area = omp_name(OMP_WORDS_AREA, stored->record.area);
        g_autofree char *channels = channels_text(device->profile);
        SessionIdentity identity;
        Passage *passage;
        StoreRecord row;

        hub_session_identify(f, &identity);
        row = (StoreRecord) {
                .session = {
                        .id = identity.id,
                        .uuid = identity.uuid,
                        .device_address = device->address,
                        .device_alias = device->alias,
                        .profile = (char *) identity.profile,
                        .channels = channels,
                        .owner = device->owner,
                        .owner_name = (char *) identity.owner_name,
                        .boot_id = (char *) "",
                        .utc_offset_sec = utc_offset(&stored->record, start_usec),
                        .start_realtime_usec = start_usec,
                        .subject = (char *) "",
                        .area = (char *) (stored->record.area != 0 && area ? area : ""),
                        .product = (char *) "",
                        .note = (char *) "",
                        .end_reason = (char *) "device",
                        .source = (char *) "stored",
                        .record = stored->record.number,
                        .epoch = stored->cursor.epoch,
                        .record_start = stored->record.start.count > 0 ? stored->cursor.start : 0, /* 0: it has no clock at all */
                        .end_boottime_usec = length_usec,
                        .end_realtime_usec = start_usec + length_usec,
                },
                .device_address_type = device->address_type,
                .cursor = { stored->cursor.epoch, stored->cursor.record, stored->cursor.start },
                .start_unknown = stored->start_realtime_usec == 0,
                .frames = frames,
                .n_frames = stored->n_bodies,
        };
        stored_figures(&stored->record, &row.session.figures);
        f->sync.writing++;
        passage = g_new(Passage, 1);
        *passage = (Passage) { .hub = hub, .device_path = g_strdup(device->path), .cursor = stored->cursor, .owner = device->owner };
        store_record_put(hub->store, &row, on_recorded, passage);
}
