/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage-walk.h"

/* A walk through the frames of the live session; it stops where the test lets it, in stage_walks(). */
struct StoreWalk {
        const StoreWalkOps *ops;
        void *userdata;
        unsigned at;                    /* the next of its frames */
        bool begun, on, forgotten;
};

static GPtrArray *walks;                /* StoreWalk, borrowed: those that are there */

StoreWalk *store_walk_new(Store *store, uint64_t id, uid_t asker, const StoreWalkOps *walk_ops, void *userdata) {
        StoreWalk *walk = g_new0(StoreWalk, 1);

        g_assert_cmpuint(id, ==, 42);
        walk->ops = walk_ops;
        walk->userdata = userdata;
        g_ptr_array_add(walks, walk);
        return walk;
}

StoreWalk *store_walk_free(StoreWalk *walk) {
        g_assert_false(walk->on);
        g_ptr_array_remove_fast(walks, walk);
        g_free(walk);
        return NULL;
}

void store_walk_on(Store *store, StoreWalk *walk) {
        g_assert_false(walk->on);
        walk->on = true;
        walk->forgotten = false;
}

static const StoreSession *live_row(void) {
        static StoreSession row;
        const Session *s = tracker_session(stage->tracker) ?: stage->ended;

        row = (StoreSession) {
                .id = 42, .uuid = (char *) "", .boot_id = (char *) "", .profile = (char *) "omp1",
                .start_boottime_usec = s->start_boottime_usec, .start_realtime_usec = s->start_realtime_usec,
        };
        return &row;
}

/* True: it has stopped. */
static bool walk_once(StoreWalk *walk) {
        bool stopped = false;

        if (!walk->begun && !stage->walk_error && !walk->forgotten)
                walk->ops->begin(live_row(), walk->userdata);
        walk->begun |= !stage->walk_error && !walk->forgotten;
        while (walk->begun && !stopped && !walk->forgotten && walk->at < MIN(stage->written, stage->kept->len)) {
                const Frame *frame = &g_array_index(stage->kept, Frame, walk->at);

                stopped = !walk->ops->frame(frame, walk->userdata);
                walk->at += !stopped;
        }
        walk->on = false;
        walk->ops->stopped(walk->forgotten ? -ECANCELED : stage->walk_error, !stopped, stage->n_damaged, walk->userdata);
        return true;
}

bool stage_walks(void) {
        bool any = false;

        for (unsigned i = walks->len; i-- > 0;) {
                StoreWalk *walk = walks->pdata[i];

                if (walk->on)
                        any |= walk_once(walk);
        }
        return any;
}

unsigned stage_n_walks(void) {
        return walks->len;
}

void stage_walk_keep(Session *session, const Frame *frame) {
        Frame kept = *frame;

        session->kept = session_place_after(session->kept, frame);
        kept.data = g_memdup2(frame->data, frame->size);
        g_array_append_val(stage->kept, kept);
}

static void clear_kept(void *frame) {
        g_free((void *) ((Frame *) frame)->data);
}

Replay *stage_walk_replay(const StoreSession *row, const TrackerObserver *observer, void *observer_userdata, uint8_t ret_map[static CHANNELS_MAX], void *userdata) {
        for (unsigned i = 0; i < CHANNELS_MAX; i++)
                ret_map[i] = (uint8_t) i;
        return stage->unreadable ? NULL : replay_new(&(ReplaySettings) {
                .start_boottime_usec = row->start_boottime_usec,
                .start_realtime_usec = row->start_realtime_usec,
                .observer = observer,
                .userdata = observer_userdata,
        });
}

void stage_walk_forget(const void *userdata) {
        for (unsigned i = 0; i < walks->len; i++) {
                StoreWalk *walk = walks->pdata[i];

                walk->forgotten |= walk->on && walk->userdata == userdata;
        }
}

void stage_walk_init(void) {
        walks = g_ptr_array_new();
        stage->kept = g_array_new(FALSE, FALSE, sizeof(Frame));
        g_array_set_clear_func(stage->kept, clear_kept);
        stage->written = UINT_MAX;
}

void stage_walk_done(void) {
        (void) stage_walks();
        g_assert_cmpuint(walks->len, ==, 0);
        g_ptr_array_unref(walks);
        g_array_unref(stage->kept);
}
