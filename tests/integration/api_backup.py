#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A backup through the API: api_backup.py SOCKET FILE N

Fetches it while N things happen, checks size and checksum; one that is abandoned makes room.
"""

import hashlib
import sys
import threading

import grpc

from api_watch import Api


def fetch(api):
    return api.call("litevpn.v1.Server/BackupDatabase")


def main(socket, path, n):
    api = Api(socket)
    abandoned = fetch(api)
    next(abandoned)
    abandoned.cancel()

    maker = threading.Thread(target=api.happen, args=(int(n),))
    maker.start()
    while True:
        try:
            pieces = list(fetch(api))
            break
        except grpc.RpcError as error:  # the abandoned one may not have ended yet
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
    maker.join()
    data = b"".join(p.data for p in pieces)
    summary = pieces[-1].summary
    assert not pieces[-1].data and all(p.data for p in pieces[:-1])
    assert summary.size == len(data) and summary.revision > 0, summary
    assert summary.sha256 == hashlib.sha256(data).digest()
    with open(path, "wb") as f:
        f.write(data)
    print("%d bytes in %d pieces, revision %d" % (len(data), len(pieces), summary.revision))


if __name__ == "__main__":
    main(*sys.argv[1:])
