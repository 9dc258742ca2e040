/* SPDX-License-Identifier: Apache-2.0 */
#include <grpc/grpc.h>
#include <stdint.h>

#include "daemons/ctld/grpc_core.h"

/*
 * gRPC takes connections that somebody else has accepted, with any credentials: a port named
 * "external:X", and a server argument of the same name that points to where core then puts an
 * object to be told of them. It is what grpc++'s ExternalConnectionAcceptor is made of. The C API
 * has a function for plaintext connections only (grpc_server_add_channel_from_fd), and no handshake
 * timeout there; so the object, of the class TcpServerFdHandler, is called here through its table
 * of virtual functions, which every compiler for Linux lays out in this order.
 */
struct grpc_handler {
	const struct {
		void (*finish)(struct grpc_handler *h);
		void (*delete)(struct grpc_handler *h);
		void (*handle)(struct grpc_handler *h, int listener, int fd, grpc_byte_buffer *read);
	} *calls;
};

static void *
keep(void *p)
{
	return p;
}

static void
leave(void *p)
{
	(void) p;
}

static int
compare(void *p, void *q)
{
	return (p > q) - (p < q);
}

static const grpc_arg_pointer_vtable plain_pointer = { keep, leave, compare };

#define PORT "external:doors"

grpc_arg
grpc_adopt_arg(struct server *srv)
{
	return (grpc_arg){
		.type = GRPC_ARG_POINTER,
		.key = (char *) PORT,
		.value.pointer = { &srv->handler, &plain_pointer },
	};
}

bool
grpc_adopt_open(struct server *srv, grpc_server_credentials *creds)
{
	grpc_server_add_http2_port(srv->core, PORT, creds);	/* returns 0: there is no port */
	return srv->handler != NULL;
}

void
grpc_adopt(struct grpc *g, enum listener from, int fd)
{
	struct grpc_handler *h = g->servers[from].handler;

	h->calls->handle(h, -1, fd, NULL);
}
