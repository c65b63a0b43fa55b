// SPDX-License-Identifier: Apache-2.0
/*
 * cairn-status - what the agent says of this machine (docs/status.md), for a person or, with
 * --json, as it comes. The document has one member a line, so plain words are the same lines
 * without the signs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io.h"
#include "status.h"

#define STATUS_SOCKET "/run/cairn/status.sock"

static int fetch(const char *path, char ret_text[static STATUS_JSON_SIZE])
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd _cleanup_close_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t used = 0;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return -errno;
	while (used + 1 < STATUS_JSON_SIZE) {
		ssize_t n = read(fd, ret_text + used, STATUS_JSON_SIZE - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	ret_text[used] = '\0';
	return used ? 0 : -ENODATA;
}

/* print_words - one line of the document without braces, quotes and commas. */
static void print_words(char *line)
{
	size_t indent = strspn(line, " ");
	char *p = line + indent, *end = p + strlen(p), *colon;

	if (*p == '{' && indent >= 2) {
		printf("%*s-\n", (int)indent - 2, "");
		return;
	}
	while (end > p && strchr(",[{", end[-1]))
		*--end = '\0';
	if (indent < 2 || *p == '\0' || *p == '}' || *p == ']')
		return;
	printf("%*s", (int)indent - 2, "");
	colon = *p == '"' ? strstr(p, "\":") : NULL;
	if (colon) {
		*colon = '\0';
		printf("%s:", p + 1);
		p = colon + 2;
	}
	while (end > p && (end[-1] == ' ' || end[-1] == '"'))
		*--end = '\0';
	p += strspn(p, " ");
	p += *p == '"';
	/* In our own words nothing but quotes and control characters is escaped. */
	printf("%s%s\n", colon && *p ? " " : "", strcmp(p, "null") == 0 ? "-" : p);
}

int main(int argc, char **argv)
{
	static char text[STATUS_JSON_SIZE];
	const char *path = STATUS_SOCKET;
	char *rest = text, *line;
	int json = 0, i, rc;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = 1;
		} else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc) {
			path = argv[++i];
		} else {
			(void)fprintf(stderr, "usage: cairn-status [--json] [--socket PATH]\n");
			return 100;
		}
	}
	rc = fetch(path, text);
	if (rc) {
		(void)fprintf(stderr, "cairn-status: cannot ask %s: %s\n", path, strerror(-rc));
		return 111;
	}
	if (json)
		return fputs(text, stdout) < 0 ? 111 : 0;
	while ((line = strsep(&rest, "\n")))
		print_words(line);
	return 0;
}
