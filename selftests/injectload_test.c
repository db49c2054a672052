// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading the module, with each allocation of its own failing once, in turn, or
 * with no memory at all from that one on.  A module that cannot be loaded leaves nothing, and can
 * be loaded later; what can do without is loaded, and works; and it can always be unloaded.
 */
#include <sys/utsname.h>

#include "inject_test.h"

/* A module that is loaded again may come elsewhere, but not far from there. */
#define AROUND		(64ULL << 20)

/* There are many points, and to load is slow where they can be made to fail. */
#define LOAD_SECONDS	900

struct image {
	void *start;
	size_t size;
};

static struct image read_image(void)
{
	struct utsname name;
	struct image image;
	struct stat st;
	char path[256];
	int fd;

	must(uname(&name));
	snprintf(path, sizeof(path), "/lib/modules/%s/updates/chan.ko", name.release);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %m", path);
	must(fstat(fd, &st));
	image.size = st.st_size;
	image.start = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (image.start == MAP_FAILED)
		die("%s: %m", path);
	close(fd);
	return image;
}

static long load(const struct image *image)
{
	return syscall(SYS_init_module, image->start, image->size, "") ? -errno : 0;
}

static long unload(void)
{
	return syscall(SYS_delete_module, "chan", O_NONBLOCK) ? -errno : 0;
}

static bool is_there(const char *path)
{
	return !access(path, F_OK);
}

static bool is_all_gone(void)
{
	return !is_there("/sys/module/chan") && !is_there(CHANCTL) && !is_there("/dev/chan") &&
	       !is_there("/sys/class/chan") && !is_there("/sys/class/misc/chanctl") &&
	       !is_there("/sys/kernel/debug/chan");
}

static void check_that_it_works(struct __test_metadata *_metadata)
{
	int ch = ch_make(8, 1, 0);

	EXPECT_EQ(0, send64(ch, 7));
	EXPECT_EQ(7, recv64(ch));
	close(ch);
}

FIXTURE(load)
{
	struct image image;
	uint64_t start, end;
};

FIXTURE_VARIANT(load)
{
	bool lasting;
};

FIXTURE_VARIANT_ADD(load, each_point_fails_once) { .lasting = false };
FIXTURE_VARIANT_ADD(load, no_memory_from_each_point_on) { .lasting = true };

FIXTURE_SETUP(load)
{
	if (!is_root() || !faults_available())
		SKIP(return, CANNOT_FAIL);
	self->image = read_image();
	module_range(&self->start, &self->end);
	self->start -= AROUND;
	self->end += AROUND;
	faults_set_up(POINTS_OBJECTS, self->start, self->end);
}

FIXTURE_TEARDOWN(load)
{
	if (!is_root() || !faults_available())
		return;
	if (!is_there("/sys/module/chan"))
		must(load(&self->image));
	faults_off();
}

static long load_armed(const struct image *image, unsigned int nth, bool lasting, bool *failed)
{
	long ret;

	faults_arm(nth, lasting);
	ret = load(image);
	*failed = faults_disarm();
	return ret;
}

/* A module that is loaded elsewhere has no points, and proves nothing. */
static bool is_in_range(uint64_t start, uint64_t end)
{
	uint64_t from, to;

	module_range(&from, &to);
	return from >= start && to <= end;
}

TEST_F_TIMEOUT(load, loading, LOAD_SECONDS)
{
	unsigned int nth, refused = 0;
	bool failed = true;
	long ret;

	must(unload());
	for (nth = 1; failed && nth < MOST_POINTS; nth++) {
		ret = load_armed(&self->image, nth, variant->lasting, &failed);
		if (ret) {
			EXPECT_EQ(-ENOMEM, ret) TH_LOG("point %u", nth);
			EXPECT_TRUE(failed);
			refused++;
		} else {
			check_that_it_works(_metadata);
			EXPECT_TRUE(is_in_range(self->start, self->end));
			ASSERT_EQ(0, unload());
		}
		ASSERT_TRUE(eventually(is_all_gone())) TH_LOG("point %u: something is left", nth);
	}
	EXPECT_LT(0, refused);
	EXPECT_FALSE(failed);
	TH_LOG("points %u, refused %u", nth - 2, refused);
}

TEST_F_TIMEOUT(load, unloading, LOAD_SECONDS)
{
	bool failed = true;
	unsigned int nth;

	for (nth = 1; failed && nth < MOST_POINTS; nth++) {
		int ch = must(ch_make_named("injectload", 8, 1, 0, 0600));

		send64(ch, 1);
		close(ch);
		faults_arm(nth, variant->lasting);
		EXPECT_EQ(0, unload()) TH_LOG("point %u", nth);
		failed = faults_disarm();
		ASSERT_TRUE(eventually(is_all_gone())) TH_LOG("point %u: something is left", nth);
		ASSERT_EQ(0, load(&self->image));
	}
	EXPECT_FALSE(failed);
	TH_LOG("points %u", nth - 2);
}

TEST_HARNESS_MAIN
