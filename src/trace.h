/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints: each message on its way through a queue.
 *
 * All of them are hit under the queue's lock, so the fields are of one moment,
 * and a trace has the events of a queue in their order.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kmsg_queue

#if !defined(KMSGQ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KMSGQ_TRACE_H

#include <linux/jiffies.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "queue.h"

/*
 * seq: place in the order of the queue. len: of the message, in bytes. queued,
 * bytes: messages in the queue, and memory charged to it, after the event.
 * wait_ms: time since the write of the message. deliveries: as struct kmsgq_msg has it.
 */
DECLARE_EVENT_CLASS(kmsgq_message,
		    TP_PROTO(const struct kmsgq_queue *q, const struct kmsgq_msg *msg),
		    TP_ARGS(q, msg),
		    TP_STRUCT__entry(__array(char, queue, KMSGQ_NAME_SIZE)
				     __field(u64, seq)
				     __field(u32, len)
				     __field(u64, queued)
				     __field(unsigned long, bytes)
				     __field(u64, wait_ms)
				     __field(u32, deliveries)),
		    TP_fast_assign(strscpy_pad(__entry->queue, q->name, KMSGQ_NAME_SIZE);
				   __entry->seq = msg->seq;
				   __entry->len = msg->len;
				   __entry->queued = kmsgq_queued(q);
				   __entry->bytes = q->bytes;
				   __entry->wait_ms = jiffies64_to_msecs(get_jiffies_64() -
									 msg->stamp);
				   __entry->deliveries = msg->deliveries;),
		    TP_printk("queue=%s seq=%llu len=%u queued=%llu bytes=%lu wait_ms=%llu deliveries=%u",
			      __entry->queue, __entry->seq, __entry->len, __entry->queued,
			      __entry->bytes, __entry->wait_ms, __entry->deliveries)
);

#define KMSGQ_MESSAGE_EVENT(_name)						\
	DEFINE_EVENT(kmsgq_message, _name,					\
		     TP_PROTO(const struct kmsgq_queue *q, const struct kmsgq_msg *msg), \
		     TP_ARGS(q, msg))

KMSGQ_MESSAGE_EVENT(kmsgq_enqueue);
KMSGQ_MESSAGE_EVENT(kmsgq_dequeue);
KMSGQ_MESSAGE_EVENT(kmsgq_confirm);
KMSGQ_MESSAGE_EVENT(kmsgq_return);

/* A writer, or a poller for writing, has found the queue full. */
TRACE_EVENT(kmsgq_full,
	    TP_PROTO(const struct kmsgq_queue *q),
	    TP_ARGS(q),
	    TP_STRUCT__entry(__array(char, queue, KMSGQ_NAME_SIZE)
			     __field(u64, queued)
			     __field(unsigned long, bytes)),
	    TP_fast_assign(strscpy_pad(__entry->queue, q->name, KMSGQ_NAME_SIZE);
			   __entry->queued = kmsgq_queued(q);
			   __entry->bytes = q->bytes;),
	    TP_printk("queue=%s queued=%llu bytes=%lu",
		      __entry->queue, __entry->queued, __entry->bytes)
);

#endif /* KMSGQ_TRACE_H */

/* Read again for the code: must be outside the guard. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
