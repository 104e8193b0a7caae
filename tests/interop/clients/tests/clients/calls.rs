//! The calls that every client makes, and how each must end.

use serde_json::{Value, json};
use tonic_guard_examples::demo;

/// A client in another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Node, `@grpc/grpc-js`.
    GrpcJs,
    /// Python, `grpcio` and `grpcio-status`.
    Grpcio,
    /// Node, `@connectrpc/connect-node` speaking gRPC.
    Connect,
    /// The same, speaking grpc-web as a browser with TLS does.
    WebOverHttp2,
    /// The same, speaking grpc-web as a browser without TLS does.
    WebOverHttp1,
}

impl Client {
    /// Whether it is `@connectrpc/connect-node`, whatever it speaks.
    pub fn is_connect(self) -> bool {
        matches!(self, Client::Connect | Client::WebOverHttp2 | Client::WebOverHttp1)
    }
}

/// What stands between a client and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Directly,
    Nginx,
    Haproxy,
}

/// One call.
pub struct Call {
    pub name: &'static str,
    method: &'static str,
    metadata: Vec<(&'static str, String)>,
    message: Value,
    owner_bytes: usize,
    /// What the client must see: one of these.
    pub expected: Vec<Value>,
}

impl Call {
    /// The call as the client's script reads it.
    pub fn task(&self) -> Value {
        json!({
            "name": self.name,
            "method": self.method,
            "metadata": self.metadata,
            "message": self.message,
            "owner_bytes": self.owner_bytes,
        })
    }

    /// Whether what a client's script printed is how this call must end.
    pub fn ends_with(&self, came: &Value) -> bool {
        let Some(mut came) = came.as_object().cloned() else { return false };
        if came.remove("call") != Some(self.name.into()) {
            return false;
        }
        let came = Value::Object(came);
        self.expected.contains(&came)
    }

    fn metadata(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((name, value.into()));
        self
    }

    fn bearer(self, token: &str) -> Self {
        self.metadata("authorization", format!("Bearer {token}"))
    }

    fn key(self, key: &str) -> Self {
        self.metadata("x-api-key", key)
    }

    fn message(self, message: Value) -> Self {
        Call { message, ..self }
    }

    fn owner_bytes(self, owner_bytes: usize) -> Self {
        Call { owner_bytes, ..self }
    }

    fn answered(self, answer: Value) -> Self {
        Call { expected: vec![json!({ "answer": answer })], ..self }
    }
}

fn call(name: &'static str, method: &'static str) -> Call {
    Call {
        name,
        method,
        metadata: Vec::new(),
        message: json!({}),
        owner_bytes: 0,
        expected: Vec::new(),
    }
}

const UNAUTHENTICATED: u32 = 16;
const PERMISSION_DENIED: u32 = 7;

/// A row of the table in the crate's documentation.
struct Row {
    code: u32,
    message: &'static str,
    reason: &'static str,
}

const MISSING: Row = Row {
    code: UNAUTHENTICATED,
    message: "credentials are missing",
    reason: "CREDENTIALS_MISSING",
};
const OVERLOADED: Row = Row {
    code: UNAUTHENTICATED,
    message: "credentials are presented more than once",
    reason: "OVERLOADED_CREDENTIALS",
};
const MALFORMED: Row = Row {
    code: UNAUTHENTICATED,
    message: "the credentials are malformed",
    reason: "CREDENTIALS_MALFORMED",
};
const UNSUPPORTED: Row = Row {
    code: UNAUTHENTICATED,
    message: "credentials of this type are not accepted here",
    reason: "CREDENTIAL_TYPE_UNSUPPORTED",
};
const INVALID: Row = Row {
    code: UNAUTHENTICATED,
    message: "the credentials are invalid",
    reason: "CREDENTIALS_INVALID",
};
const KEY_INVALID: Row = Row { reason: "API_KEY_INVALID", ..INVALID };
const EXPIRED: Row = Row {
    code: UNAUTHENTICATED,
    message: "the credentials have expired",
    reason: "ACCESS_TOKEN_EXPIRED",
};
const SCOPE_INSUFFICIENT: Row = Row {
    code: PERMISSION_DENIED,
    message: "the credentials lack a required scope",
    reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
};
const DENIED: Row =
    Row { code: PERMISSION_DENIED, message: "permission denied", reason: "PERMISSION_DENIED" };

const WRONG: &str = "let-me-in";
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// All calls, in the order in which they are made, and how each ends for `client`.
pub fn calls(client: Client, way: Way) -> Vec<Call> {
    let ends = Ends { client, way };
    let order = |id: u64, owner: &str| json!({ "id": id.to_string(), "owner": owner });
    let mut ada_cancelled = order(1, "ada");
    ada_cancelled["cancelled"] = true.into();
    let all = json!([ada_cancelled, order(2, "ada"), order(3, "eve")]);
    let received = |sender: &str| json!({ "sender": sender, "accepted": "1" });
    let new = json!({ "id": "7" });

    vec![
        call("open to everyone", "Ping").answered(json!({})),
        ends.refused(call("nothing presented", "List"), MISSING, "bearer", &["Bearer"]),
        call("a good token", "List")
            .bearer(demo::ADA_TOKEN)
            .answered(json!({ "orders": [order(1, "ada"), order(2, "ada")] })),
        ends.refused(
            call("a wrong token", "List").bearer(WRONG),
            INVALID,
            "bearer",
            &[r#"Bearer error="invalid_token""#],
        ),
        ends.refused(
            call("an expired token", "List").bearer(demo::EXPIRED_TOKEN),
            EXPIRED,
            "bearer",
            &[r#"Bearer error="invalid_token""#],
        ),
        ends.refused(
            call("two words in a token", "List").bearer("two words"),
            MALFORMED,
            "bearer",
            &[r#"Bearer error="invalid_request""#],
        ),
        ends.refused(
            call("no token after the word", "List").metadata("authorization", "Bearer"),
            MALFORMED,
            "bearer",
            &[r#"Bearer error="invalid_request""#],
        ),
        ends.refused(
            call("a password", "List").metadata("authorization", "Basic YWRhOnBhc3M="),
            UNSUPPORTED,
            "bearer",
            &["Bearer"],
        ),
        ends.two_authorizations(
            call("two tokens", "List").bearer(demo::ADA_TOKEN).bearer(demo::EVE_TOKEN),
        ),
        ends.two_authorizations(
            call("one token twice", "List").bearer(demo::ADA_TOKEN).bearer(demo::ADA_TOKEN),
        ),
        ends.refused(
            call("no scope", "Cancel").bearer(demo::EVE_TOKEN).message(json!({ "id": "3" })),
            SCOPE_INSUFFICIENT,
            "bearer",
            &[r#"Bearer error="insufficient_scope", scope="orders:write""#],
        ),
        ends.refused_by_the_method(
            call("an order of another", "Cancel")
                .bearer(demo::ADA_TOKEN)
                .message(json!({ "id": "3" })),
            DENIED,
        ),
        call("an own order", "Cancel")
            .bearer(demo::ADA_TOKEN)
            .message(json!({ "id": "1" }))
            .answered(ada_cancelled),
        ends.refused(call("no role", "Watch").bearer(demo::ADA_TOKEN), DENIED, "bearer", &[]),
        call("a role", "Watch").bearer(demo::EVE_TOKEN).answered(all),
        call("a good key", "Ingest")
            .key(demo::ACME_KEY)
            .message(new.clone())
            .answered(received("partner acme")),
        call("a good token instead of a key", "Ingest")
            .bearer(demo::ADA_TOKEN)
            .message(new.clone())
            .answered(received("user ada")),
        ends.refused(
            call("a wrong key", "Ingest").key(WRONG).message(new.clone()),
            KEY_INVALID,
            "api-key",
            &[r#"ApiKey header="x-api-key", error="invalid_token""#],
        ),
        ends.refused(
            call("neither key nor token", "Ingest").message(new.clone()),
            MISSING,
            "api-key, bearer",
            &[r#"ApiKey header="x-api-key""#, "Bearer"],
        ),
        ends.refused(
            call("a key and a token", "Ingest")
                .key(demo::ACME_KEY)
                .bearer(demo::ADA_TOKEN)
                .message(new.clone()),
            OVERLOADED,
            "api-key, bearer",
            TWO_CREDENTIALS,
        ),
        ends.two_keys(
            call("one key twice", "Ingest")
                .key(demo::ACME_KEY)
                .key(demo::ACME_KEY)
                .message(new.clone()),
        ),
        ends.refused(
            call("60 KiB, nothing presented", "Ingest").message(new.clone()).owner_bytes(60 * KIB),
            MISSING,
            "api-key, bearer",
            &[r#"ApiKey header="x-api-key""#, "Bearer"],
        ),
        ends.refused(
            call("4 MiB, nothing presented", "Ingest").message(new.clone()).owner_bytes(4 * MIB),
            MISSING,
            "api-key, bearer",
            &[r#"ApiKey header="x-api-key""#, "Bearer"],
        ),
        ends.refused(
            call("4 MiB, a wrong token", "Ingest")
                .bearer(WRONG)
                .message(new.clone())
                .owner_bytes(4 * MIB),
            INVALID,
            "bearer",
            &[r#"Bearer error="invalid_token""#],
        ),
        // tonic takes messages of up to 4 MiB; what surrounds the field is in them too.
        call("3 MiB, a good token", "Ingest")
            .bearer(demo::ADA_TOKEN)
            .message(new)
            .owner_bytes(3 * MIB)
            .answered(received("user ada")),
    ]
}

const TWO_CREDENTIALS: &[&str] =
    &[r#"ApiKey header="x-api-key", error="invalid_request""#, r#"Bearer error="invalid_request""#];

/// Over HTTP/1.1 a guard reads 64 KiB of a refused message, answers and hangs up. Node still writes
/// then, and may tell of that instead of reading the answer.
const HUNG_UP: [&str; 3] = ["write EPIPE", "write ECONNRESET", "read ECONNRESET"];

/// How calls end for one client on one way.
struct Ends {
    client: Client,
    way: Way,
}

impl Ends {
    /// Refused at the front door, which knows the method.
    fn refused(&self, call: Call, row: Row, scheme: &str, challenges: &[&str]) -> Call {
        let info = json!({
            "scheme": scheme,
            "service": "demo.orders.v1.Orders",
            "method": call.method,
        });
        let mut expected = vec![self.refusal(row, info, challenges)];
        if self.client == Client::Grpcio && self.way == Way::Haproxy && call.method == "Ingest" {
            expected.push(self.cut_short(challenges));
        }
        if self.client == Client::WebOverHttp1 && call.owner_bytes > 64 * KIB {
            expected.extend(HUNG_UP.map(|message| not_by_us(13, message)));
        }
        Call { expected, ..call }
    }

    /// Refused at the method's door, which doesn't know by which path the call came.
    fn refused_by_the_method(&self, call: Call, row: Row) -> Call {
        let expected = vec![self.refusal(row, json!({ "scheme": "bearer" }), &[])];
        Call { expected, ..call }
    }

    /// Two `authorization` headers. Not every client sends two, and not every proxy takes them.
    fn two_authorizations(&self, call: Call) -> Call {
        let challenges = &[r#"Bearer error="invalid_request""#];
        let expected = match (self.client, self.way) {
            (Client::GrpcJs, _) => {
                not_by_us(13, r#""authorization" metadata cannot have multiple values"#)
            }
            // One header, whose value has a comma.
            (Client::Connect | Client::WebOverHttp2 | Client::WebOverHttp1, _) => {
                return self.refused(call, MALFORMED, "bearer", challenges);
            }
            (Client::Grpcio, Way::Nginx) => not_by_us(13, "Received http2 header with status: 400"),
            (Client::Grpcio, _) => return self.refused(call, OVERLOADED, "bearer", challenges),
        };
        Call { expected: vec![expected], ..call }
    }

    /// Two `x-api-key` headers.
    fn two_keys(&self, call: Call) -> Call {
        if self.client.is_connect() {
            let challenge = r#"ApiKey header="x-api-key", error="invalid_request""#;
            return self.refused(call, MALFORMED, "api-key", &[challenge]);
        }
        self.refused(call, OVERLOADED, "api-key, bearer", TWO_CREDENTIALS)
    }

    fn refusal(&self, row: Row, metadata: Value, challenges: &[&str]) -> Value {
        json!({
            "code": row.code,
            "message": row.message,
            "info": { "reason": row.reason, "domain": "tonic-guard", "metadata": metadata },
            "challenges": self.challenges(challenges),
        })
    }

    /// HAProxy resets a stream with CANCEL when the answer came before the request's end
    /// (haproxy/haproxy#1219). grpcio then says CANCELLED if it reads the reset before it has told the
    /// call's end. The headers of the refusal are there all the same.
    fn cut_short(&self, challenges: &[&str]) -> Value {
        json!({
            "code": 1,
            "message": "CANCELLED by a reset",
            "info": null,
            "challenges": self.challenges(challenges),
        })
    }

    /// Node has all values of a header as one.
    fn challenges(&self, challenges: &[&str]) -> Vec<String> {
        match self.client {
            Client::Grpcio => challenges.iter().map(ToString::to_string).collect(),
            _ if challenges.is_empty() => Vec::new(),
            _ => vec![challenges.join(", ")],
        }
    }
}

/// The call never came to the guard.
fn not_by_us(code: u32, message: &str) -> Value {
    json!({ "code": code, "message": message, "info": null, "challenges": [] })
}
