/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "advertiser.h"
#include "att.h"

enum {
        COMMAND_LE_SET_RANDOM_ADDRESS = 0x2005,
        COMMAND_LE_SET_ADVERTISING_PARAMETERS = 0x2006,
        COMMAND_LE_SET_ADVERTISING_DATA = 0x2008,
        COMMAND_LE_SET_SCAN_RESPONSE_DATA = 0x2009,
        COMMAND_LE_SET_ADVERTISE_ENABLE = 0x200a,
};

/* Types of advertising data: Core Specification Supplement, Part A. */
enum {
        AD_FLAGS = 0x01,
        AD_UUID128_COMPLETE = 0x07,
        AD_NAME_SHORT = 0x08,
        AD_SERVICE_DATA_UUID128 = 0x21,
};

#define FLAGS_GENERAL_NO_BREDR 0x06
#define DATA_MAX 31u
#define NAME_MAX_OCTETS 8u
#define OWN_ADDRESS_RANDOM 0x01

/* In 0.625 ms: 60…100 ms, then 0.8…1 s. */
static const struct {
        uint16_t min, max;
} intervals[2] = { { 1280, 1600 }, { 96, 160 } };
#define FAST_USEC (30 * G_USEC_PER_SEC)

/* Not less: a central answers a report with a connection request, and that fails if the advertiser has
 * just been switched off. */
#define REPEAT_USEC (200 * 1000)

struct Advertiser {
        AdvertiserConfig config;
        sd_event_source *repeat, *slow;
        bool wanted;
        bool enabled;                   /* as the controller has been told last */
};

static void on_reply(uint8_t status, const uint8_t *data, size_t size, void *userdata) {
        /* Refused as "disallowed" when a connection came in between two commands: then it has ended by
         * itself. */
        if (status != HCI_SUCCESS && status != HCI_COMMAND_DISALLOWED)
                (void) fprintf(stderr, "needlesim: the controller refuses to advertise (status 0x%02x)\n",
                               status);
}

static void send_enable(Advertiser *a, bool on) {
        uint8_t parameter = on;

        a->enabled = on;
        hci_command(a->config.hci, COMMAND_LE_SET_ADVERTISE_ENABLE, &parameter, 1, on_reply, a);
}

static void send_parameters(Advertiser *a, bool fast) {
        uint8_t p[15] = {
                (uint8_t) intervals[fast].min, (uint8_t) (intervals[fast].min >> 8),
                (uint8_t) intervals[fast].max, (uint8_t) (intervals[fast].max >> 8),
                0x00, /* ADV_IND: connectable, scannable, undirected */
                a->config.random_address ? OWN_ADDRESS_RANDOM : 0x00,
                0x00, 0, 0, 0, 0, 0, 0,
                0x07, /* all three channels */
                0x00, /* scan and connection requests from everybody */
        };

        hci_command(a->config.hci, COMMAND_LE_SET_ADVERTISING_PARAMETERS, p, sizeof(p), on_reply, a);
}

static size_t put_field(uint8_t *data, size_t at, uint8_t type, const void *value, size_t size) {
        data[at] = (uint8_t) (size + 1);
        data[at + 1] = type;
        memcpy(data + at + 2, value, size);
        return at + 2 + size;
}

static void send_data(Advertiser *a, uint16_t opcode) {
        uint8_t p[1 + DATA_MAX] = { 0 }, service[16 + 3], flags = FLAGS_GENERAL_NO_BREDR;
        const char *name = peripheral_name(a->config.peripheral);
        AttUuid uuid;
        size_t n = 1;

        (void) att_uuid_parse(OMP_SERVICE_UUID, &uuid);
        memcpy(service, uuid.octets, 16);
        if (opcode == COMMAND_LE_SET_ADVERTISING_DATA) {
                n = put_field(p, n, AD_FLAGS, &flags, 1);
                n = put_field(p, n, AD_UUID128_COMPLETE, service, 16);
        } else {
                peripheral_service_data(a->config.peripheral, service + 16);
                n = put_field(p, n, AD_NAME_SHORT, name, MIN(strlen(name), NAME_MAX_OCTETS));
                n = put_field(p, n, AD_SERVICE_DATA_UUID128, service, sizeof(service));
        }
        p[0] = (uint8_t) (n - 1);
        hci_command(a->config.hci, opcode, p, sizeof(p), on_reply, a);
}

static void timers_off(Advertiser *a) {
        (void) sd_event_source_set_enabled(a->repeat, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(a->slow, SD_EVENT_OFF);
}

static void timer_on(sd_event_source *timer, uint64_t usec) {
        (void) sd_event_source_set_time_relative(timer, usec);
        (void) sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_repeat(sd_event_source *source, uint64_t usec, void *userdata) {
        Advertiser *a = userdata;

        if (a->enabled)
                send_enable(a, false);
        if (!a->wanted)
                return 0;
        send_enable(a, true);
        timer_on(a->repeat, REPEAT_USEC);
        return 0;
}

static int on_slow(sd_event_source *source, uint64_t usec, void *userdata) {
        Advertiser *a = userdata;

        /* Parameters cannot be changed while it advertises (Vol 4, Part E, 7.8.5). */
        send_enable(a, false);
        send_parameters(a, false);
        send_enable(a, true);
        return 0;
}

int advertiser_new(const AdvertiserConfig *config, Advertiser **ret) {
        Advertiser *a = g_new0(Advertiser, 1);
        int r;

        a->config = *config;
        r = sd_event_add_time_relative(config->event, &a->repeat, CLOCK_BOOTTIME, 0, 1000, on_repeat, a);
        if (r >= 0)
                r = sd_event_add_time_relative(config->event, &a->slow, CLOCK_BOOTTIME, 0, 0, on_slow, a);
        if (r < 0) {
                advertiser_free(a);
                return r;
        }
        timers_off(a);
        *ret = a;
        return 0;
}

Advertiser *advertiser_free(Advertiser *a) {
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->repeat);
        sd_event_source_disable_unref(a->slow);
        g_free(a);
        return NULL;
}

void advertiser_start(Advertiser *a) {
        if (a->wanted)
                return;
        a->wanted = true;
        if (a->enabled)
                send_enable(a, false);
        if (a->config.random_address)
                hci_command(a->config.hci, COMMAND_LE_SET_RANDOM_ADDRESS, a->config.random_address, 6,
                            on_reply, a);
        send_parameters(a, true);
        send_data(a, COMMAND_LE_SET_ADVERTISING_DATA);
        send_data(a, COMMAND_LE_SET_SCAN_RESPONSE_DATA);
        send_enable(a, true);
        timer_on(a->slow, FAST_USEC);
        if (a->config.repeat)
                timer_on(a->repeat, REPEAT_USEC);
}

void advertiser_stop(Advertiser *a) {
        if (!a->wanted)
                return;
        a->wanted = false;
        (void) sd_event_source_set_enabled(a->slow, SD_EVENT_OFF);
        /* With `repeat` its timer switches off, not sooner than 200 ms after the last time on. */
        if (!a->config.repeat && a->enabled)
                send_enable(a, false);
}

void advertiser_ended(Advertiser *a) {
        a->wanted = a->enabled = false;
        timers_off(a);
}

void advertiser_update(Advertiser *a) {
        if (a->wanted)
                send_data(a, COMMAND_LE_SET_SCAN_RESPONSE_DATA);
}

void advertiser_set_repeat(Advertiser *a, bool on) {
        a->config.repeat = on;
        if (on && a->wanted)
                timer_on(a->repeat, REPEAT_USEC);
        else if (!on && a->wanted)
                (void) sd_event_source_set_enabled(a->repeat, SD_EVENT_OFF);
}
