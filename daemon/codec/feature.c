/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"
#include "needled/omp-words.h"

/* Bits 0–20 are given a meaning by version 1.0. */
#define FEATURE_BITS ((OMP_FEATURE_CONTACT_STROKES << 1) - 1u)
#define NO_CRC 0xffffu
#define FULL_SCALE_MAX 32767u

const char *omp_kind_name(OmpKind kind) {
        const char *name = omp_name(OMP_WORDS_KIND, (uint32_t) kind);

        return name ? name : "other";
}

int omp_feature_decode(const uint8_t *data, size_t size, OmpFeature *ret) {
        Cursor c = cursor_begin(data, size);
        OmpFeature feature = {};
        int r;

        feature.major = cursor_u8(&c);
        feature.minor = cursor_u8(&c);
        if (c.underrun)
                return -EMSGSIZE;
        if (feature.major != OMP_MAJOR) {
                /* "With an unknown major version only the two version octets mean anything": the rest may be
                 * of any shape and length. */
                *ret = feature;
                return -EOPNOTSUPP;
        }

        feature.bits = cursor_le32(&c);
        feature.kind = cursor_u8(&c);
        feature.needles = cursor_le16(&c);
        feature.full_scale_mn = cursor_le16(&c);
        feature.area_centi_mm2 = cursor_le16(&c);
        feature.sample_rate_hz = cursor_le16(&c);
        feature.max_depth_um = cursor_le16(&c);
        feature.capacity = cursor_le16(&c);

        /* "the last two octets, in any case; 0xFFFF and not checked if bit 13 of Feature is clear": then
         * reserved, so that whatever else they hold is ignored. */
        if (cursor_left(&c) < 2)
                return -EMSGSIZE;
        r = cursor_finish(&c, feature.bits & OMP_FEATURE_E2E_CRC);
        if (r < 0)
                return r;

        *ret = feature;
        return 0;
}

int omp_feature_encode(const OmpFeature *feature, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);
        bool crc = feature->bits & OMP_FEATURE_E2E_CRC;

        if (feature->major != OMP_MAJOR || feature->full_scale_mn > FULL_SCALE_MAX)
                return -EINVAL;

        writer_u8(&w, feature->major);
        writer_u8(&w, feature->minor);
        writer_le32(&w, feature->bits & FEATURE_BITS); /* "Reserved bits and octets: send 0" */
        writer_u8(&w, feature->kind);
        writer_le16(&w, feature->needles);
        writer_le16(&w, feature->full_scale_mn);
        writer_le16(&w, feature->area_centi_mm2);
        writer_le16(&w, feature->sample_rate_hz);
        writer_le16(&w, feature->max_depth_um);
        writer_le16(&w, feature->capacity);
        if (!crc)
                writer_le16(&w, NO_CRC);

        return writer_finish(&w, crc);
}
