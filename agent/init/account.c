// SPDX-License-Identifier: Apache-2.0
#include "account.h"

#include <errno.h>
#include <string.h>

#include "lib/io.h"

#define FILE_MAX 4096

/* Field n, from 0 on, of a line `a:b:c`, as a number. */
static int number_field(const char *line, unsigned int n, unsigned int *ret)
{
	unsigned int v = 0;
	size_t digits = 0;

	for (; n; n--) {
		line += strcspn(line, ":\n");
		if (*line++ != ':')
			return -EINVAL;
	}
	for (; *line >= '0' && *line <= '9' && digits < 9; line++, digits++)
		v = v * 10 + (unsigned int)(*line - '0');
	if (!digits || (*line != ':' && *line != '\n' && *line))
		return -EINVAL;
	*ret = v;
	return 0;
}

static int find_line(char text[static FILE_MAX], const char *path, const char *name,
		     const char **ret_line)
{
	size_t len = strlen(name);
	const char *line;
	int rc = io_read_file(path, text, FILE_MAX, NULL);

	if (rc)
		return rc;
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':') {
			*ret_line = line;
			return 0;
		}
		if (!*line)
			break;
	}
	return -ENOENT;
}

int account_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	char text[FILE_MAX];
	const char *line;
	unsigned int uid, gid;
	int rc = find_line(text, "/etc/passwd", name, &line);

	if (!rc)
		rc = number_field(line, 2, &uid);
	if (!rc)
		rc = number_field(line, 3, &gid);
	if (rc)
		return rc;
	*ret_uid = uid;
	*ret_gid = gid;
	return 0;
}

int account_group(const char *name, gid_t *ret_gid)
{
	char text[FILE_MAX];
	const char *line;
	unsigned int gid;
	int rc = find_line(text, "/etc/group", name, &line);

	if (!rc)
		rc = number_field(line, 2, &gid);
	if (!rc)
		*ret_gid = gid;
	return rc;
}
