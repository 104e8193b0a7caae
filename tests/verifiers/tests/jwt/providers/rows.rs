//! The rows: a provider's token, and the verifier that the manual names for it.

use serde_json::{Value, json};
use tonic_guard::jwt::{Audience, Claims, Issuers, JwtVerifier, JwtVerifierBuilder};

use super::Row;

const API: &str = "https://orders.example";
const TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const OTHER_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

type Builder = JwtVerifierBuilder<Claims>;

/// A row whose verifier checks `aud`. `claims` gets `iat` and `exp`.
fn row(provider: &'static str, verifier: Builder, typ: Option<&str>, claims: Value) -> Row {
    let mut claims = claims;
    claims["iat"] = json!("now");
    claims["exp"] = json!("now");
    let header = typ.map_or(json!({}), |typ| json!({"typ": typ}));
    let (accepted, rejected) = (Vec::new(), Vec::new());
    Row { provider, verifier, header, claims, checks_audience: true, accepted, rejected }
}

impl Row {
    fn accepts(mut self, changes: impl IntoIterator<Item = (&'static str, Value)>) -> Row {
        self.accepted.extend(changes);
        self
    }

    fn rejects(mut self, changes: impl IntoIterator<Item = (&'static str, Value)>) -> Row {
        self.rejected.extend(changes);
        self
    }

    /// The verifier accepts tokens without an audience.
    fn without_audience(mut self) -> Row {
        self.checks_audience = false;
        self
    }
}

pub(crate) fn rows() -> Vec<Row> {
    [access_tokens(), clients(), workloads(), entra(), id_tokens(), gateways()]
        .into_iter()
        .flatten()
        .collect()
}

/// Providers whose access tokens have an audience.
fn access_tokens() -> Vec<Row> {
    let marked = |provider, issuer: &'static str, typ, claims| {
        row(provider, JwtVerifier::access_tokens(issuer, API), Some(typ), claims).rejects([
            ("ID token", json!({"typ!": "JWT", "aud": "spa", "nonce": "n"})),
            ("unmarked token", json!({"typ!": "JWT"})),
            ("no typ", json!({"typ!": null})),
        ])
    };
    let id = "https://id.example";
    vec![
        marked(
            "Auth0, profile of RFC 9068",
            "https://shop.auth.example/",
            "at+jwt",
            json!({"iss": "https://shop.auth.example/", "sub": "auth|1", "azp": "spa",
                "aud": [API, "https://shop.auth.example/userinfo"], "scope": "openid orders:read"}),
        ),
        marked(
            "Okta",
            "https://shop.okta.example/oauth2/default",
            "application/at+jwt",
            json!({"iss": "https://shop.okta.example/oauth2/default", "sub": "ada@shop.example",
                "aud": API, "cid": "0oa1", "uid": "00u1", "scp": ["orders:read"], "ver": 1}),
        ),
        marked(
            "Duende IdentityServer",
            id,
            "at+jwt",
            json!({"iss": id, "sub": "1", "aud": API, "client_id": "spa", "scope": ["orders:read"],
                "amr": ["pwd"], "sid": "1"}),
        ),
        marked(
            "oidc-provider",
            id,
            "at+jwt",
            json!({"iss": id, "sub": "1", "aud": API, "client_id": "spa", "scope": "orders:read", "jti": "1"}),
        ),
        marked(
            "Zitadel",
            id,
            "at+jwt",
            json!({"iss": id, "sub": "1", "aud": ["spa", API], "client_id": "spa",
                "urn:zitadel:iam:org:project:roles": {"admin": {"1": "shop.example"}}}),
        ),
        row(
            "Keycloak",
            JwtVerifier::any_jwt("https://id.example/realms/shop", "orders"),
            Some("JWT"),
            json!({"iss": "https://id.example/realms/shop", "sub": "1", "aud": ["orders", "account"],
                "typ": "Bearer", "azp": "spa", "sid": "1", "acr": "1", "scope": "openid profile",
                "realm_access": {"roles": ["offline_access"]},
                "resource_access": {"orders": {"roles": ["admin"]}}}),
        )
        .rejects([
            ("the default audience", json!({"aud": "account"})),
            ("another realm", json!({"iss": "https://id.example/realms/other"})),
            ("ID token", json!({"typ": "ID"})),
            ("refresh token", json!({"typ": "Refresh"})),
            ("access token before version 25", json!({"nonce": "n"})),
        ]),
        row(
            "Several issuers and audiences",
            JwtVerifier::any_jwt([id, "https://old.example"], [API, "orders", ""]),
            None,
            json!({"iss": id, "sub": "1", "aud": API}),
        )
        .accepts([
            ("the other audience", json!({"aud": "orders"})),
            ("both audiences", json!({"aud": ["other", "orders", API]})),
            ("the other issuer", json!({"iss": "https://old.example"})),
        ])
        .rejects([
            ("both issuers", json!({"iss": "https://id.example https://old.example"})),
            ("both audiences in one", json!({"aud": format!("{API} orders")})),
            ("an empty audience in a list", json!({"aud": [""]})),
        ]),
        row(
            "Spring Authorization Server",
            JwtVerifier::any_jwt(id, API),
            None,
            json!({"iss": id, "sub": "ada", "aud": API, "nbf": 1, "scope": ["orders:read"], "jti": "1"}),
        )
        .rejects([("nbf in the future", json!({"nbf": 4_102_444_800_u64}))]),
        row(
            "Firebase",
            JwtVerifier::any_jwt("https://securetoken.example/shop-1", "shop-1"),
            Some("JWT"),
            json!({"iss": "https://securetoken.example/shop-1", "aud": "shop-1", "sub": "u1",
                "user_id": "u1", "auth_time": 1, "firebase": {"sign_in_provider": "password"}}),
        )
        .rejects([
            ("another project", json!({"iss": "https://securetoken.example/shop-2", "aud": "shop-2"})),
            ("another project's issuer", json!({"iss": "https://securetoken.example/shop-2"})),
        ]),
        row(
            "Supabase",
            JwtVerifier::any_jwt("https://shop.supabase.example/auth/v1", "authenticated"),
            Some("JWT"),
            json!({"iss": "https://shop.supabase.example/auth/v1", "aud": "authenticated", "sub": "u1",
                "role": "authenticated", "session_id": "1", "is_anonymous": false}),
        )
        .rejects([("anonymous key", json!({"aud": null, "role": "anon"}))]),
    ]
}

/// Providers that name the client where the audience is missing.
fn clients() -> Vec<Row> {
    let cognito = "https://cognito-idp.example/eu-1_pool";
    let clerk = "https://clerk.shop.example";
    let hydra = "https://hydra.example";
    vec![
        row(
            "Amazon Cognito, access token",
            JwtVerifier::any_jwt(cognito, Audience::clients("client_id", ["web-shop", "app"])),
            None,
            json!({"iss": cognito, "sub": "u1", "client_id": "app", "token_use": "access",
                "scope": "orders/read", "version": 2, "username": "ada", "cognito:groups": ["admin"]}),
        )
        .accepts([("an empty audience list", json!({"aud": []}))])
        .rejects([
            ("another client", json!({"client_id": "other"})),
            ("client in another case", json!({"client_id": "APP"})),
            ("clients in a list", json!({"client_id": ["app"]})),
            ("an empty client", json!({"client_id": ""})),
            ("no client", json!({"client_id": null})),
            ("client in another claim", json!({"client_id": null, "azp": "app"})),
            ("audience besides the client", json!({"aud": "https://other.example"})),
            ("the client as audience", json!({"aud": "app"})),
            ("an empty audience", json!({"aud": ""})),
            ("ID token", json!({"token_use": "id", "aud": "app", "client_id": null, "at_hash": "x"})),
            ("ID token with a client", json!({"token_use": "id"})),
            ("another pool", json!({"iss": "https://cognito-idp.example/eu-1_other"})),
        ])
        .without_audience(),
        row(
            "Clerk session",
            JwtVerifier::any_jwt(clerk, Audience::clients("azp", ["https://shop.example"])),
            Some("JWT"),
            json!({"iss": clerk, "sub": "user_1", "azp": "https://shop.example", "sid": "sess_1", "v": 2,
                "sts": "active", "fva": [1, -1]}),
        )
        .rejects([
            ("another origin", json!({"azp": "https://evil.example"})),
            ("a longer origin", json!({"azp": "https://shop.example.evil.example"})),
            ("origin with a slash", json!({"azp": "https://shop.example/"})),
            ("no origin", json!({"azp": null})),
            ("token for another service", json!({"aud": "https://other.example"})),
        ])
        .without_audience(),
        row(
            "Ory Hydra",
            JwtVerifier::any_jwt(hydra, Audience::from(API).or_clients("client_id", ["spa"])),
            Some("JWT"),
            json!({"iss": hydra, "sub": "u1", "aud": [], "client_id": "spa", "scp": ["orders:read"],
                "ext": {}, "jti": "1", "nbf": 1}),
        )
        .accepts([
            ("requested audience", json!({"aud": [API], "client_id": "other"})),
            ("no audience", json!({"aud": null})),
        ])
        .rejects([
            ("another client", json!({"client_id": "other"})),
            ("another audience", json!({"aud": ["https://other.example"]})),
            ("an empty audience in the list", json!({"aud": [""]})),
            ("refresh token", json!({"token_use": "refresh_token"})),
        ])
        .without_audience(),
        row(
            "Audience waived for a claim",
            JwtVerifier::any_jwt(
                "https://ci.example",
                Audience::waived("project", ["acme/orders"]),
            ),
            None,
            json!({"iss": "https://ci.example", "sub": "job-1", "project": "acme/orders"}),
        )
        .accepts([("any audience", json!({"aud": "https://other.example"}))])
        .rejects([
            ("another project", json!({"project": "acme/other"})),
            ("no project", json!({"project": null})),
            ("project of another type", json!({"project": {"acme/orders": true}})),
            ("audience of the wrong type", json!({"aud": 1})),
        ])
        .without_audience(),
    ]
}

/// Workload identity of CI systems and clusters.
fn workloads() -> Vec<Row> {
    let (actions, gitlab) = ("https://token.actions.example", "https://gitlab.example");
    let cluster = "https://kubernetes.default.svc.example";
    vec![
        row(
            "GitHub Actions",
            JwtVerifier::any_jwt(actions, API)
                .require_claim("repository", ["acme/orders"])
                .require_claim("ref", ["refs/heads/main", "refs/heads/release"]),
            Some("JWT"),
            json!({"iss": actions, "aud": API, "sub": "repo:acme/orders:ref:refs/heads/main",
                "repository": "acme/orders", "repository_owner": "acme", "ref": "refs/heads/main",
                "run_id": "1", "actor": "ada", "event_name": "push"}),
        )
        .accepts([("the other branch", json!({"ref": "refs/heads/release"}))])
        .rejects([
            ("another repository", json!({"repository": "evil/orders"})),
            ("a longer repository", json!({"repository": "acme/orders-evil"})),
            ("no repository", json!({"repository": null})),
            ("pull request", json!({"ref": "refs/pull/1/merge"})),
            ("no ref", json!({"ref": null})),
            ("repository of another type", json!({"repository": 1})),
        ]),
        row(
            "GitLab CI",
            JwtVerifier::any_jwt(gitlab, API)
                .require_claim("project_path", ["acme/orders"])
                .require_claim("ref_protected", ["true"]),
            Some("JWT"),
            json!({"iss": gitlab, "aud": API, "sub": "project_path:acme/orders:ref_type:branch:ref:main",
                "project_path": "acme/orders", "ref_protected": "true", "namespace_path": "acme"}),
        )
        .rejects([
            ("another project", json!({"project_path": "evil/orders"})),
            ("branch without protection", json!({"ref_protected": "false"})),
        ]),
        row(
            "Kubernetes service account",
            JwtVerifier::any_jwt(cluster, API)
                .require_claim("sub", ["system:serviceaccount:shop:web"]),
            None,
            json!({"iss": cluster, "aud": [API], "sub": "system:serviceaccount:shop:web", "nbf": 1,
                "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "web", "uid": "1"}}}),
        )
        .rejects([
            ("the cluster's default audience", json!({"aud": [cluster]})),
            ("another account", json!({"sub": "system:serviceaccount:shop:other"})),
        ]),
    ]
}

fn entra() -> Vec<Row> {
    const CLIENT: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";

    let v2 = |tenant: &str| format!("https://login.example/{tenant}/v2.0");
    let v1 = |tenant: &str| format!("https://sts.example/{tenant}/");
    let claims = json!({"iss": v2(TENANT), "aud": CLIENT, "tid": TENANT, "oid": "o1", "sub": "s1",
        "azp": "c1", "scp": "Orders.Read Orders.Write", "ver": "2.0", "uti": "x"});
    let id_token = json!({"scp": null, "azp": null, "name": "Ada"});
    let template = || Issuers::template("https://login.example/{tenantid}/v2.0");
    vec![
        row(
            "Microsoft Entra ID v2, own API",
            JwtVerifier::any_jwt(v2(TENANT), CLIENT).require_one_of_claims(["scp", "roles"]),
            Some("JWT"),
            claims.clone(),
        )
        .accepts([("token of an application", json!({"scp": null, "roles": ["Orders.All"]}))])
        .rejects([
            ("ID token", id_token.clone()),
            ("empty scopes", json!({"scp": " "})),
            ("empty roles", json!({"scp": null, "roles": []})),
            ("roles of another type", json!({"scp": null, "roles": {"a": 1}})),
            ("another tenant", json!({"iss": v2(OTHER_TENANT), "tid": OTHER_TENANT})),
        ]),
        row(
            "Microsoft Entra ID v2, a named scope",
            JwtVerifier::any_jwt(v2(TENANT), CLIENT).require_claim("scp", ["Orders.Read"]),
            Some("JWT"),
            claims.clone(),
        )
        .rejects([
            ("ID token", id_token),
            ("another scope", json!({"scp": "Orders.ReadAll"})),
            ("scope as the role", json!({"scp": null, "roles": ["Orders.Read"]})),
        ]),
        row(
            "Microsoft Entra ID, many tenants",
            JwtVerifier::any_jwt(template().tenants([TENANT]), CLIENT)
                .require_one_of_claims(["scp", "roles"]),
            Some("JWT"),
            claims,
        )
        .rejects([
            ("another tenant", json!({"iss": v2(OTHER_TENANT), "tid": OTHER_TENANT})),
            ("tid of another tenant", json!({"tid": OTHER_TENANT})),
            ("issuer of another tenant", json!({"iss": v2(OTHER_TENANT)})),
            ("no tid", json!({"tid": null})),
            ("tid in a list", json!({"tid": [TENANT]})),
            ("tenant in another case", json!({"iss": v2(&TENANT.to_uppercase()), "tid": TENANT.to_uppercase()})),
            ("an empty tenant", json!({"iss": v2(""), "tid": ""})),
            ("two segments", json!({"iss": v2(&format!("{TENANT}/x")), "tid": format!("{TENANT}/x")})),
            ("the template itself", json!({"iss": v2("{tenantid}"), "tid": "{tenantid}"})),
            ("another host", json!({"iss": format!("https://evil.example/{TENANT}/v2.0")})),
            ("another version", json!({"iss": format!("https://login.example/{TENANT}/v1.0")})),
        ]),
        row(
            "Microsoft Entra ID v1 and v2, any tenant",
            JwtVerifier::any_jwt(
                Issuers::template("https://sts.example/{tenantid}/")
                    .any_tenant()
                    .or(template().any_tenant()),
                "api://orders",
            ),
            Some("JWT"),
            json!({"iss": v1(TENANT), "aud": "api://orders", "tid": TENANT, "sub": "s1", "appid": "c1",
                "scp": "Orders.Read", "ver": "1.0"}),
        )
        .accepts([
            ("another tenant", json!({"iss": v1(OTHER_TENANT), "tid": OTHER_TENANT})),
            ("version 2", json!({"iss": v2(TENANT)})),
        ])
        .rejects([
            ("tid of another tenant", json!({"tid": OTHER_TENANT})),
            ("no tid", json!({"tid": null})),
            ("without the slash", json!({"iss": format!("https://sts.example/{TENANT}")})),
        ]),
    ]
}

/// Providers whose ID tokens serve as bearer tokens.
fn id_tokens() -> Vec<Row> {
    let others = |client: &'static str| {
        [
            ("another client", json!({"aud": "other"})),
            ("another client besides", json!({"aud": [client, "other"]})),
            ("another authorized party", json!({"azp": "other"})),
            ("authorized party of another type", json!({"azp": [client]})),
            ("access token by its header", json!({"typ!": "at+jwt"})),
            ("access token by its use", json!({"token_use": "access"})),
            ("access token by its scope", json!({"scope": "openid"})),
            ("access token by its scopes", json!({"scp": ["openid"]})),
            ("Keycloak's access token", json!({"typ": "Bearer"})),
            ("Keycloak's refresh token", json!({"typ": "Refresh"})),
            ("logout token", json!({"events": {}})),
            ("no sub", json!({"sub": null})),
            ("an empty sub", json!({"sub": ""})),
            ("sub of another type", json!({"sub": 1})),
            ("no iat", json!({"iat": null})),
        ]
    };
    let of = |provider, issuer: &'static str, client: &'static str, typ, extra: Value| {
        let mut claims = json!({"iss": issuer, "sub": "u1", "aud": client});
        claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let verifier = JwtVerifier::id_tokens(issuer, [client, "second"]);
        row(provider, verifier, typ, claims)
            .accepts([
                ("the second client", json!({"aud": "second", "azp": null})),
                ("both clients", json!({"aud": [client, "second"], "azp": "second"})),
                ("any nonce", json!({"nonce": "n", "at_hash": "x", "c_hash": "x"})),
            ])
            .rejects(others(client))
    };
    vec![
        of("Dex", "https://dex.example", "orders-cli", None, json!({"at_hash": "x", "email": "ada@shop.example",
            "email_verified": true, "groups": ["admins"], "name": "ada"})),
        of("Google, users of the command line", "https://accounts.example", "32555940559.apps.example", Some("JWT"),
            json!({"azp": "32555940559.apps.example", "at_hash": "x", "email": "ada@shop.example", "hd": "shop.example"})),
        of("Apple", "https://appleid.example", "com.example.shop", None,
            json!({"nonce": "n", "nonce_supported": true, "c_hash": "x", "auth_time": 1, "email_verified": "true"})),
        of("Vault's provider", "https://vault.example/v1/identity/oidc/provider/default", "vault-client", None,
            json!({"at_hash": "x", "namespace": "root"})),
        of("Amazon Cognito, ID token", "https://cognito-idp.example/eu-1_pool", "app", None,
            json!({"token_use": "id", "at_hash": "x", "cognito:username": "ada", "origin_jti": "1"})),
        row(
            "Google, an application's backend",
            JwtVerifier::id_tokens("https://accounts.example", ["backend"])
                .authorized_parties(["android", "ios"]),
            Some("JWT"),
            json!({"iss": "https://accounts.example", "sub": "u1", "aud": "backend", "azp": "android"}),
        )
        .accepts([
            ("the other party", json!({"azp": "ios"})),
            ("party as audience", json!({"aud": ["backend", "ios"]})),
            ("no party", json!({"azp": null})),
        ])
        .rejects([
            ("the client isn't a party", json!({"azp": "backend"})),
            ("a party alone as audience", json!({"aud": "ios"})),
            ("another audience besides", json!({"aud": ["backend", "other"]})),
        ]),
    ]
}

/// Proxies that add a token to each request.
fn gateways() -> Vec<Row> {
    let (access, iap) = ("https://shop.cloudflareaccess.example", "https://iap.example");
    vec![
        row(
            "Cloudflare Access",
            JwtVerifier::any_jwt(access, "32eafc7626e737901845472f8b6ccb76"),
            None,
            json!({"iss": access, "aud": ["32eafc7626e737901845472f8b6ccb76"], "sub": "u1", "type": "app",
                "email": "ada@shop.example", "nbf": 1, "country": "DE"}),
        ),
        row(
            "Google IAP",
            JwtVerifier::any_jwt(iap, "/projects/1/global/backendServices/2"),
            Some("JWT"),
            json!({"iss": iap, "aud": "/projects/1/global/backendServices/2", "sub": "accounts.example:1",
                "email": "ada@shop.example", "hd": "shop.example"}),
        )
        .rejects([("another backend", json!({"aud": "/projects/1/global/backendServices/3"}))]),
    ]
}
