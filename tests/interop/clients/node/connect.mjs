// @connectrpc/connect-node with gRPC, or with gRPC-Web as browsers use it.

import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { DEADLINE_MS, makeCalls, message, task } from "./calls.mjs";

const descriptors = fromBinary(FileDescriptorSetSchema, readFileSync(task.descriptors));
const registry = createFileRegistry(descriptors);
const service = registry.getService("demo.orders.v1.Orders");
const baseUrl = `http://${task.address}`;
const transports = {
  gRPC: () => createGrpcTransport({ baseUrl }),
  "grpc-web over HTTP/2": () => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  "grpc-web over HTTP/1.1": () => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
};
const transport = transports[task.speaks]();
const client = createClient(service, transport);

function rejection(error) {
  const { code, rawMessage, metadata } = ConnectError.from(error);
  const [info] = error.findDetails(registry.getMessage("google.rpc.ErrorInfo"));
  const { reason, domain } = info ?? {};
  return {
    code,
    message: rawMessage,
    info: info ? { reason, domain, metadata: info.metadata } : null,
    // `Headers` joins all values of a name.
    challenges: metadata.has("www-authenticate") ? [metadata.get("www-authenticate")] : [],
  };
}

async function make(call) {
  const { input, output, localName } = service.method[call.method.toLowerCase()];
  const headers = new Headers();
  for (const [name, value] of call.metadata) {
    headers.append(name, value);
  }
  const options = { headers, timeoutMs: DEADLINE_MS };
  const request = fromJson(input, message(call));
  try {
    switch (call.method) {
      case "Watch": {
        const answers = [];
        for await (const answer of client.watch(request, options)) {
          answers.push(toJson(output, answer));
        }
        return { answer: answers };
      }
      case "Ingest": {
        const messages = (async function* () {
          yield request;
        })();
        return { answer: toJson(output, await client.ingest(messages, options)) };
      }
      default:
        return { answer: toJson(output, await client[localName](request, options)) };
    }
  } catch (error) {
    return rejection(error);
  }
}

await makeCalls(make);
// The open connection would keep the program running.
process.exit(0);
