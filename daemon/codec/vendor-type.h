/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The types of a vendor profile's numbers. */

#include "needled/vendor.h"

typedef struct VendorTypeInfo {
        const char *name;       /* in a file */
        uint8_t size;           /* octets */
        bool is_signed, is_float;
} VendorTypeInfo;

static const VendorTypeInfo vendor_types[_VENDOR_TYPE_MAX] = {
        [VENDOR_U8] = { "u8", 1, false, false },  [VENDOR_S8] = { "s8", 1, true, false },
        [VENDOR_U16] = { "u16", 2, false, false }, [VENDOR_S16] = { "s16", 2, true, false },
        [VENDOR_U24] = { "u24", 3, false, false }, [VENDOR_S24] = { "s24", 3, true, false },
        [VENDOR_U32] = { "u32", 4, false, false }, [VENDOR_S32] = { "s32", 4, true, false },
        [VENDOR_U48] = { "u48", 6, false, false }, [VENDOR_F32] = { "f32", 4, true, true },
        [VENDOR_SFLOAT] = { "sfloat", 2, true, true },
};
