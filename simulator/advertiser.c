/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
        AD_UUID16_COMPLETE = 0x03,
        AD_UUID128_COMPLETE = 0x07,
        AD_NAME_SHORT = 0x08,
        AD_SERVICE_DATA_UUID16 = 0x16,
        AD_SERVICE_DATA_UUID128 = 0x21,
        AD_MANUFACTURER_DATA = 0xff,
};

#define FLAGS_GENERAL_NO_BREDR 0x06
#define DATA_MAX 31u
#define OWN_ADDRESS_RANDOM 0x01

/* In 0.625 ms: 60…100 ms, then 0.8…1 s. */
static const struct {
        uint16_t min, max;
} intervals[2] = { { 1280, 1600 }, { 96, 160 } };
#define FAST_USEC (30 * G_USEC_PER_SEC)

/* A central answers a report with a connection request, and btvirt lets that fail for good if it meets an advertiser
 * that is off: so it stays on for as long as an answer takes, is seldom off, and for no longer than btvirt needs to
 * read the two commands. */
#define REPEAT_USEC (1000 * 1000)
#define ON_MIN_USEC (200 * 1000u)

struct Advertiser {
        AdvertiserConfig config;
        sd_event_source *repeat, *slow;
        bool wanted;
        bool enabled;                   /* as the controller has been told last */
        uint64_t enabled_usec;          /* when it was switched on */
};

static void on_reply(uint8_t status, const uint8_t *data, size_t size, void *userdata) {
        /* Refused as "disallowed" when a connection came in between two commands: then it has ended by
         * itself. */
        if (status != HCI_SUCCESS && status != HCI_COMMAND_DISALLOWED)
                (void) fprintf(stderr, "needlesim: the controller refuses to advertise (status 0x%02x)\n",
                               status);
}

static uint64_t now_usec(const Advertiser *a) {
        uint64_t now = 0;

        (void) sd_event_now(a->config.event, CLOCK_BOOTTIME, &now);
        return now;
}

static void note_enable(Advertiser *a, bool on) {
        a->enabled = on;
        if (on)
                a->enabled_usec = now_usec(a);
}

static void send_enable(Advertiser *a, bool on) {
        uint8_t parameter = on;

        note_enable(a, on);
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

/* The parameter of the two commands: a length, and fields up to it. */
typedef struct Fields {
        uint8_t size, octets[DATA_MAX];
} Fields;

/* What has no room is left out. */
static bool put_field(Fields *f, uint8_t type, const void *value, size_t size) {
        if (f->size + 2 + size > DATA_MAX)
                return false;

        f->octets[f->size] = (uint8_t) (size + 1);
        f->octets[f->size + 1] = type;
        memcpy(f->octets + f->size + 2, value, size);
        f->size = (uint8_t) (f->size + 2 + size);
        return true;
}

static void put_uuids(Fields *f, uint8_t size, uint8_t type, const PeripheralAdvertisement *shown) {
        uint8_t octets[PERIPHERAL_SERVICES_MAX * 16];
        size_t n = 0;
        AttUuid uuid;

        for (const char *const *u = shown->services; *u; u++)
                if (att_uuid_parse(*u, &uuid) >= 0 && uuid.size == size) {
                        memcpy(octets + n, uuid.octets, size);
                        n += size;
                }

        if (n > 0)
                (void) put_field(f, type, octets, n);
}

static bool put_manufacturer_data(Fields *f, const PeripheralAdvertisement *shown) {
        uint8_t octets[2 + PERIPHERAL_DATA_MAX] = { (uint8_t) shown->company, (uint8_t) (shown->company >> 8) };

        memcpy(octets + 2, shown->manufacturer_data, shown->manufacturer_data_size);
        return put_field(f, AD_MANUFACTURER_DATA, octets, 2 + shown->manufacturer_data_size);
}

static void put_service_data(Fields *f, const PeripheralAdvertisement *shown) {
        uint8_t octets[16 + PERIPHERAL_DATA_MAX];
        AttUuid uuid;

        if (!shown->service_data_uuid || att_uuid_parse(shown->service_data_uuid, &uuid) < 0)
                return;

        memcpy(octets, uuid.octets, uuid.size);
        memcpy(octets + uuid.size, shown->service_data, shown->service_data_size);
        (void) put_field(f, uuid.size == 2 ? AD_SERVICE_DATA_UUID16 : AD_SERVICE_DATA_UUID128, octets,
                         uuid.size + shown->service_data_size);
}

/* Flags, services and manufacturer data are advertised; the scan response has the rest, and manufacturer data without room
 * there. The name is cut to what the others leave: to 8 octets beside Service Data-128. */
static void send_data(Advertiser *a) {
        const uint8_t flags = FLAGS_GENERAL_NO_BREDR;
        const char *name = peripheral_name(a->config.peripheral);
        Fields advertising = {}, others = {}, response = {};
        PeripheralAdvertisement shown;

        peripheral_advertisement(a->config.peripheral, &shown);
        (void) put_field(&advertising, AD_FLAGS, &flags, 1);
        put_uuids(&advertising, 2, AD_UUID16_COMPLETE, &shown);
        put_uuids(&advertising, 16, AD_UUID128_COMPLETE, &shown);
        if (shown.has_manufacturer_data && !put_manufacturer_data(&advertising, &shown))
                (void) put_manufacturer_data(&others, &shown);
        put_service_data(&others, &shown);

        if (others.size + 2u < DATA_MAX)
                (void) put_field(&response, AD_NAME_SHORT, name, MIN(strlen(name), (size_t) (DATA_MAX - 2 - others.size)));
        memcpy(response.octets + response.size, others.octets, others.size);
        response.size = (uint8_t) (response.size + others.size);

        hci_command(a->config.hci, COMMAND_LE_SET_ADVERTISING_DATA, (uint8_t *) &advertising, sizeof(advertising), on_reply, a);
        hci_command(a->config.hci, COMMAND_LE_SET_SCAN_RESPONSE_DATA, (uint8_t *) &response, sizeof(response), on_reply, a);
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
        static const uint8_t on = 1;
        Advertiser *a = userdata;

        if (a->enabled)
                send_enable(a, false);
        if (!a->wanted)
                return 0;
        hci_command_ahead(a->config.hci, COMMAND_LE_SET_ADVERTISE_ENABLE, &on, 1, on_reply, a);
        note_enable(a, true);
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
        send_data(a);
        send_enable(a, true);
        timer_on(a->slow, FAST_USEC);
        if (a->config.repeat)
                timer_on(a->repeat, REPEAT_USEC);
}

void advertiser_stop(Advertiser *a) {
        uint64_t until = a->enabled_usec + ON_MIN_USEC, now = now_usec(a);

        if (!a->wanted)
                return;
        a->wanted = false;
        (void) sd_event_source_set_enabled(a->slow, SD_EVENT_OFF);
        if (a->config.repeat)           /* its timer switches off */
                timer_on(a->repeat, until > now ? until - now : 0);
        else if (a->enabled)
                send_enable(a, false);
}

void advertiser_connected(Advertiser *a) {
        a->wanted = false;
        timers_off(a);
        /* The connection has ended it, but a command that was on its way may have begun it anew. */
        send_enable(a, false);
}

void advertiser_update(Advertiser *a) {
        if (a->wanted)
                send_data(a);
}

void advertiser_set_repeat(Advertiser *a, bool on) {
        a->config.repeat = on;
        if (on && a->wanted)
                timer_on(a->repeat, REPEAT_USEC);
        else if (!on && a->wanted)
                (void) sd_event_source_set_enabled(a->repeat, SD_EVENT_OFF);
}
