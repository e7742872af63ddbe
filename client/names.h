/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What numbers and words of the API are called, and what they mean to a person. */

#include <stdint.h>

#include "needled/stream.h"

/* enum NeedledStreamState and the numbers in needled_stream_state, needled_stream_end → the words of the
 * API; "unknown" else. */
const char *names_session_state(uint8_t state);
const char *names_stage(uint8_t stage);
const char *names_end_reason(uint8_t reason);
/* Likewise of needled_stream_alert. */
const char *names_alert(uint8_t code);
const char *names_alert_level(uint8_t level);
/* What it says to people; NULL: of a later version. The caller frees. */
char *names_alert_text(const struct needled_stream_alert *alert);

/* Manager1.Bluetooth → what that means and what to do, as the end of a sentence; NULL if there is nothing to say. */
const char *names_bluetooth_text(const char *bluetooth);

/* End reason of a session → how it ended ("ended by the device"); the word itself if it is a new one. */
const char *names_end_reason_text(const char *reason);

/* Of one that was ended by hand: the device opens no other one while it goes on being used. */
#define NAMES_NEXT_AFTER_REST "The next session begins when the device has been at rest: off the skin, its motor off."
