/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/counts.h"

#include "daemons/tunneld/join.h"
#include "daemons/tunneld/peers.h"
#include "daemons/tunneld/session_path.h"
#include "daemons/tunneld/workers.h"

#define DAEMON "tunneld"

/* --- packets ---------------------------------------------------------------------------------- */

static void
show_verdicts(const struct stats *stats, struct metrics *out)
{
	metrics_add(out, METRIC_PACKETS_DELIVERED, "", "", (double) stats->count[VERDICT_OK]);
	for (int v = VERDICT_OK + 1; v < VERDICT_COUNT; v++)
		metrics_add(out, METRIC_PACKETS_DROPPED, verdict_name((enum verdict) v), "",
		    (double) stats->count[v]);
}

static void
show_offloads(const struct worker *w, struct metrics *out)
{
	const struct {
		const char *name;
		bool on;
	} ways[] = {
		{ "tun_join", w->tun.features.vnet },
		{ "tun_tso", w->tun.features.tso },
		{ "tun_uso", w->tun.features.uso },
		{ "udp_gso", atom_get(&w->tx.segment) },
		{ "udp_gro", w->rx.joined },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		metrics_add(out, METRIC_OFFLOAD_ACTIVE, ways[i].name, "", ways[i].on);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void
add_traffic(struct traffic *sum, const struct peer *peer)
{
	const struct session *s;

	LIST_FOREACH(s, &peer->sessions, link)
		carrier_add_traffic(s->carrier, sum);
}

static void
show_node(const struct peer *peer, struct metrics *out)
{
	const struct session *s = peer->current;
	struct traffic sum = { 0 };

	carrier_add_traffic(s->carrier, &sum);
	metrics_add(out, METRIC_NODE_RECEIVED_BYTES, peer->id, "", (double) sum.rx_bytes);
	metrics_add(out, METRIC_NODE_SENT_BYTES, peer->id, "", (double) sum.tx_bytes);
	if (peer->cert_expire_s > 0)
		metrics_add(out, METRIC_NODE_CERTIFICATE_EXPIRY, peer->id, "",
		    (double) peer->cert_expire_s);
	metrics_add(out, METRIC_NODE_OVER_UDP, peer->id, "", session_path_on_udp(s));
	if (s->probe.rtt_us > 0)
		metrics_add(out, METRIC_NODE_RTT_SECONDS, peer->id, "",
		    (double) s->probe.rtt_us / 1e6);
}

static void
show_nodes(const struct peers *peers, struct metrics *out)
{
	const struct peer *peer = NULL;
	size_t n = 0;

	while ((peer = peers_next(peers, peer)) != NULL) {
		if (peer->current == NULL)
			continue;
		if (++n <= COUNTS_NODES_MAX)
			show_node(peer, out);
		else
			out->left_out++;
	}
}

static void
show_sessions(const struct server_info *s, struct metrics *out)
{
	const struct peer *peer = NULL;
	struct traffic sum = s->past;
	size_t udp = 0, tls = 0;

	while ((peer = peers_next(s->peers, peer)) != NULL) {
		add_traffic(&sum, peer);
		if (peer->current != NULL)
			*(session_path_on_udp(peer->current) ? &udp : &tls) += 1;
	}
	metrics_add(out, METRIC_SESSIONS, "joining", "", (double) s->joins->n);
	metrics_add(out, METRIC_SESSIONS, "udp", "", (double) udp);
	metrics_add(out, METRIC_SESSIONS, "tls", "", (double) tls);
	metrics_add(out, METRIC_INNER_PACKETS, "received", "", (double) sum.rx_packets);
	metrics_add(out, METRIC_INNER_PACKETS, "sent", "", (double) sum.tx_packets);
	metrics_add(out, METRIC_INNER_BYTES, "received", "", (double) sum.rx_bytes);
	metrics_add(out, METRIC_INNER_BYTES, "sent", "", (double) sum.tx_bytes);
}

/* --- all -------------------------------------------------------------------------------------- */

static void
show_joins(const struct joins *j, struct metrics *out)
{
	metrics_add(out, METRIC_CONNECTIONS, DAEMON, "tunnel", (double) j->accepted);
	metrics_add(out, METRIC_CONNECTIONS_REFUSED, DAEMON, "source", (double) j->over_share);
	metrics_add(out, METRIC_CONNECTIONS_REFUSED, DAEMON, "total", (double) j->pushed_out);
	metrics_add(out, METRIC_CONNECTIONS_REFUSED, DAEMON, "time", (double) j->slow);
	tally_show(&j->refusals, DAEMON, out);
}

void
counts_show_ipc(const struct ipc_stats *s, const char *socket, struct metrics *out)
{
	metrics_add(out, METRIC_IPC_REQUESTS, DAEMON, socket, (double) s->requests);
	metrics_add(out, METRIC_IPC_MALFORMED, DAEMON, socket, (double) s->malformed);
	metrics_add(out, METRIC_IPC_STRANGERS, DAEMON, socket, (double) s->strangers);
}

void
counts_show(const struct server_info *s, bool per_node, struct metrics *out)
{
	show_verdicts(&s->stats, out);
	show_offloads(workers_get(s->workers, 0), out);
	show_sessions(s, out);
	show_joins(s->joins, out);
	metrics_add(out, METRIC_CERTIFICATE_EXPIRY, "vpn", "ca", (double) s->ca_expire_s);
	metrics_add(out, METRIC_CERTIFICATE_EXPIRY, "vpn", "server", (double) s->cert_expire_s);
	metrics_add(out, METRIC_MTU_BYTES, "", "", s->mtu);
	counts_show_ipc(&s->ipam, "ipamd", out);
	if (per_node)
		show_nodes(s->peers, out);
}
