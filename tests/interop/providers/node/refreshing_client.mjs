// The sequence of a token's expiry with @grpc/grpc-js: no token; a token; an expired token; a new
// token and the same call again.

import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const task = JSON.parse(readFileSync(0, "utf8"));
const definition = protoLoader.loadSync(["kinds.proto", "rejection.proto"], { includeDirs: task.include });
const { guard } = grpc.loadPackageDefinition(definition);
const client = new guard.test.v1.Kinds(task.address, grpc.credentials.createInsecure());

function reason(metadata) {
  const infos = metadata.get("grpc-status-details-bin").flatMap((bytes) => {
    const status = definition["google.rpc.Status"].deserialize(bytes);
    return (status.details ?? [])
      .filter((detail) => detail.type_url.endsWith("/google.rpc.ErrorInfo"))
      .map((detail) => definition["google.rpc.ErrorInfo"].deserialize(detail.value).reason);
  });
  return infos[0] ?? null;
}

function call(text, token) {
  const metadata = new grpc.Metadata();
  if (token) {
    metadata.set("authorization", `Bearer ${token}`);
  }
  const options = { deadline: Date.now() + 20_000 };
  return new Promise((resolve) => {
    client.Unary({ text }, metadata, options, (error, answer) => {
      resolve(error ? { code: error.code, reason: reason(error.metadata) } : { text: answer.text });
    });
  });
}

async function fetchToken() {
  const body = new URLSearchParams({ grant_type: "client_credentials" });
  const answer = await fetch(task.token_url, { method: "POST", body });
  const { access_token: token, expires_in: life } = await answer.json();
  return { token, life };
}

const steps = [];
steps.push(await call("without a token"));
const { token, life } = await fetchToken();
steps.push(await call("with a token", token));
await new Promise((resolve) => setTimeout(resolve, life * 1000 + 100));
const rejected = await call("after it expired", token);
steps.push(rejected);
if (rejected.code === grpc.status.UNAUTHENTICATED && rejected.reason === "ACCESS_TOKEN_EXPIRED") {
  steps.push(await call("after it expired", (await fetchToken()).token));
}
console.log(JSON.stringify(steps));
client.close();
