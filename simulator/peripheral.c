/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <math.h>

#include "peripheral.h"

#define VALUE_MAX_BEFORE_MTU 20u        /* ATT_MTU 23 */

void peripheral_config_defaults(PeripheralConfig *config, OmpKind kind) {
        *config = (PeripheralConfig) {
                .kind = kind,
                .seed = 1,
                .speed = 1,
                .live_period_ms = 100,
                .procedure_usec = UINT64_C(180000000),
                .name = kind == OMP_KIND_ROLLER ? "SimRoll" : "SimPen",
                .serial = kind == OMP_KIND_ROLLER ? "R000001" : "P000001",
                .capacity = kind == OMP_KIND_ROLLER ? 50 : 200,
                .flood_size = 20,
        };
}

Peripheral *peripheral_new(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata) {
        return (config->make ?: peripheral_omp_make)(config, ops, userdata);
}

Peripheral *peripheral_free(Peripheral *p) {
        if (!p)
                return NULL;

        if (p->vtable->free)
                p->vtable->free(p);
        g_free(p->name);
        g_free(p->serial);
        g_free(p);
        return NULL;
}

const PeripheralChar *peripheral_chars(const Peripheral *p, unsigned *ret_n) {
        *ret_n = p->n_chars;
        return p->chars;
}

void peripheral_set_value_max(Peripheral *p, size_t size) {
        p->value_max = CLAMP(size, VALUE_MAX_BEFORE_MTU, PERIPHERAL_VALUE_MAX);
        if (p->vtable->value_max_changed)
                p->vtable->value_max_changed(p);
}

void peripheral_subscribe(Peripheral *p, unsigned index, bool on) {
        if (p->wanted[index] == on)
                return; /* "a write of 1 over 1 restarts nothing" */

        p->wanted[index] = on;
        p->vtable->subscribe(p, index, on);
}

bool peripheral_subscribed(const Peripheral *p, unsigned index) {
        return p->wanted[index];
}

void peripheral_disconnected(Peripheral *p) {
        for (unsigned i = 0; i < p->n_chars; i++)
                peripheral_subscribe(p, i, false);
        p->value_max = VALUE_MAX_BEFORE_MTU;
}

int peripheral_read(Peripheral *p, unsigned index, uint8_t *buf, size_t size) {
        if (!(p->chars[index].properties & PERIPHERAL_READ))
                return -PERIPHERAL_READ_NOT_PERMITTED;

        return p->vtable->read(p, index, buf, size);
}

int peripheral_write(Peripheral *p, unsigned index, const uint8_t *data, size_t size) {
        if (!(p->chars[index].properties & (PERIPHERAL_WRITE | PERIPHERAL_WRITE_COMMAND)) || !p->vtable->write)
                return -PERIPHERAL_WRITE_NOT_PERMITTED;

        return p->vtable->write(p, index, data, size);
}

void peripheral_advance(Peripheral *p, uint64_t now_usec) {
        p->vtable->advance(p, now_usec);
}

uint64_t peripheral_next(const Peripheral *p) {
        return p->vtable->next(p);
}

void peripheral_start(Peripheral *p) {
        p->start_wanted = true;
        p->stop_wanted = false;
}

void peripheral_stop(Peripheral *p) {
        p->stop_wanted = true;
        p->start_wanted = false;
}

bool peripheral_running(const Peripheral *p) {
        return p->start_wanted || p->vtable->running(p);
}

int peripheral_control(Peripheral *p, const char *word, const char *argument) {
        if (g_str_equal(word, "start"))
                peripheral_start(p);
        else if (g_str_equal(word, "stop"))
                peripheral_stop(p);
        else if (g_str_equal(word, "serial") && argument && *argument) {
                g_free(p->serial);
                p->serial = g_strdup(argument);
        } else
                return p->vtable->control ? p->vtable->control(p, word, argument) : -ENOENT;

        return 0;
}

unsigned peripheral_records(const Peripheral *p) {
        return p->vtable->records ? p->vtable->records(p) : 0;
}

uint8_t peripheral_battery(const Peripheral *p) {
        return p->vtable->battery(p);
}

const char *peripheral_name(const Peripheral *p) {
        return p->name;
}

const char *peripheral_info(const Peripheral *p, PeripheralInfo what) {
        return p->vtable->info(p, what);
}

const char *peripheral_info_uuid(PeripheralInfo what) {
        static const char *const uuids[PERIPHERAL_INFOS] = {
                [PERIPHERAL_MANUFACTURER] = "00002a29-0000-1000-8000-00805f9b34fb",
                [PERIPHERAL_MODEL] = "00002a24-0000-1000-8000-00805f9b34fb",
                [PERIPHERAL_SERIAL] = "00002a25-0000-1000-8000-00805f9b34fb",
                [PERIPHERAL_FIRMWARE] = "00002a26-0000-1000-8000-00805f9b34fb",
                [PERIPHERAL_HARDWARE] = "00002a27-0000-1000-8000-00805f9b34fb",
        };

        return uuids[what];
}

void peripheral_advertisement(const Peripheral *p, PeripheralAdvertisement *ret) {
        *ret = (PeripheralAdvertisement) {};
        p->vtable->advertisement(p, ret);
}

const PeripheralCounters *peripheral_counters(const Peripheral *p) {
        return &p->counters;
}

void peripheral_init(Peripheral *p, const PeripheralVtable *vtable, const PeripheralConfig *config, const PeripheralOps *ops,
                     void *userdata, const PeripheralChar *chars, unsigned n_chars) {
        assert(n_chars <= PERIPHERAL_CHARS_MAX);
        *p = (Peripheral) {
                .vtable = vtable, .ops = ops, .userdata = userdata,
                .name = g_strdup(config->name), .serial = g_strdup(config->serial), .speed = config->speed,
                .chars = chars, .n_chars = n_chars, .value_max = VALUE_MAX_BEFORE_MTU,
        };
}

bool peripheral_device_time(Peripheral *p, uint64_t now_usec, uint64_t *ret_usec) {
        if (!p->started) {
                p->started = true;
                p->host_first_usec = now_usec;
        }
        if (now_usec < p->host_first_usec)
                return false;

        *ret_usec = (uint64_t) ((double) (now_usec - p->host_first_usec) * p->speed);
        return true;
}

uint64_t peripheral_host_span(const Peripheral *p, uint64_t device_usec) {
        return (uint64_t) ceil((double) device_usec / p->speed);
}

uint64_t peripheral_host_time(const Peripheral *p, uint64_t device_usec) {
        return p->host_first_usec + peripheral_host_span(p, device_usec);
}

PeripheralSent peripheral_send(Peripheral *p, unsigned index, const uint8_t *data, size_t size) {
        PeripheralSent sent = p->ops->notify(index, data, size, p->userdata);

        p->counters.sent[index]++;
        if (sent == PERIPHERAL_REFUSED)
                p->counters.refused[index]++;
        return sent;
}

void peripheral_advertisement_changed(Peripheral *p) {
        if (p->ops->advertisement_changed)
                p->ops->advertisement_changed(p->userdata);
}
