/* SPDX-License-Identifier: MIT */
/*
 * The executor as the only program of a guest, started by its kernel as init.
 *
 * Mounts what the executor reads, loads the modules that conformance/qemu.py has
 * put into the initramfs, and speaks through a port of virtio-serial in place of
 * stdin and stdout. The end of the executor ends the guest: a kernel without init
 * panics, and QEMU leaves.
 */
#ifndef INIT_H
#define INIT_H

#define PORT		"/dev/vport0p1"
#define MODULES		"/modules"
#define PORT_SECONDS	30	/* until the port is there; it takes a fraction of one */
#define TRY_MS		10

static void mount_at(const char *folder, const char *type)
{
	mkdir(folder, 0755);
	if (mount(type, folder, type, 0, NULL) && errno != EBUSY)
		fatal(folder);
}

/* In the order of their names. */
static void load_modules(void)
{
	struct dirent **names;
	int nr = scandir(MODULES, &names, NULL, alphasort);

	for (int i = 0; i < nr; i++) {
		char path[sizeof(MODULES) + sizeof(names[i]->d_name)];
		int fd;

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), MODULES "/%s", names[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			fatal(path);
		close(fd);
	}
}

/* The port comes when its driver has met the device, and reads as closed until the host's end is. */
static int open_port(void)
{
	struct timespec pause = { 0, TRY_MS * 1000000 };
	int fd = -1;

	for (int left = PORT_SECONDS * 1000 / TRY_MS; left; left--) {
		struct pollfd port;

		if (fd < 0)
			fd = open(PORT, O_RDWR | O_CLOEXEC);
		port = (struct pollfd) { fd, POLLOUT, 0 };
		if (fd >= 0 && poll(&port, 1, 0) >= 0 && !(port.revents & POLLHUP))
			return fd;
		nanosleep(&pause, NULL);
	}
	fatal(PORT);
	return -1;
}

static void be_init(void)
{
	int port;

	mount_at("/proc", "proc");
	mount_at("/sys", "sysfs");
	mount_at("/dev", "devtmpfs");
	load_modules();
	port = open_port();
	if (dup2(port, STDIN_FILENO) < 0 || dup2(port, STDOUT_FILENO) < 0)
		fatal("dup2");
	close(port);
}

#endif /* INIT_H */
