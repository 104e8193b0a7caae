"""A grpcio server that rejects with a plain UNAUTHENTICATED: no details, no challenge. A token contains its
expiry in milliseconds: `t-1796303905000`."""

import json
import sys
import time
from concurrent import futures

import grpc

task = json.load(sys.stdin)
sys.path.extend(task["include"])
messages, services = grpc.protos_and_services("kinds.proto")


def check(context):
    metadata = dict(context.invocation_metadata())
    word, _, token = metadata.get("authorization", "").partition(" ")
    end = token.removeprefix("t-")
    if word != "Bearer" or not end.isdigit() or time.time() * 1000 >= int(end):
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token has expired")
    # What the client says of its attempts comes back with the text.
    return f"after {metadata.get('grpc-previous-rpc-attempts', 0)}"


class Kinds(services.KindsServicer):
    def Unary(self, request, context):
        attempts = check(context)
        return messages.Note(text=f"{request.text} {attempts}")

    def Down(self, request, context):
        attempts = check(context)
        yield messages.Note(text=f"{request.text} {attempts}")

    def Up(self, notes, context):
        attempts = check(context)
        texts = ",".join(note.text for note in notes)
        return messages.Note(text=f"{texts} {attempts}")

    def Both(self, notes, context):
        attempts = check(context)
        for note in notes:
            yield messages.Note(text=f"{note.text} {attempts}")


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
services.add_KindsServicer_to_server(Kinds(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
server.wait_for_termination()
