// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names: /dev/chan/NAME and /dev/chanN, and who may make and remove them.
 *
 * devtmpfs makes and removes the nodes.  A node is listed, that is, found by name and
 * opened by minor, from its making to its removal.  Both are done under the mutex; to open
 * it takes the lock of the minors only, since the mutex is held until a thread of the
 * kernel has made or removed the node.  Its minor stays reserved to the last release of its
 * channel, so that it is not used anew while somebody holds the old one.
 */
#include <linux/bits.h>
#include <linux/cdev.h>
#include <linux/ctype.h>
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <linux/user_namespace.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>

#include "chan.h"
#include "compat.h"
#include "file.h"
#include "node.h"
#include "sysfs.h"

#define CHAN_MINORS		BIT(MINORBITS)

/**
 * struct chan_node - the name of a channel
 * @dev: its device; owns this struct.
 * @link: in the table of names.
 * @chan: the channel.  Referenced as long as the node is listed.
 * @minor: number of the device.
 * @uid: owner of the node.
 * @gid: group of the node.
 * @mode: permissions of the node.
 * @name: "chanN", or what is below /dev/chan.
 */
struct chan_node {
	struct device dev;
	struct hlist_node link;
	struct chan *chan;
	u32 minor;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	char name[CHAN_NAME_MAX + 1];
};

static struct class *chan_class;
static struct cdev *chan_cdev;
static dev_t chan_devt;

static DEFINE_MUTEX(chan_node_mutex);
static DEFINE_HASHTABLE(names, 10);
static DEFINE_XARRAY_ALLOC(minors);
static atomic_t live_nodes;

static struct chan_node *to_node(const struct device *dev)
{
	return container_of(dev, struct chan_node, dev);
}

const char *chan_node_name(const struct chan_node *node)
{
	return node->name;
}

u32 chan_node_minor(const struct chan_node *node)
{
	return node->minor;
}

/* The channel of a device of ours. */
struct chan *chan_node_chan(const struct device *dev)
{
	return to_node(dev)->chan;
}

/* The path below /dev, and whose it is. */
static char *chan_devnode(chan_devnode_t *dev, umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	const struct chan_node *node = to_node(dev);
	bool chosen = strcmp(node->name, dev_name(dev));

	/* The type keeps a mode of 0 from being taken for none. */
	if (mode)
		*mode = S_IFCHR | node->mode;
	if (uid)
		*uid = node->uid;
	if (gid)
		*gid = node->gid;
	/* Without one the node would get another name, or under its own one not go away. */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "%s%s", chosen ? "chan/" : "", node->name);
}

static void chan_node_release(struct device *dev)
{
	struct chan_node *node = to_node(dev);

	if (dev->devt)
		xa_erase(&minors, node->minor);
	kfree(node);

	/* chan_node_exit() waits for this, and then until we are out of here. */
	rcu_read_lock();
	if (atomic_dec_and_test(&live_nodes))
		wake_up_var(&live_nodes);
	rcu_read_unlock();
}

static const struct device_type chan_node_type = {
	.name = "chan",
	.groups = chan_groups,
	.devnode = chan_devnode,
	.release = chan_node_release,
};

/* "chan" and a number is what the kernel gives to those without a name. */
static bool is_kernel_name(const char *name)
{
	size_t digits;

	if (strncmp(name, "chan", 4))
		return false;
	digits = strspn(name + 4, "0123456789");
	return digits && !name[4 + digits];
}

static bool is_valid_name(const char *name)
{
	const char *p;

	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || is_kernel_name(name))
		return false;
	for (p = name; *p; p++)
		if (!(isascii(*p) && isalnum(*p)) && !strchr("._-", *p))
			return false;
	return true;
}

/* -EINVAL if it is too long, -EFAULT. */
static int copy_name(char *name, const char __user *uname)
{
	long n = strncpy_from_user(name, uname, CHAN_NAME_MAX + 1);

	if (n < 0)
		return n;
	return n > CHAN_NAME_MAX ? -EINVAL : 0;
}

/**
 * chan_node_get_name() - fetch a name
 * @name: room for CHAN_NAME_MAX + 1 bytes.
 * @uname: the name, in user memory.
 *
 * Return: 0, -EINVAL (no name that a channel can be given), -EFAULT.
 */
int chan_node_get_name(char *name, const char __user *uname)
{
	int ret = copy_name(name, uname);

	if (ret)
		return ret;
	return is_valid_name(name) ? 0 : -EINVAL;
}

static u32 name_hash(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static struct chan_node *find_name(const char *name)
{
	struct chan_node *node;

	lockdep_assert_held(&chan_node_mutex);
	hash_for_each_possible(names, node, link, name_hash(name))
		if (!strcmp(node->name, name))
			return node;
	return NULL;
}

static struct chan_node *node_alloc(struct chan *c, u32 mode)
{
	struct chan_node *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	if (!node)
		return NULL;
	device_initialize(&node->dev);
	device_set_pm_not_required(&node->dev);
	/* Anybody makes nodes, as fast as he can: nothing that others have to listen to. */
	dev_set_uevent_suppress(&node->dev, true);
	node->dev.class = chan_class;
	node->dev.type = &chan_node_type;
	node->chan = c;
	node->uid = current_fsuid();
	node->gid = current_fsgid();
	node->mode = mode & ~current_umask();
	atomic_inc(&live_nodes);
	return node;
}

/* Reserves it; list_node() makes the node appear there. */
static int take_minor(struct chan_node *node)
{
	int ret;

	ret = xa_alloc(&minors, &node->minor, NULL, XA_LIMIT(0, CHAN_MINORS - 1), GFP_KERNEL);
	if (ret)
		return ret == -EBUSY ? -ENOSPC : ret;
	node->dev.devt = MKDEV(MAJOR(chan_devt), node->minor);
	return dev_set_name(&node->dev, "chan%u", node->minor);
}

static void list_node(struct chan_node *node)
{
	lockdep_assert_held(&chan_node_mutex);
	hash_add(names, &node->link, name_hash(node->name));
	chan_get(node->chan);
	/* Who finds the channel in the list of all finds the name complete. */
	smp_store_release(&node->chan->node, node);
	/* The minor is reserved, so there is nothing to allocate. */
	xa_store(&minors, node->minor, node, GFP_KERNEL);
}

/* The caller has the name's reference to the channel from now on. */
static void unlist_node(struct chan_node *node)
{
	lockdep_assert_held(&chan_node_mutex);
	hash_del(&node->link);
	xa_store(&minors, node->minor, XA_ZERO_ENTRY, GFP_KERNEL);
}

/* Give the node its name, if the user has not, and make it appear. */
static int publish(struct chan_node *node)
{
	int ret;

	lockdep_assert_held(&chan_node_mutex);
	if (*node->name && find_name(node->name))
		return -EEXIST;
	ret = take_minor(node);
	if (ret)
		return ret;
	if (!*node->name)
		strscpy(node->name, dev_name(&node->dev), sizeof(node->name));

	list_node(node);
	ret = device_add(&node->dev);
	if (!ret)
		return 0;
	unlist_node(node);
	chan_put(node->chan);
	return ret;
}

static int node_add(struct chan *c, const char *name, u32 mode)
{
	struct chan_node *node = node_alloc(c, mode);
	int ret;

	if (!node)
		return -ENOMEM;
	strscpy(node->name, name, sizeof(node->name));
	ret = mutex_lock_killable(&chan_node_mutex);
	if (!ret) {
		ret = publish(node);
		mutex_unlock(&chan_node_mutex);
	}
	/* Once listed it belongs to the channel, which its caller gives up. */
	if (ret && c->node != node)
		put_device(&node->dev);
	return ret;
}

/**
 * chan_node_add() - give a channel a name
 * @c: the channel.
 * @name: the name; "" for one of the kernel's choice.
 * @mode: permissions of the node, before the umask.
 *
 * May sleep.  After an error the channel is of no use.
 *
 * Return: 0, -EDQUOT, -EEXIST, -ENOSPC, -ENOMEM, -EINTR (the task is to be killed).
 */
int chan_node_add(struct chan *c, const char *name, u32 mode)
{
	int ret;

	ret = chan_charge_name(c->user);
	if (ret)
		return ret;
	ret = node_add(c, name, mode);
	if (ret)
		chan_uncharge_name(c->user);
	return ret;
}

/* The channel's last reference has gone. */
void chan_node_put(struct chan_node *node)
{
	put_device(&node->dev);
}

/**
 * chan_node_find() - the channel of a node that is opened
 * @inode: the node.
 *
 * The caller was let in because of what the node said, a while ago, maybe:
 *
 *	open				remove			make another
 *	----				------			------------
 *	may he open this inode? yes
 *					minors: none
 *					unlink the inode
 *					release the minor
 *								minors: the other one
 *	finds the other one
 *
 * So one that is unlinked opens nothing.  Whoever finds the other one sees that it is.
 *
 * Return: the channel, with a reference; NULL if it was removed.
 */
struct chan *chan_node_find(const struct inode *inode)
{
	struct chan_node *node;
	struct chan *c = NULL;

	/* As long as it is listed there, its reference to the channel is not put. */
	xa_lock(&minors);
	node = xa_load(&minors, iminor(inode));
	if (node && READ_ONCE(inode->i_nlink)) {
		c = node->chan;
		chan_get(c);
	}
	xa_unlock(&minors);
	return c;
}

static struct chan *remove_node(struct chan_node *node)
{
	struct chan *c = node->chan;

	lockdep_assert_held(&chan_node_mutex);
	unlist_node(node);
	device_del(&node->dev);
	chan_uncharge_name(c->user);
	return c;
}

static struct chan *remove_name(const char *name)
{
	struct chan_node *node = find_name(name);

	if (!node)
		return ERR_PTR(-ENOENT);
	if (!uid_eq(node->uid, current_fsuid()) && !capable(CAP_FOWNER))
		return ERR_PTR(-EPERM);
	return remove_node(node);
}

/**
 * chan_node_remove() - remove a named channel
 * @uname: its name, in user memory.
 *
 * The name is free at once; calls on the channel get EIDRM.  May sleep.
 *
 * Return: 0, -ENOENT, -EPERM, -EINVAL, -EFAULT, -EINTR (the task is to be killed).
 */
int chan_node_remove(const char __user *uname)
{
	char name[CHAN_NAME_MAX + 1];
	struct chan *c;
	int ret;

	ret = copy_name(name, uname) ?: mutex_lock_killable(&chan_node_mutex);
	if (ret)
		return ret;
	c = remove_name(name);
	mutex_unlock(&chan_node_mutex);
	if (IS_ERR(c))
		return PTR_ERR(c);

	chan_remove(c);
	chan_put(c);
	return 0;
}

static void remove_all(void)
{
	struct chan_node *node;
	struct hlist_node *next;
	int bucket;

	mutex_lock(&chan_node_mutex);
	hash_for_each_safe(names, bucket, next, node, link)
		chan_put(remove_node(node));
	mutex_unlock(&chan_node_mutex);
}

int chan_node_init(void)
{
	int ret;

	chan_class = chan_class_create("chan");
	if (IS_ERR(chan_class))
		return PTR_ERR(chan_class);
	ret = alloc_chrdev_region(&chan_devt, 0, CHAN_MINORS, "chan");
	if (ret)
		goto destroy_class;
	ret = -ENOMEM;
	chan_cdev = cdev_alloc();
	if (!chan_cdev)
		goto unregister;
	chan_cdev->ops = &chan_fops;
	chan_cdev->owner = THIS_MODULE;
	ret = cdev_add(chan_cdev, chan_devt, CHAN_MINORS);
	if (ret)
		goto put_cdev;
	return 0;

put_cdev:
	kobject_put(&chan_cdev->kobj);
unregister:
	unregister_chrdev_region(chan_devt, CHAN_MINORS);
destroy_class:
	class_destroy(chan_class);
	return ret;
}

/* No file is open any more, so the names hold the last references. */
void chan_node_exit(void)
{
	cdev_del(chan_cdev);
	remove_all();
	wait_var_event(&live_nodes, !atomic_read(&live_nodes));
	synchronize_rcu();
	unregister_chrdev_region(chan_devt, CHAN_MINORS);
	class_destroy(chan_class);
}
