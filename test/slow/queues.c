// SPDX-License-Identifier: GPL-2.0-only
/* As load/queues, 20 times. */
#define ROUNDS 20
#include "../load/queues.c"
