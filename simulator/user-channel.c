/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adapter.h"
#include "advertiser.h"
#include "att.h"
#include "carrier.h"
#include "hci.h"
#include "pump.h"
#include "user-channel-table.h"

/* Fixed channels of L2CAP on LE: Vol 3, Part A, 2.1. */
enum {
        CID_ATT = 0x0004,
        CID_SIGNALLING = 0x0005,
        CID_PAIRING = 0x0006,
};

enum {
        SIGNALLING_COMMAND_REJECT = 0x01,
        SIGNALLING_CONNECTION_PARAMETER_UPDATE_REQUEST = 0x12,
        SIGNALLING_LE_CREDIT_CONNECTION_REQUEST = 0x14,
        SIGNALLING_CREDIT_CONNECTION_REQUEST = 0x17,
        SIGNALLING_CREDIT_RECONFIGURE_REQUEST = 0x19,
};

enum {
        PAIRING_REQUEST = 0x01,
        PAIRING_FAILED = 0x05,
        PAIRING_NOT_SUPPORTED = 0x05,   /* reason; Vol 3, Part H, 3.5.5 */
};

#define MTU_DEFAULT 247u

/* BlueZ speaks as soon as it is connected. A real controller gives up a link that nobody is at the other end of (Vol 6,
 * Part B, 4.5.2); btvirt does not, and can leave one behind when the central has given up the attempt meanwhile. */
#define SILENCE_USEC (10 * G_USEC_PER_SEC)

typedef enum LinkState {
        LINK_STARTING,                  /* the controller is being set up */
        LINK_WAITING,                   /* for a central */
        LINK_CONNECTED,
        LINK_FAILED,
} LinkState;

typedef struct UserChannel {
        Carrier carrier;
        sd_event *event;                /* borrowed */
        Adapter adapter;
        Hci *hci;
        Advertiser *advertiser;
        AttServer *att;
        UserChannelTable table;
        Peripheral *peripheral;
        Pump *pump;
        LinkState state;
        sd_event_source *silence;       /* while the central has said nothing on this link; virtual adapters alone */
        uint8_t random_address[6];      /* low octet first */
        bool mute;                      /* the link stays, no value is sent */
        bool advertise;                 /* while not connected */
        uint8_t battery;                /* as notified last */
} UserChannel;

static void say_address(const char *what, const uint8_t a[static 6], const char *type) {
        (void) fprintf(stderr, "needlesim: %s %02X:%02X:%02X:%02X:%02X:%02X (%s)\n", what, a[5], a[4], a[3],
                       a[2], a[1], a[0], type);
}

static void wait_for_central(UserChannel *u) {
        u->state = LINK_WAITING;
        if (u->advertise)
                advertiser_start(u->advertiser);
}

/* ---- The peripheral's side ---- */

static PeripheralSent on_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        UserChannel *u = userdata;

        /* What a controller with full buffers does: it has no room, and the value is lost on the way. */
        if (u->state != LINK_CONNECTED || u->mute || u->table.chars[index] == 0 ||
            hci_frames_waiting(u->hci) >= HCI_FRAMES_VALUES_MAX)
                return PERIPHERAL_REFUSED;
        return att_server_notify(u->att, u->table.chars[index], data, size) < 0 ? PERIPHERAL_REFUSED
                                                                                : PERIPHERAL_SENT;
}

static void on_advertisement_changed(void *userdata) {
        UserChannel *u = userdata;

        if (u->advertiser)
                advertiser_update(u->advertiser);
}

static const PeripheralOps peripheral_ops = {
        .notify = on_notify,
        .advertisement_changed = on_advertisement_changed,
};

/* The battery service is the SIG's and no part of the profile: the peripheral only knows the level. */
static void on_pumped(void *userdata) {
        UserChannel *u = userdata;
        uint8_t level = peripheral_battery(u->peripheral);

        if (level == u->battery || u->mute)
                return;
        u->battery = level;
        (void) att_server_notify(u->att, u->table.battery, &level, 1);
}

/* ---- The client's side ---- */

static int on_att_send(const uint8_t *pdu, size_t size, void *userdata) {
        return hci_send(((UserChannel *) userdata)->hci, CID_ATT, pdu, size);
}

static int on_att_read(uint16_t handle, uint8_t *buf, size_t size, void *userdata) {
        UserChannel *u = userdata;
        unsigned index;

        if (handle == u->table.battery) {
                buf[0] = peripheral_battery(u->peripheral);
                return 1;
        }
        if (user_channel_table_find(&u->table, handle, &index) < 0)
                return -ATT_ERROR_READ_NOT_PERMITTED;
        return peripheral_read(u->peripheral, index, buf, size);
}

static int on_att_write(uint16_t handle, const uint8_t *data, size_t size, void *userdata) {
        UserChannel *u = userdata;
        unsigned index;

        if (user_channel_table_find(&u->table, handle, &index) < 0)
                return -ATT_ERROR_WRITE_NOT_PERMITTED;
        return peripheral_write(u->peripheral, index, data, size);
}

static void on_att_subscribed(uint16_t handle, bool on, void *userdata) {
        UserChannel *u = userdata;
        unsigned index;

        if (user_channel_table_find(&u->table, handle, &index) >= 0)
                peripheral_subscribe(u->peripheral, index, on);
        else if (handle == u->table.battery)
                u->battery = peripheral_battery(u->peripheral);
}

static void on_att_mtu_changed(uint16_t mtu, void *userdata) {
        peripheral_set_value_max(((UserChannel *) userdata)->peripheral, mtu - 3u);
}

static const AttOps att_ops = {
        .send = on_att_send,
        .read = on_att_read,
        .write = on_att_write,
        .subscribed = on_att_subscribed,
        .mtu_changed = on_att_mtu_changed,
};

/* Vol 3, Part A, 4.1: requests that are not understood are rejected; there are no channels here but the
 * fixed ones. */
static void on_signalling(UserChannel *u, const uint8_t *p, size_t size) {
        uint8_t reject[6] = { SIGNALLING_COMMAND_REJECT, 0, 2, 0, 0, 0 };

        if (size < 4)
                return;
        switch (p[0]) {
        case SIGNALLING_CONNECTION_PARAMETER_UPDATE_REQUEST:
        case SIGNALLING_LE_CREDIT_CONNECTION_REQUEST:
        case SIGNALLING_CREDIT_CONNECTION_REQUEST:
        case SIGNALLING_CREDIT_RECONFIGURE_REQUEST:
                reject[1] = p[1];
                (void) hci_send(u->hci, CID_SIGNALLING, reject, sizeof(reject));
                break;
        }
}

static void on_frame(uint16_t cid, const uint8_t *data, size_t size, void *userdata) {
        static const uint8_t failed[2] = { PAIRING_FAILED, PAIRING_NOT_SUPPORTED };
        UserChannel *u = userdata;

        (void) sd_event_source_set_enabled(u->silence, SD_EVENT_OFF);
        switch (cid) {
        case CID_ATT:
                att_server_receive(u->att, data, size);
                break;
        case CID_SIGNALLING:
                on_signalling(u, data, size);
                break;
        case CID_PAIRING:
                if (size > 0 && data[0] == PAIRING_REQUEST)
                        (void) hci_send(u->hci, CID_PAIRING, failed, sizeof(failed));
                break;
        }
}

/* ---- The controller ---- */

static void on_ready(const uint8_t address[static 6], void *userdata) {
        UserChannel *u = userdata;

        if (u->random_address[5])
                say_address("ready at", u->random_address, "random");
        else
                say_address("ready at", address, "public");
        wait_for_central(u);
}

static void on_connected(uint8_t peer_type, const uint8_t peer[static 6], void *userdata) {
        UserChannel *u = userdata;

        u->state = LINK_CONNECTED;
        advertiser_connected(u->advertiser);
        say_address("connected to", peer, peer_type == 0 ? "public" : "random");
        if (adapter_is_virtual(u->adapter.index)) {
                (void) sd_event_source_set_time_relative(u->silence, SILENCE_USEC);
                (void) sd_event_source_set_enabled(u->silence, SD_EVENT_ONESHOT);
        }
}

static void link_lost(UserChannel *u) {
        (void) sd_event_source_set_enabled(u->silence, SD_EVENT_OFF);
        att_server_disconnected(u->att);
        peripheral_disconnected(u->peripheral);
        peripheral_set_value_max(u->peripheral, ATT_MTU_MIN - 3u);
}

static void on_disconnected(uint8_t reason, void *userdata) {
        UserChannel *u = userdata;

        (void) fprintf(stderr, "needlesim: disconnected (reason 0x%02x)\n", reason);
        link_lost(u);
        wait_for_central(u);
}

static void on_failed(const char *what, int error, void *userdata) {
        UserChannel *u = userdata;

        u->state = LINK_FAILED;
        (void) fprintf(stderr, "needlesim: hci%u: %s: %s\n", u->adapter.index, what, g_strerror(-error));
        (void) sd_event_exit(u->event, error);
}

static const HciOps hci_ops = {
        .ready = on_ready,
        .connected = on_connected,
        .disconnected = on_disconnected,
        .frame = on_frame,
        .failed = on_failed,
};

/* ---- Control ---- */

static void on_drop_reply(uint8_t status, const uint8_t *data, size_t size, void *userdata) {
        UserChannel *u = userdata;

        if (status == HCI_SUCCESS || u->state != LINK_CONNECTED)
                return;
        /* Virtual controllers hand every reason on. Real ones refuse those that only the radio can have
         * (0x08, Vol 4, Part E, 7.1.6); what looks like a lost link to the other end is a device that
         * falls silent: a reset, and its timeout runs out. */
        (void) fprintf(stderr, "needlesim: the controller refuses that reason (status 0x%02x): resetting it, "
                               "the other end will time out\n", status);
        link_lost(u);
        u->state = LINK_STARTING;
        hci_reset(u->hci);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *userdata) {
        UserChannel *u = userdata;

        if (u->state != LINK_CONNECTED)
                return 0;
        (void) fprintf(stderr, "needlesim: the central says nothing: the link is given up\n");
        (void) hci_disconnect(u->hci, HCI_CONNECTION_TIMEOUT, on_drop_reply, u);
        return 0;
}

static int control_drop(UserChannel *u, const char *argument) {
        guint64 reason = HCI_CONNECTION_TIMEOUT;

        if (argument && *argument && !g_ascii_string_to_unsigned(argument, 16, 0x01, 0xff, &reason, NULL))
                return -EINVAL;
        if (u->state != LINK_CONNECTED)
                return -ENOTCONN;
        return hci_disconnect(u->hci, (uint8_t) reason, on_drop_reply, u);
}

static int control_advertise(UserChannel *u, bool on) {
        u->advertise = on;
        if (u->state != LINK_WAITING)
                return 0;
        if (on)
                advertiser_start(u->advertiser);
        else
                advertiser_stop(u->advertiser);
        return 0;
}

/* drop [reason, hexadecimal; 08]: the link is lost as with that reason. advertise on|off. readvertise
 * on|off: see advertiser_set_repeat(). mute on|off: the link stays, no value is sent. */
static int user_channel_control(Carrier *carrier, unsigned device, const char *word, const char *argument) {
        UserChannel *u = (UserChannel *) carrier;
        bool on;

        if (device != 0)
                return -EINVAL;
        if (strcmp(word, "drop") == 0)
                return control_drop(u, argument);
        if (strcmp(word, "advertise") != 0 && strcmp(word, "readvertise") != 0 && strcmp(word, "mute") != 0)
                return -ENOENT;
        if (!carrier_parse_switch(argument, "on", "off", &on))
                return -EINVAL;
        if (strcmp(word, "advertise") == 0)
                return control_advertise(u, on);
        if (strcmp(word, "readvertise") == 0)
                advertiser_set_repeat(u->advertiser, on);
        else
                u->mute = on;
        return 0;
}

static Peripheral *user_channel_peripheral(Carrier *carrier, unsigned device) {
        return device == 0 ? ((UserChannel *) carrier)->peripheral : NULL;
}

static Carrier *user_channel_free(Carrier *carrier) {
        UserChannel *u = (UserChannel *) carrier;

        if (!u)
                return NULL;
        u->pump = pump_free(u->pump);
        sd_event_source_disable_unref(u->silence);
        u->advertiser = advertiser_free(u->advertiser);
        u->hci = hci_free(u->hci);
        adapter_give_back(&u->adapter);
        u->att = att_server_free(u->att);
        u->peripheral = peripheral_free(u->peripheral);
        g_free(u);
        return NULL;
}

static const CarrierVtable vtable = {
        .free = user_channel_free,
        .control = user_channel_control,
        .peripheral = user_channel_peripheral,
};

/* "C0:…" with the two highest bits set: Vol 6, Part B, 1.3.2.1. */
static int parse_random_address(const char *text, uint8_t ret[static 6]) {
        unsigned octets[6];
        int end = 0;

        if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &octets[5], &octets[4], &octets[3], &octets[2],
                   &octets[1], &octets[0], &end) != 6 ||
            text[end] != '\0' || strlen(text) != 17)
                return -EINVAL;
        for (unsigned i = 0; i < 6; i++)
                ret[i] = (uint8_t) octets[i];
        return ret[5] >> 6 == 3 ? 0 : -EINVAL;
}

static int start(UserChannel *u, const CarrierOptions *options) {
        AdvertiserConfig advertiser = {
                .event = options->event,
                .peripheral = u->peripheral,
                .random_address = options->random_address ? u->random_address : NULL,
                .repeat = adapter_is_virtual(u->adapter.index),
        };
        int r = hci_new(options->event, u->adapter.fd, &hci_ops, u, &u->hci);

        if (r < 0)
                return r;
        r = sd_event_add_time_relative(options->event, &u->silence, CLOCK_BOOTTIME, 0, 0, on_silence, u);
        if (r >= 0)
                r = sd_event_source_set_enabled(u->silence, SD_EVENT_OFF);
        if (r < 0)
                return r;
        advertiser.hci = u->hci;
        r = advertiser_new(&advertiser, &u->advertiser);
        if (r < 0)
                return r;
        return pump_new(options->event, u->peripheral, on_pumped, u, &u->pump);
}

int user_channel_new(const CarrierOptions *options, Carrier **ret) {
        unsigned mtu = options->mtu ? options->mtu : MTU_DEFAULT;
        UserChannel *u;
        int r;

        assert(options->n_devices == 1);
        u = g_new0(UserChannel, 1);
        u->carrier.vtable = &vtable;
        u->event = options->event;
        u->adapter.fd = -1;
        u->advertise = true;
        u->peripheral = peripheral_new(options->configs, &peripheral_ops, u);
        u->battery = peripheral_battery(u->peripheral);
        u->att = att_server_new((uint16_t) mtu, &att_ops, u);
        user_channel_table_build(u->att, u->peripheral, &u->table);

        if (adapter_parse(options->target, &u->adapter.index) < 0) {
                (void) fprintf(stderr, "needlesim: '%s' is no adapter: give its number, as in hci1\n",
                               options->target);
                r = -EINVAL;
        } else if (options->random_address &&
                   parse_random_address(options->random_address, u->random_address) < 0) {
                (void) fprintf(
                        stderr,
                        "needlesim: '%s' is no static random address: six octets, the first C0 to FF\n",
                        options->random_address);
                r = -EINVAL;
        } else {
                r = adapter_take(u->adapter.index, &u->adapter);
                if (r < 0)
                        (void) fprintf(stderr, "needlesim: cannot take hci%u: %s%s\n", u->adapter.index,
                                       g_strerror(-r),
                                       r == -EPERM || r == -EACCES ? " (it takes CAP_NET_ADMIN; try as root)"
                                                                   : "");
                else
                        r = start(u, options);
        }
        if (r < 0) {
                (void) user_channel_free(&u->carrier);
                return r;
        }
        *ret = &u->carrier;
        return 0;
}
