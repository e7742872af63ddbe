/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hub-decode.h"
#include "log.h"
#include "profiles/channels.h"

/* Sessions that were live when the daemon went. A vendor profile may have been edited since, or be gone: its characteristics are known
 * again by their UUIDs, not by their numbers. */

static LogContext context_of(const StoreSession *row) {
        return (LogContext) { .device = *row->device_alias ? row->device_alias : row->device_address, .session = row->id };
}

static void resume_one(Hub *hub, const StoreOpenSession *o) {
        const StoreSession *row = &o->session;
        const Profile *profile = profiles_by_id(hub->profiles, row->profile);
        Follower *f = hub_follower_by_address(hub, row->device_address);
        SessionIdentity identity = decoding_identity(row, f ? f->device->path : NULL);
        LogContext context = context_of(row);
        g_autofree Frame *frames = g_memdup2(o->frames, o->n_frames * sizeof(Frame));
        bool goes_on = g_str_equal(row->boot_id, hub->boot_id);
        uint64_t now_usec, realtime_usec;
        uint8_t map[CHANNELS_MAX];

        hub_now(&now_usec, &realtime_usec);
        if (!profile) {
                log_with(LOG_WARNING, &context, "session %" G_GUINT64_FORMAT " ends without figures: the profile %s of %s is not loaded; "
                         "put its file back into profiles.d to have them computed (needlectl verify)", row->id, row->profile, log_name(context.device).text);
                identity.undecodable = true;
                goes_on = false;
        } else if (!channels_map(profile, row->channels, map)) {
                /* Its frames would be kept under two numberings. */
                log_with(LOG_NOTICE, &context, "session %" G_GUINT64_FORMAT " ends: the characteristics in the profile %s of %s are not those "
                         "it began with", row->id, row->profile, log_name(context.device).text);
                goes_on = false;
                for (size_t i = 0; i < o->n_frames; i++)
                        if (frames[i].direction == FRAME_FROM_DEVICE || frames[i].direction == FRAME_TO_DEVICE)
                                frames[i].channel = map[frames[i].channel];
        }

        /* One of a device that is not ours any more, or an older one beside the newest, can only be ended; so can one that is read by
         * another profile than what comes next. */
        if (!f || !goes_on || tracker_session(f->tracker)) {
                f = hub_follower_new(hub, NULL);
                goes_on = false;
        }

        hub_session_profile(f, profile);
        (void) tracker_resume(f->tracker, &identity, row->start_boottime_usec, row->start_realtime_usec, frames, o->n_frames, goes_on,
                              now_usec, realtime_usec);
        if (tracker_session(f->tracker))
                hub_session_show(f, tracker_session(f->tracker));
}

void hub_sessions_resume(Hub *hub, const StoreOpened *opened) {
        for (size_t i = 0; i < opened->n_sessions; i++)
                resume_one(hub, &opened->sessions[i]);
}
