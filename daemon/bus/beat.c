/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/beat.h"

#include "autoptr.h"

struct Beat {
        sd_event *event;
        sd_event_source *timer;         /* NULL: nobody has waited yet */
        GPtrArray *waiting;             /* BeatPart, borrowed: as many as there are streams at most */
        uint64_t next_usec;             /* CLOCK_BOOTTIME, when the timer strikes; UINT64_MAX: never */
};

static int set_timer(Beat *beat, uint64_t usec) {
        int r;

        beat->next_usec = usec;
        if (usec == UINT64_MAX)
                return sd_event_source_set_enabled(beat->timer, SD_EVENT_OFF);
        r = sd_event_source_set_time(beat->timer, usec);

        return r < 0 ? r : sd_event_source_set_enabled(beat->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        uint64_t now_usec, next_usec = UINT64_MAX;
        Beat *beat = userdata;

        if (sd_event_now(beat->event, CLOCK_BOOTTIME, &now_usec) < 0)
                now_usec = usec;
        for (unsigned i = beat->waiting->len; i-- > 0;) {
                BeatPart *part = beat->waiting->pdata[i];

                if (part->due_usec > now_usec + part->slack_usec)
                        continue;
                beat_forget(beat, part);
                part->strike(part->userdata);
        }
        for (unsigned i = 0; i < beat->waiting->len; i++)
                next_usec = MIN(next_usec, ((const BeatPart *) beat->waiting->pdata[i])->due_usec);

        (void) set_timer(beat, next_usec);
        return 0;
}

Beat *beat_new(sd_event *event) {
        Beat *beat = g_new(Beat, 1);

        *beat = (Beat) { .event = sd_event_ref(event), .waiting = g_ptr_array_new(), .next_usec = UINT64_MAX };
        return beat;
}

Beat *beat_free(Beat *beat) {
        if (!beat)
                return NULL;

        sd_event_source_disable_unref(beat->timer);
        sd_event_unref(beat->event);
        g_ptr_array_unref(beat->waiting);
        g_free(beat);
        return NULL;
}

int beat_wait(Beat *beat, BeatPart *part, uint64_t period_usec) {
        uint64_t now_usec;
        int r;

        if (part->waiting)
                return 0;

        r = sd_event_now(beat->event, CLOCK_BOOTTIME, &now_usec);
        if (r < 0)
                return r;
        if (!beat->timer) {
                r = sd_event_add_time(beat->event, &beat->timer, CLOCK_BOOTTIME, UINT64_MAX, 1, on_timer, beat);
                if (r < 0)
                        return r;
        }
        part->slack_usec = period_usec / 8;
        part->due_usec = now_usec + period_usec - part->slack_usec;
        part->waiting = true;
        g_ptr_array_add(beat->waiting, part);

        return part->due_usec < beat->next_usec ? set_timer(beat, part->due_usec) : 0;
}

void beat_forget(Beat *beat, BeatPart *part) {
        if (part->waiting)
                g_ptr_array_remove_fast(beat->waiting, part);
        part->waiting = false;
}
