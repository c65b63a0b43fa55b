// SPDX-License-Identifier: Apache-2.0
#include "dataplan.h"

#define LEAVE DATAPLAN_LEAVE
#define LOCK DATAPLAN_LOCK

enum dataplan dataplan_next(enum datahead head, enum dataplan_order order)
{
	/* silent, plain, open, make, closed */
	static const enum dataplan table[][DATAPLAN_ORDERS] = {
		[DATAHEAD_EMPTY] = { LOCK, DATAPLAN_NEW_PLAIN, DATAPLAN_UNLOCK_MEND,
				     DATAPLAN_NEW_ENCRYPTED, LOCK },
		[DATAHEAD_MAKING] = { LOCK, DATAPLAN_NEW_PLAIN, LEAVE, DATAPLAN_NEW_ENCRYPTED,
				      LOCK },
		/* Whether an unencrypted one may be used is a matter of policy, which trust knows.
		 */
		[DATAHEAD_MADE] = { LOCK, DATAPLAN_MOUNT, LEAVE, LEAVE, LOCK },
		[DATAHEAD_MAKING_ENCRYPTED] = { LOCK, DATAPLAN_NEW_PLAIN, LEAVE,
						DATAPLAN_NEW_ENCRYPTED, LOCK },
		[DATAHEAD_ENCRYPTED] = { LOCK, LEAVE, DATAPLAN_UNLOCK, LEAVE, LOCK },
		[DATAHEAD_UNKNOWN] = { LEAVE, LEAVE, DATAPLAN_UNLOCK_MEND, LEAVE, LEAVE },
	};

	if ((unsigned int)head > DATAHEAD_UNKNOWN || (unsigned int)order >= DATAPLAN_ORDERS)
		return LEAVE;
	return table[head][order];
}
