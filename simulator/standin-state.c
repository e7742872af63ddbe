/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "standin.h"

/* What bluetoothd keeps in /var/lib/bluetooth, as far as it matters here: a group for each device that is
 * bonded; on another adapter than the first, with that one's number behind the address. */

static char *group_of(const Device *d) {
        return d->adapter->number == 0 ? g_strdup(d->address) : g_strdup_printf("%s %u", d->address, d->adapter->number);
}

void state_load(Standin *s) {
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) error = NULL;

        if (!s->state_file)
                return;
        if (!g_key_file_load_from_file(file, s->state_file, G_KEY_FILE_NONE, &error)) {
                if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                        fprintf(stderr, "needlesim: %s cannot be read, no device is bonded: %s\n",
                                s->state_file, error->message);
                return;
        }

        for (unsigned i = 0; i < s->n_devices; i++) {
                Device *d = s->devices + i;
                g_autofree char *group = group_of(d);

                if (!g_key_file_has_group(file, group))
                        continue;
                d->bonded = true;
                d->trusted = g_key_file_get_boolean(file, group, "Trusted", NULL);
                d->resolved_once = g_key_file_get_boolean(file, group, "Resolved", NULL);
                d->alias = g_key_file_get_string(file, group, "Alias", NULL);
        }
}

void state_save(Standin *s) {
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) error = NULL;

        if (!s->state_file)
                return;

        for (unsigned i = 0; i < s->n_devices; i++) {
                const Device *d = s->devices + i;
                g_autofree char *group = group_of(d);

                if (!d->bonded)
                        continue;
                g_key_file_set_boolean(file, group, "Trusted", d->trusted);
                g_key_file_set_boolean(file, group, "Resolved", d->resolved_once);
                if (d->alias)
                        g_key_file_set_string(file, group, "Alias", d->alias);
        }

        if (!g_key_file_save_to_file(file, s->state_file, &error))
                fprintf(stderr, "needlesim: bonds cannot be kept in %s: %s\n", s->state_file,
                        error->message);
}
