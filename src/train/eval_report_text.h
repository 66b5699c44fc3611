// SPDX-License-Identifier: MIT
/* What the page says between its tables (eval_report.c). */
#ifndef TIMBRE_TRAIN_EVAL_REPORT_TEXT_H
#define TIMBRE_TRAIN_EVAL_REPORT_TEXT_H

#define TB__TEXT_QUICK \
    "**A quick run, which only shows that everything works: its figures mean nothing.**\n\n"

#define TB__TEXT_PAPER \
    "The paper is \"Learning multidimensional disentangled representations of instrumental sounds for\n" \
    "musical similarity assessment\".  **The data differ**: its figures are for Slakh2100, ours for composed\n" \
    "and rendered pieces.  They say whether the model does what the paper's does, not which of the two is\n" \
    "better.  All figures are per cent unless said.\n\n"

#define TB__TEXT_TABLE1 \
    "### Table 1: which piece is it from?\n\n" \
    "Every segment in which the part is audible asks the five nearest of all other segments, by that\n" \
    "part alone; of several answers the nearest counts.  10 s is the mean of three windows of 3 s.\n" \
    "\"Alone\" is the stem without the others through the same network; the paper's \"separated\" is a stem\n" \
    "out of source separation through a network of its own.\n\n"

/* draws, labels */
#define TB__TEXT_TABLE2 \
    "### Table 2: whose stem is it, whatever sounds with it?\n\n" \
    "For each part ten pieces close in tempo: the part's stem of each over all other stems of four\n" \
    "background pieces, six segments of 10 s of each of the 40 mixes, from bars of their own.  A segment\n" \
    "asks the five nearest of those whose background is another than its own.  Mean ± deviation over\n" \
    "%zu draws, %.1f labels on average.  One label of ten is 10 %%; as 3 of the 36 mixes that a segment\n" \
    "asks have its label, blind chance gets 8.3 %%.\n\n"

#define TB__TEXT_LEAKAGE \
    "\n#### Leakage\n\n" \
    "The label of the part in the row, found through the subspace of the column, over segments in which\n" \
    "both are audible.  What is off the diagonal should be chance.\n\n"

#define TB__TEXT_TABLE3 \
    "### Table 3 without listeners: which is nearer?\n\n" \
    "The paper asked people whether X sounds more like A or like B and counted how often the model\n" \
    "agrees.  Here who is right is known by construction: X and A have their stem from the same piece at\n" \
    "different times, over different backgrounds; B has it from another piece close in tempo.  In the first\n" \
    "row B stands over a third background, in the second over that of X, so that everything but the part\n" \
    "speaks for B.  The paper's set 2 has A from the same piece too; in its set 1 both A and B are from\n" \
    "other pieces, where only listeners can say what is right: it has no counterpart here.  ± is the 95 %\n" \
    "interval.\n\n"

#define TB__TEXT_DISENTANGLEMENT \
    "### Disentanglement: what moves when one stem is exchanged\n\n" \
    "In mixes of 3 s the stem of the column is exchanged for another piece's, the other four stay.  The\n" \
    "figure is the mean distance that the part of the row moves, divided by the mean distance of that part\n" \
    "in unrelated mixes: 1 is a whole change, 0 none.\n\n"

/* segments */
#define TB__TEXT_PRESENCE \
    "### Presence\n\n" \
    "Does the model know which parts sound?  %zu segments of 3 s; the truth is a mean share of the power\n" \
    "above 2 %%.  Precision and recall are those at the thresholds in the model file, below which a part\n" \
    "counts as absent.\n\n"

#define TB__TEXT_ROBUSTNESS \
    "### Robustness\n\n" \
    "A changed track looks for the nearest of all originals: how often is it itself?  Whole tracks by all\n" \
    "parts; pieces of 10 s among all pieces of 10 s, by all parts (a song that repeats itself has pieces\n" \
    "that sound alike); whole tracks by each part alone.\n\n"

/* tracks of half-split, of 3 s, of 10 s; the prototype's half-split */
#define TB__TEXT_REAL \
    "### Real music\n\n" \
    "Half-split: the first half of a track (of its first 240 s) looks for its second half among all second\n" \
    "halves; %zu tracks.  Music ID: six windows of a track, each asks its five nearest among all others\n" \
    "which track it is from; %zu tracks at 3 s, %zu at 10 s.  The targets count on music that nobody tuned\n" \
    "to; on music that was used in development this only shows the way.  Half-split of a prototype: %.1f.\n" \
    "musly and bliss are not run by this command; on 123 other tracks they got 69.1 and 37.4.\n\n"

#endif
