"""grpcio, with grpcio-status for the details of a rejection."""

import json
import sys

import grpc
from google.protobuf import empty_pb2, json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

# Far more than a call takes; a longer call hangs.
DEADLINE_SECONDS = 20

task = json.load(sys.stdin)
sys.path.extend(task["include"])
# grpcio-tools compiles the proto on the fly.
messages, services = grpc.protos_and_services("orders.proto")
requests = {
    "List": messages.ListOrders,
    "Cancel": messages.CancelOrder,
    "Watch": messages.WatchOrders,
    "Ingest": messages.Order,
    "Ping": empty_pb2.Empty,
}


def error_info(error):
    # Raises when the details' code or message isn't that of the status.
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return {
                "reason": info.reason,
                "domain": info.domain,
                "metadata": dict(info.metadata),
            }
    return None


def rejection(error):
    trailing = error.trailing_metadata() or ()
    challenges = [value for key, value in trailing if key == "www-authenticate"]
    details = error.details()
    if error.code() == grpc.StatusCode.CANCELLED and "RST_STREAM" in details:
        # The status of the rejection is overridden; grpcio-status reads no details of another
        # status.
        return {
            "code": error.code().value[0],
            "message": "CANCELLED by a reset",
            "info": None,
            "challenges": challenges,
        }
    return {
        "code": error.code().value[0],
        "message": details,
        "info": error_info(error),
        "challenges": challenges,
    }


def make(stub, call):
    method = call["method"]
    options = {
        "metadata": [tuple(pair) for pair in call["metadata"]],
        "timeout": DEADLINE_SECONDS,
    }
    fields = dict(call["message"])
    if call["owner_bytes"]:
        fields["owner"] = "o" * call["owner_bytes"]
    request = json_format.ParseDict(fields, requests[method]())
    try:
        if method == "Watch":
            answers = getattr(stub, method)(request, **options)
            return {"answer": [json_format.MessageToDict(answer) for answer in answers]}
        if method == "Ingest":
            request = iter([request])
        answer = getattr(stub, method)(request, **options)
        return {"answer": json_format.MessageToDict(answer)}
    except grpc.RpcError as error:
        return rejection(error)


with grpc.insecure_channel(task["address"]) as channel:
    stub = services.OrdersStub(channel)
    for call in task["calls"]:
        seen = {"call": call["name"], **make(stub, call)}
        print(json.dumps(seen), flush=True)
