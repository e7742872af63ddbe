/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/canvas.h"

#include <math.h>
#include <string.h>

#include "client/text.h"

#define COORDINATE_MAX 1e6              /* cairo counts in 24.8 bits */
#define ELLIPSIS "\xe2\x80\xa6"

#define FILL(width) 0
#define STROKE(width) width
#define X(id, name, light, dark, paint, width) [CANVAS_##id] = { name, { light, dark }, paint(width) },
static const CanvasPaint paints[_CANVAS_CLASS_MAX] = { CANVAS_CLASSES(X) };
#undef X

static const CanvasHatching hatchings[_CANVAS_HATCH_MAX] = {
        [CANVAS_HATCH_GAP]  = { CANVAS_STRIPES_GAP, 6, true, false },
        [CANVAS_HATCH_HIGH] = { CANVAS_STRIPES_HIGH, 12, false, true },
        [CANVAS_HATCH_OVER] = { CANVAS_STRIPES_OVER, 8, true, true },
};

static double bounded(double value) {
        return CLAMP(value, -COORDINATE_MAX, COORDINATE_MAX);
}

/* Where it is on the whole canvas. */
static CanvasPoint place(const Canvas *canvas, double x, double y) {
        return (CanvasPoint) { bounded(x + canvas->origin.x), bounded(y + canvas->origin.y) };
}

static bool is_area(double x, double y, double width, double height) {
        return isfinite(x) && isfinite(y) && isfinite(width) && isfinite(height) && width > 0 && height > 0;
}

static void draw_path(Canvas *canvas, const CanvasPoint *points, size_t n_points, bool closed, bool dashed, CanvasClass class) {
        g_autofree CanvasPoint *good = g_new(CanvasPoint, n_points + 1);
        size_t n_good = 0;

        for (size_t i = 0; i < n_points; i++)
                if (isfinite(points[i].x) && isfinite(points[i].y))
                        good[n_good++] = place(canvas, points[i].x, points[i].y);

        if (n_good >= (closed ? 3 : 2))
                canvas->backend->path(canvas, good, n_good, closed, dashed, class);
}

/* In parts of the size, as in the wider ones of the usual fonts. */
static double char_width(gunichar c) {
        if (g_unichar_iszerowidth(c))
                return 0;
        if (g_unichar_iswide(c))
                return 1.3;
        if (c < 0x80 && strchr("iljtfrI.,:;'|!()[] ", (int) c))
                return 0.42;
        if (c < 0x80 && strchr("mwMW%", (int) c))
                return 1;
        if (c == 0x2026) /* the ellipsis */
                return 1;

        return g_unichar_isupper(c) ? 0.76 : g_unichar_islower(c) ? 0.61 : 0.64;
}

void canvas_rectangle(Canvas *canvas, double x, double y, double width, double height, CanvasClass class) {
        CanvasPoint corner = place(canvas, x, y);

        if (is_area(x, y, width, height))
                canvas->backend->rectangle(canvas, corner.x, corner.y, bounded(width), bounded(height), class);
}

void canvas_hatch(Canvas *canvas, double x, double y, double width, double height, CanvasHatch hatch) {
        CanvasPoint corner = place(canvas, x, y);

        if (is_area(x, y, width, height))
                canvas->backend->hatch(canvas, corner.x, corner.y, bounded(width), bounded(height), hatch);
}

void canvas_polyline(Canvas *canvas, const CanvasPoint *points, size_t n_points, bool dashed, CanvasClass class) {
        draw_path(canvas, points, n_points, false, dashed, class);
}

void canvas_polygon(Canvas *canvas, const CanvasPoint *points, size_t n_points, CanvasClass class) {
        draw_path(canvas, points, n_points, true, false, class);
}

void canvas_line(Canvas *canvas, double x1, double y1, double x2, double y2, bool dashed, CanvasClass class) {
        draw_path(canvas, (CanvasPoint[]) { { x1, y1 }, { x2, y2 } }, 2, false, dashed, class);
}

void canvas_text(Canvas *canvas, double x, double y, double size, CanvasAnchor anchor, CanvasClass class, const char *s) {
        g_autofree char *printable = text_printable_utf8(s);
        CanvasPoint at = place(canvas, x, y);

        if (*printable && isfinite(x) && isfinite(y))
                canvas->backend->text(canvas, at.x, at.y, size, anchor, class, printable);
}

void canvas_begin_group(Canvas *canvas, const char *name) {
        canvas->backend->begin_group(canvas, name);
}

void canvas_end_group(Canvas *canvas) {
        canvas->backend->end_group(canvas);
}

double canvas_text_width(const char *s, double size) {
        g_autofree char *printable = text_printable_utf8(s);
        double width = 0;

        for (const char *p = printable; *p; p = g_utf8_next_char(p))
                width += char_width(g_utf8_get_char(p));

        return width * size;
}

char *canvas_fit(const char *s, double size, double width) {
        g_autofree char *printable = text_printable_utf8(s);
        double taken = canvas_text_width(ELLIPSIS, size);
        const char *p = printable;

        if (canvas_text_width(printable, size) <= width)
                return g_steal_pointer(&printable);
        for (; *p; p = g_utf8_next_char(p)) {
                taken += char_width(g_utf8_get_char(p)) * size;
                if (taken > width - 1e-6) /* in another order, sums differ a little */
                        break;
        }
        if (p == printable)
                return g_strdup("");

        return g_strdup_printf("%.*s" ELLIPSIS, (int) (p - printable), printable);
}

const CanvasPaint *canvas_paint(CanvasClass class) {
        return &paints[class];
}

const CanvasHatching *canvas_hatching(CanvasHatch hatch) {
        return &hatchings[hatch];
}
