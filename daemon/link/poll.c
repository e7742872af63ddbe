/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "log.h"

/* What a vendor's device tells only when it is asked: once in a connection, or every so many seconds. bluetoothd
 * shows each value that is read to every local user, so that one which carries a measurement is read only
 * where the administrator allows it. What is notified needs no asking. */

static bool is_given(const Device *device, const ProfileChar *ch) {
        StreamMode mode = notify_mode(device, ch);

        return mode == STREAM_FD || mode == STREAM_SIGNAL;
}

static void read_value(Poll *poll);

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Poll *poll = userdata;

        if (!is_given(poll->device, poll->ch)) /* it may have been let go by somebody else since */
                read_value(poll);
        return 0;
}

static void on_read(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Poll *poll = userdata;
        Device *device = poll->device;
        const uint8_t *data;
        size_t size;

        if (error && (error->error == -EOPNOTSUPP || error->error == -EACCES || error->error == -EKEYREVOKED)) {
                if (setup_say_once(&device->work->told_refused, poll->ch))
                        log_device(LOG_WARNING, device_label(device),
                                   "%s does not let its %s be read: %s", log_name(device_label(device)).text,
                                   setup_char_name(device, poll->ch), error->sentence);
                return; /* nor will it the next time */
        }
        if (error)
                log_debug("%s: channel %i: %s", device->path, poll->ch->channel, error->sentence);
        /* What is followed by signals comes as a signal too. */
        else if (notify_mode(device, poll->ch) != STREAM_SIGNAL && calls_octets(reply, &data, &size) >= 0)
                notify_take(device, poll->ch, data, size);

        if (poll->ch->use & PROFILE_POLL)
                link_timer(device->link, &poll->timer, MAX(poll->ch->poll_sec, 1u) * G_USEC_PER_SEC, on_time, poll);
}

static void read_value(Poll *poll) {
        Device *device = poll->device;

        (void) bluez_call(device->link->bluez, &device->work->poll_calls, poll->path, "org.bluez.GattCharacteristic1",
                          "ReadValue", BLUEZ_TIMEOUT_USEC, on_read, poll, "a{sv}", 0);
}

static bool wants_reading(const Device *device, const ProfileChar *ch) {
        if (is_given(device, ch))
                return ch->use & PROFILE_READ_AT_CONNECT;

        return ch->use & (PROFILE_READ_AT_CONNECT | PROFILE_POLL);
}

/* Whether a session would know more with it. */
static bool has_meaning(const VendorProfile *vendor, const ProfileChar *ch) {
        const VendorChar *c = &vendor->chars[ch->channel];

        for (unsigned i = 0; i < c->n_fields; i++)
                if (vendor->fields[c->first_field + i].meaning != VENDOR_NONE)
                        return true;

        return false;
}

/* One sentence for all of them. It warns only if something is missed by it. */
void poll_say_refused(Device *device) {
        const Profile *profile = device->profile;
        g_autoptr(GString) names = g_string_new(NULL);
        bool missed = false;

        for (size_t i = 0; profile->vendor && i < profile->n_chars; i++) {
                const ProfileChar *ch = &profile->chars[i];

                if (!wants_reading(device, ch) || is_given(device, ch) || setup_may_broadcast(device, ch) ||
                    !setup_char(device, ch) || !setup_say_once(&device->work->told_refused, ch))
                        continue;
                g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", setup_char_name(device, ch));
                missed = missed || has_meaning(profile->vendor, ch);
        }
        if (names->len > 0)
                log_device(missed ? LOG_WARNING : LOG_INFO, device_label(device),
                           "%s tells %s only when read, which shows it to every local user: "
                           "set AllowBroadcast=yes in needled.conf to read it all the same", log_name(device_label(device)).text, names->str);
}

bool poll_works(const Device *device) {
        const Profile *profile = device->profile;

        for (size_t i = 0; profile->vendor && i < profile->n_chars; i++)
                if ((profile->chars[i].use & PROFILE_POLL) && setup_may_broadcast(device, &profile->chars[i]) &&
                    setup_char(device, &profile->chars[i]))
                        return true;

        return false;
}

void poll_begin(Device *device) {
        const Profile *profile = device->profile;
        DeviceWork *work = device->work;

        if (!profile->vendor)
                return;

        work->polls = g_new0(Poll, profile->n_chars);
        for (size_t i = 0; i < profile->n_chars; i++) {
                const ProfileChar *ch = &profile->chars[i];
                Object *object = wants_reading(device, ch) ? setup_char(device, ch) : NULL;

                if (object && setup_may_broadcast(device, ch))
                        work->polls[work->n_polls++] =
                                (Poll) { .device = device, .ch = ch, .path = g_strdup(object->path) };
        }
        for (size_t i = 0; i < work->n_polls; i++)
                read_value(&work->polls[i]);
}

void poll_close(Device *device) {
        DeviceWork *work = device->work;

        calls_clear(&work->poll_calls);
        for (size_t i = 0; i < work->n_polls; i++) {
                sd_event_source_disable_unref(work->polls[i].timer);
                g_free(work->polls[i].path);
        }
        g_clear_pointer(&work->polls, g_free);
        work->n_polls = 0;
}
