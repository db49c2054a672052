// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sysfs shows of a named channel, in /sys/class/chan/chanN, and of all channels
 * together, in /sys/class/misc/chanctl.
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "chan.h"
#include "count.h"
#include "ioctl.h"
#include "metrics.h"
#include "node.h"
#include "sysfs.h"

/* ---- a channel: one file a value of struct chan_info ---- */

#define CHAN_ATTR(_name, _format, _value)					\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr,	\
			    char *buf)						\
{										\
	struct chan_info info = {};						\
										\
	chan_control_info(chan_node_chan(dev), &info);				\
	return sysfs_emit(buf, _format "\n", _value);				\
}										\
static DEVICE_ATTR_RO(_name)

CHAN_ATTR(name, "%s", info.name);
CHAN_ATTR(id, "%llu", info.id);
CHAN_ATTR(owner, "%u", info.owner);
CHAN_ATTR(elem_size, "%u", info.elem_size);
CHAN_ATTR(cap, "%llu", info.cap);
CHAN_ATTR(len, "%llu", info.len);
CHAN_ATTR(message, "%d", !!(info.flags & CHAN_MESSAGE));
CHAN_ATTR(autoclose, "%d", !!(info.flags & CHAN_AUTOCLOSE));
CHAN_ATTR(closed, "%d", !!(info.state & CHAN_STATE_CLOSED));
CHAN_ATTR(recvq, "%u", info.recvq);
CHAN_ATTR(sendq, "%u", info.sendq);
CHAN_ATTR(receivers, "%u", info.receivers);
CHAN_ATTR(senders, "%u", info.senders);
CHAN_ATTR(sends, "%llu", info.sends);
CHAN_ATTR(receives, "%llu", info.receives);
CHAN_ATTR(handoffs, "%llu", info.handoffs);
CHAN_ATTR(recv_parks, "%llu", info.recv_parks);
CHAN_ATTR(send_parks, "%llu", info.send_parks);
CHAN_ATTR(aborts, "%llu", info.aborts);
CHAN_ATTR(lost, "%llu", info.lost);

/* ---- a channel: how long its waiters wait ---- */

static ssize_t recvq_oldest_ns_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct chan *c = chan_node_chan(dev);

	return sysfs_emit(buf, "%llu\n", chan_oldest_wait(c, &c->recvq));
}
static DEVICE_ATTR_RO(recvq_oldest_ns);

static ssize_t sendq_oldest_ns_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct chan *c = chan_node_chan(dev);

	return sysfs_emit(buf, "%llu\n", chan_oldest_wait(c, &c->sendq));
}
static DEVICE_ATTR_RO(sendq_oldest_ns);

static ssize_t show_waits(struct device *dev, bool send, char *buf)
{
	struct chan_hist h;

	if (!chan_waits_get(chan_node_chan(dev), send, &h))
		return 0;
	return chan_hist_emit(buf, &h);
}

static ssize_t recvq_waits_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_waits(dev, false, buf);
}
static DEVICE_ATTR_RO(recvq_waits);

static ssize_t sendq_waits_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_waits(dev, true, buf);
}
static DEVICE_ATTR_RO(sendq_waits);

static ssize_t wait_histograms_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", !!READ_ONCE(chan_node_chan(dev)->waits));
}

/* Who reads the histograms relies on it that they never decrease, so they stay. */
static ssize_t wait_histograms_store(struct device *dev, struct device_attribute *attr,
				     const char *buf, size_t count)
{
	struct chan *c = chan_node_chan(dev);
	bool on;
	int ret;

	ret = kstrtobool(buf, &on);
	if (ret)
		return ret;
	if (on)
		ret = chan_waits_record(c);
	else if (READ_ONCE(c->waits))
		ret = -EBUSY;
	return ret ?: count;
}
static DEVICE_ATTR_RW(wait_histograms);

static struct attribute *chan_attrs[] = {
	&dev_attr_name.attr,
	&dev_attr_id.attr,
	&dev_attr_owner.attr,
	&dev_attr_elem_size.attr,
	&dev_attr_cap.attr,
	&dev_attr_len.attr,
	&dev_attr_message.attr,
	&dev_attr_autoclose.attr,
	&dev_attr_closed.attr,
	&dev_attr_recvq.attr,
	&dev_attr_sendq.attr,
	&dev_attr_receivers.attr,
	&dev_attr_senders.attr,
	&dev_attr_sends.attr,
	&dev_attr_receives.attr,
	&dev_attr_handoffs.attr,
	&dev_attr_recv_parks.attr,
	&dev_attr_send_parks.attr,
	&dev_attr_aborts.attr,
	&dev_attr_lost.attr,
	&dev_attr_recvq_oldest_ns.attr,
	&dev_attr_sendq_oldest_ns.attr,
	&dev_attr_wait_histograms.attr,
	&dev_attr_recvq_waits.attr,
	&dev_attr_sendq_waits.attr,
	NULL
};

static const struct attribute_group chan_group = {
	.attrs = chan_attrs,
};

const struct attribute_group *chan_groups[] = {
	&chan_group,
	NULL
};

/* ---- all channels: totals ---- */

static ssize_t channels_made_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", chan_made());
}
static DEVICE_ATTR_RO(channels_made);

static ssize_t channels_freed_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", chan_totals_freed());
}
static DEVICE_ATTR_RO(channels_freed);

/* The name of the file is that of a channel's, so the names of these differ. */
#define TOTAL_ATTR(_name)							\
static ssize_t total_##_name##_show(struct device *dev,				\
				    struct device_attribute *attr, char *buf)	\
{										\
	struct chan_stats sum;							\
										\
	return chan_totals(&sum) ?: sysfs_emit(buf, "%llu\n", sum._name);	\
}										\
static struct device_attribute total_##_name =					\
	__ATTR(_name, 0444, total_##_name##_show, NULL)

TOTAL_ATTR(sends);
TOTAL_ATTR(receives);
TOTAL_ATTR(handoffs);
TOTAL_ATTR(recv_parks);
TOTAL_ATTR(send_parks);
TOTAL_ATTR(aborts);
TOTAL_ATTR(lost);

#define COUNT_ATTR(_name, _what)						\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr,	\
			    char *buf)						\
{										\
	return sysfs_emit(buf, "%llu\n", chan_counted(_what));		\
}										\
static DEVICE_ATTR_RO(_name)

COUNT_ATTR(gave_way, CHAN_GAVE_WAY);
COUNT_ATTR(gave_way_hits, CHAN_GAVE_WAY_HITS);
COUNT_ATTR(spins, CHAN_SPINS);
COUNT_ATTR(spin_hits, CHAN_SPIN_HITS);
COUNT_ATTR(buffers, CHAN_BUFFERS);
COUNT_ATTR(one_copies, CHAN_ONE_COPIES);

static struct attribute *totals_attrs[] = {
	&dev_attr_channels_made.attr,
	&dev_attr_channels_freed.attr,
	&total_sends.attr,
	&total_receives.attr,
	&total_handoffs.attr,
	&total_recv_parks.attr,
	&total_send_parks.attr,
	&total_aborts.attr,
	&total_lost.attr,
	&dev_attr_gave_way.attr,
	&dev_attr_gave_way_hits.attr,
	&dev_attr_spins.attr,
	&dev_attr_spin_hits.attr,
	&dev_attr_buffers.attr,
	&dev_attr_one_copies.attr,
	NULL
};

static const struct attribute_group totals_group = {
	.name = "totals",
	.attrs = totals_attrs,
};

/* ---- all channels: how long calls wait ---- */

#define WAITS_ATTR(_name, _kind, _end)						\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr,	\
			    char *buf)						\
{										\
	struct chan_hist h = {};						\
										\
	chan_waits_total(_kind, _end, &h);					\
	return chan_hist_emit(buf, &h);						\
}										\
static DEVICE_ATTR_RO(_name)

WAITS_ATTR(recv_ready, CHAN_WAIT_RECV, CHAN_WAIT_READY);
WAITS_ATTR(recv_timeout, CHAN_WAIT_RECV, CHAN_WAIT_TIMEOUT);
WAITS_ATTR(recv_signal, CHAN_WAIT_RECV, CHAN_WAIT_SIGNAL);
WAITS_ATTR(recv_deadlock, CHAN_WAIT_RECV, CHAN_WAIT_DEADLOCK);
WAITS_ATTR(send_ready, CHAN_WAIT_SEND, CHAN_WAIT_READY);
WAITS_ATTR(send_timeout, CHAN_WAIT_SEND, CHAN_WAIT_TIMEOUT);
WAITS_ATTR(send_signal, CHAN_WAIT_SEND, CHAN_WAIT_SIGNAL);
WAITS_ATTR(send_deadlock, CHAN_WAIT_SEND, CHAN_WAIT_DEADLOCK);
WAITS_ATTR(select_ready, CHAN_WAIT_SELECT, CHAN_WAIT_READY);
WAITS_ATTR(select_timeout, CHAN_WAIT_SELECT, CHAN_WAIT_TIMEOUT);
WAITS_ATTR(select_signal, CHAN_WAIT_SELECT, CHAN_WAIT_SIGNAL);
WAITS_ATTR(select_deadlock, CHAN_WAIT_SELECT, CHAN_WAIT_DEADLOCK);

static struct attribute *waits_attrs[] = {
	&dev_attr_recv_ready.attr,
	&dev_attr_recv_timeout.attr,
	&dev_attr_recv_signal.attr,
	&dev_attr_recv_deadlock.attr,
	&dev_attr_send_ready.attr,
	&dev_attr_send_timeout.attr,
	&dev_attr_send_signal.attr,
	&dev_attr_send_deadlock.attr,
	&dev_attr_select_ready.attr,
	&dev_attr_select_timeout.attr,
	&dev_attr_select_signal.attr,
	&dev_attr_select_deadlock.attr,
	NULL
};

static const struct attribute_group waits_group = {
	.name = "waits",
	.attrs = waits_attrs,
};

const struct attribute_group *chanctl_groups[] = {
	&totals_group,
	&waits_group,
	NULL
};
