// SPDX-License-Identifier: Apache-2.0
/* Runs a fuzz target over the files named on the command line, with no fuzzer: the inputs kept
 * from earlier runs stay tests. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint8_t *buf = NULL;
		long len = -1;

		if (f && fseek(f, 0, SEEK_END) == 0)
			len = ftell(f);
		if (len >= 0) {
			rewind(f);
			/* An exact allocation, so that a sanitizer sees one byte too many. */
			buf = malloc(len ? (size_t)len : 1);
		}
		if (!buf || fread(buf, 1, (size_t)len, f) != (size_t)len) {
			fprintf(stderr, "%s: cannot read\n", argv[i]);
			return 111;
		}
		(void)LLVMFuzzerTestOneInput(buf, (size_t)len);
		free(buf);
		(void)fclose(f);
	}
	return 0;
}
