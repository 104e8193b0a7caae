//! How the cost of a call grows: with the methods of the service, the headers of the call, the length of its
//! token, the schemes of the policy and the size of the identity.

use std::error::Error;

use tonic::{Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, authenticated, guard,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
    synchronous,
};

use crate::{
    call::{Call, Repeat},
    pb::{
        Heard, Words,
        echo_server::{Echo, EchoServer},
    },
    service,
    table::{grouped, print, row},
    valgrind,
    variant::Visit,
};

/// The generated services of 3 and of 434 methods.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod wide {
    tonic::include_proto!("guard.bench.wide.v1");
}

/// A call, and the server that it is made of.
struct Case {
    /// The name in the table.
    name: &'static str,
    /// The name in commands.
    word: &'static str,
    /// The case that it is compared with.
    base: &'static str,
}

const CASES: [Case; 11] = [
    Case { name: "first of 3 methods", word: "methods-3", base: "methods-3" },
    Case { name: "last of 434 methods", word: "methods-434", base: "methods-3" },
    Case { name: "4 headers", word: "headers-4", base: "headers-4" },
    Case { name: "30 headers", word: "headers-30", base: "headers-4" },
    Case { name: "token of 36 B", word: "token-36", base: "token-36" },
    Case { name: "token of 800 B", word: "token-800", base: "token-36" },
    Case { name: "token of 4 KiB", word: "token-4096", base: "token-36" },
    Case { name: "one scheme", word: "schemes-1", base: "schemes-1" },
    Case { name: "`one_of` two schemes", word: "schemes-2", base: "schemes-1" },
    Case { name: "identity of 8 B", word: "identity-8", base: "identity-8" },
    Case { name: "identity of 1 KiB", word: "identity-1024", base: "identity-8" },
];

/// Instructions of each case beyond the same call without authentication.
pub fn table() -> Result<(), Box<dyn Error>> {
    let over = |word: &str| -> Result<u64, Box<dyn Error>> {
        // Enough calls that the start of a program with 434 methods, whose hash maps have random keys, doesn't count.
        let of = |subject| valgrind::instructions(&["grow", word, subject], 100, 5_100);
        Ok(of("guarded")?.saturating_sub(of("open")?))
    };
    let mut rows = vec![row(["guard and handler check", "over no auth", "grown by"])];
    for Case { name, word, base } in CASES {
        let (cost, base) = (over(word)?, over(base)?);
        let grown = i64::try_from(cost)? - i64::try_from(base)?;
        rows.push(row([name.to_owned(), format!("+{}", grouped(cost)), format!("{grown:+}")]));
    }
    print("Growth, in instructions of a call in process", &rows);
    Ok(())
}

/// The program's measured mode: `grow WORD open|guarded COUNT`.
pub fn make_calls(word: &str, subject: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let (kind, size) = word.split_once('-').ok_or("no size")?;
    let size: usize = size.parse()?;
    let call = Call::new(100, true);
    let call = match kind {
        "methods" if size == 3 => call.with_path("/guard.bench.wide.v1.Narrow/Say0"),
        "methods" => call.with_path("/guard.bench.wide.v1.Wide/Say433"),
        "headers" => call.with_headers(size.saturating_sub(4)),
        "token" => call.with_token(&token(size)),
        _ => call,
    };
    let repeat = Repeat { call: &call, count, status: "0" };
    Ok(match (subject, kind, size) {
        ("open", "methods", 3) => repeat.server(wide::narrow_server::NarrowServer::new(Open)),
        ("open", "methods", _) => repeat.server(wide::wide_server::WideServer::new(Open)),
        ("open", ..) => repeat.server(EchoServer::new(service::Open)),
        (_, "methods", 3) => {
            repeat.server(guard(Guarded, wide::narrow_server::NarrowServer::from_arc))
        }
        (_, "methods", _) => repeat.server(guard(Guarded, wide::wide_server::WideServer::from_arc)),
        (_, "schemes", 2) => repeat.server(guard(TwoSchemes, EchoServer::from_arc)),
        (_, "identity", 8) => repeat.server(guard(Sized::<8>, EchoServer::from_arc)),
        (_, "identity", _) => repeat.server(guard(Sized::<1024>, EchoServer::from_arc)),
        (_, "token", _) => {
            repeat.server(guard(OneScheme { token: token(size) }, EchoServer::from_arc))
        }
        _ => repeat.server(guard(OneScheme::new(), EchoServer::from_arc)),
    }?)
}

/// A token of `size` bytes.
fn token(size: usize) -> String {
    service::TOKEN.chars().cycle().take(size).collect()
}

/// The wide services without authentication.
struct Open;

/// The wide services with one policy on the impl.
struct Guarded;

fn heard() -> Result<Response<wide::Heard>, Status> {
    Ok(Response::new(wide::Heard { caller: 7 }))
}

#[synchronous]
impl Authenticate<Bearer> for Guarded {
    type Identity = ();

    fn authenticate(&self, token: BearerToken) -> Result<Authenticated<()>, AuthError> {
        if token.matches(service::TOKEN) { Ok(().into()) } else { Err(AuthError::invalid()) }
    }
}

include!(concat!(env!("OUT_DIR"), "/wide_impls.rs"));

/// A policy of one scheme, with a token of any length.
struct OneScheme {
    token: String,
}

impl OneScheme {
    fn new() -> Self {
        OneScheme { token: service::TOKEN.to_owned() }
    }
}

#[synchronous]
impl Authenticate<Bearer> for OneScheme {
    type Identity = u64;

    fn authenticate(&self, token: BearerToken) -> Result<Authenticated<u64>, AuthError> {
        if token.matches(&self.token) { Ok(7.into()) } else { Err(AuthError::invalid()) }
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Echo for OneScheme {
    async fn say(
        &self,
        _: Request<Words>,
        #[identity] caller: u64,
    ) -> Result<Response<Heard>, Status> {
        Ok(Response::new(Heard { caller }))
    }
}

/// A policy of two schemes, of which the call uses the first.
struct TwoSchemes;

#[synchronous]
impl Authenticate<Bearer> for TwoSchemes {
    type Identity = u64;

    fn authenticate(&self, token: BearerToken) -> Result<Authenticated<u64>, AuthError> {
        if token.matches(service::TOKEN) { Ok(7.into()) } else { Err(AuthError::invalid()) }
    }
}

#[synchronous]
impl Authenticate<ApiKey> for TwoSchemes {
    type Identity = u64;

    fn authenticate(&self, key: ApiKeyValue) -> Result<Authenticated<u64>, AuthError> {
        if key.matches(service::TOKEN) { Ok(7.into()) } else { Err(AuthError::invalid()) }
    }
}

#[authenticated(scheme = one_of("bearer", "api-key"))]
#[tonic::async_trait]
impl Echo for TwoSchemes {
    async fn say(
        &self,
        _: Request<Words>,
        #[identity] caller: u64,
    ) -> Result<Response<Heard>, Status> {
        Ok(Response::new(Heard { caller }))
    }
}

/// A policy with an identity of `N` bytes.
struct Sized<const N: usize>;

struct Identity<const N: usize>([u8; N]);

#[synchronous]
impl<const N: usize> Authenticate<Bearer> for Sized<N> {
    type Identity = Identity<N>;

    fn authenticate(&self, token: BearerToken) -> Result<Authenticated<Identity<N>>, AuthError> {
        if token.matches(service::TOKEN) {
            Ok(Identity([7; N]).into())
        } else {
            Err(AuthError::invalid())
        }
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl<const N: usize> Echo for Sized<N> {
    async fn say(
        &self,
        _: Request<Words>,
        #[identity] caller: Identity<N>,
    ) -> Result<Response<Heard>, Status> {
        let caller = caller.0.first().copied().unwrap_or(0).into();
        Ok(Response::new(Heard { caller }))
    }
}
