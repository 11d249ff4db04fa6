"""The health check of the container: whether its pages answer, asked by a name that this site has."""

import http.client
import os
import sys

name = os.environ.get("TAGSYNC_ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
caller = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000, timeout=4)
caller.request("GET", "/healthz", headers={"Host": name})
sys.exit(caller.getresponse().status != 200)
