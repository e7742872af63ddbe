/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>

#include "codec/cursor.h"

#define WAVEFORM_HEAD 10u /* octets before the samples */

/* Octet 8. */
enum {
        WAVEFORM_ENCODING = 0x0f,
        WAVEFORM_CHANNEL = 0x03,
        WAVEFORM_CHANNEL_SHIFT = 4,
        WAVEFORM_LOST_BEFORE = 1u << 6,
        WAVEFORM_CRC = 1u << 7,
};

/* The longest value holds no more samples than the struct: once the length is checked, so is n. */
#define WAVEFORM_SIZE(n) (WAVEFORM_HEAD + 2 * (n))
static_assert(WAVEFORM_SIZE(OMP_WAVEFORM_SAMPLES_MAX) <= OMP_VALUE_MAX, "a full packet is too long");
static_assert(WAVEFORM_SIZE(OMP_WAVEFORM_SAMPLES_MAX + 1) > OMP_VALUE_MAX, "a value holds more samples");

int omp_waveform_decode(const uint8_t *data, size_t size, OmpWaveform *ret) {
        Cursor c = cursor_begin(data, size);
        uint16_t sequence = cursor_le16(&c);
        uint32_t tick = cursor_le32(&c);
        uint16_t period_usec = cursor_le16(&c);
        uint8_t flags = cursor_u8(&c);
        uint8_t n = cursor_u8(&c);
        const uint8_t *samples = cursor_take(&c, 2u * n);
        int r;

        /* "Octets between the samples and the CRC belong to a later minor version and are ignored." */
        r = cursor_finish(&c, flags & WAVEFORM_CRC);
        if (r < 0)
                return r;
        if (n == 0)
                return -EPROTO;

        ret->sequence = sequence;
        ret->tick = tick;
        ret->period_usec = period_usec;
        ret->encoding = flags & WAVEFORM_ENCODING;
        ret->channel = flags >> WAVEFORM_CHANNEL_SHIFT & WAVEFORM_CHANNEL;
        ret->lost_before = flags & WAVEFORM_LOST_BEFORE;
        ret->crc = flags & WAVEFORM_CRC;
        ret->n = n;
        for (unsigned i = 0; i < n; i++)
                ret->samples[i] = (int16_t) le16_at(samples + 2 * i);

        return 0;
}

int omp_waveform_encode(const OmpWaveform *waveform, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        if (waveform->n == 0 || waveform->n > OMP_WAVEFORM_SAMPLES_MAX ||
            waveform->encoding > WAVEFORM_ENCODING || waveform->channel > WAVEFORM_CHANNEL)
                return -EINVAL;

        writer_le16(&w, waveform->sequence);
        writer_le32(&w, waveform->tick);
        writer_le16(&w, waveform->period_usec);
        writer_u8(&w, (uint8_t) (waveform->encoding | waveform->channel << WAVEFORM_CHANNEL_SHIFT |
                                 (waveform->lost_before ? WAVEFORM_LOST_BEFORE : 0) |
                                 (waveform->crc ? WAVEFORM_CRC : 0)));
        writer_u8(&w, waveform->n);
        for (unsigned i = 0; i < waveform->n; i++)
                writer_le16(&w, (uint16_t) waveform->samples[i]);

        return writer_finish(&w, waveform->crc);
}

unsigned omp_waveform_capacity(size_t value_size, bool crc) {
        size_t rest = WAVEFORM_HEAD + (crc ? 2 : 0);

        if (value_size > OMP_VALUE_MAX)
                value_size = OMP_VALUE_MAX;

        return value_size > rest ? (unsigned) (value_size - rest) / 2 : 0;
}
