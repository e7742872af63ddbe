/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "scratch.h"

/* needled.conf. Whatever it says, the service starts with times, limits and numbers that are in their ranges, and each key that was refused is
 * reported. */

static unsigned warnings;

static void on_warning(const char *file, unsigned line, const char *message, void *userdata) {
        assert(file && message && message[0] != '\0');
        warnings++;
}

static void check_below(int32_t less, int32_t more) {
        assert(less == LIMIT_OF_DEVICE || more == LIMIT_OF_DEVICE || less <= more);
}

static void check_force(int32_t force_mn) {
        assert(force_mn == LIMIT_OF_DEVICE || (force_mn >= 0 && force_mn <= INT16_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        unsigned n_told;
        Config config;

        warnings = 0;
        (void) scratch_write("needled.conf", data, size);
        config_defaults(&config);
        n_told = config_load(&config, scratch_folder, on_warning, NULL);
        assert(n_told == warnings);

        assert(config.session_window_usec > 0 && config.session_idle_timeout_usec > 0);
        assert(config.session_time_limit_usec <= UINT64_C(86400000000) && config.session_lead_in_usec <= 60000000);
        assert(config.plan_weekly_max <= 7 && config.plan_course_weeks <= 52 && config.store_retention_count <= 1000000);
        check_force(config.limits_overpressure_mn);
        check_force(config.limits_contact_on_mn);
        check_below(config.limits_hysteresis_mn, config.limits_overpressure_mn);
        check_below(config.limits_zone_low_mn, config.limits_zone_high_mn);
        check_below(config.limits_zone_high_mn, config.limits_overpressure_mn);
        check_below(config.limits_contact_off_mn, config.limits_contact_on_mn);
        return 0;
}
