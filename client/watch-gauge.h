/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The force as a picture: the bar against its zones with the peak that is held, and the last minute. Pure. */

#include "client/watch-model.h"
#include "client/watch-page.h"

Style watch_gauge_style(WatchZone zone);

/* The bar, and a line under it that says where each zone begins. */
void watch_gauge_bar(WatchPage *page, const WatchModel *m, uint64_t now_usec);
void watch_gauge_minute(WatchPage *page, const WatchModel *m, uint64_t now_usec);
