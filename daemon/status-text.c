/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status-text.h"

#include <glib.h>

void status_text(const StatusFacts *f, char ret[static STATUS_TEXT_MAX]) {
        g_autoptr(GString) text = g_string_new(f->bluetooth);

        if (f->n_adopted == 0)
                (void) g_string_append(text, "; no device is adopted");
        else
                g_string_append_printf(text, "; %u %s of %u %s here", f->n_here, f->n_here == 1 ? "device" : "devices", f->n_adopted,
                                       f->n_here == 1 ? "is" : "are");
        if (f->n_sessions == 1)
                (void) g_string_append(text, f->n_waiting ? "; 1 session waits for its device" : "; 1 session is running");
        else if (f->n_sessions > 1)
                g_string_append_printf(text, "; %u sessions are running", f->n_sessions);
        if (f->n_sessions > 1 && f->n_waiting > 0)
                g_string_append_printf(text, ", of which %u %s", f->n_waiting, f->n_waiting == 1 ? "waits for its device" : "wait for their devices");
        if (f->storage)
                g_string_append_printf(text, "; %s", f->storage);
        (void) g_string_append_c(text, '.');
        (void) g_strlcpy(ret, text->str, STATUS_TEXT_MAX);
}
