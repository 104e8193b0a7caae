//! Authenticators, custom checks and the expressions of an attribute: how often they run for one call.

use tonic::{Code, Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, CallHead, Immediate, authenticated,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
    synchronous,
};
use tonic_guard_suite_support::{
    Running, User,
    pb::{Note, extra_server::Extra},
};

use crate::support::service::{
    ACME, ADA, Ran, call, call_get_url, says, serve_guarded, serve_without_guard,
};

/// How an authenticator decides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    /// In `authenticate_now`.
    #[default]
    AtOnce,
    /// In `authenticate`, after `authenticate_now` has deferred.
    Deferring,
    /// In `authenticate`, which waits.
    Waiting,
}

const MODES: [Mode; 3] = [Mode::AtOnce, Mode::Deferring, Mode::Waiting];

/// Accepts `ada-token` and `key-1` once each, as a verifier that guards against replays. It counts its decisions.
#[derive(Clone, Default)]
struct Once {
    mode: Mode,
    decisions: Ran,
}

impl Once {
    fn decide(&self, is_good: bool) -> Result<Authenticated<User>, AuthError> {
        self.decisions.once();
        match is_good && self.decisions.times() == 1 {
            true => Ok(User { name: "ada".into(), scopes: "read" }.into()),
            false => Err(AuthError::invalid()),
        }
    }

    async fn wait(&self) {
        if self.mode == Mode::Waiting {
            tokio::task::yield_now().await;
        }
    }
}

impl Authenticate<Bearer> for Once {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        self.wait().await;
        self.decide(token.matches("ada-token"))
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<User, BearerToken> {
        match self.mode {
            Mode::AtOnce => Immediate::Decided(self.decide(token.matches("ada-token"))),
            Mode::Deferring | Mode::Waiting => Immediate::Deferred(token),
        }
    }
}

impl Authenticate<ApiKey> for Once {
    type Identity = User;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Authenticated<User>, AuthError> {
        self.wait().await;
        self.decide(key.matches("key-1"))
    }

    fn authenticate_now(&self, key: ApiKeyValue) -> Immediate<User, ApiKeyValue> {
        match self.mode {
            Mode::AtOnce => Immediate::Decided(self.decide(key.matches("key-1"))),
            Mode::Deferring | Mode::Waiting => Immediate::Deferred(key),
        }
    }
}

#[derive(Clone, Default)]
struct Service {
    tokens: Once,
    keys: Once,
    checks: Ran,
    expressions: Ran,
    ran: Ran,
}

impl Service {
    fn new(tokens: Mode, keys: Mode) -> Self {
        let once = |mode| Once { mode, decisions: Ran::default() };
        Service { tokens: once(tokens), keys: once(keys), ..Service::default() }
    }

    fn tokens(&self) -> Once {
        self.expressions.once();
        self.tokens.clone()
    }

    async fn check(&self, _: &User, _: &CallHead<'_>) -> Result<(), AuthError> {
        self.checks.once();
        Ok(())
    }
}

/// A service whose `unary` has `#[authenticated(..)]` with these arguments.
macro_rules! extra {
    ($name:ident: $($policy:tt)*) => {
        struct $name(Service);

        impl $name {
            #[allow(dead_code, reason = "not every policy has a check")]
            async fn check(&self, user: &User, head: &CallHead<'_>) -> Result<(), AuthError> {
                self.0.check(user, head).await
            }

            #[allow(dead_code, reason = "not every policy has a check")]
            async fn check_request(&self, _: &User, _: &Request<Note>) -> Result<(), AuthError> {
                self.0.checks.once();
                Ok(())
            }
        }

        #[authenticated(scheme = "bearer" via self.0.tokens)]
        #[tonic::async_trait]
        impl Extra for $name {
            #[authenticated($($policy)*)]
            async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                self.0.ran.once();
                says("in")
            }

            async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                says("")
            }
        }
    };
}

extra!(Plain: scheme = "bearer" via self.0.tokens);
extra!(AllOf: scheme = all_of("bearer" via self.0.tokens, "api-key" via self.0.keys));
extra!(OneOf: scheme = one_of("api-key" via self.0.keys, "bearer" via self.0.tokens));
extra!(Checked: scheme = "bearer" via self.0.tokens, authorize = Self::check);
extra!(CheckedRequest: scheme = "bearer" via self.0.tokens, authorize_request = Self::check_request);
extra!(Expression: scheme = "bearer" via self.0.tokens());

/// Serves what `make` makes, with and without a guard.
macro_rules! served {
    ($name:ident, $service:expr) => {{
        let service: Service = $service;
        let bare: Service = $service;
        [
            (serve_guarded($name(service.clone())).await, service, true),
            (serve_without_guard($name(bare.clone())).await, bare, false),
        ]
    }};
}

async fn assert_admitted_once(server: &Running, service: &Service, headers: &[(&str, &str)]) {
    let admitted = call(server, headers).await;
    assert_eq!(admitted.expect("the first call is admitted"), "in");
    assert_eq!((service.tokens.decisions.times(), service.ran.times()), (1, 1));
    // A second call shows that the verifier guards against replays.
    let rejected = call(server, headers).await.unwrap_err();
    assert_eq!((rejected.code(), service.ran.times()), (Code::Unauthenticated, 1));
}

#[tokio::test]
async fn authenticator_decides_once_per_call() {
    for mode in MODES {
        for (server, service, _) in served!(Plain, Service::new(mode, mode)) {
            assert_admitted_once(&server, &service, &[ADA]).await;
            assert_eq!(service.tokens.decisions.times(), 2, "{mode:?}");
        }
        for (server, service, _) in served!(OneOf, Service::new(mode, mode)) {
            assert_admitted_once(&server, &service, &[ADA]).await;
            assert_eq!(service.keys.decisions.times(), 0, "{mode:?}");
        }
        for (server, service, _) in served!(Plain, Service::new(mode, mode)) {
            let bad = [("authorization", "Bearer nobodys-token")];
            assert_eq!(call(&server, &bad).await.unwrap_err().code(), Code::Unauthenticated);
            assert_eq!((service.tokens.decisions.times(), service.ran.times()), (1, 0), "{mode:?}");
        }
    }
}

#[tokio::test]
async fn every_authenticator_of_all_of_decides_once_per_call() {
    for tokens in MODES {
        for keys in MODES {
            for (server, service, _) in served!(AllOf, Service::new(tokens, keys)) {
                assert_eq!(call(&server, &[ADA, ACME]).await.unwrap(), "in");
                let decisions = (service.tokens.decisions.times(), service.keys.decisions.times());
                assert_eq!(decisions, (1, 1), "{tokens:?} and {keys:?}");
            }
            // The second isn't called after the first has rejected, and neither without both credentials.
            for (server, service, _) in served!(AllOf, Service::new(tokens, keys)) {
                let bad = [("authorization", "Bearer nobodys-token"), ACME];
                assert_eq!(call(&server, &bad).await.unwrap_err().code(), Code::Unauthenticated);
                assert!(call(&server, &[ADA]).await.is_err());
                assert!(call(&server, &[ACME]).await.is_err());
                let decisions = (service.tokens.decisions.times(), service.keys.decisions.times());
                assert_eq!(
                    (decisions, service.ran.times()),
                    ((1, 0), 0),
                    "{tokens:?} and {keys:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn custom_check_runs_once_per_call() {
    for mode in MODES {
        for (server, service, _) in served!(Checked, Service::new(mode, mode)) {
            assert_admitted_once(&server, &service, &[ADA]).await;
            assert_eq!(service.checks.times(), 1, "{mode:?}");
        }
        for (server, service, _) in served!(CheckedRequest, Service::new(mode, mode)) {
            assert_admitted_once(&server, &service, &[ADA]).await;
            assert_eq!(service.checks.times(), 1, "{mode:?}");
        }
    }
}

/// A guard whose verification waits builds its evaluator again; the handler check behind it builds none.
#[tokio::test]
async fn expressions_of_the_attribute_run_once_for_a_call_that_does_not_wait() {
    for mode in MODES {
        for (server, service, is_guarded) in served!(Expression, Service::new(mode, mode)) {
            let at_start = service.expressions.times();
            assert_eq!(call(&server, &[ADA]).await.unwrap(), "in");
            let expected = if is_guarded && mode != Mode::AtOnce { 2 } else { 1 };
            assert_eq!(service.expressions.times() - at_start, expected, "{mode:?} {is_guarded}");
        }
    }
}

/// Panics for one token.
#[derive(Clone, Copy, Default)]
struct Panicking;

#[synchronous]
impl Authenticate<Bearer> for Panicking {
    type Identity = User;

    fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        assert!(!token.matches("panic"), "a verifier panics");
        if !token.matches("ada-token") {
            return Err(AuthError::invalid());
        }
        Ok(User { name: "ada".into(), scopes: "" }.into())
    }
}

#[derive(Authenticate, Default)]
struct AtOnce {
    #[verifies("bearer")]
    tokens: Panicking,
    ran: Ran,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for AtOnce {
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(caller.name)
    }

    #[authenticated(scheme = "bearer", authorize_request = Self::check)]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

impl AtOnce {
    async fn check(&self, caller: &User, _: &Request<Note>) -> Result<(), AuthError> {
        if caller.name == "ada" { Ok(()) } else { Err(AuthError::denied()) }
    }
}

#[tokio::test]
async fn synchronous_authenticator_decides_with_and_without_a_guard() {
    let (guarded, bare) = (AtOnce::default(), AtOnce::default());
    let ran = [guarded.ran.clone(), bare.ran.clone()];
    let servers = [serve_guarded(guarded).await, serve_without_guard(bare).await];
    for (server, ran) in servers.into_iter().zip(ran) {
        for (token, code) in [("Bearer panic", Code::Internal), ("Bearer x", Code::Unauthenticated)]
        {
            let headers = [("authorization", token)];
            assert_eq!(call(&server, &headers).await.unwrap_err().code(), code);
            assert_eq!(call_get_url(&server, &headers).await.unwrap_err().code(), code);
        }
        assert_eq!(ran.times(), 0);
        assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
        assert!(call_get_url(&server, &[ADA]).await.is_ok());
    }
}
