/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "peripheral-vendor.h"

/* What a vendor profile says of a device beside its values: its GATT table, what it advertises, what it calls itself. */

static const ProfileTerm *find_term(const ProfileFile *file, ProfileTermKind kind) {
        if (file->n_matches == 0)
                return NULL;
        for (unsigned i = 0; i < file->matches[0].n_terms; i++)
                if (file->matches[0].terms[i].kind == kind)
                        return &file->matches[0].terms[i];

        return NULL;
}

/* A text that the glob holds for. */
static char *text_of_glob(const char *glob) {
        GString *text = g_string_new(NULL);

        for (; *glob; glob++)
                if (*glob != '*')
                        g_string_append_c(text, *glob == '?' ? 'x' : *glob);
        return g_string_free(text, FALSE);
}

static unsigned char_properties(const VendorProfile *vendor, unsigned channel) {
        unsigned use = vendor->chars[channel].use;
        unsigned ret = (use & VENDOR_NOTIFY ? PERIPHERAL_NOTIFY : 0) | (use & VENDOR_INDICATE ? PERIPHERAL_INDICATE : 0) |
                       (use & (VENDOR_READ | VENDOR_POLL) ? PERIPHERAL_READ : 0);

        for (size_t i = 0; i < vendor->n_actions; i++)
                if (vendor->actions[i].channel == channel)
                        ret |= vendor->actions[i].command ? PERIPHERAL_WRITE_COMMAND : PERIPHERAL_WRITE;
        return ret;
}

unsigned peripheral_vendor_chars(const ProfileFile *file, PeripheralChar chars[static PERIPHERAL_CHARS_MAX],
                                 uint8_t channels[static PERIPHERAL_CHARS_MAX]) {
        const ProfileTerm *term = find_term(file, PROFILE_TERM_SERVICE);
        unsigned n = 0;

        for (unsigned c = 0; c < file->vendor.n_chars && n < PERIPHERAL_CHARS_MAX; c++) {
                const VendorChar *of = &file->vendor.chars[c];
                /* Where the profile leaves it open, the service that a device is known by; a service must have some name. */
                const char *service = of->service_uuid ? of->service_uuid : term ? term->text : of->uuid;
                unsigned at = n;

                if (of->source != VENDOR_GATT)
                        continue;
                for (unsigned i = 0; i < n; i++)
                        if (g_str_equal(chars[i].service, service))
                                at = i + 1;
                memmove(chars + at + 1, chars + at, (n - at) * sizeof(chars[0]));
                memmove(channels + at + 1, channels + at, n - at);
                chars[at] = (PeripheralChar) {
                        .uuid = of->uuid, .service = service, .name = of->alias, .properties = char_properties(&file->vendor, c),
                };
                channels[at] = (uint8_t) c;
                n++;
        }

        return n;
}

void peripheral_vendor_advertisement(const ProfileFile *file, PeripheralAdvertisement *ret) {
        const ProfileTerm *maker = find_term(file, PROFILE_TERM_MAKER);
        unsigned n = 0;

        for (unsigned i = 0; file->n_matches > 0 && i < file->matches[0].n_terms && n < PERIPHERAL_SERVICES_MAX; i++)
                if (file->matches[0].terms[i].kind == PROFILE_TERM_SERVICE)
                        ret->services[n++] = file->matches[0].terms[i].text;
        if (maker) {
                ret->has_manufacturer_data = true;
                ret->company = maker->company;
                ret->manufacturer_data_size = maker->n_prefix;
                memcpy(ret->manufacturer_data, maker->prefix, maker->n_prefix);
        }
}

char *peripheral_vendor_name(const ProfileFile *file) {
        const ProfileTerm *term = find_term(file, PROFILE_TERM_NAME);

        return term ? text_of_glob(term->text) : g_strdup("");
}

const char *peripheral_vendor_info(const ProfileFile *file, PeripheralInfo what) {
        const ProfileTerm *model = find_term(file, PROFILE_TERM_MODEL);

        switch (what) {
        case PERIPHERAL_MANUFACTURER:
                return file->vendor.vendor ?: "";
        case PERIPHERAL_MODEL:
                return model && !strpbrk(model->text, "*?") ? model->text : file->vendor.model ?: "";
        case PERIPHERAL_FIRMWARE:
                return NEEDLED_VERSION;
        case PERIPHERAL_SERIAL:
        case PERIPHERAL_HARDWARE:
                break;
        }

        return "";
}
