# SPDX-License-Identifier: Apache-2.0
"""A hospital's or a bureau's system, as far as a node sees it: HTTP and JSON, one bearer token."""
import http.client
import json
import time
from urllib.parse import quote


class Answer:
    """What a node said: status, decoded body, milliseconds it took."""

    def __init__(self, status, body, ms):
        self.status = status
        self.body = body
        self.ms = ms

    @property
    def ok(self):
        return self.status == 200

    @property
    def reason(self):
        """The rule or the error code behind a refusal, in a few words."""
        rule, code = self.body.get("rule"), self.body.get("code")
        if rule:
            return rule
        return code or self.body.get("outcome") or str(self.status)


class Api:
    def __init__(self, port, token, timeout=30, host="127.0.0.1"):
        self.port = port
        self.host = host
        self.token = token
        self.timeout = timeout

    def call(self, method, path, body=None):
        """One call on a connection of its own. OSError if the node cannot be reached or dies meanwhile."""
        started = time.monotonic()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            headers = {"Authorization": "Bearer " + self.token}
            payload = None
            if body is not None:
                payload = json.dumps(body, ensure_ascii=False).encode()
                headers["Content-Type"] = "application/json"
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            raw = response.read()
        except http.client.HTTPException as broken:
            raise ConnectionError(str(broken)) from broken
        finally:
            connection.close()
        try:
            decoded = json.loads(raw) if raw else {}
        except ValueError:
            decoded = {"text": raw.decode("utf-8", "replace")}
        return Answer(response.status, decoded, (time.monotonic() - started) * 1000)

    def post(self, path, body):
        return self.call("POST", path, body)

    def get(self, path):
        return self.call("GET", path)

    def transactions(self, state):
        answer = self.get("/v1/transactions?state=" + quote(state))
        return answer.body.get("transactions", []) if answer.ok else []

    def transaction(self, txid):
        answer = self.get("/v1/transactions/" + quote(txid, safe=""))
        return answer.body["transactions"][0] if answer.ok else None
