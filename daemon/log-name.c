/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "log.h"

LogName log_name(const char *label) {
        bool word = *label && !label[strspn(label, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ":_.-")];
        char quote = strchr(label, '"') && !strchr(label, '\'') ? '\'' : '"'; /* --redact finds what is not changed */
        LogName ret = { .text = { quote } };
        char *to = ret.text + !word, *const end = ret.text + sizeof(ret.text) - 2; /* for a quote and the end */

        while (*label && to + (g_utf8_next_char(label) - label) <= end)
                for (const char *next = g_utf8_next_char(label); label < next && *label; label++)
                        *to++ = *label == quote ? '?' : *label;
        if (!word)
                *to++ = quote;
        *to = '\0';
        return ret;
}
