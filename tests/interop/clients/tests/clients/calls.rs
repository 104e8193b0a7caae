//! The calls that every client makes, and their outcomes.

use serde_json::{Value, json};
use tonic_guard_examples::demo;

/// A client in another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Node, `@grpc/grpc-js`.
    GrpcJs,
    /// Python, `grpcio` and `grpcio-status`.
    Grpcio,
    /// Node, `@connectrpc/connect-node` with gRPC.
    Connect,
    /// The same with gRPC-Web, as a browser with TLS uses it.
    WebOverHttp2,
    /// The same with gRPC-Web, as a browser without TLS uses it.
    WebOverHttp1,
}

impl Client {
    /// Whether it is `@connectrpc/connect-node`, with any protocol.
    pub fn is_connect(self) -> bool {
        matches!(self, Client::Connect | Client::WebOverHttp2 | Client::WebOverHttp1)
    }
}

/// The proxy between a client and the server.
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
    /// The outcomes that the client may see.
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

    /// Whether the outcome that a client's script printed is expected.
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

const WRONG: &str = "wrong-token";
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
        call("an open method", "Ping").answered(json!({})),
        ends.rejected(call("no credentials", "List"), MISSING, "bearer", &["Bearer"]),
        call("a good token", "List")
            .bearer(demo::ADA_TOKEN)
            .answered(json!({ "orders": [order(1, "ada"), order(2, "ada")] })),
        ends.rejected(
            call("a wrong token", "List").bearer(WRONG),
            INVALID,
            "bearer",
            &[r#"Bearer error="invalid_token""#],
        ),
        ends.rejected(
            call("an expired token", "List").bearer(demo::EXPIRED_TOKEN),
            EXPIRED,
            "bearer",
            &[r#"Bearer error="invalid_token""#],
        ),
        ends.rejected(
            call("two words in a token", "List").bearer("two words"),
            MALFORMED,
            "bearer",
            &[r#"Bearer error="invalid_request""#],
        ),
        ends.rejected(
            call("no token after the scheme", "List").metadata("authorization", "Bearer"),
            MALFORMED,
            "bearer",
            &[r#"Bearer error="invalid_request""#],
        ),
        ends.rejected(
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
        ends.rejected(
            call("no scope", "Cancel").bearer(demo::EVE_TOKEN).message(json!({ "id": "3" })),
            SCOPE_INSUFFICIENT,
            "bearer",
            &[r#"Bearer error="insufficient_scope", scope="orders:write""#],
        ),
        ends.rejected_by_the_handler_check(
            call("another user's order", "Cancel")
                .bearer(demo::ADA_TOKEN)
                .message(json!({ "id": "3" })),
            DENIED,
        ),
        call("the user's order", "Cancel")
            .bearer(demo::ADA_TOKEN)
            .message(json!({ "id": "1" }))
            .answered(ada_cancelled),
        ends.rejected(call("no role", "Watch").bearer(demo::ADA_TOKEN), DENIED, "bearer", &[]),
        call("a role", "Watch").bearer(demo::EVE_TOKEN).answered(all),
        call("a good key", "Ingest")
            .key(demo::ACME_KEY)
            .message(new.clone())
            .answered(received("partner acme")),
        call("a good token instead of a key", "Ingest")
            .bearer(demo::ADA_TOKEN)
            .message(new.clone())
            .answered(received("user ada")),
        ends.rejected(
            call("a wrong key", "Ingest").key(WRONG).message(new.clone()),
            KEY_INVALID,
            "api-key",
            &[r#"ApiKey header="x-api-key", error="invalid_token""#],
        ),
        ends.rejected(
            call("no key and no token", "Ingest").message(new.clone()),
            MISSING,
            "api-key, bearer",
            &[r#"ApiKey header="x-api-key""#, "Bearer"],
        ),
        ends.rejected(
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
        ends.rejected(
            call("60 KiB, no credentials", "Ingest").message(new.clone()).owner_bytes(60 * KIB),
            MISSING,
            "api-key, bearer",
            &[r#"ApiKey header="x-api-key""#, "Bearer"],
        ),
        ends.rejected(
            call("4 MiB, no credentials", "Ingest").message(new.clone()).owner_bytes(4 * MIB),
            MISSING,
            "api-key, bearer",
            &[r#"ApiKey header="x-api-key""#, "Bearer"],
        ),
        ends.rejected(
            call("4 MiB, a wrong token", "Ingest")
                .bearer(WRONG)
                .message(new.clone())
                .owner_bytes(4 * MIB),
            INVALID,
            "bearer",
            &[r#"Bearer error="invalid_token""#],
        ),
        // tonic accepts messages of up to 4 MiB, including the bytes around the field.
        call("3 MiB, a good token", "Ingest")
            .bearer(demo::ADA_TOKEN)
            .message(new)
            .owner_bytes(3 * MIB)
            .answered(received("user ada")),
    ]
}

const TWO_CREDENTIALS: &[&str] =
    &[r#"ApiKey header="x-api-key", error="invalid_request""#, r#"Bearer error="invalid_request""#];

/// Over HTTP/1.1 a guard drains 64 KiB of a rejected message, answers and closes the connection.
/// Node may still be writing then, and report that instead of the answer.
const HUNG_UP: [&str; 3] = ["write EPIPE", "write ECONNRESET", "read ECONNRESET"];

/// The outcomes for one client over one path.
struct Ends {
    client: Client,
    way: Way,
}

impl Ends {
    /// Rejected by the guard, which knows the method.
    fn rejected(&self, call: Call, row: Row, scheme: &str, challenges: &[&str]) -> Call {
        let info = json!({
            "scheme": scheme,
            "service": "demo.orders.v1.Orders",
            "method": call.method,
        });
        let mut expected = vec![self.rejection(row, info, challenges)];
        if self.client == Client::Grpcio && self.way == Way::Haproxy && call.method == "Ingest" {
            expected.push(self.cut_short(challenges));
        }
        if self.client == Client::WebOverHttp1 && call.owner_bytes > 64 * KIB {
            expected.extend(HUNG_UP.map(|message| not_from_the_guard(13, message)));
        }
        Call { expected, ..call }
    }

    /// Rejected by the handler check, which doesn't know the path of the call.
    fn rejected_by_the_handler_check(&self, call: Call, row: Row) -> Call {
        let expected = vec![self.rejection(row, json!({ "scheme": "bearer" }), &[])];
        Call { expected, ..call }
    }

    /// Two `authorization` headers. Not every client sends two, and not every proxy accepts them.
    fn two_authorizations(&self, call: Call) -> Call {
        let challenges = &[r#"Bearer error="invalid_request""#];
        let expected = match (self.client, self.way) {
            (Client::GrpcJs, _) => {
                not_from_the_guard(13, r#""authorization" metadata cannot have multiple values"#)
            }
            // One header with a comma in its value.
            (Client::Connect | Client::WebOverHttp2 | Client::WebOverHttp1, _) => {
                return self.rejected(call, MALFORMED, "bearer", challenges);
            }
            (Client::Grpcio, Way::Nginx) => {
                not_from_the_guard(13, "Received http2 header with status: 400")
            }
            (Client::Grpcio, _) => return self.rejected(call, OVERLOADED, "bearer", challenges),
        };
        Call { expected: vec![expected], ..call }
    }

    /// Two `x-api-key` headers.
    fn two_keys(&self, call: Call) -> Call {
        if self.client.is_connect() {
            let challenge = r#"ApiKey header="x-api-key", error="invalid_request""#;
            return self.rejected(call, MALFORMED, "api-key", &[challenge]);
        }
        self.rejected(call, OVERLOADED, "api-key, bearer", TWO_CREDENTIALS)
    }

    fn rejection(&self, row: Row, metadata: Value, challenges: &[&str]) -> Value {
        json!({
            "code": row.code,
            "message": row.message,
            "info": { "reason": row.reason, "domain": "tonic-guard", "metadata": metadata },
            "challenges": self.challenges(challenges),
        })
    }

    /// HAProxy resets a stream with CANCEL if the answer precedes the end of the request
    /// (haproxy/haproxy#1219). grpcio then reports CANCELLED if it reads the reset first. The
    /// headers of the rejection are present in any case.
    fn cut_short(&self, challenges: &[&str]) -> Value {
        json!({
            "code": 1,
            "message": "CANCELLED by a reset",
            "info": null,
            "challenges": self.challenges(challenges),
        })
    }

    /// Node joins all values of a header.
    fn challenges(&self, challenges: &[&str]) -> Vec<String> {
        match self.client {
            Client::Grpcio => challenges.iter().map(ToString::to_string).collect(),
            _ if challenges.is_empty() => Vec::new(),
            _ => vec![challenges.join(", ")],
        }
    }
}

/// The call never reached the guard.
fn not_from_the_guard(code: u32, message: &str) -> Value {
    json!({ "code": code, "message": message, "info": null, "challenges": [] })
}
