// @grpc/grpc-js, as documented: credentials are added to the call's metadata.

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { DEADLINE_MS, makeCalls, message, task } from "./calls.mjs";

// With these options messages look like protobuf's JSON.
const definition = protoLoader.loadSync(["orders.proto", "rejection.proto"], {
  includeDirs: task.include,
  longs: String,
});
const { demo } = grpc.loadPackageDefinition(definition);
const client = new demo.orders.v1.Orders(task.address, grpc.credentials.createInsecure());

function errorInfo(metadata) {
  return metadata.get("grpc-status-details-bin").flatMap((bytes) => {
    const status = definition["google.rpc.Status"].deserialize(bytes);
    const details = status.details ?? [];
    return details
      .filter((detail) => detail.type_url === "type.googleapis.com/google.rpc.ErrorInfo")
      .map((detail) => definition["google.rpc.ErrorInfo"].deserialize(detail.value));
  })[0];
}

function rejection(error) {
  return {
    code: error.code,
    message: error.details,
    info: errorInfo(error.metadata) ?? null,
    challenges: error.metadata.get("www-authenticate"),
  };
}

function make(call) {
  const metadata = new grpc.Metadata();
  for (const [name, value] of call.metadata) {
    metadata.add(name, value);
  }
  const options = { deadline: Date.now() + DEADLINE_MS };
  return new Promise((resolve) => {
    const done = (error, answer) => resolve(error ? rejection(error) : { answer });
    switch (call.method) {
      case "Watch": {
        const answers = [];
        const stream = client.Watch(message(call), metadata, options);
        stream.on("data", (answer) => answers.push(answer));
        stream.on("error", done);
        stream.on("end", () => done(null, answers));
        break;
      }
      case "Ingest": {
        const stream = client.Ingest(metadata, options, done);
        stream.write(message(call));
        stream.end();
        break;
      }
      default:
        client[call.method](message(call), metadata, options, done);
    }
  });
}

await makeCalls(make);
client.close();
