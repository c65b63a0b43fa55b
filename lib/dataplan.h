// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DATAPLAN_H
#define CAIRN_DATAPLAN_H

#include "datahead.h"

/*
 * What is done with the DATA partition: what its head says (datahead.h) against what service
 * `trust` says, which knows the policy, the TPM and the keys' header. Neither alone leads to
 * making anything: only a head that is empty or "being made" does, and only when trust agrees.
 * What does not fit together is left as it is.
 */
enum dataplan_order {
	DATAPLAN_SILENT, /* trust does not answer */
	DATAPLAN_PLAIN,	 /* unencrypted: as it is, or to be made so */
	DATAPLAN_OPEN,	 /* there is a key for it */
	DATAPLAN_MAKE,	 /* encrypted, with a new key */
	DATAPLAN_CLOSED, /* stays shut, for a reason that trust gives */
	DATAPLAN_ORDERS
};

enum dataplan {
	DATAPLAN_LEAVE,	      /* unknown content, or head and trust contradict each other: failed */
	DATAPLAN_LOCK,	      /* locked; nothing is written */
	DATAPLAN_MOUNT,	      /* check and mount the unencrypted file system */
	DATAPLAN_UNLOCK,      /* ask for the key, then check and mount */
	DATAPLAN_UNLOCK_MEND, /* the same, and put the lost mark back */
	DATAPLAN_NEW_PLAIN,
	DATAPLAN_NEW_ENCRYPTED,
};

enum dataplan dataplan_next(enum datahead head, enum dataplan_order order);

#endif
