//! Schemes that are expressions: two keys in two headers, extensions, a custom scheme, and the
//! connection's credentials.

use http::HeaderName;
use tonic::{
    Request, Response, Status,
    service::{LayerExt, interceptor::InterceptorLayer},
    transport::Server,
};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, CallHead, Scheme, authenticated, guard,
    scheme::{
        ApiKey, CredentialLocation, ExtractError, Extraction, FromExtensions, TrustExtension,
    },
};
use tonic_guard_suite_support::{
    Keys, Partner, Running, Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason,
};

use super::combinators::assert_outcomes;
use crate::support::service::{
    ACME, ADA, Ran, call, call_get_url, says, serve_guarded, serve_without_guard,
};

struct TwoKeys {
    inner: Keys,
    outer: Keys,
}

impl Default for TwoKeys {
    fn default() -> Self {
        TwoKeys { inner: Keys("inner-key", "inside"), outer: Keys("outer-key", "outside") }
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for TwoKeys {
    #[authenticated(scheme = ApiKey::header("x-inner-key") via self.inner)]
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] Partner(name): Partner,
    ) -> Result<Response<Note>, Status> {
        says(name)
    }

    #[authenticated(scheme = one_of(
        ApiKey::header("x-inner-key") via self.inner,
        ApiKey::header("x-outer-key") via self.outer,
    ))]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] Partner(name): Partner,
    ) -> Result<Response<Note>, Status> {
        says(name)
    }
}

#[tokio::test]
async fn two_keys_in_two_headers_have_two_verifiers() {
    for server in
        [serve_guarded(TwoKeys::default()).await, serve_without_guard(TwoKeys::default()).await]
    {
        assert_eq!(call(&server, &[("x-inner-key", "inner-key")]).await.unwrap(), "inside");
        let outer = ("x-outer-key", "outer-key");
        assert_eq!(reason(&call(&server, &[outer]).await.unwrap_err()), "CREDENTIALS_MISSING");
        assert_eq!(call_get_url(&server, &[outer]).await.unwrap(), "outside");
        for swapped in [("x-inner-key", "outer-key"), ("x-outer-key", "inner-key")] {
            let rejected = call_get_url(&server, &[swapped]).await.unwrap_err();
            assert_eq!(reason(&rejected), "API_KEY_INVALID", "{swapped:?}");
        }
        let both = call_get_url(&server, &[outer, ("x-inner-key", "inner-key")]).await;
        assert_eq!(reason(&both.unwrap_err()), "OVERLOADED_CREDENTIALS");
    }
}

#[derive(Clone, Debug)]
struct Session(String);

#[derive(Default)]
struct BehindALayer {
    ran: Ran,
}

#[authenticated(scheme = FromExtensions::<Session>::new() via TrustExtension)]
#[tonic::async_trait]
impl Extra for BehindALayer {
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] Session(name): Session,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(name)
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("")
    }
}

#[allow(clippy::result_large_err, reason = "tonic's own signature")]
fn session(mut request: Request<()>) -> Result<Request<()>, Status> {
    if let Some(name) = request.metadata().get("x-session") {
        let name = name.to_str().unwrap().to_owned();
        request.extensions_mut().insert(Session(name));
    }
    Ok(request)
}

#[tokio::test]
async fn identity_of_an_outer_layer_is_trusted_and_its_absence_is_rejected() {
    for with_guard in [true, false] {
        let service = BehindALayer::default();
        let ran = service.ran.clone();
        let mut server = Server::builder();
        let layer = InterceptorLayer::new(session);
        let server = match with_guard {
            true => server.add_service(layer.named_layer(guard(service, ExtraServer::from_arc))),
            false => server.add_service(layer.named_layer(ExtraServer::new(service))),
        };
        let server = Running::start(server).await;
        let rejected = call(&server, &[]).await.unwrap_err();
        assert_eq!(reason(&rejected), "CREDENTIALS_MISSING");
        assert!(call_get_url(&server, &[]).await.is_err());
        assert_eq!(ran.times(), 0);
        assert_eq!(call(&server, &[("x-session", "ada")]).await.unwrap(), "ada");
        assert!(call_get_url(&server, &[("x-session", "ada")]).await.is_ok());
    }
}

#[tokio::test]
async fn calls_are_rejected_if_the_layer_is_missing() {
    for server in [
        serve_guarded(BehindALayer::default()).await,
        serve_without_guard(BehindALayer::default()).await,
    ] {
        let rejected = call(&server, &[("x-session", "ada")]).await.unwrap_err();
        assert_eq!(reason(&rejected), "CREDENTIALS_MISSING");
    }
}

/// A custom scheme: `T-` and a number in `x-ticket`, and the tenant in `x-tenant`.
struct Ticket;

const TICKET: HeaderName = HeaderName::from_static("x-ticket");

impl Scheme for Ticket {
    type Credentials = (u32, Option<String>);

    fn name(&self) -> &str {
        "ticket"
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Header(TICKET)
    }

    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<Self::Credentials>, ExtractError> {
        let Some(value) = head.single(&TICKET)? else { return Ok(Extraction::Absent) };
        let number = value.to_str().ok().and_then(|text| text.strip_prefix("T-")?.parse().ok());
        let tenant = head.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
        let number = number.ok_or(ExtractError::Malformed)?;
        Ok(Extraction::Credentials((number, tenant.map(str::to_owned))))
    }
}

struct Holder(u32);

#[derive(Default)]
struct Ticketed {
    ran: Ran,
}

impl Authenticate<Ticket> for Ticketed {
    type Identity = Holder;

    async fn authenticate(
        &self,
        (number, tenant): (u32, Option<String>),
    ) -> Result<Authenticated<Holder>, AuthError> {
        match (number, tenant.as_deref()) {
            (7, Some("blue")) => Ok(Holder(7).into()),
            (8, _) => Err(AuthError::expired()),
            _ => Err(AuthError::invalid()),
        }
    }
}

#[authenticated(scheme = Ticket)]
#[tonic::async_trait]
impl Extra for Ticketed {
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] holder: Holder,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(format!("holder {}", holder.0))
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("")
    }
}

#[tokio::test]
async fn custom_scheme_is_checked_as_built_in_ones() {
    const BLUE: (&str, &str) = ("x-tenant", "blue");
    assert_outcomes! { Ticketed,
        &[("x-ticket", "T-7"), BLUE] => Ok("holder 7"),
        &[("x-ticket", "T-7")] => Err("CREDENTIALS_INVALID"),
        &[("x-ticket", "T-8"), BLUE] => Err("ACCESS_TOKEN_EXPIRED"),
        &[("x-ticket", "7"), BLUE] => Err("CREDENTIALS_MALFORMED"),
        &[("x-ticket", "T-7"), ("x-ticket", "T-7"), BLUE] => Err("OVERLOADED_CREDENTIALS"),
        &[BLUE, ADA] => Err("CREDENTIALS_MISSING"),
    }
}

/// A certificate that every connection presents, as a sidecar's would be.
struct Certificate;

impl Scheme for Certificate {
    type Credentials = ();

    fn name(&self) -> &str {
        "certificate"
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Connection
    }

    fn extract(&self, _: &CallHead<'_>) -> Result<Extraction<()>, ExtractError> {
        Ok(Extraction::Credentials(()))
    }
}

struct Mesh;

impl Authenticate<Certificate> for Mesh {
    type Identity = User;

    async fn authenticate(&self, (): ()) -> Result<Authenticated<User>, AuthError> {
        Ok(User { name: "sidecar".into(), scopes: "" }.into())
    }
}

#[derive(Authenticate, Default)]
struct Meshed {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
    ran: Ran,
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Meshed {
    #[authenticated(scheme = one_of("bearer", Certificate via Mesh))]
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] user: User,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(user.name)
    }

    #[authenticated(scheme = all_of(Certificate via Mesh, "api-key"))]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] (user, Partner(name)): (User, Partner),
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(user.name + &name)
    }
}

#[tokio::test]
async fn credentials_of_the_connection_count_only_if_the_call_carries_none() {
    assert_outcomes! { Meshed,
        &[] => Ok("sidecar"),
        &[ADA] => Ok("ada"),
        &[("authorization", "Bearer x")] => Err("CREDENTIALS_INVALID"),
        &[("authorization", "Bearer")] => Err("CREDENTIALS_MALFORMED"),
        &[("authorization", "Basic x")] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
        &[ADA, ADA] => Err("OVERLOADED_CREDENTIALS"),
    }
    let server = serve_guarded(Meshed::default()).await;
    assert_eq!(call_get_url(&server, &[ACME]).await.unwrap(), "sidecaracme");
    assert!(call_get_url(&server, &[]).await.is_err());
}

#[derive(Authenticate, Default)]
struct MeshedFirst {
    #[verifies("bearer")]
    tokens: Tokens,
}

#[authenticated(scheme = one_of(Certificate via Mesh, "bearer"))]
#[tonic::async_trait]
impl Extra for MeshedFirst {
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] user: User,
    ) -> Result<Response<Note>, Status> {
        says(user.name)
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[tokio::test]
async fn connection_scheme_listed_first_is_tried_last_and_panics_at_start() {
    let server = serve_without_guard(MeshedFirst::default()).await;
    assert_eq!(call(&server, &[]).await.unwrap(), "sidecar");
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
    assert!(call(&server, &[("authorization", "Bearer x")]).await.is_err());
    let made = std::panic::catch_unwind(|| {
        tonic_guard::guard(
            MeshedFirst::default(),
            tonic_guard_suite_support::pb::extra_server::ExtraServer::from_arc,
        )
    });
    let panic = made.expect_err("the order is reported at start");
    let message = panic.downcast::<String>().expect("a text");
    assert!(
        message.contains("guard.test.v1.Extra/Unary") && message.contains("list it last"),
        "{message}"
    );
}
