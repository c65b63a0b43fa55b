// SPDX-License-Identifier: Apache-2.0
#include "respawn.h"

#define BACKOFF_MIN_MS 500u
#define BACKOFF_MAX_MS 60000u
#define LONG_RUN_MS 60000u

#define GO(state, action)                                                                          \
	{                                                                                          \
		RESPAWN_##state, RESPAWN_##action                                                  \
	}

/* clang-format off */
static const struct respawn_step table[RESPAWN_STATES][RESPAWN_EVENTS] = {
	/*                          WANT                     UNWANT                RESTART                    EXIT                  TIMER */
	[RESPAWN_IDLE]       = { GO(RUNNING, SPAWN),      GO(IDLE, NOTHING),     GO(IDLE, NOTHING),       GO(IDLE, NOTHING),    GO(IDLE, NOTHING) },
	[RESPAWN_RUNNING]    = { GO(RUNNING, NOTHING),    GO(STOPPING, TERM),    GO(RESTARTING, TERM),    GO(WAITING, ARM),     GO(RUNNING, NOTHING) },
	[RESPAWN_WAITING]    = { GO(WAITING, NOTHING),    GO(IDLE, DISARM),      GO(WAITING, NOTHING),    GO(WAITING, NOTHING), GO(RUNNING, SPAWN) },
	[RESPAWN_STOPPING]   = { GO(RESTARTING, NOTHING), GO(STOPPING, NOTHING), GO(STOPPING, NOTHING),   GO(IDLE, DISARM),     GO(STOPPING, KILL) },
	[RESPAWN_RESTARTING] = { GO(RESTARTING, NOTHING), GO(STOPPING, NOTHING), GO(RESTARTING, NOTHING), GO(RUNNING, SPAWN),   GO(RESTARTING, KILL) },
};
/* clang-format on */

struct respawn_step respawn_next(enum respawn_state state, enum respawn_event event)
{
	return table[state][event];
}

uint32_t respawn_backoff_ms(uint32_t *short_runs, uint64_t ran_ms)
{
	uint32_t ms;

	if (ran_ms >= LONG_RUN_MS)
		*short_runs = 0;
	ms = *short_runs >= 7 ? BACKOFF_MAX_MS : BACKOFF_MIN_MS << *short_runs;
	if (*short_runs < 7)
		(*short_runs)++;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}
