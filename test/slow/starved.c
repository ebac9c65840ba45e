// SPDX-License-Identifier: GPL-2.0-only
/* As load/starved, with tasks in a control group without quota. */
#define SLOW 1
#include "../load/starved.c"
