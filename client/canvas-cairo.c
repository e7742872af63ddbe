/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pictures and pages. cairo brings some twenty libraries with it, whose loading takes as long as all that
 * `needlectl status` does, so it is loaded when somebody asks for one. */

#include "client/canvas.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>

#define FUNCTIONS(X)                                                                                      \
        X(create) X(destroy) X(status) X(save) X(restore) X(scale) X(identity_matrix) X(set_source_rgb)   \
        X(rectangle) X(move_to) X(line_to) X(close_path) X(fill) X(stroke) X(clip) X(paint)               \
        X(set_line_width) X(set_line_join) X(set_dash) X(select_font_face) X(set_font_size)               \
        X(text_extents) X(show_text) X(show_page) X(image_surface_create) X(surface_write_to_png_stream)  \
        X(pdf_surface_create_for_stream) X(pdf_surface_set_metadata) X(surface_status) X(surface_finish)  \
        X(surface_destroy) X(font_options_create) X(font_options_destroy)                                 \
        X(font_options_set_hint_metrics) X(font_options_set_hint_style) X(set_font_options)               \
        X(debug_reset_static_data)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): the name of a member */
#define X(name) typeof(cairo_##name) *name;
static struct {
        bool loaded;
        void (*forget_fonts)(void);     /* of fontconfig; NULL: cairo was built without */
        FUNCTIONS(X)
} lib;
#undef X

/* How much of a text is left of where it is put. */
static const double text_shift[] = { [CANVAS_START] = 0, [CANVAS_MIDDLE] = 0.5, [CANVAS_END] = 1 };

typedef struct CairoCanvas {
        Canvas canvas;
        cairo_surface_t *surface;
        cairo_t *cairo;
        double scale;
        bool is_pdf;
        GString *out;                   /* what a PDF has written */
} CairoCanvas;

/* For good: what cairo keeps for itself is never given back. */
static int load(void) {
        void *handle;

        if (lib.loaded)
                return 0;

        handle = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!handle)
                return -EOPNOTSUPP;

#define X(name) lib.name = (typeof(lib.name)) dlsym(handle, "cairo_" #name); if (!lib.name) return -EOPNOTSUPP;
        FUNCTIONS(X)
#undef X
        lib.forget_fonts = (typeof(lib.forget_fonts)) dlsym(handle, "FcFini");
        lib.loaded = true;
        return 0;
}

static cairo_t *begin(Canvas *canvas, CanvasClass class) {
        CairoCanvas *c = (CairoCanvas *) canvas;
        const CanvasPaint *paint = canvas_paint(class);
        guint64 rgb = g_ascii_strtoull(paint->color[0] + 1, NULL, 16);

        lib.set_source_rgb(c->cairo, (double) (rgb >> 16) / 255, (double) (rgb >> 8 & 255) / 255, (double) (rgb & 255) / 255);
        lib.set_line_width(c->cairo, paint->stroke);
        return c->cairo;
}

static void end(cairo_t *cairo, CanvasClass class) {
        if (canvas_paint(class)->stroke > 0)
                lib.stroke(cairo);
        else
                lib.fill(cairo);
}

static void draw_rectangle(Canvas *canvas, double x, double y, double width, double height, CanvasClass class) {
        cairo_t *cairo = begin(canvas, class);

        lib.rectangle(cairo, x, y, width, height);
        end(cairo, class);
}

static void draw_hatch(Canvas *canvas, double x, double y, double width, double height, CanvasHatch hatch) {
        const CanvasHatching *h = canvas_hatching(hatch);
        double shift = fmod(y, h->distance), end_x = x + width + height + 2 * h->distance;
        double first = floor((x - height) / h->distance - 1) * h->distance;
        cairo_t *cairo = begin(canvas, h->class);
        unsigned n;

        lib.save(cairo);
        lib.rectangle(cairo, x, y, width, height);
        lib.clip(cairo);
        /* As in a pattern, from the corner of the page on, so that neighbours fit together. */
        n = (unsigned) MAX(ceil((end_x - first) / h->distance), 0);
        for (unsigned i = 0; i < n; i++) {
                double at = first + i * h->distance;

                if (h->rises) {
                        lib.move_to(cairo, at - shift, y);
                        lib.line_to(cairo, at - shift - height, y + height);
                }
                if (h->falls) {
                        lib.move_to(cairo, at + shift, y);
                        lib.line_to(cairo, at + shift + height, y + height);
                }
        }
        lib.stroke(cairo);
        lib.restore(cairo);
}

static void draw_path(Canvas *canvas, const CanvasPoint *points, size_t n_points, bool closed, bool dashed, CanvasClass class) {
        static const double dash[] = { 4, 3 };
        cairo_t *cairo = begin(canvas, class);

        lib.set_dash(cairo, dash, dashed ? G_N_ELEMENTS(dash) : 0, 0);
        lib.move_to(cairo, points[0].x, points[0].y);
        for (size_t i = 1; i < n_points; i++)
                lib.line_to(cairo, points[i].x, points[i].y);
        if (closed)
                lib.close_path(cairo);
        end(cairo, class);
        lib.set_dash(cairo, dash, 0, 0);
}

static void draw_text(Canvas *canvas, double x, double y, double size, CanvasAnchor anchor, CanvasClass class, const char *s) {
        cairo_t *cairo = begin(canvas, class);
        cairo_text_extents_t extents;

        lib.set_font_size(cairo, size);
        lib.text_extents(cairo, s, &extents);
        lib.move_to(cairo, x - extents.x_advance * text_shift[anchor], y);
        lib.show_text(cairo, s);
}

/* Groups are for style sheets. */
static void ignore_group(Canvas *canvas, const char *name) {
}

static void ignore_group_end(Canvas *canvas) {
}

static const CanvasBackend cairo_backend = {
        .rectangle = draw_rectangle,
        .hatch = draw_hatch,
        .path = draw_path,
        .text = draw_text,
        .begin_group = ignore_group,
        .end_group = ignore_group_end,
};

static void canvas_cairo_free(CairoCanvas *c) {
        lib.destroy(c->cairo);
        lib.surface_destroy(c->surface);
        /* Fonts are kept for good, by pointers that a leak checker does not know for such. */
        lib.debug_reset_static_data();
        if (lib.forget_fonts)
                lib.forget_fonts();
        if (c->out)
                g_string_free(c->out, TRUE);
        g_free(c);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CairoCanvas, canvas_cairo_free)

static cairo_status_t append_bytes(void *closure, const unsigned char *data, unsigned size) {
        g_string_append_len(closure, (const char *) data, size);
        return CAIRO_STATUS_SUCCESS;
}

static int status_errno(cairo_status_t status) {
        return status == CAIRO_STATUS_SUCCESS ? 0 : status == CAIRO_STATUS_INVALID_SIZE ? -EINVAL : -ENOMEM;
}

/* At a scale that is not whole, letters that are put on pixels stand apart. */
static void set_font(cairo_t *cairo) {
        cairo_font_options_t *options = lib.font_options_create();

        lib.font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
        lib.font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
        lib.set_font_options(cairo, options);
        lib.font_options_destroy(options);
        lib.select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
}

/* Takes `c`, which has its surface. */
static int start(CairoCanvas *c, double scale, Canvas **ret) {
        g_autoptr(CairoCanvas) canvas = c;
        int r;

        canvas->canvas.backend = &cairo_backend;
        canvas->cairo = lib.create(canvas->surface);
        canvas->scale = scale;
        r = status_errno(lib.status(canvas->cairo));
        if (r < 0)
                return r;

        lib.scale(canvas->cairo, scale, scale);
        set_font(canvas->cairo);
        lib.set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
        *ret = &g_steal_pointer(&canvas)->canvas;
        return 0;
}

int canvas_cairo_new_png(double width, double height, double scale, Canvas **ret) {
        CairoCanvas *c;
        Canvas *canvas;
        int r;

        if (!(width > 0 && height > 0 && scale > 0 && width * scale < INT16_MAX && height * scale < INT16_MAX))
                return -EINVAL;

        r = load();
        if (r < 0)
                return r;

        c = g_new0(CairoCanvas, 1);
        c->surface = lib.image_surface_create(CAIRO_FORMAT_RGB24, (int) ceil(width * scale), (int) ceil(height * scale));
        r = start(c, scale, &canvas);
        if (r < 0)
                return r;

        lib.paint(begin(canvas, CANVAS_BACKGROUND));
        *ret = canvas;
        return 0;
}

int canvas_cairo_new_pdf(double width, double height, const char *title, Canvas **ret) {
        CairoCanvas *c;
        int r;

        if (!(width > 0 && height > 0 && width < INT16_MAX && height < INT16_MAX))
                return -EINVAL;

        r = load();
        if (r < 0)
                return r;

        c = g_new0(CairoCanvas, 1);
        c->is_pdf = true;
        c->out = g_string_new(NULL);
        c->surface = lib.pdf_surface_create_for_stream(append_bytes, c->out, width, height);
        if (title)
                lib.pdf_surface_set_metadata(c->surface, CAIRO_PDF_METADATA_TITLE, title);

        return start(c, 1, ret);
}

void canvas_cairo_next_page(Canvas *canvas) {
        CairoCanvas *c = (CairoCanvas *) canvas;

        if (c->is_pdf)
                lib.show_page(c->cairo);
}

void canvas_cairo_zoom(Canvas *canvas, double factor) {
        CairoCanvas *c = (CairoCanvas *) canvas;

        lib.identity_matrix(c->cairo);
        lib.scale(c->cairo, c->scale * factor, c->scale * factor);
}

int canvas_cairo_finish(Canvas *canvas, GString **ret) {
        g_autoptr(CairoCanvas) c = (CairoCanvas *) canvas;
        cairo_status_t status;

        if (c->is_pdf) {
                lib.show_page(c->cairo);
                lib.surface_finish(c->surface);
                status = lib.surface_status(c->surface);
        } else {
                c->out = g_string_new(NULL);
                status = lib.surface_write_to_png_stream(c->surface, append_bytes, c->out);
        }
        if (status == CAIRO_STATUS_SUCCESS)
                status = lib.status(c->cairo);
        if (status != CAIRO_STATUS_SUCCESS)
                return status_errno(status);

        *ret = g_steal_pointer(&c->out);
        return 0;
}
