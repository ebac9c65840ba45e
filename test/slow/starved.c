// SPDX-License-Identifier: GPL-2.0-only
/* As load/starved, with tasks without quota, and beside real-time tasks. */
#define SLOW 1
#include "../load/starved.c"
