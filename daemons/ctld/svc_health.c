/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include "daemons/ctld/ctld.h"
#include "grpc/health/v1/health.pb-c.h"

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

/* "" means the server as a whole. */
static Grpc__Health__V1__HealthCheckResponse__ServingStatus
status_of(const struct call *c)
{
	const Grpc__Health__V1__HealthCheckRequest *req = call_request(c);
	const struct ctld *ctld = call_ctld(c);

	if (req->service[0] != '\0' && !reflect_has_service(ctld->reflect, req->service))
		return STATUS(SERVICE_UNKNOWN);
	return ctld->health.stopping ? STATUS(NOT_SERVING) : STATUS(SERVING);
}

/* --- Check ------------------------------------------------------------------------------------ */

void
health_check(struct call *c)
{
	Grpc__Health__V1__HealthCheckResponse reply = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	reply.status = status_of(c);
	if (reply.status == STATUS(SERVICE_UNKNOWN))
		call_fail(c, &(struct status){ .reason = REASON_SERVICE_UNKNOWN });
	else
		call_reply(c, &reply.base);
}

/* --- Watch: the status now, and each time that it changes ------------------------------------- */

struct health_guest {
	struct call *call;
	Grpc__Health__V1__HealthCheckResponse__ServingStatus told;	/* the last one sent */
	bool sending;	/* it is not out yet; a slow reader skips what changes meanwhile */
	bool listed;
	LIST_ENTRY(health_guest) link;
};

static void
tell(struct health_guest *w, Grpc__Health__V1__HealthCheckResponse__ServingStatus status)
{
	Grpc__Health__V1__HealthCheckResponse msg = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	msg.status = w->told = status;
	w->sending = true;
	call_send(w->call, &msg.base);
}

static void
update(struct health_guest *w)
{
	Grpc__Health__V1__HealthCheckResponse__ServingStatus status = status_of(w->call);

	if (w->sending)
		return;
	if (status != w->told)
		tell(w, status);
	else if (call_ctld(w->call)->health.stopping)
		call_fail(w->call, &(struct status){ .reason = REASON_SHUTTING_DOWN });
}

void
health_watch(struct call *c)
{
	struct health *h = &call_ctld(c)->health;
	struct health_guest *w;

	if (h->n >= HEALTH_WATCHES_MAX) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		return;
	}
	if ((w = call_state(c, sizeof(*w), NULL)) == NULL)
		return;
	w->call = c;
	w->listed = true;
	LIST_INSERT_HEAD(&h->watches, w, link);
	h->n++;
	tell(w, status_of(c));
}

void
health_watch_sent(struct call *c)
{
	struct health_guest *w = call_state_get(c);

	w->sending = false;
	update(w);
}

void
health_watch_closed(struct call *c)
{
	struct health_guest *w = call_state_get(c);

	if (w == NULL || !w->listed)
		return;
	w->listed = false;
	LIST_REMOVE(w, link);
	call_ctld(c)->health.n--;
}

/* --- the whole -------------------------------------------------------------------------------- */

void
health_init(struct health *h)
{
	LIST_INIT(&h->watches);
}

void
health_stop(struct health *h)
{
	struct health_guest *w;

	h->stopping = true;
	/* Ending a watch only begins its end: none leaves the list from inside of update. */
	LIST_FOREACH(w, &h->watches, link)
		update(w);
}
