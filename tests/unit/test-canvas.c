/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/canvas.h"

#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The drawing between the preamble and the end. */
static char *finish_drawing(Canvas *canvas) {
        g_autofree char *text = g_string_free(canvas_svg_finish(canvas), FALSE);
        static const GMarkupParser nothing;
        g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&nothing, 0, NULL, NULL);
        const char *begin = strstr(text, "</defs>\n"), *end = g_strrstr(text, "</svg>");

        g_assert_true(g_markup_parse_context_parse(context, text, -1, NULL));
        g_assert_true(g_markup_parse_context_end_parse(context, NULL));
        g_assert_true(begin && end);
        begin += strlen("</defs>\n");
        return g_strndup(begin, (gsize) (end - begin));
}

static Canvas *drawing(void) {
        return canvas_svg_new("a", "Title", "Description", 100, 50);
}

static void assert_drawn(Canvas *canvas, const char *expected) {
        g_autofree char *drawn = finish_drawing(canvas);

        g_assert_cmpstr(drawn, ==, expected);
}

static void test_svg_says_what_it_is(void) {
        Canvas *canvas = canvas_svg_new("f-1", "A & B", "<0.3 N>", 720, 100.25);
        g_autofree char *text = g_string_free(canvas_svg_finish(canvas), FALSE);

        g_assert_true(g_str_has_prefix(text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ch\" id=\"f-1\" role=\"img\""
                " aria-labelledby=\"f-1-title f-1-desc\""
                " width=\"720\" height=\"100.3\" viewBox=\"0 0 720 100.3\">\n"
                "<title id=\"f-1-title\">A &amp; B</title>\n<desc id=\"f-1-desc\">&lt;0.3 N&gt;</desc>\n"));
        g_assert_nonnull(strstr(text, "<pattern id=\"f-1-stripes-gap\""));
}

static void test_numbers_have_one_decimal(void) {
        Canvas *canvas = drawing();

        canvas_rectangle(canvas, 12.34, -0.04, 3, 0.06, CANVAS_BAR);
        canvas_rectangle(canvas, -0.5, -12.26, 1e3, 0.001, CANVAS_BAR); /* thin is not nothing */
        assert_drawn(canvas, "<rect class=\"ch-bar\" x=\"12.3\" y=\"0\" width=\"3\" height=\"0.1\"/>\n"
                             "<rect class=\"ch-bar\" x=\"-0.5\" y=\"-12.3\" width=\"1000\" height=\"0.1\"/>\n");
}

/* Steps between rounded places: errors do not add up. */
static void test_paths_go_in_steps(void) {
        const CanvasPoint points[] = { { 1.04, 2 }, { 2.06, 1.5 }, { 1.54, 1.5 }, { 1.54, 10 } };
        Canvas *canvas = drawing();

        canvas->origin = (CanvasPoint) { 10, 0 };
        canvas_polyline(canvas, points, 4, false, CANVAS_LINE);
        canvas_polygon(canvas, points, 3, CANVAS_BAND);
        canvas_line(canvas, 0, 0, 5, 5, true, CANVAS_GRID);
        assert_drawn(canvas, "<path class=\"ch-line\" d=\"M11 2l1.1-0.5-0.6 0 0 8.5\"/>\n"
                             "<path class=\"ch-band\" d=\"M11 2l1.1-0.5-0.6 0z\"/>\n"
                             "<path class=\"ch-grid\" stroke-dasharray=\"4 3\" d=\"M10 0l5 5\"/>\n");
}

static void test_what_is_no_number_is_not_drawn(void) {
        const CanvasPoint points[] = { { 1, 1 }, { NAN, 2 }, { 3, INFINITY }, { 4, 4 } };
        Canvas *canvas = drawing();

        canvas_polyline(canvas, points, 4, false, CANVAS_LINE);
        canvas_polyline(canvas, points, 2, false, CANVAS_LINE);
        canvas_polyline(canvas, points, 0, false, CANVAS_LINE);
        canvas_polygon(canvas, points, 4, CANVAS_BAND);
        canvas_rectangle(canvas, NAN, 0, 1, 1, CANVAS_BAR);
        canvas_rectangle(canvas, 0, 0, INFINITY, 1, CANVAS_BAR);
        canvas_rectangle(canvas, 0, 0, 0, 1, CANVAS_BAR);
        canvas_hatch(canvas, 0, 0, 1, -1, CANVAS_HATCH_GAP);
        canvas_text(canvas, NAN, 0, 10, CANVAS_START, CANVAS_TEXT, "a");
        canvas_text(canvas, 0, 0, 10, CANVAS_START, CANVAS_TEXT, "");
        canvas_text(canvas, 0, 0, 10, CANVAS_START, CANVAS_TEXT, NULL);
        assert_drawn(canvas, "<path class=\"ch-line\" d=\"M1 1l3 3\"/>\n");
}

static void test_huge_places_are_bounded(void) {
        Canvas *canvas = drawing();

        canvas_line(canvas, -1e300, 0, 1e300, 0, false, CANVAS_LINE);
        assert_drawn(canvas, "<path class=\"ch-line\" d=\"M-1000000 0l2000000 0\"/>\n");
}

static void test_text_stays_text(void) {
        Canvas *canvas = drawing();

        canvas_begin_group(canvas, "labels");
        canvas_text(canvas, 1, 2, 11, CANVAS_MIDDLE, CANVAS_TEXT, "</text><script>\"&'");
        canvas_text(canvas, 1, 2, 10, CANVAS_END, CANVAS_MUTED, "a\x01\xff\nb\xe2\x80\xae" "c]]>");
        canvas_text(canvas, 1, 2, 10, CANVAS_START, CANVAS_MUTED, "שלום 🙂");
        canvas_end_group(canvas);
        assert_drawn(canvas, "<g class=\"ch-labels\">\n"
                             "<text class=\"ch-text\" x=\"1\" y=\"2\" font-size=\"11\" text-anchor=\"middle\">"
                             "&lt;/text&gt;&lt;script&gt;&quot;&amp;&apos;</text>\n"
                             "<text class=\"ch-muted\" x=\"1\" y=\"2\" font-size=\"10\" text-anchor=\"end\">a�� b�c]]&gt;</text>\n"
                             "<text class=\"ch-muted\" x=\"1\" y=\"2\" font-size=\"10\">שלום 🙂</text>\n"
                             "</g>\n");
}

static void test_hatching_names_its_pattern(void) {
        Canvas *canvas = drawing();

        canvas_hatch(canvas, 0, 0, 5, 5, CANVAS_HATCH_OVER);
        assert_drawn(canvas, "<rect fill=\"url(#a-stripes-over)\" x=\"0\" y=\"0\" width=\"5\" height=\"5\"/>\n");
}

static void test_fitted_text_has_room(void) {
        static const char *const texts[] = { "", "a", "left cheek, below the eye", "WWWWWWWW", "笔笔笔笔笔", "🙂🙂🙂",
                                             "e\xcc\x81\xcc\x81\xcc\x81 accents", "a\x01\nb" };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                for (double width = 0; width < 200; width += 7) {
                        g_autofree char *fitted = canvas_fit(texts[i], 10, width);

                        g_assert_cmpfloat(canvas_text_width(fitted, 10), <=, width);
                        g_assert_true(g_utf8_validate(fitted, -1, NULL));
                        g_assert_cmpstr(fitted, !=, "…");
                }
        {
                g_autofree char *cut = canvas_fit("forehead", 10, 40), *whole = canvas_fit("forehead", 10, 60),
                                *none = canvas_fit(NULL, 10, 60);

                g_assert_cmpstr(cut, ==, "foreh…");
                g_assert_cmpstr(whole, ==, "forehead");
                g_assert_cmpstr(none, ==, "");
        }
}

static cairo_status_t read_bytes(void *closure, unsigned char *data, unsigned size) {
        GString *file = closure;

        if (file->len < size)
                return CAIRO_STATUS_READ_ERROR;
        memcpy(data, file->str, size);
        g_string_erase(file, 0, size);
        return CAIRO_STATUS_SUCCESS;
}

/* Takes the canvas. */
static cairo_surface_t *finish_picture(Canvas *canvas) {
        g_autoptr(GString) file = NULL;
        cairo_surface_t *picture;

        g_assert_cmpint(canvas_cairo_finish(canvas, &file), ==, 0);
        g_assert_cmpmem(file->str, 8, "\x89PNG\r\n\x1a\n", 8);
        picture = cairo_image_surface_create_from_png_stream(read_bytes, file);
        g_assert_cmpint(cairo_surface_status(picture), ==, CAIRO_STATUS_SUCCESS);
        return picture;
}

static uint32_t pixel(cairo_surface_t *picture, int x, int y) {
        const unsigned char *row = cairo_image_surface_get_data(picture) + (ptrdiff_t) y * cairo_image_surface_get_stride(picture);
        uint32_t value;

        memcpy(&value, row + (ptrdiff_t) x * 4, sizeof value);
        return value & 0xffffff;
}

static uint32_t color_of(CanvasClass class) {
        return (uint32_t) g_ascii_strtoull(canvas_paint(class)->color[0] + 1, NULL, 16);
}

static void test_pictures_have_their_size_and_colors(void) {
        cairo_surface_t *picture;
        Canvas *canvas;

        g_assert_cmpint(canvas_cairo_new_png(100, 50.2, 2, &canvas), ==, 0);
        canvas->origin = (CanvasPoint) { 10, 10 };
        canvas_begin_group(canvas, "g");
        canvas_rectangle(canvas, 0, 0, 20, 20, CANVAS_ALERT);
        canvas_polygon(canvas, (CanvasPoint[]) { { 30, 0 }, { 50, 0 }, { 50, 20 }, { 30, 20 } }, 4, CANVAS_BAR);
        canvas_line(canvas, 60, 0, 60, 30, false, CANVAS_LIMIT);
        canvas_end_group(canvas);
        picture = finish_picture(canvas);
        g_assert_cmpint(cairo_image_surface_get_width(picture), ==, 200);
        g_assert_cmpint(cairo_image_surface_get_height(picture), ==, 101);
        g_assert_cmphex(pixel(picture, 5, 5), ==, 0xffffff);
        g_assert_cmphex(pixel(picture, 40, 40), ==, color_of(CANVAS_ALERT));
        g_assert_cmphex(pixel(picture, 100, 40), ==, color_of(CANVAS_BAR));
        g_assert_cmphex(pixel(picture, 140, 40), ==, color_of(CANVAS_LIMIT));
        g_assert_cmphex(pixel(picture, 160, 40), ==, 0xffffff);
        cairo_surface_destroy(picture);
}

static unsigned count_inked(cairo_surface_t *picture, int from_x, int to_x) {
        unsigned n = 0;

        for (int y = 0; y < cairo_image_surface_get_height(picture); y++)
                for (int x = from_x; x < to_x; x++)
                        n += pixel(picture, x, y) != 0xffffff;

        return n;
}

static void test_hatching_and_text_stay_in_their_place(void) {
        cairo_surface_t *picture;
        Canvas *canvas;

        g_assert_cmpint(canvas_cairo_new_png(400, 60, 1, &canvas), ==, 0);
        canvas_hatch(canvas, 20, 3, 60, 50, CANVAS_HATCH_OVER);
        canvas_hatch(canvas, 100, 0, 60, 50, CANVAS_HATCH_GAP);
        canvas_text(canvas, 300, 40, 12, CANVAS_END, CANVAS_TEXT, "middle <&> שלום");
        picture = finish_picture(canvas);
        g_assert_cmpuint(count_inked(picture, 0, 20), ==, 0);
        g_assert_cmpuint(count_inked(picture, 20, 80), >, 300);
        g_assert_cmpuint(count_inked(picture, 20, 80), <, 60 * 50);
        g_assert_cmpuint(count_inked(picture, 80, 100), ==, 0);
        g_assert_cmpuint(count_inked(picture, 100, 160), >, 200);
        g_assert_cmpuint(count_inked(picture, 301, 400), ==, 0);
        cairo_surface_destroy(picture);
}

static unsigned count_string(const GString *file, const char *s) {
        unsigned n = 0;

        for (const char *p = file->str; (p = memmem(p, file->len - (gsize) (p - file->str), s, strlen(s))); p++)
                n++;

        return n;
}

static void test_pages(void) {
        g_autoptr(GString) file = NULL;
        Canvas *canvas;

        g_assert_cmpint(canvas_cairo_new_pdf(595, 842, "A (title)", &canvas), ==, 0);
        canvas_text(canvas, 10, 20, 12, CANVAS_START, CANVAS_TEXT, "first");
        canvas_cairo_zoom(canvas, 0.5);
        canvas_hatch(canvas, 10, 30, 50, 50, CANVAS_HATCH_HIGH);
        canvas_cairo_zoom(canvas, 1);
        canvas_cairo_next_page(canvas);
        canvas_text(canvas, 10, 20, 12, CANVAS_START, CANVAS_TEXT, "second");
        g_assert_cmpint(canvas_cairo_finish(canvas, &file), ==, 0);
        g_assert_cmpmem(file->str, 5, "%PDF-", 5);
        g_assert_nonnull(strstr(file->str + file->len - 7, "%%EOF"));
        g_assert_cmpuint(count_string(file, "/MediaBox [ 0 0 595 842 ]"), ==, 2); /* one a page */
}

static void test_sizes_that_cannot_be(void) {
        Canvas *canvas = NULL;

        g_assert_cmpint(canvas_cairo_new_png(0, 10, 1, &canvas), ==, -EINVAL);
        g_assert_cmpint(canvas_cairo_new_png(NAN, 10, 1, &canvas), ==, -EINVAL);
        g_assert_cmpint(canvas_cairo_new_png(40000, 10, 1, &canvas), ==, -EINVAL);
        g_assert_cmpint(canvas_cairo_new_pdf(10, -1, NULL, &canvas), ==, -EINVAL);
        g_assert_null(canvas);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/canvas/svg-says-what-it-is", test_svg_says_what_it_is);
        g_test_add_func("/canvas/numbers-have-one-decimal", test_numbers_have_one_decimal);
        g_test_add_func("/canvas/paths-go-in-steps", test_paths_go_in_steps);
        g_test_add_func("/canvas/what-is-no-number-is-not-drawn", test_what_is_no_number_is_not_drawn);
        g_test_add_func("/canvas/huge-places-are-bounded", test_huge_places_are_bounded);
        g_test_add_func("/canvas/text-stays-text", test_text_stays_text);
        g_test_add_func("/canvas/hatching-names-its-pattern", test_hatching_names_its_pattern);
        g_test_add_func("/canvas/fitted-text-has-room", test_fitted_text_has_room);
        g_test_add_func("/canvas/pictures-have-their-size-and-colors", test_pictures_have_their_size_and_colors);
        g_test_add_func("/canvas/hatching-and-text-stay-in-their-place", test_hatching_and_text_stay_in_their_place);
        g_test_add_func("/canvas/pages", test_pages);
        g_test_add_func("/canvas/sizes-that-cannot-be", test_sizes_that_cannot_be);
        return g_test_run();
}
