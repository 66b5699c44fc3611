// SPDX-License-Identifier: MIT
/* Renders the small files beside it, for the formats that the tests cannot write by themselves: one second of a
 * 440 Hz tone with tags, through FFmpeg's own encoders.  Not part of the build; run again only to change them:
 *
 *     cc make_fixtures.c $(pkg-config --cflags --libs libavformat libavcodec libavutil) -lm && ./a.out
 */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int code, const char *what)
{
    if (code >= 0) return;
    fprintf(stderr, "%s: %s\n", what, av_err2str(code));
    exit(1);
}

static void fill(AVFrame *frame, int64_t at, int rate)
{
    const enum AVSampleFormat packed = av_get_packed_sample_fmt(frame->format);
    for (int i = 0; i < frame->nb_samples; i++) {
        const double value = 0.5 * sin(2 * M_PI * 440.0 * (double)(at + i) / rate);
        if (packed == AV_SAMPLE_FMT_FLT) ((float *)frame->extended_data[0])[i] = (float)value;
        else if (packed == AV_SAMPLE_FMT_S16) ((int16_t *)frame->extended_data[0])[i] = (int16_t)lrint(value * 32768);
        else must(-1, "sample format");
    }
}

static void drain(AVCodecContext *codec, AVFormatContext *format, AVPacket *packet)
{
    while (avcodec_receive_packet(codec, packet) == 0) {
        av_packet_rescale_ts(packet, codec->time_base, format->streams[0]->time_base);
        must(av_interleaved_write_frame(format, packet), "write");
    }
}

static void render(const char *path, const char *muxer, const char *encoder, int rate, int bits_per_s)
{
    const int n_samples = rate;
    AVFormatContext *format = NULL;
    must(avformat_alloc_output_context2(&format, NULL, muxer, path), path);
    const AVCodec *found = avcodec_find_encoder_by_name(encoder);
    if (!found) must(AVERROR_ENCODER_NOT_FOUND, encoder);
    AVCodecContext *codec = avcodec_alloc_context3(found);
    codec->sample_fmt = found->sample_fmts[0];
    for (int i = 0; found->sample_fmts[i] != AV_SAMPLE_FMT_NONE; i++)
        if (found->sample_fmts[i] == AV_SAMPLE_FMT_S16P) codec->sample_fmt = AV_SAMPLE_FMT_S16P;
    codec->sample_rate = rate;
    codec->bit_rate = bits_per_s;
    codec->time_base = (AVRational){1, rate};
    av_channel_layout_default(&codec->ch_layout, 1);
    codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if (format->oformat->flags & AVFMT_GLOBALHEADER) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    must(avcodec_open2(codec, found, NULL), encoder);
    AVStream *stream = avformat_new_stream(format, NULL);
    must(avcodec_parameters_from_context(stream->codecpar, codec), "parameters");
    stream->time_base = codec->time_base;
    format->flags |= AVFMT_FLAG_BITEXACT;
    static const char *const tags[][2] = {
        {"title", "Ein Ton"}, {"artist", "Künstler"}, {"album", "Töne"}, {"album_artist", "Verschiedene"},
        {"composer", "Niemand"}, {"genre", "Test"}, {"date", "2021"}, {"track", "3/7"}, {"disc", "2/2"},
    };
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) av_dict_set(&format->metadata, tags[i][0], tags[i][1], 0);
    must(avio_open(&format->pb, path, AVIO_FLAG_WRITE), path);
    must(avformat_write_header(format, NULL), "header");
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    const int block = codec->frame_size > 0 ? codec->frame_size : 1024;
    for (int64_t at = 0; at < n_samples; at += block) {
        frame->nb_samples = n_samples - at < block ? (int)(n_samples - at) : block;
        frame->format = codec->sample_fmt;
        frame->sample_rate = rate;
        av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout);
        must(av_frame_get_buffer(frame, 0), "frame");
        fill(frame, at, rate);
        frame->pts = at;
        must(avcodec_send_frame(codec, frame), "encode");
        av_frame_unref(frame);
        drain(codec, format, packet);
    }
    must(avcodec_send_frame(codec, NULL), "encode");
    drain(codec, format, packet);
    must(av_write_trailer(format), "trailer");
    avio_closep(&format->pb);
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    avformat_free_context(format);
}

int main(void)
{
    render("tone.m4a", "ipod", "aac", 22050, 24000);
    render("tone.wma", "asf", "wmav2", 22050, 32000);
    render("tone.mka", "matroska", "flac", 8000, 0);
    render("tone.wv", "wv", "wavpack", 8000, 0);
    return 0;
}
