"""`python -m tagsync.sandbox`: the stand-in as a process of its own."""

import argparse

from tagsync.sandbox.platform import DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TOKEN
from tagsync.sandbox.running import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="tagsync.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ledger", help="a file of JSON lines; without it the calls are forgotten at the end")
    parser.add_argument("--token", default=DEFAULT_TOKEN)
    parser.add_argument("--app-id", default=DEFAULT_APP_ID)
    parser.add_argument("--app-secret", default=DEFAULT_APP_SECRET)
    wanted = parser.parse_args()
    try:
        serve(
            wanted.host,
            wanted.port,
            wanted.ledger,
            token=wanted.token,
            app_id=wanted.app_id,
            app_secret=wanted.app_secret,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
