/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the stage share. */

#include "stage.h"

/* stage-link.c: the link is at work, until the test says stage->work_done(). */
void stage_begin_work(const char *work, LinkDone done, void *userdata);

/* stage-store.c */
void stage_store_init(void);
void stage_store_done(void);
void stage_keep_labels(const StoreLabels *labels, uint64_t session);
