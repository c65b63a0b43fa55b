// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_AGENT_PARTS_H
#define CAIRN_AGENT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "status.h"

/*
 * The agent is two processes that share no memory and trust each other little:
 *
 *   main   watches init's services, judges, writes the console line. User cairn-agent.
 *   front  answers on the status socket. User cairn-status, empty root, few system calls.
 *
 * main starts front before it gives up its rights, over a SOCK_SEQPACKET pair. A
 * message is one struct of exactly its size, in host byte order; any other size ends the agent,
 * and so does the end of a part: init starts the whole again.
 *
 *   front -> main  struct part_ask       main -> front  struct status
 */

#define PART_VERSION 1

struct part_ask {
	uint32_t version; /* PART_VERSION */
	uint32_t reserved;
};

#define PART_USER_MAIN "cairn-agent"
#define PART_USER_FRONT "cairn-status"
#define PART_EMPTY_DIR "/run/cairn/empty" /* root's, nothing in it */

/* The parts' bodies: fd is the pair's end. They return only to end the process (exit status). */
int part_front(int fd, int listen_fd);

/*
 * part_receive - one message of exactly size bytes.
 * Returns 1, 0 where none waits (on a non-blocking fd), -EPIPE the other part is gone, -EBADMSG
 * another size.
 */
int part_receive(int fd, void *ret_message, size_t size);
/* part_send - 0, -EAGAIN the other part does not read, or -errno. */
int part_send(int fd, const void *message, size_t size);
/* part_send_fd - likewise, with a descriptor (SCM_RIGHTS; -1: without). */
int part_send_fd(int fd, const void *message, size_t size, int passed);
/* part_signals - for a main part, once its parts run: TERM and CHLD come as signalfd. */
int part_signals(int *ret_fd, struct err *err);

#endif
