// An OpenID provider on a free loopback port. Reads its settings as JSON from the standard input,
// prints one line of JSON when it is ready, and runs until it is killed.
//
// Settings: access_token_life (seconds), alg (of the tokens for a resource), fail_one_in (each n-th
// request to the token endpoint fails; never when 0), port (0 for any), keys (null for new ones).
//
// A POST to /rotate creates new keys, which sign from then on; a POST to /forget-older-keys
// publishes only the newest. Both respond with the keys, so that another provider can start with
// them.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const settings = JSON.parse(readFileSync(0, "utf8"));
const SCOPES = "orders:read orders:write";

const server = createServer();
await new Promise((resolve) => server.listen(settings.port, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

// One key of each type that signs tokens. They are exported as JWK: Node 20 can deadlock when it
// exports a key that it generated as an object (its collector waits for the lock that the export
// holds).
const newKeys = () => {
  const jwk = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } };
  return [
    generateKeyPairSync("rsa", { modulusLength: 2048, ...jwk }),
    generateKeyPairSync("ec", { namedCurve: "P-256", ...jwk }),
    generateKeyPairSync("ed25519", jwk),
  ].map(({ privateKey }) => privateKey);
};

let keys = settings.keys ?? newKeys();

const client = (id, more) => ({
  client_id: id,
  client_secret: `${id}-secret`,
  redirect_uris: [],
  response_types: [],
  ...more,
});

// The keys of a provider are fixed: other keys need another provider.
const configured = () => new Provider(issuer, {
  clients: [
    // Requests tokens for itself.
    client("orders", { grant_types: ["client_credentials"], scope: SCOPES }),
    // Another of the same type, for good tokens of the wrong caller.
    client("stock", { grant_types: ["client_credentials"], scope: "orders:read" }),
    // Requests tokens on behalf of a user.
    client("orders-cli", {
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: ["https://cli.example/callback"],
      response_types: ["code"],
      scope: `openid offline_access ${SCOPES}`,
    }),
    // Introspects tokens.
    client("gate", { grant_types: [] }),
  ],
  jwks: { keys },
  scopes: ["openid", "offline_access", ...SCOPES.split(" ")],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    // A token for a resource is a JWT (RFC 9068); without one it is opaque.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: SCOPES,
        audience: resource,
        accessTokenFormat: "jwt",
        accessTokenTTL: settings.access_token_life,
        jwt: { sign: { alg: settings.alg } },
      }),
    },
  },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: settings.access_token_life,
    ClientCredentials: settings.access_token_life,
    RefreshToken: 86_400,
    Grant: 86_400,
  },
});

// Issues a refresh token of `ada` without a browser: she has already consented.
async function refreshToken() {
  const cli = await provider.Client.find("orders-cli");
  const grant = new provider.Grant({ accountId: "ada", clientId: cli.clientId });
  grant.addOIDCScope(`openid offline_access ${SCOPES}`);
  const token = new provider.RefreshToken({
    accountId: "ada",
    client: cli,
    grantId: await grant.save(),
    gty: "authorization_code",
    scope: `openid offline_access ${SCOPES}`,
  });
  return token.save();
}

let provider = configured();
let asked = 0;
let answer = provider.callback();
server.on("request", async (request, response) => {
  if (request.url === "/refresh-token-of-ada") {
    return response.end(await refreshToken());
  }
  if (request.url === "/rotate" || request.url === "/forget-older-keys") {
    keys = request.url === "/rotate" ? [...newKeys(), ...keys] : keys.slice(0, 3);
    provider = configured();
    answer = provider.callback();
    return response.end(JSON.stringify(keys));
  }
  if (request.url === "/token") {
    asked += 1;
    if (settings.fail_one_in && asked % settings.fail_one_in === 0) {
      response.statusCode = 503;
      return response.end();
    }
  }
  return answer(request, response);
});

console.log(JSON.stringify({ issuer, keys }));
