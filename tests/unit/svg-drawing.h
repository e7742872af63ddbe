/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A chart's SVG, read back. */

#include <glib.h>
#include <stdbool.h>

#include "client/chart.h"

/* A text in a drawing, and where it is by estimate. */
typedef struct SvgLabel {
        char *text, *group;
        double left, right, y, size;
} SvgLabel;

/* What an SVG consists of. */
typedef struct SvgDrawing {
        GString *svg;
        GPtrArray *labels;
        GHashTable *counts;             /* "rect ch-gap" → how many */
        GQueue groups;
        SvgLabel *open;
        double width, height, lowest;   /* `lowest` of all rectangles and texts */
} SvgDrawing;

/* Draws the chart and reads it: it is well formed, in its size, and there is a rule for each of its classes. */
SvgDrawing *svg_drawing_new(const Chart *chart);
SvgDrawing *svg_drawing_free(SvgDrawing *d);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvgDrawing, svg_drawing_free)

/* How many "rect ch-gap" there are. */
unsigned svg_drawing_count(const SvgDrawing *d, const char *what);
bool svg_drawing_has(const SvgDrawing *d, const char *text);
/* "0 1 2 3" of a group. */
char *svg_drawing_texts(const SvgDrawing *d, const char *group);
void svg_drawing_assert_texts(const SvgDrawing *d, const char *group, const char *expected);
/* No two texts cover each other, and none leaves the drawing. */
void svg_drawing_assert_apart(const SvgDrawing *d);
