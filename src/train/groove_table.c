// SPDX-License-Identifier: MIT
/* Grooves of popular styles, written down as one bar each (train/groove_table.h says how). */
#include "train/groove_table.h"

#define KICK [TB_DRUM_KICK]
#define SNARE [TB_DRUM_SNARE]
#define RIM [TB_DRUM_RIM]
#define CLAP [TB_DRUM_CLAP]
#define HAT [TB_DRUM_HAT]
#define OPEN [TB_DRUM_OPEN_HAT]
#define RIDE [TB_DRUM_RIDE]
#define BELL [TB_DRUM_BELL]
#define SHAKER [TB_DRUM_SHAKER]
#define LOW_TOM [TB_DRUM_LOW_TOM]
#define HIGH_TOM [TB_DRUM_HIGH_TOM]
#define LOW_CONGA [TB_DRUM_LOW_CONGA]
#define HIGH_CONGA [TB_DRUM_HIGH_CONGA]

static const tb_groove fours[] = {
    {"rock", 2, 8, {KICK = "9.....2.95....2.", SNARE = "....9.......9..1", HAT = "9.8.9.8.9.8.9.8.", OPEN = "..............2."}},
    {"rock sixteenths", 0, 5, {KICK = "9..2..4.8.5...2.", SNARE = "....9..1.1..9...", HAT = "9797979797979797", OPEN = "..............2."}},
    {"rock ride", 2, 8, {KICK = "9...2.3.9.4...3.", SNARE = "....9.......9...", RIDE = "9.8.9.8.9.8.9.8.", HAT = "....5.......5..."}},
    {"ballad", 0, 3, {KICK = "9.......7.3.....", RIM = "....9.......9...", HAT = "9.6.9.6.9.6.9.6.", OPEN = "..............1."}},
    {"half time", 3, 9, {KICK = "9.....3...5...2.", SNARE = "........9......1", HAT = "9.8.9.8.9.8.9.8.", OPEN = "......2........."}},
    {"soul", 1, 6, {KICK = "9.....5.9.......", SNARE = "9...9...9...9...", HAT = "7.7.7.7.7.7.7.7.", SHAKER = "..5...5...5...5."}},
    {"funk", 2, 5, {KICK = "9.6...2..79...2.", SNARE = "....9..3.3..9..4", HAT = "9898989898989898", OPEN = "......3.......3."}},
    {"linear funk", 1, 5, {KICK = "9..7..7...9..3..", SNARE = "....9..2.2..9.2.", HAT = ".88..8.88.8..8.8", OPEN = "..............4."}},
    {"disco", 4, 7, {KICK = "9...9...9...9...", SNARE = "....9.......9...", HAT = "97..97..97..97..", OPEN = "..9...9...9...9.", CLAP = "....4.......4..."}},
    {"house", 4, 7, {KICK = "9...9...9...9...", CLAP = "....9.......9...", OPEN = "..9...9...9...9.", HAT = "4343434343434343", SHAKER = "3.5.3.5.3.5.3.5."}},
    {"techno", 5, 8, {KICK = "9...9...9...9...", RIM = "..3..4....3..5..", HAT = "..9...9...9...9.", RIDE = "..4...4...4...4.", LOW_TOM = "...3..3....3..3."}},
    {"electro", 3, 7, {KICK = "9..4..9...7.....", SNARE = "....9.......9...", CLAP = "....7.......7...", HAT = "9.9.9.9.9.9.9.9.", BELL = "..3..3....3..3.."}},
    {"breakbeat", 4, 8, {KICK = "9.9.......99....", SNARE = "....9..4.4..9..4", HAT = "9.9.9.9.9.9.9.9.", OPEN = "..........3....."}},
    {"drum and bass", 8, 9, {KICK = "9.........9.....", SNARE = "....9..3.3..9..2", HAT = "9.9.9.9.9.9.9.9.", RIDE = "4...4...4...4..."}},
    {"jungle", 7, 9, {KICK = "9.6.....2.9..2..", SNARE = "....9..6.6..5.9.", HAT = "9.8.9.8.9.8.9.8.", OPEN = "......3........."}},
    {"hip hop", 1, 3, {KICK = "9..3...6.79.....", SNARE = "....9.......9...", HAT = "9.8.9.8.9.8.9.8.", OPEN = "..............2."}},
    {"boom bap", 1, 3, {KICK = "9......7..9.....", SNARE = "....9..2....9..2", HAT = "9.9.9.9.9.9.9.9.", SHAKER = ".4.4.4.4.4.4.4.4"}},
    {"trap", 6, 8, {KICK = "9.....6...7..4..", CLAP = "........9.......", HAT = "9696979697999697", OPEN = "...........3....", SNARE = "........8.....2."}},
    {"reggae one drop", 0, 4, {KICK = "........9.......", RIM = "........9.....2.", HAT = "9.9.9.9.9.9.9.9.", OPEN = "..............3."}},
    {"steppers", 1, 6, {KICK = "9...9...9...9...", RIM = "...5....9....5..", HAT = "..9...9...9...9.", HIGH_TOM = "..............2."}},
    {"dembow", 2, 4, {KICK = "9...9...9...9...", SNARE = "...9..9....9..9.", HAT = "9.6.9.6.9.6.9.6.", SHAKER = "5.5.5.5.5.5.5.5."}},
    {"bossa nova", 4, 8, {KICK = "9..99..99..99..9", RIM = "9..9..9...9..9..", HAT = "9898989898989898"}},
    {"samba", 3, 7, {KICK = "9..79..79..79..7", SNARE = "9.68.869.68.8699", HAT = "..9...9...9...9.", BELL = "9.9.99.9.9.99.9.", LOW_TOM = "....9.......9..."}},
    {"cha-cha", 5, 7, {KICK = "9.....4.9.......", BELL = "9...9...9...9...", SHAKER = "9.9.9.9.9.9.9.9.", HIGH_CONGA = "....9.......9...", LOW_CONGA = "............2.99"}},
    {"salsa", 6, 9, {BELL = "9.9.99.9.9.99.9.", LOW_CONGA = "............2.99", HIGH_CONGA = "..5.9...5.5.9...", KICK = "......9.......9.", RIM = "9..9..9...9.9..."}},
    {"swing", 4, 9, {RIDE = "9...9.9.9...9.9.", HAT = "....9.......9...", KICK = "7...5...7...5...", SNARE = "..1..1....2...2."}},
    {"brushes", 1, 6, {SNARE = "7.6.8.6.7.6.8.6.", HAT = "....9.......9...", KICK = "9.....2.5.......", RIDE = "2...4...2...4..."}},
    {"shuffle", 3, 7, {KICK = "9.....4.9.....3.", SNARE = "....9.......9...", HAT = "9.9.9.9.9.9.9.9.", RIDE = "3...3...3...3..."}},
    {"train", 5, 9, {KICK = "9...9...9...9...", SNARE = "6696669666966696", HAT = "..9...9...9...9."}},
    {"metal", 6, 9, {KICK = "9998999899989998", SNARE = "....9.......9...", RIDE = "9.9.9.9.9.9.9.9.", OPEN = "2...2...2...2..."}},
    {"thrash", 7, 9, {KICK = "9...9...9...9...", SNARE = "..9...9...9...9.", HAT = "9.9.9.9.9.9.9.9.", RIDE = "4...4...4...4..."}},
    {"punk", 7, 9, {KICK = "9..79...9..79...", SNARE = "....9.......9...", OPEN = "9...9...9...9...", HAT = "..8...8...8...8."}},
    {"march", 4, 7, {KICK = "9...5...9...5...", SNARE = "9.779.779.779797", RIDE = "......1.......1."}},
    {"toms", 2, 8, {KICK = "9..5..9...7.....", LOW_TOM = "9.7...7.8.7...5.", HIGH_TOM = "..6.8..5..6.8.75", SNARE = "....5.......7..."}},
    {"afrobeat", 4, 6, {KICK = "9..6..4.7..6..5.", SNARE = "..3.6..3..4.6..3", HAT = "9.89.89.89.89.8.", BELL = "9.9..9.9..9.9..9"}},
    {"percussion", 1, 8, {LOW_CONGA = "9..3..7...9..7..", HIGH_CONGA = "..7.8..7..6.8..6", SHAKER = "9797979797979797", RIM = "...4......4....."}},
    {"chip", 3, 9, {KICK = "9...2...9.4.....", SNARE = "....9.......9.3.", HAT = "..9...9...9...9."}},
};

static const tb_groove threes[] = {
    {"waltz", 3, 9, {KICK = "9...........", SNARE = "....7...7...", HAT = "9.6.9.6.9.6."}},
    {"jazz waltz", 4, 9, {RIDE = "9...9.9.9...", HAT = "....9.......", KICK = "9.....3.....", SNARE = "......3...2."}},
    {"rock waltz", 0, 6, {KICK = "9.....5.....", SNARE = "........9...", HAT = "9.8.9.8.9.8."}},
    {"slow blues", 0, 3, {KICK = "9.....9.....", SNARE = "...9.....9..", HAT = "999999999999", OPEN = "...........2"}},
    {"ballad waltz", 0, 4, {KICK = "9.......3...", RIM = "....8...8...", SHAKER = "9.7.9.7.9.7."}},
    {"brush waltz", 1, 7, {SNARE = "6...8.6.8.6.", HAT = "....9...9...", KICK = "9..........."}},
    {"mazurka", 4, 8, {KICK = "9...3...3...", SNARE = "..7.9...8...", HAT = "9...9...9..."}},
    {"march in three", 4, 7, {KICK = "9...5...5...", SNARE = "9.77979.7997"}},
    {"six eight", 5, 9, {KICK = "9.........3.", SNARE = "......9.....", HAT = "9.9.9.9.9.9.", RIDE = "4.....4....."}},
    {"electronic three", 3, 8, {KICK = "9...9...9...", CLAP = "........9...", OPEN = "..9...9...9.", HAT = "454545454545"}},
    {"toms in three", 2, 8, {KICK = "9.....6.....", LOW_TOM = "9..7..7..7..", HIGH_TOM = "....6...8.6.", SNARE = "........6..."}},
    {"hand drums in three", 1, 8, {LOW_CONGA = "9.....7.....", HIGH_CONGA = "..6.8...7.8.", SHAKER = "979797979797"}},
};

static const tb_groove four_overlays[] = {
    {"tambourine", 0, 9, {SHAKER = "....9.......9..."}},
    {"shaker", 0, 9, {SHAKER = "9787978797879787"}},
    {"slow shaker", 0, 9, {SHAKER = "7.9.7.9.7.9.7.9."}},
    {"tumbao", 0, 9, {HIGH_CONGA = "....9.......9...", LOW_CONGA = "............2.99"}},
    {"cowbell", 0, 9, {BELL = "9...9...9...9..."}},
    {"clave", 0, 9, {RIM = "9..9..9...9.9..."}},
    {"claps", 0, 9, {CLAP = "....9.......9..."}},
    {"bongos", 0, 9, {HIGH_CONGA = "9.7797779.779.77", LOW_CONGA = "............9..."}},
};

static const tb_groove three_overlays[] = {
    {"tambourine in three", 0, 9, {SHAKER = "....9...9..."}},
    {"shaker in three", 0, 9, {SHAKER = "978797879787"}},
    {"congas in three", 0, 9, {LOW_CONGA = "9...........", HIGH_CONGA = "....8...8.7."}},
};

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

const tb_groove *tb_grooves(int beats_per_bar, int *n)
{
    *n = beats_per_bar == 3 ? COUNT(threes) : COUNT(fours);
    return beats_per_bar == 3 ? threes : fours;
}

const tb_groove *tb_groove_overlays(int beats_per_bar, int *n)
{
    *n = beats_per_bar == 3 ? COUNT(three_overlays) : COUNT(four_overlays);
    return beats_per_bar == 3 ? three_overlays : four_overlays;
}
