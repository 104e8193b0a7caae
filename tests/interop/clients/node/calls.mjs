// What both Node clients do alike: read the task, make its calls one by one, print what each saw.

import { readFileSync } from "node:fs";

/// Far more than a call takes; one that takes longer hangs.
export const DEADLINE_MS = 20_000;

export const task = JSON.parse(readFileSync(0, "utf8"));

/// The call's message. A large one is made here: the task only says how large.
export function message(call) {
  return call.owner_bytes ? { ...call.message, owner: "o".repeat(call.owner_bytes) } : call.message;
}

export async function makeCalls(make) {
  for (const call of task.calls) {
    const seen = await make(call);
    console.log(JSON.stringify({ call: call.name, ...seen }));
  }
}
