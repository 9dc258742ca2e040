/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/device.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemons/tunneld/mtu.h"

int
device_recover(struct device *dev, struct err *e)
{
	const struct tunneld *d = dev->d;
	struct journal *j = dev->journal;
	unsigned ifindex;
	int rc;

	dev->foreign = strcmp(j->device, d->device) != 0 &&
	    netcfg_index(dev->net, d->device, &ifindex) == 0;
	if (j->device[0] != '\0' && strcmp(j->device, d->device) != 0 &&
	    netcfg_index(dev->net, j->device, &ifindex) == 0) {
		log_notice("recovered", "device=%s", j->device);
		netcfg_link_delete(dev->net, ifindex);
	}
	snprintf(j->device, sizeof(j->device), "%s", d->server && !dev->foreign ? d->device : "");
	if ((rc = journal_save(j)) < 0)
		return err_set(e, rc, "%s: cannot write the journal", d->state_dir);
	return 0;
}

/* As wide as the widest of our links: for each node no more than its path takes is used of it. */
static unsigned
widest_mtu(const struct device *dev)
{
	const struct conf_server *c = &dev->d->sc;
	unsigned outer = 0;

	if (c->mtu != 0 || netcfg_widest(dev->net, dev->ifindex, &outer) < 0 || outer == 0)
		return conf_server_mtu(c);
	return mtu_of(mtu_inside(outer), c->vpn_addr.addr.family == AF_INET6);
}

int
device_open(struct device *dev, struct err *e)
{
	const struct tunneld *d = dev->d;
	unsigned n = tunneld_workers(d);
	int rc;

	rc = tun_open(d->device, d->user.uid, tunneld_offload(d) == CONF_OFFLOAD_AUTO, &n,
	    dev->queues, &dev->features, e);
	if (rc < 0)
		return rc;
	dev->nqueues = n;
	if ((rc = netcfg_index(dev->net, d->device, &dev->ifindex)) < 0)
		return err_set(e, rc, "device %s: %s", d->device, strerror(-rc));
	if (!d->server)
		return 0;
	dev->mtu = widest_mtu(dev);
	if ((rc = netcfg_link_up(dev->net, dev->ifindex, dev->mtu)) < 0 ||
	    (rc = netcfg_set_address(dev->net, dev->ifindex, &d->sc.vpn_addr)) < 0)
		return err_set(e, rc, "device %s: address %s: %s", d->device,
		    PREFIX_TEXT(&d->sc.vpn_addr), strerror(-rc));
	/* Last: where something of this fails the device goes with us. */
	if ((rc = tun_persist(dev->queues[0], true)) < 0)
		return err_set(e, rc, "device %s: cannot be kept: %s", d->device, strerror(-rc));
	return 0;
}

void
device_close(struct device *dev)
{
	for (unsigned i = 0; i < dev->nqueues; i++)
		close(dev->queues[i]);
	dev->nqueues = 0;
}

static void
clear_journal(struct device *dev)
{
	dev->journal->device[0] = '\0';
	journal_save(dev->journal);
}

void
device_forget(struct device *dev)
{
	unsigned ifindex;

	if (dev->nqueues == 0)
		return;
	device_close(dev);
	if (netcfg_index(dev->net, dev->d->device, &ifindex) != 0)
		clear_journal(dev);
}

void
device_delete(struct device *dev)
{
	if (dev->d->server && !dev->foreign)
		netcfg_link_delete(dev->net, dev->ifindex);
	clear_journal(dev);
}
