/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.needled.PairingAgent1, which the caller of Adopt() may have: asks it what link wants to know while a device is paired. */

#include "bus/call.h"

/* The agent at `path` of the call's caller, for the time of the call, which owns it. */
Pairing *pairing_new(Call *call, const char *path);
Pairing *pairing_free(Pairing *pairing);

/* For LinkAdopt.agent. */
const LinkPairingAgent *pairing_agent(const Pairing *pairing);
