/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peripheral-omp.h"

#define CARTRIDGE_ID UINT32_C(0xc0ffee)
#define CARTRIDGE_USES 1
#define TRACE_ENTRIES_MAX 3600u         /* an hour; what is longer is truncated */
#define NEARLY_FULL(capacity) ((capacity) - (capacity) / 10)

/* The sessions of before: short ones of 8 to 24 s, an hour apart, since a morning in June of 2026. */
#define PAST_PROCEDURE_USEC(i) ((8 + (i) % 5 * 4) * USEC_PER_SEC)
#define PAST_APART_USEC (3600 * USEC_PER_SEC)
#define PAST_SEC (OMP_EPOCH_2000_SEC + UINT64_C(834305400))

static void stored_free(void *data) {
        StoredSession *stored = data;

        if (stored->trace)
                g_array_unref(stored->trace);
        g_free(stored);
}

static const StoredSession *records_at(const OmpPeripheral *p, unsigned i) {
        return p->stored->pdata[i];
}

static PeripheralSent past_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        return PERIPHERAL_REFUSED;
}

/* A device of the same kind has lived before, without anybody who listened, and leaves what it has stored. */
static void records_inherit(OmpPeripheral *p) {
        static const PeripheralOps deaf = { .notify = past_notify };
        PeripheralConfig config = p->config;
        OmpPeripheral *past;

        config.records = config.flood_hz = 0;
        config.speed = 1;
        config.seed = ~p->config.seed;
        past = (OmpPeripheral *) peripheral_omp_make(&config, &deaf, NULL);
        past->clock_set = omp_elapsed_from_realtime(PAST_SEC * USEC_PER_SEC, OMP_RESOLUTION_1S, OMP_SOURCE_NTP, 8,
                                                    &past->clock) >= 0;
        peripheral_advance(&past->base, 0);
        for (uint64_t i = 0; i < p->config.records; i++) {
                past->config.procedure_usec = PAST_PROCEDURE_USEC(i);
                peripheral_start(&past->base);
                peripheral_advance(&past->base, i * PAST_APART_USEC);
                peripheral_advance(&past->base, (i + 1) * PAST_APART_USEC);
        }

        p->session_id = past->session_id;
        g_ptr_array_unref(p->stored);
        p->stored = g_ptr_array_ref(past->stored);
        p->nearly_full_told = past->nearly_full_told;
        (void) peripheral_free(&past->base);
}

static uint16_t to_u16(double value) {
        return (uint16_t) CLAMP(value, 0, UINT16_MAX - 1);
}

/* In the bin's middle. */
static int16_t sums_p95(const SessionSums *sums) {
        uint64_t seen = 0;

        for (unsigned i = 0; i < FORCE_BINS; i++) {
                seen += sums->histogram[i];
                if (seen * 100 >= sums->n_force * 95)
                        return (int16_t) (i * FORCE_BIN_MN + FORCE_BIN_MN / 2);
        }

        return INT16_MAX;
}

/* "depth main, max": the one that was used longest in contact, and the deepest. */
static void sums_depths(const SessionSums *sums, OmpRecord *record) {
        uint64_t longest = 0;

        record->depth_um = record->depth_max_um = OMP_U16_UNKNOWN;
        for (unsigned i = 0; i < DEPTHS_MAX && sums->depths[i].n > 0; i++) {
                if (sums->depths[i].n > longest) {
                        longest = sums->depths[i].n;
                        record->depth_um = sums->depths[i].um;
                }
                if (record->depth_max_um == OMP_U16_UNKNOWN || sums->depths[i].um > record->depth_max_um)
                        record->depth_max_um = sums->depths[i].um;
        }
}

static void count_depth(SessionSums *sums, uint16_t um) {
        for (unsigned i = 0; i < DEPTHS_MAX; i++)
                if (sums->depths[i].n == 0 || sums->depths[i].um == um) {
                        sums->depths[i].um = um;
                        sums->depths[i].n++;
                        return;
                }
}

static void trace_end_entry(SessionSums *sums) {
        Interval *i = &sums->entry;
        OmpTraceEntry entry;

        if (i->n == 0)
                return;

        entry = (OmpTraceEntry) {
                .force_mean_mn = clamp_mn(i->sum_mn / i->n), .force_peak_mn = clamp_mn(i->peak_mn),
                .strokes = to_u16(sums->entry_strokes),
        };
        if (sums->trace->len < TRACE_ENTRIES_MAX)
                g_array_append_val(sums->trace, entry);
        else
                sums->flags |= OMP_RECORD_TRUNCATED;
        *i = (Interval) {};
        sums->entry_strokes = 0;
}

static void trace_sample(OmpPeripheral *p, int32_t mn, uint32_t strokes) {
        Interval *i = &p->sums.entry;

        i->peak_mn = i->n == 0 ? mn : MAX(i->peak_mn, mn);
        i->sum_mn += mn;
        i->n++;
        p->sums.entry_strokes += strokes;
        if ((uint64_t) i->n * p->sample_period_usec >= TRACE_PERIOD_USEC)
                trace_end_entry(&p->sums);
}

static void records_fill(const OmpPeripheral *p, OmpRecord *record) {
        const SessionSums *sums = &p->sums;
        double minutes = (double) (is_roller(p) ? sums->contact_usec : sums->running_usec) / 60e6;

        *record = (OmpRecord) {
                .flags = sums->flags,
                .number = p->session_id,
                .start = sums->start,
                .duration_sec = to_u16((double) session_seconds(p)),
                .contact_sec = to_u16((double) sums->contact_usec / 1e6),
                .strokes = sums->strokes_contact,
                .passes = to_u16(p->model.passes - sums->passes_before),
                .distance_mm = (uint32_t) (p->model.distance_mm - sums->distance_before_mm),
                .force_mean_mn = sums->n_force > 0 ? clamp_mn(sums->force_sum_mn / (double) sums->n_force)
                                                   : OMP_FORCE_UNKNOWN,
                .force_p95_mn = sums->n_force > 0 ? sums_p95(sums) : OMP_FORCE_UNKNOWN,
                .force_peak_mn = sums->n_force > 0 ? clamp_mn(sums->peak_mn) : OMP_FORCE_UNKNOWN,
                .over_count = to_u16(sums->over_count),
                .over_100ms = to_u16((double) sums->over_usec / 1e5),
                .rate_per_min = minutes > 0 ? to_u16(sums->strokes_running / minutes) : 0,
                .area = measure_area(p),
                .cartridge_id = CARTRIDGE_ID ^ (p->config.seed & 0xffff),
                .cartridge_uses = CARTRIDGE_USES,
                .battery_start = sums->battery_start,
                .battery_end = peripheral_battery(&p->base),
        };
        sums_depths(sums, record);
}

/* "61/62 storage nearly full / record overwritten (no.)" */
static void records_add(OmpPeripheral *p, StoredSession *stored) {
        if (p->stored->len >= p->config.capacity) {
                send_event(p, OMP_EVENT_RECORD_OVERWRITTEN, OMP_SEVERITY_NOTICE, true,
                           (int32_t) records_at(p, 0)->record.number);
                g_ptr_array_remove_index(p->stored, 0);
        }
        g_ptr_array_add(p->stored, stored);

        if (p->stored->len >= NEARLY_FULL(p->config.capacity) && !p->nearly_full_told) {
                p->nearly_full_told = true;
                send_event(p, OMP_EVENT_STORAGE_NEARLY_FULL, OMP_SEVERITY_NOTICE, true,
                           (int32_t) stored->record.number);
        }
        if (p->stored->len == 1)
                peripheral_advertisement_changed(&p->base);
}

/* The lowest and the highest number there are; false: none. */
static bool records_ends(const OmpPeripheral *p, uint32_t *ret_lowest, uint32_t *ret_highest) {
        if (p->stored->len == 0)
                return false;

        *ret_lowest = records_at(p, 0)->record.number;
        *ret_highest = records_at(p, p->stored->len - 1)->record.number;
        return true;
}

void records_init(OmpPeripheral *p) {
        p->stored = g_ptr_array_new_with_free_func(stored_free);
        if (p->config.records > 0)
                records_inherit(p);
}

void records_done(OmpPeripheral *p) {
        g_clear_pointer(&p->sums.trace, g_array_unref);
        g_clear_pointer(&p->stored, g_ptr_array_unref);
}

void records_begin(OmpPeripheral *p) {
        g_clear_pointer(&p->sums.trace, g_array_unref);
        p->sums = (SessionSums) {
                .start = procedures_clock(p),
                .flags = p->clock_set ? OMP_RECORD_SYNCED : 0,
                .battery_start = peripheral_battery(&p->base),
                .passes_before = p->model.passes,
                .distance_before_mm = p->model.distance_mm,
                .peak_mn = INT16_MIN,
                .trace = omp_feature(p).bits & OMP_FEATURE_TRACE
                                 ? g_array_new(FALSE, FALSE, sizeof(OmpTraceEntry)) : NULL,
        };
}

void records_sample(OmpPeripheral *p, uint32_t strokes) {
        SessionSums *sums = &p->sums;
        int32_t mn = (int32_t) lrint(p->model.force_mn);

        if (p->state == OMP_STATE_RUNNING) {
                sums->running_usec += p->sample_period_usec;
                sums->strokes_running += strokes;
        }
        if (p->over)
                sums->over_usec += p->sample_period_usec;
        if (sums->trace)
                trace_sample(p, mn, strokes);
        if (!p->contact)
                return;

        sums->contact_usec += p->sample_period_usec;
        sums->strokes_contact += strokes;
        sums->force_sum_mn += mn;
        sums->n_force++;
        sums->histogram[CLAMP(mn / FORCE_BIN_MN, 0, FORCE_BINS - 1)]++;
        sums->peak_mn = MAX(sums->peak_mn, mn);
        count_depth(sums, p->depth_um);
}

void records_end(OmpPeripheral *p) {
        StoredSession *stored;

        if (p->config.capacity == 0 || p->storage_full) {
                g_clear_pointer(&p->sums.trace, g_array_unref);
                return;
        }

        stored = g_new0(StoredSession, 1);
        if (p->sums.trace) {
                trace_end_entry(&p->sums);
                p->sums.flags |= OMP_RECORD_TRACE;
        }
        records_fill(p, &stored->record);
        stored->trace = g_steal_pointer(&p->sums.trace);
        records_add(p, stored);
}

const StoredSession *records_find(const OmpPeripheral *p, uint32_t number) {
        for (unsigned i = 0; i < p->stored->len; i++)
                if (records_at(p, i)->record.number == number)
                        return records_at(p, i);

        return NULL;
}

const StoredSession *records_next(const OmpPeripheral *p, const OmpRacpRequest *request, uint32_t from, uint32_t lowest,
                                  uint32_t highest) {
        for (unsigned i = 0; i < p->stored->len; i++) {
                uint32_t number = records_at(p, i)->record.number;

                if (number >= from && number <= highest && omp_racp_selects(request, number, lowest, highest))
                        return records_at(p, i);
        }

        return NULL;
}

bool records_have(const OmpPeripheral *p) {
        return p->stored->len > 0;
}

unsigned records_count(const OmpPeripheral *p, const OmpRacpRequest *request, uint32_t *ret_lowest, uint32_t *ret_highest) {
        unsigned n = 0;

        *ret_lowest = *ret_highest = 0;
        if (!records_ends(p, ret_lowest, ret_highest))
                return 0;

        for (unsigned i = 0; i < p->stored->len; i++)
                n += omp_racp_selects(request, records_at(p, i)->record.number, *ret_lowest, *ret_highest);

        return n;
}

void records_clear(OmpPeripheral *p) {
        const OmpRacpRequest all = { .op = OMP_RACP_DELETE, .operator_ = OMP_RACP_ALL };

        (void) records_delete(p, &all);
}

unsigned records_delete(OmpPeripheral *p, const OmpRacpRequest *request) {
        uint32_t lowest, highest;
        unsigned before = p->stored->len;

        if (!records_ends(p, &lowest, &highest))
                return 0;

        for (unsigned i = p->stored->len; i-- > 0;)
                if (omp_racp_selects(request, records_at(p, i)->record.number, lowest, highest))
                        g_ptr_array_remove_index(p->stored, i);

        if (p->stored->len < NEARLY_FULL(p->config.capacity))
                p->nearly_full_told = false;
        if (p->stored->len == 0)
                peripheral_advertisement_changed(&p->base);
        return before - p->stored->len;
}
