/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an administrator sets for a queue: table, parse, format, check.
 */
#ifndef KMSGQ_SETTINGS_H
#define KMSGQ_SETTINGS_H

#include <linux/sysfs.h>
#include <linux/types.h>

#include "queue.h"

/* Reserved: the default queue in sysfs, and the directory of the others. */
#define KMSGQ_DEFAULT	"msg_queue"
#define KMSGQ_DIR	"msg_queues"

/**
 * struct kmsgq_settings - the settings of one queue
 * @config: the part of it that struct kmsgq_queue has a copy of
 * @read_eof: a blocking reader gets end of file after a message
 * @read_ack: a message that was read is freed by the next read, not before
 * @containers: processes outside the initial PID namespace may open the file
 * @mode: permissions of the file
 * @uid: its owner, in the initial user namespace
 * @gid: its group, likewise
 * @max_deliveries: a message returned so often goes to @dead, 1 to 1000; 0: none
 * @dead: name of the dead queue; "": none
 */
struct kmsgq_settings {
	struct kmsgq_config config;
	bool read_eof;
	bool read_ack;
	bool containers;
	unsigned int mode;
	unsigned int uid;
	unsigned int gid;
	unsigned int max_deliveries;
	char dead[KMSGQ_NAME_SIZE];
};

/**
 * enum kmsgq_kind - how a value is written
 * @KMSGQ_UINT: unsigned int within limits
 * @KMSGQ_ULONG: unsigned long
 * @KMSGQ_BOOL: bool, Y or N
 * @KMSGQ_OCTAL: unsigned int, the bits of a mode
 * @KMSGQ_NAME: name of a queue
 * @KMSGQ_COUNTER: u64, read-only
 */
enum kmsgq_kind {
	KMSGQ_UINT, KMSGQ_ULONG, KMSGQ_BOOL, KMSGQ_OCTAL, KMSGQ_NAME,
	KMSGQ_COUNTER
};

/**
 * struct kmsgq_attr - a setting or a counter
 * @attr: its file in /sys/module/kmsg_queue/queues/NAME
 * @key: what it is called in the parameter queue
 * @param: the module parameter that sets it for the default queue, or NULL
 * @allowed: the values that are valid, to end the sentence "must be ..."
 * @kind: how it is written
 * @offset: where it is, in struct kmsgq_settings or struct kmsgq_counters
 * @min: the least value of a %KMSGQ_UINT or %KMSGQ_OCTAL
 * @max: the greatest value of one
 */
struct kmsgq_attr {
	struct attribute attr;
	const char *key;
	const char *param;
	const char *allowed;
	enum kmsgq_kind kind;
	unsigned int offset;
	unsigned int min;
	unsigned int max;
};

/* The last one has no key. */
extern struct kmsgq_attr kmsgq_setting_attrs[];

const struct kmsgq_attr *kmsgq_find_param(const char *param);
bool kmsgq_is_queue_name(const char *name);
int kmsgq_parse(struct kmsgq_settings *s, const char *label,
		const struct kmsgq_attr *a, const char *val);
int kmsgq_parse_key(struct kmsgq_settings *s, const char *label, const char *key,
		    const char *val);
int kmsgq_format(const void *base, const struct kmsgq_attr *a, char *buf);
int kmsgq_check_settings(const struct kmsgq_settings *s, const char *label);
int kmsgq_reject(const char *label, const char *what, const char *val,
		 const char *allowed);

#endif /* KMSGQ_SETTINGS_H */
