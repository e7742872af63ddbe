/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the live view looks like: model in, lines out. Pure; knows no terminal. */

#include <glib.h>
#include <stdbool.h>

#include "client/watch-model.h"
#include "client/watch-prompt.h"

typedef struct WatchSize {
        unsigned columns, rows;
        bool color;
} WatchSize;

/* At most `rows` lines of at most `columns` columns each, ANSI styles inside if there is colour, nothing
 * else that moves a cursor. Where there is little room, what matters least is left out. `prompt`: what is asked below it,
 * NULL: there is no keyboard. The caller unrefs. */
GPtrArray *watch_view_render(const WatchModel *m, const WatchPrompt *prompt, const WatchSize *size, uint64_t now_usec,
                             uint64_t realtime_usec);
