/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/stall.h"

#include <glib.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <time.h>

#include "autoptr.h"

#define LOOKS 8u                /* that have to find nothing taken; counted, so that a long sleep is one of them */

struct Stall {
        sd_bus *connection;     /* weak: the bus's */
        sd_event_source *timer;
        uint64_t interval_usec;
        StallHandler handler;
        void *userdata;

        bool looking;
        bool taken;             /* something was, since the last look */
        unsigned n_looks;       /* since something was taken */
        uint64_t n_queued;      /* when it was last noticed: messages here, octets in the socket */
        int n_octets;
};

static uint64_t count_queued(const Stall *stall) {
        uint64_t n = 0;

        return stall->connection && sd_bus_get_n_queued_write(stall->connection, &n) >= 0 ? n : 0;
}

static int count_octets(const Stall *stall) {
        int fd = stall->connection ? sd_bus_get_fd(stall->connection) : -1, n = 0;

        return fd >= 0 && ioctl(fd, SIOCOUTQ, &n) >= 0 ? n : 0;
}

/* What is in the socket grows by what is written as long as there is room, and messages wait here only when there is
 * none: then any change is the bus's doing. Returns how many messages wait. */
static uint64_t notice(Stall *stall) {
        uint64_t n_queued = count_queued(stall);
        int n_octets = count_octets(stall);

        stall->taken |= n_octets == 0 || n_octets < stall->n_octets || n_queued < stall->n_queued ||
                        (stall->n_queued > 0 && n_octets != stall->n_octets);
        stall->n_queued = n_queued;
        stall->n_octets = n_octets;
        return n_queued;
}

static void look_later(Stall *stall) {
        stall->looking = true;
        stall->taken = false;
        (void) sd_event_source_set_time_relative(stall->timer, stall->interval_usec);
        (void) sd_event_source_set_enabled(stall->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Stall *stall = userdata;

        stall->looking = false;
        if (notice(stall) == 0 && stall->n_octets == 0)
                return 0;

        stall->n_looks = stall->taken ? 0 : stall->n_looks + 1;
        if (stall->n_looks >= LOOKS)
                stall->handler(stall->userdata);
        else
                look_later(stall);
        return 0;
}

int stall_new(sd_event *event, uint64_t limit_usec, StallHandler handler, void *userdata, Stall **ret) {
        Stall *stall = g_new0(Stall, 1);
        int r;

        stall->interval_usec = MAX(limit_usec / LOOKS, 1);
        stall->handler = handler;
        stall->userdata = userdata;
        r = sd_event_add_time(event, &stall->timer, CLOCK_MONOTONIC, 0, MAX(stall->interval_usec / 8, 1), on_timer, stall);
        if (r >= 0)
                r = sd_event_source_set_enabled(stall->timer, SD_EVENT_OFF);
        if (r < 0) {
                stall_free(stall);
                return r;
        }

        *ret = stall;
        return 0;
}

Stall *stall_free(Stall *stall) {
        if (!stall)
                return NULL;

        sd_event_source_disable_unref(stall->timer);
        g_free(stall);
        return NULL;
}

void stall_connection(Stall *stall, sd_bus *connection) {
        stall->connection = connection;
        stall->looking = false;
        stall->n_queued = 0;
        stall->n_octets = 0;
        (void) sd_event_source_set_enabled(stall->timer, SD_EVENT_OFF);
}

uint64_t stall_look(Stall *stall) {
        uint64_t n = notice(stall);

        if (!stall->looking) {
                stall->n_looks = 0;
                look_later(stall);
        }

        return n;
}
