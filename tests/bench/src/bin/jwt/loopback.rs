//! Calls over loopback, 64 in flight, each with the same token: RS256, or ES384 for the peer that
//! accepts nothing else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm as Theirs, DecodingKey, Validation};
use tokio::task::JoinSet;
use tonic::{
    Request, Response, Status, async_trait,
    body::Body,
    service::{Interceptor, LayerExt},
    transport::{Server, server::Router},
};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, HasScopes, guard,
    jwt::{Claims, JwtVerifier, KeySet},
    scheme::{Bearer, BearerToken},
};
use tonic_guard_bench::{clock::process_time, quantile, results::record};
use tonic_guard_suite_support::request;
use tonic_guard_test::{Algorithm, Issuer};
use tonic_guard_verifier_tests::{
    Bearers, Named, Serving,
    pb::{
        Name, Void,
        accounts_server::{Accounts, AccountsServer},
    },
};
use tonic_middleware::{InterceptorFor, RequestInterceptor};
use tower_oauth2_resource_server::{server::OAuth2ResourceServer, tenant::TenantConfiguration};

use webgates::{accounts::Account, groups::Group, roles::Role};
use webgates_codecs::{
    Codec,
    jwt::{JsonWebToken, JwtClaims, RegisteredClaims},
};
use webgates_tonic::{context::JwtAuthContext, gate::Gate};

use crate::alone::{AUDIENCE, ISSUER, Read, token, validation};

/// The calls of a busy client on one connection.
const IN_FLIGHT: usize = 64;
/// The subject of the token.
const SUBJECT: &str = "auth0|5f7c8ec7c33c6c004bbafe82";
const TURN: Duration = Duration::from_millis(100);

/// Answers every call.
struct Open;

#[async_trait]
impl Accounts for Open {
    async fn whoami(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name { name: SUBJECT.into() }))
    }

    async fn close(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name::default()))
    }
}

/// Answers with the subject that the check before it left in an extension.
struct SubjectFromExtension;

#[async_trait]
impl Accounts for SubjectFromExtension {
    async fn whoami(&self, request: Request<Void>) -> Result<Response<Name>, Status> {
        let extensions = request.extensions();
        let name = extensions.get::<Read>().map(|read| &read.sub);
        let name = name.or_else(|| Some(&extensions.get::<Subject>()?.sub));
        let name = name.or_else(|| Some(&extensions.get::<Session>()?.account().user_id));
        let name = name.ok_or_else(|| Status::internal("this call was not checked"))?.clone();
        Ok(Response::new(Name { name }))
    }

    async fn close(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name::default()))
    }
}

#[derive(Clone, Debug, serde::Deserialize)]
struct Subject {
    sub: String,
}

/// The identity that webgates inserts.
type Session = JwtAuthContext<Role, Group>;

/// Admits every token, to measure the cost of the guard itself.
struct AdmitsAll;

/// The caller with any token.
struct AnyCaller;

impl Named for AnyCaller {
    fn name(&self) -> String {
        SUBJECT.into()
    }
}

impl HasScopes for AnyCaller {
    fn has_scope(&self, _: &str) -> bool {
        true
    }
}

impl Authenticate<Bearer> for AdmitsAll {
    type Identity = AnyCaller;

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<AnyCaller>, AuthError> {
        Ok(AnyCaller.into())
    }
}

/// The usual hand-written check.
#[derive(Clone)]
struct ByHand(Arc<(DecodingKey, Validation)>);

impl ByHand {
    fn check(&self, header: Option<&str>) -> Result<Read, Status> {
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or_else(|| Status::unauthenticated("no token"))?;
        let (key, validation) = &*self.0;
        let data = jsonwebtoken::decode::<Read>(token, key, validation)
            .map_err(|_| Status::unauthenticated("invalid token"))?;
        Ok(data.claims)
    }
}

impl Interceptor for ByHand {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let header = request.metadata().get("authorization");
        let read = self.check(header.and_then(|value| value.to_str().ok()))?;
        request.extensions_mut().insert(read);
        Ok(request)
    }
}

#[async_trait]
impl RequestInterceptor for ByHand {
    async fn intercept(
        &self,
        mut request: http::Request<Body>,
    ) -> Result<http::Request<Body>, Status> {
        let header = request.headers().get("authorization");
        let read = self.check(header.and_then(|value| value.to_str().ok()))?;
        request.extensions_mut().insert(read);
        Ok(request)
    }
}

fn guarded(issuer: &Issuer, cache_bytes: usize) -> Router {
    let tokens: JwtVerifier<Claims> = JwtVerifier::access_tokens(ISSUER, AUDIENCE)
        .cache_bytes(cache_bytes)
        .build(KeySet::from_jwks(issuer.jwks()).expect("a JWK set"));
    Server::builder().add_service(guard(Bearers { tokens }, AccountsServer::from_arc))
}

/// webgates-tonic, whose codec supports ES384 alone, and a token of its codec.
async fn webgates() -> (Serving, String) {
    let codec = Arc::new(JsonWebToken::<JwtClaims<Account<Role, Group>>>::default());
    let account = Account::<Role, Group>::new(SUBJECT);
    let claims = JwtClaims::new(account, RegisteredClaims::new(ISSUER, 4_102_444_800));
    let token = codec.encode(&claims).expect("claims that can be encoded");
    let token = String::from_utf8(token).expect("a token is text");
    let service = Gate::bearer(ISSUER, codec)
        .require_login()
        .named_layer(AccountsServer::new(SubjectFromExtension));
    (Serving::start(Server::builder().add_service(service)).await, token)
}

/// A server and the token that is sent to it.
struct Sent {
    name: &'static str,
    serving: Serving,
    header: String,
}

async fn servers(issuer: &Issuer) -> Vec<Sent> {
    let jwk = serde_json::from_value(issuer.signing_key().jwk()).expect("a JWK");
    let key = DecodingKey::from_jwk(&jwk).expect("a JWK");
    let by_hand = ByHand(Arc::new((key, validation(Theirs::RS256))));
    let tenant = TenantConfiguration::static_builder(issuer.jwks())
        .audiences(&[AUDIENCE])
        .build()
        .expect("a tenant");
    let resource_server =
        <OAuth2ResourceServer<Subject>>::builder().add_tenant(tenant).build().await;
    let layer = resource_server.expect("a resource server").into_layer::<Body>();
    let bare = || Server::builder().add_service(AccountsServer::new(Open));
    let es384 = Issuer::with_algorithm(ISSUER, Algorithm::ES384);
    let cached = 16 * 1024 * 1024;
    let rs256 = vec![
        ("bare", Serving::start(bare()).await),
        ("bare, again", Serving::start(bare()).await),
        ("tonic-guard", Serving::start(guarded(issuer, cached)).await),
        ("tonic-guard, checking nothing", {
            let guarded = guard(Bearers { tokens: AdmitsAll }, AccountsServer::from_arc);
            Serving::start(Server::builder().add_service(guarded)).await
        }),
        ("tonic-guard, no cache", Serving::start(guarded(issuer, 0)).await),
        ("Interceptor, jsonwebtoken", {
            let service = AccountsServer::with_interceptor(SubjectFromExtension, by_hand.clone());
            Serving::start(Server::builder().add_service(service)).await
        }),
        ("tonic-middleware, jsonwebtoken", {
            let service = InterceptorFor::new(AccountsServer::new(SubjectFromExtension), by_hand);
            Serving::start(Server::builder().add_service(service)).await
        }),
        ("tower-oauth2-resource-server", {
            let service = layer.named_layer(AccountsServer::new(SubjectFromExtension));
            Serving::start(Server::builder().add_service(service)).await
        }),
    ];
    let sent =
        |name, serving, token: &str| Sent { name, serving, header: format!("Bearer {token}") };
    let with_rs256 = token(issuer).sign();
    let mut servers: Vec<_> =
        rs256.into_iter().map(|(name, serving)| sent(name, serving, &with_rs256)).collect();
    let serving = Serving::start(guarded(&es384, cached)).await;
    servers.push(sent("tonic-guard, ES384", serving, &token(&es384).sign()));
    let (serving, token) = webgates().await;
    servers.push(sent("webgates-tonic, ES384", serving, &token));
    servers
}

/// The result of a turn.
#[derive(Clone, Copy)]
struct Turn {
    per_second: f64,
    /// In processor time, which other programs don't affect.
    per_cpu_second: f64,
}

async fn turn(Sent { serving, header, .. }: &Sent) -> Turn {
    let (start, cpu) = (Instant::now(), process_time());
    let calls = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (mut client, header, calls) = (serving.client(), header.clone(), Arc::clone(&calls));
        callers.spawn(async move {
            while start.elapsed() < TURN {
                let request = request(Void {}, &[("authorization", &header)]);
                let answer = client.whoami(request).await.expect("a good token is admitted");
                assert_eq!(answer.into_inner().name, SUBJECT);
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.expect("a caller ends");
    }
    let calls = calls.load(Ordering::Relaxed) as f64;
    Turn {
        per_second: calls / start.elapsed().as_secs_f64(),
        per_cpu_second: calls / (process_time() - cpu).as_secs_f64(),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile::median(&mut values.collect::<Vec<_>>())
}

/// Each server has one turn per round, and is compared with the bare server's turn of the same
/// round.
pub(crate) fn run(rounds: usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let issuer = Issuer::with_algorithm(ISSUER, Algorithm::RS256);
        let servers = servers(&issuer).await;
        let mut measured = vec![Vec::new(); servers.len()];
        for round in 0..=rounds {
            // Each round begins with another server.
            for at in (0..servers.len()).map(|at| (at + round) % servers.len()) {
                let value = turn(&servers[at]).await;
                // The first round warms up.
                if round > 0 {
                    measured[at].push(value);
                }
            }
        }
        println!(
            "Calls over loopback, {IN_FLIGHT} in flight, a token of {} bytes: medians of {rounds} \
             rounds\n",
            servers[0].header.len() - "Bearer ".len()
        );
        println!(
            "{:<32} {:>8} {:>8}  {:>12} {:>8}",
            "server", "calls/s", "of bare", "calls/CPU s", "of bare"
        );
        for (Sent { name, .. }, turns) in servers.iter().zip(&measured) {
            let ratio = |of: fn(&Turn) -> f64| {
                median(turns.iter().zip(&measured[0]).map(|(one, bare)| of(one) / of(bare)))
            };
            record(name, "calls per second", median(turns.iter().map(|turn| turn.per_second)));
            record(name, "of bare", ratio(|turn| turn.per_second));
            record(name, "of bare, processor time", ratio(|turn| turn.per_cpu_second));
            println!(
                "{name:<32} {:>8.0} {:>8.3}  {:>12.0} {:>8.3}",
                median(turns.iter().map(|turn| turn.per_second)),
                ratio(|turn| turn.per_second),
                median(turns.iter().map(|turn| turn.per_cpu_second)),
                ratio(|turn| turn.per_cpu_second),
            );
        }
    });
}
