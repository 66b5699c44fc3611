// SPDX-License-Identifier: MIT
/* Decoding by the FFmpeg libraries, behind the fence of ffmpeg_container.h.
 *
 * Rates and channels are those of the first decoded frame (HE-AAC doubles the rate that the header says).
 * Later frames of another rate end the stream, of another number of channels are mapped. */
#include "audio/decode_internal.h"
#include "audio/ffmpeg_container.h"

#include "base/alloc.h"
#include "base/text.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/mathematics.h>

#include <stdio.h>
#include <string.h>

enum {
    MAX_FRAME_SAMPLES = 1 << 22,
    MAX_IDLE_PACKETS = 2000, /* without one frame between them: then it is the end */
};

typedef struct ffmpeg_state {
    tb_input *input;
    tb_ffmpeg_container container;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
    int rate_hz, n_channels;
    int frame_at;      /* samples of the frame that were given away */
    bool have_frame;
    bool draining;     /* the container has ended */
    bool ended;
    bool damaged;
    int64_t first_pts; /* of the very first frame, in the stream's time base */
    int64_t drop_to;   /* after a seek: frames before this one (counted from the start) are dropped; -1 */
} ffmpeg_state;

/* --- frames --- */

static int frame_channels(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 28, 100)
    return frame->ch_layout.nb_channels;
#else
    return frame->channels;
#endif
}

/* Feeds packets until the decoder gives a frame.  False at the end. */
static bool next_frame(ffmpeg_state *self)
{
    int n_idle = 0;
    self->have_frame = false;
    while (!self->ended) {
        const int got = avcodec_receive_frame(self->codec, self->frame);
        if (got == 0 && self->frame->nb_samples > 0) {
            const int n_channels = frame_channels(self->frame);
            if (self->rate_hz == 0) {
                self->rate_hz = self->frame->sample_rate;
                self->n_channels = n_channels;
                self->first_pts = self->frame->best_effort_timestamp;
            }
            if (self->frame->sample_rate == self->rate_hz && n_channels >= 1) {
                self->frame_at = 0;
                self->have_frame = true;
                return true;
            }
            self->damaged = self->ended = true;
        } else if (got == AVERROR(EAGAIN) && !self->draining) {
            const int read = av_read_frame(self->container.format, self->packet);
            if (read < 0) {
                if (read != AVERROR_EOF) self->damaged = true;
                self->draining = true;
                (void)avcodec_send_packet(self->codec, NULL);
            } else {
                if (self->packet->stream_index == self->stream &&
                    avcodec_send_packet(self->codec, self->packet) == AVERROR(ENOMEM))
                    self->damaged = self->ended = true;
                av_packet_unref(self->packet);
            }
            if (++n_idle > MAX_IDLE_PACKETS) self->damaged = self->ended = true;
        } else if (got == AVERROR_EOF || got == AVERROR(EAGAIN) || got == AVERROR(ENOMEM)) {
            if (got != AVERROR_EOF) self->damaged = true;
            self->ended = true;
        } else if (++n_idle > MAX_IDLE_PACKETS) { /* a damaged packet, or an empty frame: on to the next */
            self->damaged = self->ended = true;
        }
    }
    return false;
}

static float sample_at(const uint8_t *plane, enum AVSampleFormat format, size_t i)
{
    switch (format) {
    case AV_SAMPLE_FMT_U8: return (float)(plane[i] - 128) * (1.0f / 128.0f);
    case AV_SAMPLE_FMT_S16: return (float)((const int16_t *)(const void *)plane)[i] * (1.0f / 32768.0f);
    case AV_SAMPLE_FMT_S32: return (float)((const int32_t *)(const void *)plane)[i] * (1.0f / 2147483648.0f);
    case AV_SAMPLE_FMT_S64:
        return (float)((const int64_t *)(const void *)plane)[i] * (1.0f / 9223372036854775808.0f);
    case AV_SAMPLE_FMT_FLT: return ((const float *)(const void *)plane)[i];
    case AV_SAMPLE_FMT_DBL: return (float)((const double *)(const void *)plane)[i];
    default: return 0.0f;
    }
}

/* n samples of one channel, every stride-th of the plane from `at` on, to every n_out-th of out. */
static void copy_channel(const uint8_t *plane, enum AVSampleFormat format, size_t at, size_t stride, size_t n,
                         float *out, size_t n_out)
{
    if (format == AV_SAMPLE_FMT_FLT) {
        const float *from = (const float *)(const void *)plane;
        for (size_t i = 0; i < n; i++) out[i * n_out] = from[at + i * stride];
    } else {
        for (size_t i = 0; i < n; i++) out[i * n_out] = sample_at(plane, format, at + i * stride);
    }
}

/* n samples of the frame, from frame_at on.  A missing channel is a copy of the first. */
static void copy_samples(ffmpeg_state *self, float *out, size_t n)
{
    const AVFrame *frame = self->frame;
    const enum AVSampleFormat format = (enum AVSampleFormat)frame->format;
    const enum AVSampleFormat packed = av_get_packed_sample_fmt(format);
    const bool planar = av_sample_fmt_is_planar(format) != 0;
    const size_t n_in = (size_t)frame_channels(frame), n_out = (size_t)self->n_channels;
    const size_t at = (size_t)self->frame_at;
    for (size_t c = 0; c < n_out; c++) {
        const size_t from = c < n_in ? c : 0;
        if (planar) copy_channel(frame->extended_data[from], packed, at, 1, n, out + c, n_out);
        else copy_channel(frame->extended_data[0], packed, at * n_in + from, n_in, n, out + c, n_out);
    }
    self->frame_at += (int)n;
    if (self->frame_at >= frame->nb_samples) self->have_frame = false;
}

/* Drops what lies before the position that was sought. */
static void drop_samples(ffmpeg_state *self)
{
    if (self->drop_to < 0) return;
    const AVRational base = self->container.format->streams[self->stream]->time_base;
    const int64_t pts = self->frame->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE || self->first_pts == AV_NOPTS_VALUE) {
        self->drop_to = -1;
        return;
    }
    const int64_t at = av_rescale_q(pts - self->first_pts, base, (AVRational){1, self->rate_hz});
    const int64_t n = self->drop_to - at;
    if (n >= self->frame->nb_samples) {
        self->have_frame = false;
        return;
    }
    if (n > 0) self->frame_at = (int)n;
    self->drop_to = -1;
}

/* --- open --- */

static void ffmpeg_close(void *state)
{
    ffmpeg_state *self = state;
    if (!self) return;
    av_frame_free(&self->frame);
    av_packet_free(&self->packet);
    avcodec_free_context(&self->codec);
    tb__ffmpeg_container_close(&self->container);
    tb_free(self);
}

static tb_status open_codec(ffmpeg_state *self, const tb_sniff *sniff, const char *name, tb_error *err)
{
    tb_status status = TB_OK;
    AVDictionary *options = NULL;
    self->stream = av_find_best_stream(self->container.format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (self->stream < 0)
        TB_FAIL(err, TB_UNSUPPORTED, "%s (%s) has no audio stream in it", name, sniff->name);
    for (unsigned i = 0; i < self->container.format->nb_streams; i++)
        if ((int)i != self->stream) self->container.format->streams[i]->discard = AVDISCARD_ALL;
    const AVStream *stream = self->container.format->streams[self->stream];
    const char *codec_name = avcodec_get_name(stream->codecpar->codec_id);
    const AVCodec *decoder = avcodec_find_decoder(stream->codecpar->codec_id);
    if (!decoder)
        TB_FAIL(err, TB_UNSUPPORTED, "%s holds %s audio, which this FFmpeg cannot decode", name, codec_name);
    self->codec = avcodec_alloc_context3(decoder);
    self->packet = av_packet_alloc();
    self->frame = av_frame_alloc();
    if (!self->codec || !self->packet || !self->frame)
        TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    if (avcodec_parameters_to_context(self->codec, stream->codecpar) < 0)
        TB_FAIL(err, TB_CORRUPT, "%s is a damaged %s file", name, sniff->name);
    self->codec->pkt_timebase = stream->time_base;
    self->codec->thread_count = 1;
    self->codec->max_samples = MAX_FRAME_SAMPLES;
    self->codec->request_sample_fmt = AV_SAMPLE_FMT_FLT;
    av_dict_set(&options, "codec_whitelist", tb_ffmpeg_codecs, 0);
    if (avcodec_open2(self->codec, decoder, &options) < 0)
        TB_FAIL(err, TB_UNSUPPORTED, "%s holds %s audio that cannot be decoded", name, codec_name);
out:
    av_dict_free(&options);
    return status;
}

/* Of the stream, in frames; -1 when the container does not say. */
static int64_t find_length(const ffmpeg_state *self)
{
    const AVStream *stream = self->container.format->streams[self->stream];
    const AVRational per_frame = {1, self->rate_hz};
    int64_t length = -1;
    if (self->container.format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return -1;
    if (stream->duration > 0) length = av_rescale_q(stream->duration, stream->time_base, per_frame);
    else if (self->container.format->duration > 0)
        length = av_rescale_q(self->container.format->duration, AV_TIME_BASE_Q, per_frame);
    return length > 0 ? length : -1;
}

static void describe(const ffmpeg_state *self, const tb_sniff *sniff, tb_decoder_info *info)
{
    char codec[32];
    (void)tb_text_copy(codec, sizeof codec, avcodec_get_name(self->codec->codec_id));
    /* "AAC", "FLAC", but "Opus", "Vorbis" */
    const bool is_word =
        self->codec->codec_id == AV_CODEC_ID_OPUS || self->codec->codec_id == AV_CODEC_ID_VORBIS;
    for (char *c = codec; *c && (c == codec || !is_word); c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    if (sniff->holds_codecs)
        snprintf(info->format, sizeof info->format, "%s in %s", codec, sniff->name);
    else
        (void)tb_text_copy(info->format, sizeof info->format, sniff->name);
    snprintf(info->decoder, sizeof info->decoder, "FFmpeg %s", av_version_info());
    char *dash = strchr(info->decoder, '-');
    if (dash) *dash = '\0';
}

static tb_status ffmpeg_open(tb_input *input, const tb_sniff *sniff, const char *name,
                             tb_backend_facts *facts, void **state, tb_error *err)
{
    tb_status status = TB_OK;
    ffmpeg_state *self = tb_alloc(1, sizeof *self);
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    self->input = input;
    self->drop_to = -1;
    TB_TRY(tb__ffmpeg_container_open(input, sniff, name, &self->container, err));
    if (avformat_find_stream_info(self->container.format, NULL) < 0)
        TB_FAIL(err, TB_CORRUPT, "%s is a damaged %s file", name, sniff->name);
    TB_TRY(open_codec(self, sniff, name, err));
    if (!next_frame(self)) TB_FAIL(err, TB_CORRUPT, "%s is damaged: no audio could be decoded", name);
    facts->info.rate_hz = self->rate_hz;
    facts->info.n_channels = self->n_channels;
    facts->info.n_frames = self->rate_hz > 0 ? find_length(self) : -1;
    describe(self, sniff, &facts->info);
    *state = self;
    self = NULL;
out:
    ffmpeg_close(self);
    return status;
}

/* --- read --- */

static tb_status ffmpeg_read(void *state, float *interleaved, size_t n_frames, size_t *n_read, bool *damaged,
                             tb_error *err)
{
    (void)err;
    ffmpeg_state *self = state;
    size_t got = 0;
    while (got < n_frames) {
        if (!self->have_frame && !next_frame(self)) break;
        drop_samples(self);
        if (!self->have_frame) continue;
        const size_t left = (size_t)(self->frame->nb_samples - self->frame_at);
        const size_t n = left < n_frames - got ? left : n_frames - got;
        copy_samples(self, interleaved + got * (size_t)self->n_channels, n);
        got += n;
    }
    *n_read = got;
    *damaged = self->damaged;
    return TB_OK;
}

static tb_status ffmpeg_seek(void *state, int64_t frame, tb_error *err)
{
    ffmpeg_state *self = state;
    const AVRational base = self->container.format->streams[self->stream]->time_base;
    /* decoders need a run-up; before the first frame lies what the encoder put there for it */
    const int64_t run_up = av_rescale_q(self->rate_hz / 10, (AVRational){1, self->rate_hz}, base);
    const int64_t pts = self->first_pts + av_rescale_q(frame, (AVRational){1, self->rate_hz}, base);
    if (self->first_pts == AV_NOPTS_VALUE ||
        (av_seek_frame(self->container.format, self->stream, pts - run_up, AVSEEK_FLAG_BACKWARD) < 0 &&
         av_seek_frame(self->container.format, self->stream, pts, AVSEEK_FLAG_BACKWARD) < 0))
        return tb_error_set(err, TB_UNSUPPORTED, "this file cannot be sought");
    avcodec_flush_buffers(self->codec);
    self->have_frame = self->draining = self->ended = false;
    self->drop_to = frame;
    return TB_OK;
}

const tb_backend tb_backend_ffmpeg = {ffmpeg_open, ffmpeg_read, ffmpeg_seek, ffmpeg_close};
