/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The past of a session for a reader that asked for it, and the seam between it and what is live. */

#include "bus/session-object.h"

/* HELLO, then what is stored of the time before, without a gap to what is live and nothing twice. The past goes with the reader. */
void past_begin(SessionObject *object, Reader *reader);
/* There is no past any more, whatever was read of it: PAST says so, and END with the reason "discarded" is what follows, and the last. */
void past_cut(Reader *reader);
/* The session is over, and its object goes: what the reader was not given of the past is left out, and what waited behind it follows. */
void past_stop(Reader *reader);
/* The session is over: what is told of it from here on waits behind the past. Nothing happens with a reader that is given none. */
void past_hold(Reader *reader);
