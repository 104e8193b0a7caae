// Shared by both Node clients: reads the task, makes its calls one by one and prints the outcome of
// each.

import { readFileSync } from "node:fs";

/// Far more than a call takes; a longer call hangs.
export const DEADLINE_MS = 20_000;

export const task = JSON.parse(readFileSync(0, "utf8"));

/// The call's message. A large one is built here: the task only contains its size.
export function message(call) {
  return call.owner_bytes ? { ...call.message, owner: "o".repeat(call.owner_bytes) } : call.message;
}

export async function makeCalls(make) {
  for (const call of task.calls) {
    const seen = await make(call);
    console.log(JSON.stringify({ call: call.name, ...seen }));
  }
}
