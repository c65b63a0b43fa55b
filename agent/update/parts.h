// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_PARTS_H
#define CAIRN_UPDATE_PARTS_H

/*
 * Service `update` is three processes of one program that share no memory and trust each other
 * little:
 *
 *   main    policy, history, health, control socket, /data/cairn/update. User cairn-update.
 *   writer  holds the disk's partitions; checks signatures and digests itself. User cairn-writer.
 *   fetch   holds the network and parses what comes from it; trusts nothing, is trusted with
 *           nothing. User cairn-fetch.
 *
 *       main ---- writer_order ----> writer        main ---- source_config ----> fetch
 *            <--- writer_report ---                      <--- source_data -----
 *                                    writer ---- source_request ---> fetch
 *                                           <--- source_data -------
 *
 * main forks the others before it gives up its rights; a part opens what it needs as root, then
 * becomes its user (agent/core/sandbox.h). What stands in a message is in agent/update/proto.h.
 * The end of one part ends all; init starts them again, and main finds out from the disk where
 * things stood.
 */

#define UPDATE_USER_MAIN "cairn-update"
#define UPDATE_USER_WRITER "cairn-writer"
#define UPDATE_USER_FETCH "cairn-fetch"
#define UPDATE_USER_HEALTH "cairn-health"

#define UPDATE_EMPTY_DIR "/run/cairn/empty"
/* Sticks are mounted below it, read-only; fetch may read below it and nothing else of the tree but
 * CA files and what names need (resolv.conf, hosts). */
#define UPDATE_MEDIA_DIR "/run/cairn/media"

/*
 * writer_run, fetch_run - the parts' bodies, called as root right after the fork, with no other
 * descriptor but 0 to 2 and these (blocking, close-on-exec):
 *   main_fd    the pair to main
 *   source_fd  writer: its pair to fetch;  asker_fd  fetch: its pair to the writer
 * Each returns only to end the process: its exit status, 0 where main is gone.
 */
int writer_run(int main_fd, int source_fd);
int fetch_run(int main_fd, int asker_fd);

#endif
