// SPDX-License-Identifier: Apache-2.0
#include "devkeys.h"

#include <string.h>

#include "hex.h"

static const char *const ids[] = {
	"89727e1cc7ba3458dfcfb067237dee656489651861266c5ec6982152f962673c", /* KEK.key */
	"80e588990947d22e85b0ec7d66da7fafff25c628a1b43b88a8ddf489ce002202", /* PK.key */
	"6fdafd10f34033e8f664c9e4fbb437a152c47e2bb33f14a9466c2f963bc7de47", /* channel.key */
	"eca3a8517c322224edf811a79afa23b395372023bcb29da6e47f5722ea7cbc4b", /* db.key */
	"f59b571e4a635d957cd3d73bcecaa8eaef3e2ba504b961c3d206f5b3ff442a14", /* recovery.key */
	"b7bed2f9259555bab08a9dfb6ea85ef85c6c0cf21d04772c852d6022d7fe9c3a", /* release.key */
	"c9ebc20955fa5e9290deb3bb4b06ca411248ae28420c0f5d89b4eaaa3a3ae784", /* root.key */
	"fdde17eb15854b716ecba80e14e8c744e1b3457d8f3e0a55c807dc9860f180f3", /* slot.key */
};

int devkeys_has(const uint8_t id[static SHA256_SIZE])
{
	char text[2 * SHA256_SIZE + 1];
	size_t i;

	hex_encode(id, SHA256_SIZE, text);
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (strcmp(ids[i], text) == 0)
			return 1;
	return 0;
}
