/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/labels.h"

#include "bus/error.h"
#include "bus/options.h"

#define RATING_MAX 5u

int labels_read(sd_bus_message *m, StoreLabels *ret, sd_bus_error *error) {
        uint32_t rating = 0;
        bool rated = false;
        const Option options[] = {
                { "subject", 's', &ret->subject, NULL },
                { "area", 's', &ret->area, NULL },
                { "product", 's', &ret->product, NULL },
                { "note", 's', &ret->note, NULL },
                { "rating", 'u', &rating, &rated },
        };
        int r;

        *ret = (StoreLabels) {};
        r = options_read(m, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        r = labels_take_rating(rated && rating > 0, rating, ret, error);
        if (r < 0)
                return r;
        if (rated && rating == 0)
                ret->rating = STORE_RATING_NONE;

        return labels_check(ret, error);
}

int labels_take_rating(bool given, uint32_t rating, StoreLabels *ret, sd_bus_error *error) {
        if (given && (rating < 1 || rating > RATING_MAX))
                return error_set(error, ERROR_INVALID_ARGUMENT, "The rating is 1 to %u, not %u.", RATING_MAX, rating);

        ret->rating = (int) rating;
        return 0;
}

int labels_check(const StoreLabels *labels, sd_bus_error *error) {
        int r;

        r = labels->subject ? options_check_text("subject", labels->subject, OPTIONS_LABEL_MAX, false, error) : 0;
        if (r < 0)
                return r;
        r = labels->product ? options_check_text("product", labels->product, OPTIONS_LABEL_MAX, false, error) : 0;
        if (r < 0)
                return r;
        r = labels->note ? options_check_text("note", labels->note, OPTIONS_NOTE_MAX, true, error) : 0;
        if (r < 0)
                return r;

        return labels->area && *labels->area ? options_check_area(labels->area, error) : 0;
}
