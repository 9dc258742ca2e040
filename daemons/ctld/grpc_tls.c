/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "daemons/ctld/grpc_core.h"

/* What each listener asks of its peers' certificates; the modes that do not verify report as
 * authenticated what they have not looked at. */
static const grpc_ssl_client_certificate_request_type cert_modes[LISTENERS] = {
	[LISTENER_CONTROL] = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
	[LISTENER_BOOTSTRAP] = GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY,
};

int
grpc_tls_set(struct grpc_tls *tls, const char *ca_pem, const char *cert_pem, const char *key_pem)
{
	grpc_ssl_pem_key_cert_pair pair = { strdup(key_pem), strdup(cert_pem) };
	char *ca = strdup(ca_pem);

	if (pair.private_key == NULL || pair.cert_chain == NULL || ca == NULL) {
		secret_free((char *) pair.private_key);
		free((char *) pair.cert_chain);
		free(ca);
		return -ENOMEM;
	}
	pthread_mutex_lock(&tls->lock);
	secret_free((char *) tls->pair.private_key);
	free((char *) tls->pair.cert_chain);
	free(tls->ca);
	tls->pair = pair;
	tls->ca = ca;
	tls->generation++;
	pthread_mutex_unlock(&tls->lock);
	return 0;
}

void
grpc_tls_fini(struct grpc_tls *tls)
{
	secret_free((char *) tls->pair.private_key);
	free((char *) tls->pair.cert_chain);
	free(tls->ca);
	pthread_mutex_destroy(&tls->lock);
}

/* gRPC asks for each connection that comes; those that are there keep what they have. */
static grpc_ssl_certificate_config_reload_status
fetch(void *arg, grpc_ssl_server_certificate_config **out)
{
	struct server *srv = arg;
	struct grpc_tls *tls = &srv->g->tls;
	grpc_ssl_certificate_config_reload_status status =
	    GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;

	pthread_mutex_lock(&tls->lock);
	if (srv->generation != tls->generation) {
		srv->generation = tls->generation;
		*out = grpc_ssl_server_certificate_config_create(tls->ca, &tls->pair, 1);
		status = *out == NULL ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL :
		    GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
	}
	pthread_mutex_unlock(&tls->lock);
	return status;
}

grpc_server_credentials *
grpc_tls_creds(struct server *srv)
{
	if (srv->id == LISTENER_ADMIN)
		return grpc_insecure_server_credentials_create();
	return grpc_ssl_server_credentials_create_with_options(
	    grpc_ssl_server_credentials_create_options_using_config_fetcher(cert_modes[srv->id],
	    fetch, srv));
}
