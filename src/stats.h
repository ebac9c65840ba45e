/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters in /sys/module/kmsg_queue/stats.
 */
#ifndef KMSGQ_STATS_H
#define KMSGQ_STATS_H

struct kmsgq_file;

int kmsgq_stats_create(struct kmsgq_file *kf);
void kmsgq_stats_remove(void);

#endif /* KMSGQ_STATS_H */
