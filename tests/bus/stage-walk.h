/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stage's frames of the live session, and who walks through them: store_walk_on() and what goes with it. */

#include "stage.h"

void stage_walk_init(void);
/* Answers what is under way, as the store does when it closes; then none may be left. */
void stage_walk_done(void);
void stage_walk_keep(Session *session, const Frame *frame);
void stage_walk_forget(const void *userdata);
Replay *stage_walk_replay(const StoreSession *row, const TrackerObserver *observer, void *observer_userdata, uint8_t ret_map[static CHANNELS_MAX],
                          void *userdata);
