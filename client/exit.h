/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How needlectl ends; scripts rely on the numbers. Functions that return an Exit other than EXIT_DONE have
 * told the user why. */

typedef enum Exit {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_NOTHING_TO_DO = 2,
        EXIT_NOT_FOUND = 3,
        EXIT_NOT_AUTHORISED = 4,
        EXIT_UNREACHABLE = 5,
        EXIT_USAGE = 64,
} Exit;
