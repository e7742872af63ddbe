/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "standin.h"

#define RESTART_USEC 800000u            /* systemctl restart bluetooth */
#define UPGRADE_USEC 3000000u           /* between the old program and the new one */
#define EATT_BLOCK_MAX 32u              /* beyond twice that a value is not late any more but lost */

/* Control words. All of a device are about the device itself, on whichever adapter it is. */

/* drop [REASON]: with a reason as on the air, of which a client of BlueZ 5.66 hears nothing. */
static int control_drop(Body *body, const char *argument) {
        uint64_t reason;

        if (argument && !g_ascii_string_to_unsigned(argument, 16, 1, 0xff, &reason, NULL))
                return -EINVAL;
        if (!body->linked)
                return -ENOTCONN;

        device_link_down(body->linked);
        return 0;
}

/* advertise on|off */
static int control_advertise(Body *body, const char *argument) {
        if (!carrier_parse_switch(argument, "on", "off", &body->advertising))
                return -EINVAL;

        body_kick(body);
        return 0;
}

/* mute on|off: no word any more, and nobody ends the link. */
static int control_mute(Body *body, const char *argument) {
        if (!carrier_parse_switch(argument, "on", "off", &body->mute))
                return -EINVAL;

        body_kick(body);
        return 0;
}

/* near hciN|all: which adapter hears it. */
static int control_near(Body *body, const char *argument) {
        Standin *s = body->standin;
        unsigned near = 0;

        for (unsigned i = 0; i < s->n_adapters; i++) {
                g_autofree char *name = g_strdup_printf("hci%u", s->adapters[i].index);

                if (g_strcmp0(argument, "all") == 0 || g_strcmp0(argument, name) == 0)
                        near |= 1u << i;
        }
        if (near == 0)
                return -EINVAL;

        body->near = near;
        if (body->linked && !(near >> body->linked->adapter->number & 1))
                device_link_down(body->linked);
        body_kick(body);
        return 0;
}

/* services off|on|move|without NAME */
static int control_services(Body *body, const char *argument) {
        Standin *s = body->standin;

        for (unsigned i = 0; i < s->n_devices; i++) {
                Device *d = s->devices + i;

                if (d->body != body)
                        continue;
                if (g_strcmp0(argument, "off") == 0)
                        (void) services_without(d, NULL);
                else if (g_strcmp0(argument, "on") == 0)
                        services_with_all(d);
                else if (g_strcmp0(argument, "move") == 0)
                        services_move(d);
                else if (!argument || !g_str_has_prefix(argument, "without ") ||
                         !services_without(d, argument + strlen("without ")))
                        return -EINVAL;
        }

        return 0;
}

/* cache strip|stale: until RemoveDevice(). */
static int control_cache(Body *body, const char *argument) {
        Standin *s = body->standin;
        bool strip;

        if (!carrier_parse_switch(argument, "strip", "stale", &strip))
                return -EINVAL;

        for (unsigned i = 0; i < s->n_devices; i++)
                if (s->devices[i].body == body)
                        services_set_cache(s->devices + i, strip ? CACHE_STRIPPED : CACHE_STALE);
        return 0;
}

/* bond lost [authentication]: on the device's side; a Connect() hears that the link broke off, or of the authentication. */
static int control_bond(Body *body, const char *argument) {
        if (g_strcmp0(argument, "lost") != 0 && g_strcmp0(argument, "lost authentication") != 0)
                return -EINVAL;

        body->bond_lost = true;
        body->bond_error = g_str_equal(argument, "lost") ? NULL : "AuthenticationFailed";
        return 0;
}

/* eatt N|off: blocks of N notifications that change places. */
static int control_eatt(Body *body, const char *argument) {
        uint64_t block = 0;

        if (g_strcmp0(argument, "off") != 0 &&
            (!argument || !g_ascii_string_to_unsigned(argument, 10, 1, EATT_BLOCK_MAX, &block, NULL)))
                return -EINVAL;

        body_set_eatt(body, (unsigned) block);
        return 0;
}

/* cycle N: drops the link so many times, each time when it is in full use again; status tells how soon that was. */
static int control_cycle(Body *body, const char *argument) {
        uint64_t n;

        if (!argument || !g_ascii_string_to_unsigned(argument, 10, 1, 100000, &n, NULL))
                return -EINVAL;
        if (!body->linked)
                return -ENOTCONN;

        body->cycle = cycle_free(body->cycle);
        body->cycle = cycle_new(body, (unsigned) n);
        return 0;
}

static Adapter *adapter_plugged(Standin *s, bool plugged, const char *name) {
        for (unsigned i = 0; i < s->n_adapters; i++) {
                Adapter *a = s->adapters + i;
                g_autofree char *its = g_strdup_printf("hci%u", a->index);

                if (plugged == (a->object != NULL) && (!name || g_str_equal(name, its)))
                        return a;
        }

        return NULL;
}

/* "adapter add [hciN]": as what it was called before, or as another. */
static int control_adapter_add(Standin *s, const char *name) {
        Adapter *a = adapter_plugged(s, false, NULL);
        uint64_t index;

        if (!a)
                return -EBUSY;
        index = a->index;
        if (name && (!g_str_has_prefix(name, "hci") || adapter_plugged(s, true, name) ||
                     !g_ascii_string_to_unsigned(name + strlen("hci"), 10, 0, 99, &index, NULL)))
                return -EINVAL;

        adapter_plug(a, (unsigned) index);
        return 0;
}

/* adapter off|on|remove|add [hciN], rfkill block|unblock [hciN]; without a name the first that is there. */
static int control_adapter(Standin *s, const char *argument) {
        g_auto(GStrv) words = g_strsplit(argument ?: "", " ", 2);
        const char *name = words[0] ? words[1] : NULL;
        Adapter *a = adapter_plugged(s, true, name);

        if (g_strcmp0(words[0], "add") == 0)
                return control_adapter_add(s, name);
        if (!a)
                return name ? -EINVAL : 0;

        if (g_strcmp0(words[0], "off") == 0 || (g_strcmp0(words[0], "on") == 0 && !a->blocked))
                adapter_set_powered(a, g_str_equal(words[0], "on"));
        else if (g_strcmp0(words[0], "remove") == 0)
                adapter_unplug(a);
        else if (g_strcmp0(words[0], "block") == 0 || g_strcmp0(words[0], "unblock") == 0)
                adapter_set_blocked(a, g_str_equal(words[0], "block"));
        else
                return -EINVAL;

        return 0;
}

/* bluetoothd restart|stop|start|kill|upgrade. A kill stays so, as with Debian's unit; "restart crash" is started again. */
static int control_bluetoothd(Standin *s, const char *argument) {
        if (g_strcmp0(argument, "start") == 0)
                return s->bus || s->restart ? -EALREADY : standin_start(s);
        if (!s->bus)
                return -EBUSY;

        if (g_strcmp0(argument, "restart") == 0)
                standin_restart(s, false, RESTART_USEC);
        else if (g_strcmp0(argument, "stop") == 0)
                standin_stop(s, false);
        else if (g_strcmp0(argument, "kill") == 0)
                standin_stop(s, true);
        else if (g_strcmp0(argument, "upgrade") == 0) {
                standin_restart(s, false, UPGRADE_USEC);
                for (unsigned i = 0; i < s->n_devices; i++)
                        services_move(s->devices + i);
        } else
                return -EINVAL;

        return 0;
}

static int control_restart(Standin *s, const char *argument) {
        if (argument && !g_str_equal(argument, "crash"))
                return -EINVAL;

        standin_restart(s, argument, RESTART_USEC);
        return 0;
}

int standin_control(Carrier *carrier, unsigned device, const char *word, const char *argument) {
        static const struct {
                const char *word;
                int (*control)(Body *body, const char *argument);
        } words[] = {
                { "drop", control_drop },         { "advertise", control_advertise }, { "mute", control_mute },
                { "near", control_near },         { "services", control_services },   { "cache", control_cache },
                { "bond", control_bond },         { "eatt", control_eatt },           { "cycle", control_cycle },
        };
        Standin *s = (Standin *) carrier;

        for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
                if (g_str_equal(word, words[i].word))
                        return words[i].control(s->bodies + device, argument);
        if (g_str_equal(word, "passkey") || g_str_equal(word, "confirm"))
                return s->bodies[device].linked ? pairing_control(s->bodies[device].linked, word, argument) : -EBUSY;
        if (g_str_equal(word, "bluetoothd"))
                return control_bluetoothd(s, argument);
        if (g_str_equal(word, "fault"))
                return s->bus ? faults_control(s->faults, argument) : -EBUSY; /* between two owners */
        if (g_str_equal(word, "crowd"))
                return s->bus ? crowd_control(s->crowd, argument) : -EBUSY;
        if (g_str_equal(word, "restart"))
                return s->bus ? control_restart(s, argument) : -EBUSY;
        if (g_str_equal(word, "adapter") || g_str_equal(word, "rfkill"))
                return s->bus ? control_adapter(s, argument) : -EBUSY;

        return -ENOENT;
}

void standin_status(Carrier *carrier, unsigned device, GString *json) {
        const Standin *s = (const Standin *) carrier;
        const Device *d = s->bodies[device].linked;

        g_string_append_printf(json, ",\"calls\":%" G_GUINT64_FORMAT, s->n_calls);
        if (d)
                g_string_append_printf(json, ",\"adapter\":\"hci%u\"", d->adapter->index);
        if (s->bodies[device].cycle)
                cycle_status(s->bodies[device].cycle, json);
}
