// A @grpc/grpc-js server that rejects with a plain UNAUTHENTICATED: no details, no challenge. A
// token contains its expiry in milliseconds: `t-1796303905000`.

import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const task = JSON.parse(readFileSync(0, "utf8"));
const definition = protoLoader.loadSync(["kinds.proto"], { includeDirs: task.include });
const { guard } = grpc.loadPackageDefinition(definition);

const rejection = { code: grpc.status.UNAUTHENTICATED, details: "the token has expired" };

function isGood(call) {
  const [value] = call.metadata.get("authorization");
  const end = /^Bearer t-(\d+)$/.exec(value ?? "")?.[1];
  return end !== undefined && Date.now() < Number(end);
}

// The client's number of attempts is returned with the text.
function attempts(call) {
  return `after ${call.metadata.get("grpc-previous-rpc-attempts")[0] ?? 0}`;
}

const server = new grpc.Server();
server.addService(guard.test.v1.Kinds.service, {
  Unary(call, done) {
    if (!isGood(call)) return done(rejection);
    done(null, { text: `${call.request.text} ${attempts(call)}` });
  },
  Down(call) {
    if (!isGood(call)) return call.emit("error", rejection);
    call.write({ text: `${call.request.text} ${attempts(call)}` });
    call.end();
  },
  Up(call, done) {
    if (!isGood(call)) return done(rejection);
    const texts = [];
    call.on("data", (note) => texts.push(note.text));
    call.on("end", () => done(null, { text: `${texts} ${attempts(call)}` }));
  },
  Both(call) {
    if (!isGood(call)) return call.emit("error", rejection);
    call.on("data", (note) => call.write({ text: `${note.text} ${attempts(call)}` }));
    call.on("end", () => call.end());
  },
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ address: `127.0.0.1:${port}` }));
});
