// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an administrator sets for a queue: table, parse, format, check.
 */
#include "settings.h"

#include <linux/cache.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#define KMSGQ_MODE_BITS 0666

#define KMSGQ_SETTING(_file, _perm, _key, _param, _kind, _member, _min, _max,	\
		      _allowed)							\
	{									\
		.attr = { .name = _file, .mode = _perm },			\
		.key = _key, .param = _param, .allowed = _allowed,		\
		.kind = _kind,							\
		.offset = offsetof(struct kmsgq_settings, _member),		\
		.min = _min, .max = _max,					\
	}

/* A setting that is a parameter of that name, and can be changed at run time. */
#define KMSGQ_RUNTIME(_name, _kind, _member, _min, _max, _allowed)		\
	KMSGQ_SETTING(#_name, 0644, #_name, #_name, _kind, _member, _min, _max,	\
		      _allowed)

#define KMSGQ_RUNTIME_BOOL(_name, _member)					\
	KMSGQ_RUNTIME(_name, KMSGQ_BOOL, _member, 0, 0, "Y or N")

/* Not const: lockdep keeps a key in each attribute. */
struct kmsgq_attr kmsgq_setting_attrs[] __ro_after_init = {
	KMSGQ_RUNTIME(msg_max_size, KMSGQ_UINT, config.msg_max_size, 1, SZ_1M,
		      "1..1048576 bytes"),
	KMSGQ_RUNTIME(queue_max_bytes, KMSGQ_ULONG, config.max_bytes, 0, 0,
		      "a number of bytes, enough for one message of msg_max_size"),
	KMSGQ_RUNTIME_BOOL(read_wait, config.read_wait),
	KMSGQ_RUNTIME_BOOL(read_eof, read_eof),
	KMSGQ_RUNTIME_BOOL(read_ack, read_ack),
	KMSGQ_RUNTIME_BOOL(containers, containers),
	KMSGQ_SETTING("mode", 0444, "mode", "procfs_file_mode", KMSGQ_OCTAL,
		      mode, 1, KMSGQ_MODE_BITS,
		      "octal permissions of 0001..0666 without an execute bit"),
	/* chown(2) takes the greatest id for "leave it". */
	KMSGQ_SETTING("uid", 0444, "uid", "procfs_uid", KMSGQ_UINT, uid,
		      0, UINT_MAX - 1, "an id of 0..4294967294"),
	KMSGQ_SETTING("gid", 0444, "gid", "procfs_gid", KMSGQ_UINT, gid,
		      0, UINT_MAX - 1, "an id of 0..4294967294"),
	KMSGQ_SETTING("max_deliveries", 0444, "max_deliveries", NULL, KMSGQ_UINT,
		      max_deliveries, 1, 1000, "1..1000, with dead="),
	/* The file "dead" is the counter. */
	KMSGQ_SETTING("dead_queue", 0444, "dead", NULL, KMSGQ_NAME, dead, 0, 0,
		      "another queue, which has no dead queue itself, with max_deliveries="),
	{ }
};

/**
 * kmsgq_reject() - report an invalid value
 * @label: name of the queue in whose specification it is; NULL for a module
 *	parameter
 * @what: the key or the parameter
 * @val: the value
 * @allowed: the values that are valid
 *
 * Return: -EINVAL.
 */
int kmsgq_reject(const char *label, const char *what, const char *val,
		 const char *allowed)
{
	/*
	 * A write to sysfs ends in a newline. Root's typing error may be long:
	 * a record that printk() cuts has no newline, and does not show.
	 */
	int shown = min_t(size_t, strcspn(val, "\n"), 80);

	pr_err("parameter %s%s%s%.80s: invalid value '%*pE': must be %s\n",
	       label ? "queue: entry '" : "", label ?: "",
	       label ? "', key " : "", what, shown, val, allowed);
	return -EINVAL;
}

/**
 * kmsgq_find_param() - find the setting of a module parameter
 * @param: name of the parameter
 *
 * Return: the setting; NULL if the parameter is none.
 */
const struct kmsgq_attr *kmsgq_find_param(const char *param)
{
	const struct kmsgq_attr *a;

	for (a = kmsgq_setting_attrs; a->key; a++)
		if (a->param && !strcmp(a->param, param))
			return a;
	return NULL;
}

/**
 * kmsgq_is_queue_name() - check the name of an additional queue
 * @name: the name
 *
 * Return: true for [A-Za-z0-9][A-Za-z0-9._-]{0,62} that is not reserved.
 */
bool kmsgq_is_queue_name(const char *name)
{
	const char *c;

	for (c = name; *c; c++)
		if (!isascii(*c) || !(isalnum(*c) || (c > name && strchr("._-", *c))))
			return false;
	return c > name && c - name < KMSGQ_NAME_SIZE && strcmp(name, KMSGQ_DIR);
}

/**
 * kmsgq_parse() - set one setting
 * @s: where it is set; other tasks may read it, each member by READ_ONCE()
 * @label: as for kmsgq_reject()
 * @a: the setting
 * @val: the value as text, may end in a newline
 *
 * Return: 0; -EINVAL, reported in the kernel log.
 */
int kmsgq_parse(struct kmsgq_settings *s, const char *label,
		const struct kmsgq_attr *a, const char *val)
{
	void *field = (void *)s + a->offset;
	bool octal = a->kind == KMSGQ_OCTAL, valid, yes;
	unsigned long bytes;
	unsigned int n;

	switch (a->kind) {
	case KMSGQ_BOOL:
		valid = !kstrtobool(val, &yes);
		if (valid)
			WRITE_ONCE(*(bool *)field, yes);
		break;
	case KMSGQ_ULONG:
		valid = !kstrtoul(val, 0, &bytes);
		if (valid)
			WRITE_ONCE(*(unsigned long *)field, bytes);
		break;
	case KMSGQ_NAME:
		valid = kmsgq_is_queue_name(val);
		if (valid)
			strscpy(field, val, KMSGQ_NAME_SIZE);
		break;
	default:
		valid = !kstrtouint(val, octal ? 8 : 0, &n) &&
			n >= a->min && n <= a->max &&
			!(octal && n & ~KMSGQ_MODE_BITS);
		if (valid)
			WRITE_ONCE(*(unsigned int *)field, n);
	}
	return valid ? 0 : kmsgq_reject(label, label ? a->key : a->param, val,
					a->allowed);
}

/**
 * kmsgq_parse_key() - set one setting of an additional queue
 * @s: where it is set
 * @label: name of the queue
 * @key: the setting, as a specification calls it
 * @val: the value as text, or NULL without "="
 *
 * Return: 0; -EINVAL, reported in the kernel log.
 */
int kmsgq_parse_key(struct kmsgq_settings *s, const char *label, const char *key,
		    const char *val)
{
	char allowed[192] = "given to one of the keys";
	size_t len = strlen(allowed);
	const struct kmsgq_attr *a;

	for (a = kmsgq_setting_attrs; a->key; a++) {
		if (!strcmp(a->key, key))
			return kmsgq_parse(s, label, a, val ?: "");
		len += scnprintf(allowed + len, sizeof(allowed) - len, " %s",
				 a->key);
	}
	return kmsgq_reject(label, key, val ?: "", allowed);
}

/**
 * kmsgq_format() - write a setting or a counter as text
 * @base: the struct kmsgq_settings, or kmsgq_counters, that it is in
 * @a: the setting or counter
 * @buf: a page for the text
 *
 * Return: the length of the text.
 */
int kmsgq_format(const void *base, const struct kmsgq_attr *a, char *buf)
{
	const void *field = base + a->offset;

	switch (a->kind) {
	case KMSGQ_COUNTER:
		return sysfs_emit(buf, "%llu\n", *(const u64 *)field);
	case KMSGQ_BOOL:
		return sysfs_emit(buf, "%c\n",
				  READ_ONCE(*(const bool *)field) ? 'Y' : 'N');
	case KMSGQ_ULONG:
		return sysfs_emit(buf, "%lu\n",
				  READ_ONCE(*(const unsigned long *)field));
	case KMSGQ_NAME:
		return sysfs_emit(buf, "%s\n", (const char *)field);
	default:
		return sysfs_emit(buf, a->kind == KMSGQ_OCTAL ? "%04o\n" : "%u\n",
				  READ_ONCE(*(const unsigned int *)field));
	}
}

/**
 * kmsgq_check_settings() - check settings that depend on each other
 * @s: the settings, each of them valid
 * @label: as for kmsgq_reject()
 *
 * Return: 0; -EINVAL, reported in the kernel log.
 */
int kmsgq_check_settings(const struct kmsgq_settings *s, const char *label)
{
	char val[24], allowed[96];

	if (!kmsgq_config_fits(&s->config)) {
		snprintf(val, sizeof(val), "%lu", s->config.max_bytes);
		snprintf(allowed, sizeof(allowed),
			 "at least %u bytes for one message of msg_max_size=%u",
			 kmsgq_footprint(s->config.msg_max_size),
			 s->config.msg_max_size);
		return kmsgq_reject(label, "queue_max_bytes", val, allowed);
	}
	if (s->max_deliveries && !*s->dead)
		return kmsgq_reject(label, "dead", "", "given with max_deliveries");
	if (*s->dead && !s->max_deliveries)
		return kmsgq_reject(label, "max_deliveries", "", "given with dead");
	return 0;
}
