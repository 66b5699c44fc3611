// SPDX-License-Identifier: MIT
/* Networks of layers one after the other: their text, their parameters, files, and passes through them.
 *
 * The text has one layer per line (empty lines and lines that start with # are left out), input first; sides
 * are HEIGHT (time) x WIDTH (bands), one number stands for both:
 *
 *     input 64 128 1                        height, width, channels
 *     conv 16 5x5 stride 2 pad 2            [groups G] [bias]
 *     norm                                  batch norm: [eps E] [momentum M]
 *     leaky 0.2                             also: relu, tanh
 *     mean time                             also: mean all, mean 2x2 stride 2; max in the same ways
 *     flatten
 *     dense 645                             [nobias]
 *     statistics time                       means and deviations; also: statistics all
 *     attention 32 time                     mean with learnt shares; also: attention 32 all
 *     gru 64                                along time
 *     response 5                            local response norm: [alpha A] [beta B] [k K]
 *     dropout 0.3
 *     unit 128                              each 128 channels in a row to unit length
 *
 * All parameters are one flat array of floats and so are their gradients; tb_network_tensor says which value
 * is where. In model files the text is the metadata "network" and a tensor is named "<line>.<kind>.<what>"
 * ("2.norm.scale"; the input's line is 0).
 *
 * Threads: a network may be read by any number of threads; whoever writes its parameters or statistics is
 * alone. */
#ifndef TIMBRE_NN_NETWORK_H
#define TIMBRE_NN_NETWORK_H

#include "base/rng.h"
#include "base/status.h"
#include "nn/model_file.h"
#include "nn/tensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB_NETWORK_MAX_TEXT = 16384, /* bytes */
    TB_NETWORK_MAX_LAYERS = 256,
    TB_NETWORK_MAX_PARAMS = 1 << 26,
};

typedef struct tb_network tb_network;

typedef struct tb_network_tensor {
    char name[40]; /* "1.conv.weight" */
    size_t n_dims, shape[4], n_values;
    size_t at;    /* offset in tb_network_params, or in tb_network_statistics */
    bool trained; /* false: it lies in the statistics */
    bool decays;  /* weight decay is for it (weights, not biases and norms) */
} tb_network_tensor;

/* Parameters and statistics are zero.  TB_SYNTAX naming the line, TB_TOO_LARGE past the limits here and in
 * tensor.h, TB_INVALID for shapes that do not fit, TB_NO_MEMORY. */
tb_status tb_network_parse(const char *text, tb_network **net, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_network_free(tb_network *net);
/* First values of training: weights by He's rule (arXiv 1502.01852), norms to leave values as they are. */
void tb_network_init(tb_network *net, tb_rng *rng);

/* From the metadata and the tensors of a file, each of which must be there in its shape. */
tb_status tb_network_load(const tb_model_file *file, tb_network **net, tb_error *err) TB_MUST_CHECK;
/* dtype is for the weights; biases, norms and statistics are F32.  TB_INVALID if a value is not finite. */
tb_status tb_network_save(const tb_network *net, tb_model_writer *writer, tb_dtype dtype,
                          tb_error *err) TB_MUST_CHECK;
/* A network for inference with the same outputs but for rounding, in which each norm that follows a conv or a
 * dense is part of it. */
tb_status tb_network_fold(const tb_network *net, tb_network **folded, tb_error *err) TB_MUST_CHECK;

/* In a normal form: one blank between words.  As long as the network. */
const char *tb_network_text(const tb_network *net);
tb_shape tb_network_input(const tb_network *net);
tb_shape tb_network_output(const tb_network *net);
size_t tb_network_n_params(const tb_network *net);
float *tb_network_params(tb_network *net); /* [n_params] */
size_t tb_network_n_statistics(const tb_network *net);
float *tb_network_statistics(tb_network *net); /* running means and variances, in the order of tensors */
size_t tb_network_n_tensors(const tb_network *net);
const tb_network_tensor *tb_network_tensor_at(const tb_network *net, size_t i);
/* Multiplications and additions of one item's forward (convolution and dense layers; padding not counted). */
double tb_network_macs(const tb_network *net);

/* A pass is the memory that one thread needs to go through a network: activations, gradients.  One thread at
 * a time; the network must outlive it.
 *
 * Training: forward uses the network's parameters as they are at the call and batch norm takes the statistics
 * of the batch.  Inference: running statistics are used, and the parameters are taken over at tb_pass_new and
 * tb_pass_refresh; each item's output is the same to the bit in any batch. */
typedef struct tb_pass tb_pass;

/* max_batch >= 1 items at once.  TB_NO_MEMORY, TB_TOO_LARGE. */
tb_status tb_pass_new(const tb_network *net, size_t max_batch, bool training, tb_pass **pass,
                      tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_pass_free(tb_pass *pass);
/* For inference: takes over parameters that have changed. */
void tb_pass_refresh(tb_pass *pass);
/* x: [batch][input], 1 <= batch <= max_batch; in training borrowed until backward is done.  Gives
 * [batch][output], which is the pass's until its next call. */
const float *tb_pass_forward(tb_pass *pass, const float *x, size_t batch);
/* After a forward in training: dy [batch][output] is the loss's gradient for its result.  Adds the gradient
 * for the parameters to tb_pass_gradient; dx, if not NULL, becomes that for x, [batch][input]. */
void tb_pass_backward(tb_pass *pass, const float *dy, float *dx);
/* [n_params] in the order of tb_network_params; zero at first. */
float *tb_pass_gradient(tb_pass *pass);
void tb_pass_clear_gradient(tb_pass *pass);
/* Dropout of the forwards to come is drawn from this seed (0 at first) and their number since. */
void tb_pass_seed(tb_pass *pass, uint64_t seed);
/* Memory held, in bytes. */
size_t tb_pass_bytes(const tb_pass *pass);

/* Folds the batch norm statistics of the last forward of each (training) pass into the running ones, in
 * order. */
void tb_network_update_statistics(tb_network *net, tb_pass *const *passes, size_t n_passes);

/* What runs underneath, for logs: "avx2" kernels of our own, "OpenBLAS Haswell". */
const char *tb_nn_kernels_name(void);
const char *tb_nn_blas_name(void);

#endif
