/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fdstore.h"

#include <glib.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "boot-id.h"
#include "log.h"

#define NAME "frames"

static void give_up(void) {
        (void) sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" NAME);
}

/* What systemd hands back. A ring that is of no use is named and given up. */
static Ring *take_back(const char *boot_id) {
        g_auto(GStrv) names = NULL;
        int n = sd_listen_fds_with_names(1, &names);
        Ring *ring = NULL;
        bool refused = false;

        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                RingTrouble trouble = RING_FINE;

                if (!g_str_equal(names[i], NAME) || ring)
                        log_warning("systemd handed over a descriptor that nobody needs (%s); it is closed", names[i]);
                else
                        trouble = ring_open(fd, boot_id, &ring);
                if (trouble != RING_FINE)
                        log_warning("what was not written when needled ended last cannot be taken in, because the memory that kept it is of no use: "
                                    "%s; what was written is not touched", ring_trouble_text(trouble));
                refused |= trouble != RING_FINE;
                (void) close(fd);
        }
        if (refused)
                give_up();

        return ring;
}

static Ring *hand_over(const char *boot_id) {
        Ring *ring = NULL;
        int fd, r;

        r = ring_new(boot_id, &fd, &ring);
        if (r < 0) {
                (void) log_error_errno(r, "memory that outlives a crash cannot be made; a crash can lose what was received in its last moment");
                return NULL;
        }

        /* systemd need not watch it: nobody ever closes its other end. */
        r = sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" NAME "\nFDPOLL=0", &fd, 1);
        (void) close(fd);
        if (r < 0) {
                (void) log_error_errno(r, "systemd does not keep what is not written yet; a crash can lose what was received in its last moment");
                return ring_free(ring);
        }

        return ring;
}

Ring *fdstore_open(void) {
        bool kept = getenv("NOTIFY_SOCKET");
        char boot_id[SD_ID128_STRING_MAX];
        sd_id128_t boot;
        Ring *ring;

        if (boot_id_get(&boot) < 0)     /* systemd keeps nothing over a boot: it is a second look */
                boot = SD_ID128_NULL;
        ring = take_back(sd_id128_to_string(boot, boot_id));
        return ring || !kept ? ring : hand_over(boot_id);
}

void fdstore_close(const Ring *ring) {
        if (!ring)
                return;
        if (ring_is_empty(ring))
                give_up();
        else
                log_warning("the database did not take all in time: what is left is written at the next start if needled is restarted now, "
                            "and is gone if it is stopped");
}
