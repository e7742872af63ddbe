/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <systemd/sd-daemon.h>

#include "hub-private.h"

/* How it is, in a sentence for systemctl status. Told when it changes, and never before it is ready: the first says that too. */

static const char *const bluetooth_texts[_LINK_BLUETOOTH_MAX] = {
        [LINK_BLUETOOTH_ABSENT] = "bluetoothd is not running",
        [LINK_BLUETOOTH_NO_ADAPTER] = "There is no Bluetooth adapter",
        [LINK_BLUETOOTH_OFF] = "The Bluetooth adapter is off",
        [LINK_BLUETOOTH_READY] = "Bluetooth is ready",
};

static const char *storage_text(StoreState state) {
        switch (state) {
        case STORE_DEGRADED:
                return "the database cannot be written as it should, and memory keeps what it does not take";
        case STORE_UNAVAILABLE:
                return "the database cannot be opened, and memory keeps what is recorded";
        case STORE_OPENING:
        case STORE_READY:
        case _STORE_STATE_MAX:
                break;
        }

        return NULL;
}

static void count(const Follower *f, StatusFacts *facts) {
        const Session *session = tracker_session(f->tracker);

        if (f->device && f->device->adopted) {
                facts->n_adopted++;
                facts->n_here += f->device->state == DEVICE_STREAMING || f->device->state == DEVICE_SYNCING;
        }
        if (session) {
                facts->n_sessions++;
                facts->n_waiting += session->state == SESSION_INTERRUPTED;
        }
}

void hub_status_changed(Hub *hub) {
        StatusFacts facts = { 0 };
        char text[STATUS_TEXT_MAX];

        if (!hub->ready || hub->stopping || !hub->link)
                return;

        facts.bluetooth = bluetooth_texts[link_bluetooth(hub->link)];
        facts.storage = storage_text(store_state(hub->store));
        for (unsigned i = 0; i < hub->followers->len; i++)
                count(hub->followers->pdata[i], &facts);
        status_text(&facts, text);
        if (g_str_equal(text, hub->status))
                return;

        (void) sd_notifyf(0, "STATUS=%s%s", text, *hub->status ? "" : "\nREADY=1");
        g_strlcpy(hub->status, text, sizeof(hub->status));
}
