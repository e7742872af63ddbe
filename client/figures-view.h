/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The figures of a session for people, from the dictionary that GetFigures and History1 answer with. */

#include <jansson.h>

/* Pairs of label and value on stdout; figures that are not known are left out. */
void figures_view_print(const json_t *figures);

/* "12m 34s, 45012 strokes, mean 0.85 N, peak 2.10 N", as far as it is known; never NULL. */
char *figures_view_summary(const json_t *figures);
