/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A small drawing interface: lines, areas and text in points, from the upper left corner. What a thing looks like is told by
 * its class, not by a colour, so that one drawing serves a light page, a dark one and paper. Places that are no number
 * are drawn nowhere, and huge ones at the edge of what a canvas can do. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Class, its name in CSS (after "ch-"), colour on light and on dark, and how it is painted: filled, or stroked with that width.
 * Text and lines keep a contrast of 4.5 and 3 to the background and to what may lie under them; the fills of zones and bands
 * are only tints, since their bounds, labels and hatching say the same. */
#define CANVAS_CLASSES(X)                                                     \
        X(BACKGROUND,   "background",   "#ffffff", "#16181c", FILL,   0)      \
        X(TEXT,         "text",         "#1c1e21", "#eceef1", FILL,   0)      \
        X(MUTED,        "muted",        "#4a4f57", "#b9bec6", FILL,   0)      \
        X(AXIS,         "axis",         "#5b616a", "#9aa1ab", STROKE, 1)      \
        X(GRID,         "grid",         "#d5d8dc", "#3a3f47", STROKE, 0.5)    \
        X(LINE,         "line",         "#0b4f9c", "#8fc1ff", STROKE, 1.2)    \
        X(POINT,        "point",        "#0b4f9c", "#8fc1ff", FILL,   0)      \
        X(BAND,         "band",         "#a9c8ec", "#2c4f7a", FILL,   0)      \
        X(BAR,          "bar",          "#2f6fb7", "#6aa5e8", FILL,   0)      \
        X(ZONE_LOW,     "zone-low",     "#f3f4f6", "#1d2026", FILL,   0)      \
        X(ZONE_GOOD,    "zone-good",    "#e3f3e6", "#17291d", FILL,   0)      \
        X(ZONE_HIGH,    "zone-high",    "#fdf1d8", "#302714", FILL,   0)      \
        X(ZONE_OVER,    "zone-over",    "#fbe3e1", "#371d1d", FILL,   0)      \
        X(OUTLINE,      "outline",      "#5b616a", "#9aa1ab", STROKE, 0.8)    \
        X(BOUND,        "bound",        "#6b5a1e", "#c9b46a", STROKE, 0.8)    \
        X(LIMIT,        "limit",        "#a3161a", "#ff9a94", STROKE, 1.2)    \
        X(STRIPES_GAP,  "stripes-gap",  "#c3c7cd", "#4a5059", STROKE, 0.6)    \
        X(STRIPES_HIGH, "stripes-high", "#e6cf98", "#57481f", STROKE, 0.6)    \
        X(STRIPES_OVER, "stripes-over", "#eab4b0", "#6b3431", STROKE, 0.6)    \
        X(GAP,          "gap",          "#eceef0", "#2a2e35", FILL,   0)      \
        X(STRIP,        "strip",        "#e4e9f0", "#2b323c", FILL,   0)      \
        X(STRIP_ALT,    "strip-alt",    "#f4f6f9", "#20252c", FILL,   0)      \
        X(ALERT,        "alert",        "#a3161a", "#ff9a94", FILL,   0)      \
        X(ALERT_TEXT,   "alert-text",   "#ffffff", "#2a0707", FILL,   0)      \
        X(EVENT,        "event",        "#35506e", "#b5cbe6", FILL,   0)      \
        X(EVENT_TEXT,   "event-text",   "#ffffff", "#0c1826", FILL,   0)

#define X(id, ...) CANVAS_##id,
typedef enum CanvasClass {
        CANVAS_CLASSES(X)
        _CANVAS_CLASS_MAX,
} CanvasClass;
#undef X

typedef enum CanvasAnchor {
        CANVAS_START,
        CANVAS_MIDDLE,
        CANVAS_END,
} CanvasAnchor;

typedef struct CanvasPoint {
        double x, y;
} CanvasPoint;

/* Strokes over an area, so that areas differ without their colours. */
typedef enum CanvasHatch {
        CANVAS_HATCH_GAP,               /* rising */
        CANVAS_HATCH_HIGH,              /* falling, wide apart */
        CANVAS_HATCH_OVER,              /* crossed */
        _CANVAS_HATCH_MAX,
} CanvasHatch;

typedef struct Canvas Canvas;

/* What a backend does; `canvas` is the first member of its own struct. All numbers are finite, texts printable. */
typedef struct CanvasBackend {
        void (*rectangle)(Canvas *canvas, double x, double y, double width, double height, CanvasClass class);
        void (*hatch)(Canvas *canvas, double x, double y, double width, double height, CanvasHatch hatch);
        void (*path)(Canvas *canvas, const CanvasPoint *points, size_t n_points, bool closed, bool dashed, CanvasClass class);
        void (*text)(Canvas *canvas, double x, double y, double size, CanvasAnchor anchor, CanvasClass class, const char *s);
        void (*begin_group)(Canvas *canvas, const char *name);
        void (*end_group)(Canvas *canvas);
} CanvasBackend;

struct Canvas {
        const CanvasBackend *backend;
        CanvasPoint origin;             /* added to every place */
};

void canvas_rectangle(Canvas *canvas, double x, double y, double width, double height, CanvasClass class);
void canvas_hatch(Canvas *canvas, double x, double y, double width, double height, CanvasHatch hatch);
/* Through all the points; fewer than two are nothing. */
void canvas_polyline(Canvas *canvas, const CanvasPoint *points, size_t n_points, bool dashed, CanvasClass class);
void canvas_polygon(Canvas *canvas, const CanvasPoint *points, size_t n_points, CanvasClass class);
void canvas_line(Canvas *canvas, double x1, double y1, double x2, double y2, bool dashed, CanvasClass class);
/* `y` is the base line. Made printable; NULL and "" are nothing. */
void canvas_text(Canvas *canvas, double x, double y, double size, CanvasAnchor anchor, CanvasClass class, const char *s);
/* Things that belong together; `name` is a class in CSS (after "ch-"). */
void canvas_begin_group(Canvas *canvas, const char *name);
void canvas_end_group(Canvas *canvas);

/* An estimate of what a text takes in points, rather too much than too little; and a printable copy of it that takes no more than
 * `width`, with an ellipsis where something was cut off ("" if there is no room for anything else). Neither knows the font. */
double canvas_text_width(const char *s, double size);
char *canvas_fit(const char *s, double size, double width);

typedef struct CanvasPaint {
        const char *name;               /* in CSS, without "ch-" */
        const char *color[2];           /* on light, on dark: "#rrggbb" */
        double stroke;                  /* its width; 0: filled */
} CanvasPaint;

typedef struct CanvasHatching {
        CanvasClass class;
        double distance;                /* between two strokes, across */
        bool rises, falls;
} CanvasHatching;

const CanvasPaint *canvas_paint(CanvasClass class);
const CanvasHatching *canvas_hatching(CanvasHatch hatch);

/* An <svg> element, to stand in a page or in a file. `id` is unique in the page (letters, digits, '-'), `title` and `desc` are
 * what a screen reader says. Finishing returns the text and frees the canvas. */
Canvas *canvas_svg_new(const char *id, const char *title, const char *desc, double width, double height);
GString *canvas_svg_finish(Canvas *canvas);

/* A picture of `scale` pixels a point, or pages of that size in points. -EOPNOTSUPP cairo is not installed, -EINVAL a
 * size that cairo does not take, -ENOMEM. */
int canvas_cairo_new_png(double width, double height, double scale, Canvas **ret);
int canvas_cairo_new_pdf(double width, double height, const char *title, Canvas **ret);
/* The following is on another page; a picture has none. */
void canvas_cairo_next_page(Canvas *canvas);
/* Until the next page or canvas_cairo_zoom(canvas, 1), everything is drawn so much larger around the upper left corner. */
void canvas_cairo_zoom(Canvas *canvas, double factor);
/* The bytes of the file; frees the canvas. -ENOMEM. */
int canvas_cairo_finish(Canvas *canvas, GString **ret);
