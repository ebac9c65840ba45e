/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's parameters and their checks.
 */
#ifndef KMSGQ_PARAMS_H
#define KMSGQ_PARAMS_H

#include <linux/types.h>

struct kmsgq_file;

int kmsgq_params_attach(struct kmsgq_file *kf);
void kmsgq_params_detach(void);
int kmsgq_params_create_file(struct kmsgq_file *kf);

#endif /* KMSGQ_PARAMS_H */
