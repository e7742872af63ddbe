/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SVG, written by hand: in cairo's own, text is outlines, which nobody can select, have read aloud or recolour, and colours
 * are fixed, so that it would need one file for light pages and one for dark. */

#include "client/canvas.h"

#include <inttypes.h>
#include <math.h>

#include "client/text.h"

typedef struct SvgCanvas {
        Canvas canvas;
        GString *out;
        char *id;
} SvgCanvas;

static const char *const anchors[] = {
        [CANVAS_START]  = "",
        [CANVAS_MIDDLE] = " text-anchor=\"middle\"",
        [CANVAS_END]    = " text-anchor=\"end\"",
};

/* In tenths of a point, as whole numbers: no locale has a say in them, and relative steps add up exactly. */
static int64_t tenths(double value) {
        return (int64_t) lround(value * 10);
}

static void append_tenths(GString *out, int64_t value) {
        if (value < 0)
                g_string_append_c(out, '-');
        g_string_append_printf(out, "%" PRId64, ABS(value) / 10);
        if (value % 10)
                g_string_append_printf(out, ".%" PRId64, ABS(value) % 10);
}

static void append_attribute(GString *out, const char *name, double value) {
        g_string_append_printf(out, " %s=\"", name);
        append_tenths(out, tenths(value));
        g_string_append_c(out, '"');
}

static void append_escaped(GString *out, const char *s) {
        g_autofree char *escaped = g_markup_escape_text(s, -1);

        g_string_append(out, escaped);
}

/* XML has no place for control characters, not even escaped ones. */
static void append_printable(GString *out, const char *s) {
        g_autofree char *printable = text_printable_utf8(s);

        append_escaped(out, printable);
}

static void append_area(GString *out, double x, double y, double width, double height) {
        append_attribute(out, "x", x);
        append_attribute(out, "y", y);
        append_attribute(out, "width", fmax(width, 0.1));
        append_attribute(out, "height", fmax(height, 0.1));
}

static void svg_rectangle(Canvas *canvas, double x, double y, double width, double height, CanvasClass class) {
        SvgCanvas *svg = (SvgCanvas *) canvas;

        g_string_append_printf(svg->out, "<rect class=\"ch-%s\"", canvas_paint(class)->name);
        append_area(svg->out, x, y, width, height);
        g_string_append(svg->out, "/>\n");
}

static void svg_hatch(Canvas *canvas, double x, double y, double width, double height, CanvasHatch hatch) {
        SvgCanvas *svg = (SvgCanvas *) canvas;
        const char *name = canvas_paint(canvas_hatching(hatch)->class)->name;

        g_string_append_printf(svg->out, "<rect fill=\"url(#%s-%s)\"", svg->id, name);
        append_area(svg->out, x, y, width, height);
        g_string_append(svg->out, "/>\n");
}

/* Each point by its distance to the one before, which is shorter. */
static void svg_path(Canvas *canvas, const CanvasPoint *points, size_t n_points, bool closed, bool dashed, CanvasClass class) {
        SvgCanvas *svg = (SvgCanvas *) canvas;
        int64_t x = tenths(points[0].x), y = tenths(points[0].y);

        g_string_append_printf(svg->out, "<path class=\"ch-%s\"%s d=\"M", canvas_paint(class)->name,
                               dashed ? " stroke-dasharray=\"4 3\"" : "");
        append_tenths(svg->out, x);
        g_string_append_c(svg->out, ' ');
        append_tenths(svg->out, y);
        for (size_t i = 1; i < n_points; i++) {
                int64_t dx = tenths(points[i].x) - x, dy = tenths(points[i].y) - y;

                g_string_append(svg->out, i == 1 ? "l" : dx >= 0 ? " " : "");
                append_tenths(svg->out, dx);
                g_string_append(svg->out, dy >= 0 ? " " : "");
                append_tenths(svg->out, dy);
                x += dx;
                y += dy;
        }
        g_string_append(svg->out, closed ? "z\"/>\n" : "\"/>\n");
}

static void svg_text(Canvas *canvas, double x, double y, double size, CanvasAnchor anchor, CanvasClass class, const char *s) {
        SvgCanvas *svg = (SvgCanvas *) canvas;

        g_string_append_printf(svg->out, "<text class=\"ch-%s\"", canvas_paint(class)->name);
        append_attribute(svg->out, "x", x);
        append_attribute(svg->out, "y", y);
        append_attribute(svg->out, "font-size", size);
        g_string_append_printf(svg->out, "%s>", anchors[anchor]);
        append_escaped(svg->out, s);
        g_string_append(svg->out, "</text>\n");
}

static void svg_begin_group(Canvas *canvas, const char *name) {
        SvgCanvas *svg = (SvgCanvas *) canvas;

        g_string_append_printf(svg->out, "<g class=\"ch-%s\">\n", name);
}

static void svg_end_group(Canvas *canvas) {
        SvgCanvas *svg = (SvgCanvas *) canvas;

        g_string_append(svg->out, "</g>\n");
}

static const CanvasBackend svg_backend = {
        .rectangle = svg_rectangle,
        .hatch = svg_hatch,
        .path = svg_path,
        .text = svg_text,
        .begin_group = svg_begin_group,
        .end_group = svg_end_group,
};

static void append_patterns(SvgCanvas *svg) {
        g_string_append(svg->out, "<defs>");
        for (CanvasHatch hatch = 0; hatch < _CANVAS_HATCH_MAX; hatch++) {
                const CanvasHatching *h = canvas_hatching(hatch);
                const char *name = canvas_paint(h->class)->name;
                int size = (int) lround(h->distance);

                g_string_append_printf(svg->out,
                                       "<pattern id=\"%s-%s\" width=\"%d\" height=\"%d\""
                                       " patternUnits=\"userSpaceOnUse\"><path class=\"ch-%s\" d=\"",
                                       svg->id, name, size, size, name);
                /* Beyond the corners too: else they are cut off in every tile. */
                if (h->rises)
                        g_string_append_printf(svg->out, "M-1 1l2-2M0 %dL%d 0M%d %dl2-2", size, size, size - 1, size + 1);
                if (h->falls)
                        g_string_append_printf(svg->out, "M-1 %dl2 2M0 0L%d %dM%d-1l2 2", size - 1, size, size, size - 1);
                g_string_append(svg->out, "\"/></pattern>");
        }
        g_string_append(svg->out, "</defs>\n");
}

Canvas *canvas_svg_new(const char *id, const char *title, const char *desc, double width, double height) {
        SvgCanvas *svg = g_new0(SvgCanvas, 1);

        svg->canvas.backend = &svg_backend;
        svg->id = g_strdup(id);
        svg->out = g_string_new(NULL);

        g_string_append_printf(svg->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ch\" id=\"%s\" role=\"img\""
                               " aria-labelledby=\"%s-title %s-desc\"", id, id, id);
        append_attribute(svg->out, "width", width);
        append_attribute(svg->out, "height", height);
        g_string_append(svg->out, " viewBox=\"0 0 ");
        append_tenths(svg->out, tenths(width));
        g_string_append_c(svg->out, ' ');
        append_tenths(svg->out, tenths(height));
        g_string_append_printf(svg->out, "\">\n<title id=\"%s-title\">", id);
        append_printable(svg->out, title);
        g_string_append_printf(svg->out, "</title>\n<desc id=\"%s-desc\">", id);
        append_printable(svg->out, desc);
        g_string_append(svg->out, "</desc>\n");
        append_patterns(svg);

        return &svg->canvas;
}

GString *canvas_svg_finish(Canvas *canvas) {
        SvgCanvas *svg = (SvgCanvas *) canvas;
        GString *out = svg->out;

        g_string_append(out, "</svg>\n");
        g_free(svg->id);
        g_free(svg);
        return out;
}
