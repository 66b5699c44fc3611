// SPDX-License-Identifier: MIT
/* The heat map: a square for each part and stem, darker the more it moves, with its figure. */
#include "train/eval_report.h"

#include <math.h>

enum { SIDE = 84, LEFT = 92, TOP = 76, WIDTH = LEFT + TB_STEM_COUNT * SIDE + 12,
      HEIGHT = TOP + TB_STEM_COUNT * SIDE + 12 };

/* From almost white (0) to deep blue (1 and more). */
static void color_of(double value, int rgb[3])
{
    static const int from[3] = {240, 245, 250}, to[3] = {12, 60, 120};
    const double t = fmin(fmax(value, 0), 1);
    for (int i = 0; i < 3; i++) rgb[i] = (int)lrint(from[i] + t * (to[i] - from[i]));
}

static tb_status put_square(double value, size_t row, size_t column, tb_buffer *out)
{
    const int x = LEFT + (int)column * SIDE, y = TOP + (int)row * SIDE;
    int rgb[3];
    if (isnan(value))
        return tb_buffer_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#ccc\"/>\n",
                                x, y, SIDE - 2, SIDE - 2);
    color_of(value, rgb);
    return tb_buffer_printf(out,
                            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"rgb(%d,%d,%d)\"/>"
                            "<text x=\"%d\" y=\"%d\" fill=\"%s\" text-anchor=\"middle\"%s>%.2f</text>\n",
                            x, y, SIDE - 2, SIDE - 2, rgb[0], rgb[1], rgb[2], x + SIDE / 2 - 1,
                            y + SIDE / 2 + 6, value > 0.6 ? "#fff" : "#111",
                            row == column ? " font-weight=\"bold\"" : "", value);
}

tb_status tb_eval_report_picture(const tb_eval_report *report, tb_buffer *out)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(out,
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                            "font-family=\"sans-serif\" "
                            "font-size=\"16\">\n<title>How far each part moves when one stem is exchanged</title>\n"
                            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
                            "<text x=\"%d\" y=\"24\" fill=\"#111\">stem that is exchanged</text>\n"
                            "<text x=\"10\" y=\"%d\" fill=\"#111\" font-size=\"13\">part</text>\n",
                            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, TOP - 14));
    for (size_t p = 0; p < TB_STEM_COUNT; p++) {
        TB_TRY(tb_buffer_printf(out,
                                "<text x=\"%d\" y=\"%d\" fill=\"#111\" text-anchor=\"middle\">%s</text>\n",
                                LEFT + (int)p * SIDE + SIDE / 2 - 1, TOP - 14,
                                tb_stem_name((tb_stem)p)));
        TB_TRY(tb_buffer_printf(out, "<text x=\"%d\" y=\"%d\" fill=\"#111\" text-anchor=\"end\">%s</text>\n",
                                LEFT - 10, TOP + (int)p * SIDE + SIDE / 2 + 6,
                                tb_stem_name((tb_stem)p)));
        for (size_t q = 0; q < TB_STEM_COUNT; q++)
            TB_TRY(put_square(report->disentanglement.change[p][q], p, q, out));
    }
    TB_TRY(tb_buffer_append_text(out, "</svg>\n"));
out:
    return status;
}
