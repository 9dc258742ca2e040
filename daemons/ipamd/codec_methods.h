/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_CODEC_METHODS_H
#define LV_IPAMD_CODEC_METHODS_H

#include "daemons/ipamd/codec.h"
#include "ipc/ipam.pb-c.h"

/* Inside of the codec: what the table in codec.c points to. Nobody else includes this. */

/* Where a reply goes: it borrows what it points to for the call. */
void codec_put(struct answer *a, Litevpn__Ipam__Reply *r);

/*
 * perform: does what was asked, and fills a's result.
 * log:     it is done and committed: says so.
 * reply:   makes a message of the result in r and ends with codec_put. It may be called twice.
 * release: frees what the result has on the heap.
 * secret:  where in such a message a secret stands that must not be kept, or NULL.
 */
#define CODEC_PERFORM(name)                                                                        \
	int codec_##name(const struct codec_env *env, const Litevpn__Ipam__Request *req,           \
	    struct answer *a)
#define CODEC_LOG(name) void codec_##name(const struct answer *a)
#define CODEC_REPLY(name)                                                                          \
	void codec_##name(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
#define CODEC_RELEASE(name) void codec_##name(struct answer *a)
#define CODEC_SECRET(name) char **codec_##name(Litevpn__Ipam__Reply *r)

/* codec_session.c: from tunneld */
CODEC_PERFORM(attach);
CODEC_LOG(log_attached);
CODEC_REPLY(attached);
CODEC_PERFORM(report);
CODEC_REPLY(reported);
CODEC_PERFORM(sync);
CODEC_REPLY(synced);
CODEC_RELEASE(release_gone);

/* codec_node.c */
CODEC_PERFORM(redeem);
CODEC_LOG(log_redeemed);
CODEC_REPLY(redeemed);
CODEC_PERFORM(renew);
CODEC_LOG(log_renewed);
CODEC_REPLY(renewed);
CODEC_PERFORM(get_node);
CODEC_REPLY(got_node);
CODEC_RELEASE(release_node);
CODEC_PERFORM(update_node);
CODEC_LOG(log_updated);
CODEC_PERFORM(get_nodes);
CODEC_PERFORM(list_nodes);
CODEC_REPLY(listed_nodes);
CODEC_RELEASE(release_page);
CODEC_PERFORM(delete_node);
CODEC_LOG(log_deleted);
CODEC_REPLY(deleted);
CODEC_PERFORM(get_info);
CODEC_REPLY(got_info);
CODEC_PERFORM(list_victims);
CODEC_REPLY(listed_victims);
CODEC_RELEASE(release_victims);
CODEC_PERFORM(reclaim);
CODEC_LOG(log_reclaimed);
CODEC_REPLY(reclaimed);

/* codec_token.c */
CODEC_PERFORM(create_token);
CODEC_LOG(log_created);
CODEC_REPLY(told_token);
CODEC_SECRET(token_secret);
CODEC_PERFORM(get_token);
CODEC_PERFORM(list_tokens);
CODEC_REPLY(listed_tokens);
CODEC_RELEASE(release_tokens);
CODEC_PERFORM(delete_token);
CODEC_LOG(log_revoked);

/* codec_counts.c */
CODEC_PERFORM(get_stats);
CODEC_REPLY(got_stats);
CODEC_RELEASE(release_stats);

/* codec_network.c */
CODEC_PERFORM(reserve_address);
CODEC_LOG(log_reserved);
CODEC_PERFORM(release_address);
CODEC_LOG(log_released);
CODEC_REPLY(told_address);
CODEC_PERFORM(list_addresses);
CODEC_REPLY(listed_addresses);
CODEC_RELEASE(release_addresses);
CODEC_PERFORM(create_network);
CODEC_LOG(log_network_created);
CODEC_PERFORM(recreate_network);
CODEC_LOG(log_network_recreated);
CODEC_PERFORM(delete_network);
CODEC_LOG(log_network_deleted);
CODEC_REPLY(deleted_network);
CODEC_PERFORM(set_net_token);
CODEC_LOG(log_net_token);
CODEC_PERFORM(get_network);
CODEC_REPLY(told_network);
CODEC_SECRET(network_secret);
CODEC_PERFORM(list_networks);
CODEC_REPLY(listed_networks);
CODEC_RELEASE(release_networks);

/* codec_upkeep.c */
CODEC_PERFORM(reload);
CODEC_PERFORM(set_log_level);
CODEC_REPLY(upkept);
CODEC_PERFORM(read_backup);
CODEC_REPLY(backup_part);

/* codec_event.c */
CODEC_PERFORM(list_events);
CODEC_REPLY(listed_events);
CODEC_RELEASE(release_events);

#endif
