/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lowest lines of the live view: what a key led to, what is asked, and which keys there are. Pure. */

#include "client/watch-model.h"
#include "client/watch-page.h"
#include "client/watch-prompt.h"

/* `prompt` may be NULL: there is no keyboard. */
void watch_footer_add(WatchPage *page, const WatchModel *m, const WatchPrompt *prompt, uint64_t now_usec);
/* What each key does, a line for each. */
void watch_footer_help(WatchPage *page, const WatchPrompt *prompt);
