import json
import urllib.error
import urllib.request

import pytest

from tagsync.sandbox import DEFAULT_PATH, DEFAULT_TOKEN

PARAMS = {"isMatching": True, "matchingType": 2, "identifyWay": 1, "optType": "add"}


class Caller:
    """Speaks to a sandbox over a real socket, a new connection for each call, without tagsync's own client."""

    def __init__(self, url):
        self.url = url

    def call(self, method, path, body=None, headers=None, timeout=10):
        """(HTTP status, headers, text)"""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, raw, headers or {}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        try:
            with opener.open(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def batch(self, body, token=DEFAULT_TOKEN, path=DEFAULT_PATH, **options):
        """(HTTP status, answer)"""
        headers = {"Content-Type": "application/json", **({"X-Token": token} if token is not None else {})}
        status, _, text = self.call("POST", path, body, headers, **options)
        return status, json.loads(text)

    def rows(self, *rows, operation="add", **options):
        return self.batch({"publicParams": {**PARAMS, "optType": operation}, "data": list(rows)}, **options)

    def json(self, method, path, body=None):
        return json.loads(self.call(method, path, body)[2])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


@pytest.fixture
def caller(sandbox):
    return Caller(sandbox.url)
