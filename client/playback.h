/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tape through the service's own decoder: what a stream of that session would have told, and its figures by the
 * code of today. Pure; time is that of the tape. */

#include <glib.h>
#include <stdint.h>

#include "client/stream-reader.h"
#include "needled/figures.h"
#include "needled/omp.h"
#include "needled/tape.h"
#include "needled/vendor.h"

typedef struct Playback Playback;
typedef void (*PlaybackTold)(const StreamRecord *record, void *userdata);

/* The head is whole: the first line of the body has been read. `vendor` is the tape's profile, NULL for "omp1"; it
 * and the head must outlive the playback. `told` may be NULL, if the figures are all that is wanted. */
Playback *playback_new(const TapeReader *tape, const VendorProfile *vendor, PlaybackTold told, void *userdata);
Playback *playback_free(Playback *playback);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Playback, playback_free)

/* The next line of the body. */
void playback_line(Playback *playback, const TapeLine *line);
/* There is no more: the last figures are told, and the end if the tape has one. */
void playback_finish(Playback *playback);

/* So far; of what has ended, the final ones. */
void playback_figures(const Playback *playback, Figures *ret);
OmpKind playback_kind(const Playback *playback); /* of the device, OMP_KIND_UNKNOWN until it has said so */
uint64_t playback_frames(const Playback *playback);
/* Of these: of characteristics that the vendor profile does not have. They were passed over. */
uint64_t playback_unplaced(const Playback *playback);
