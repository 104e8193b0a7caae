//! A service with one method per kind of policy. Each method answers with its caller's name.

use tonic::{Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, CallHead, Scheme, authenticated,
    scheme::{ApiKey, CredentialLocation, ExtractError, Extraction},
};
use tonic_guard_suite_support::{Caller, Keys, Partner, Passwords, Role, Tokens, User, pb::Note};

use crate::pb::policies_server;

/// A connection with a sidecar's certificate.
#[derive(Clone)]
pub(crate) struct Sidecar;

/// The scheme that reads [`Sidecar`].
struct Peer;

impl Scheme for Peer {
    type Credentials = Sidecar;

    fn name(&self) -> &str {
        "peer"
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Connection
    }

    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<Sidecar>, ExtractError> {
        Ok(head
            .extensions()
            .get::<Sidecar>()
            .cloned()
            .map_or(Extraction::Absent, Extraction::Credentials))
    }
}

struct Peers;

impl Authenticate<Peer> for Peers {
    type Identity = Partner;

    async fn authenticate(&self, _: Sidecar) -> Result<Authenticated<Partner>, AuthError> {
        Ok(Partner("sidecar".into()).into())
    }
}

#[derive(Authenticate)]
pub(crate) struct Policies {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("basic")]
    passwords: Passwords,
    #[verifies("api-key")]
    keys: Keys,
    #[verifies(Peer)]
    peers: Peers,
    other_keys: Keys,
}

impl Default for Policies {
    fn default() -> Self {
        Policies {
            tokens: Tokens,
            passwords: Passwords,
            keys: Keys::default(),
            peers: Peers,
            other_keys: Keys("key-2", "other"),
        }
    }
}

impl Policies {
    async fn is_eve(&self, caller: &User, _: &CallHead<'_>) -> Result<(), AuthError> {
        if caller.name == "eve" { Ok(()) } else { Err(AuthError::denied()) }
    }

    async fn may_be_eve(&self, caller: &Option<User>, _: &CallHead<'_>) -> Result<(), AuthError> {
        let name = caller.as_ref().map(|caller| caller.name.as_str());
        if name == Some("eve") { Ok(()) } else { Err(AuthError::denied()) }
    }
}

type Answer = Result<Response<Note>, Status>;

fn answer(name: &str) -> Answer {
    Ok(Response::new(Note { text: name.to_owned(), payload: Vec::new() }))
}

macro_rules! service {
    ($($(#[$attribute:meta])* fn $method:ident($caller:ident: $identity:ty) $name:expr;)+) => {
        #[authenticated]
        #[tonic::async_trait]
        impl policies_server::Policies for Policies {
            $(
                $(#[$attribute])*
                async fn $method(&self, _: Request<Note>, #[identity] $caller: $identity) -> Answer {
                    answer($name)
                }
            )+

            #[anonymous(reason = "the model's open method")]
            async fn open(&self, _: Request<Note>) -> Answer {
                answer("")
            }
        }

        /// Calls a method by the name of its remote procedure, without the guard.
        pub(crate) async fn call_method(service: &Policies, rpc: &str, request: Request<Note>) -> Answer {
            use policies_server::Policies as _;

            let snake: String = rpc
                .char_indices()
                .flat_map(|(at, c)| {
                    let underscore = (c.is_ascii_uppercase() && at > 0).then_some('_');
                    underscore.into_iter().chain(c.to_lowercase())
                })
                .collect();
            match snake.as_str() {
                $(stringify!($method) => service.$method(request).await,)+
                "open" => service.open(request).await,
                other => panic!("no method {other}"),
            }
        }
    };
}

service! {
    #[authenticated(scheme = "bearer")]
    fn bearer(caller: User) &caller.name;

    #[authenticated(scheme = "basic")]
    fn basic(caller: User) &caller.name;

    #[authenticated(scheme = "api-key")]
    fn api_key(caller: Partner) &caller.0;

    #[authenticated(scheme = one_of("bearer", "api-key"))]
    fn bearer_or_key(caller: Caller) caller.name();

    #[authenticated(scheme = one_of("api-key", "bearer"))]
    fn key_or_bearer(caller: Caller) caller.name();

    #[authenticated(scheme = one_of("basic", "bearer"))]
    fn basic_or_bearer(caller: User) &caller.name;

    #[authenticated(scheme = one_of("bearer", "basic", "api-key"))]
    fn any_of_three(caller: Caller) caller.name();

    #[authenticated(scheme = all_of("bearer", "api-key"))]
    fn bearer_and_key(caller: (User, Partner)) &format!("{}+{}", caller.0.name, caller.1.0);

    #[authenticated(scheme = all_of("api-key", "basic"))]
    fn key_and_basic(caller: (Partner, User)) &format!("{}+{}", caller.0.0, caller.1.name);

    #[authenticated(scheme = optional("bearer"))]
    fn maybe_bearer(caller: Option<User>) caller.as_ref().map_or("nobody", |caller| &caller.name);

    #[authenticated(scheme = optional(one_of("basic", "api-key")))]
    fn maybe_basic_or_key(caller: Option<Caller>) caller.as_ref().map_or("nobody", Caller::name);

    #[authenticated(scheme = "bearer", scopes("write"))]
    fn write(caller: User) &caller.name;

    #[authenticated(scheme = "bearer", scopes("read", "write"))]
    fn read_and_write(caller: User) &caller.name;

    #[authenticated(scheme = "bearer", roles(Role::Owner, Role::Admin))]
    fn admin_only(caller: User) &caller.name;

    #[authenticated(scheme = one_of("bearer", "basic"), scopes("write"))]
    fn write_by_bearer_or_basic(caller: User) &caller.name;

    #[authenticated(scheme = "bearer", authorize = Self::is_eve)]
    fn checked(caller: User) &caller.name;

    #[authenticated(scheme = one_of("api-key", ApiKey::header("x-other-key") via self.other_keys))]
    fn two_keys(caller: Partner) &caller.0;

    #[authenticated(scheme = one_of("bearer", Peer))]
    fn bearer_or_peer(caller: Caller) caller.name();

    #[authenticated(scheme = optional("bearer"), authorize = Self::may_be_eve)]
    fn maybe_checked(caller: Option<User>) caller.as_ref().map_or("nobody", |caller| &caller.name);
}
