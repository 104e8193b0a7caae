"""The sequence of a token's expiry with grpcio: no token; a token; an expired token; a new token and the
same call again."""

import json
import sys
import time
import urllib.parse
import urllib.request

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

task = json.load(sys.stdin)
sys.path.extend(task["include"])
# grpcio-tools compiles the proto on the fly.
messages, services = grpc.protos_and_services("kinds.proto")


def reason(error):
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return None


def call(stub, text, token=None):
    metadata = [("authorization", f"Bearer {token}")] if token else []
    try:
        answer = stub.Unary(messages.Note(text=text), metadata=metadata, timeout=20)
        return {"text": answer.text}
    except grpc.RpcError as error:
        return {"code": error.code().value[0], "reason": reason(error)}


def fetch_token():
    body = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
    # No proxy that the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(task["token_url"], body, timeout=20) as answer:
        told = json.load(answer)
    return told["access_token"], told["expires_in"]


with grpc.insecure_channel(task["address"]) as channel:
    stub = services.KindsStub(channel)
    steps = [call(stub, "without a token")]
    token, life = fetch_token()
    steps.append(call(stub, "with a token", token))
    time.sleep(life + 0.1)
    rejected = call(stub, "after it expired", token)
    steps.append(rejected)
    if rejected == {"code": grpc.StatusCode.UNAUTHENTICATED.value[0], "reason": "ACCESS_TOKEN_EXPIRED"}:
        token, _ = fetch_token()
        steps.append(call(stub, "after it expired", token))
    print(json.dumps(steps), flush=True)
