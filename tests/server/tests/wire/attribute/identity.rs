//! The `#[identity]` parameter: its type, its pattern and its value.

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Caller, Keys, Partner, Tokens, User,
    pb::{Note, extra_server::Extra},
};

use crate::support::service::{
    ACME, ADA, EVE, call, call_get_url, says, serve_guarded, serve_without_guard,
};

struct Name(String);

impl From<User> for Name {
    fn from(user: User) -> Self {
        Name(user.name)
    }
}

#[derive(Authenticate, Default)]
struct Patterns {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Patterns {
    #[authenticated(scheme = "bearer")]
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] Name(mut name): Name,
    ) -> Result<Response<Note>, Status> {
        name.push_str(&request.into_inner().text);
        says(name)
    }

    #[authenticated(scheme = all_of("bearer", "api-key"))]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] (User { name, .. }, Partner(partner)): (User, Partner),
    ) -> Result<Response<Note>, Status> {
        says(format!("{name} of {partner}"))
    }
}

#[tokio::test]
async fn identity_is_converted_and_destructured() {
    for server in
        [serve_guarded(Patterns::default()).await, serve_without_guard(Patterns::default()).await]
    {
        assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
        assert_eq!(call_get_url(&server, &[ADA, ACME]).await.unwrap(), "ada of acme");
        assert!(call(&server, &[]).await.is_err());
        assert!(call_get_url(&server, &[ADA]).await.is_err());
    }
}

service!(Whose: [scheme = one_of("bearer", "api-key")] => Caller);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identities_of_concurrent_calls_never_mix() {
    for server in
        [serve_guarded(Whose::default()).await, serve_without_guard(Whose::default()).await]
    {
        let channel = server.channel().await;
        let mut calls = tokio::task::JoinSet::new();
        for at in 0..300 {
            let channel = channel.clone();
            calls.spawn(async move {
                let (header, name) = [(ADA, "ada"), (EVE, "eve"), (ACME, "acme")][at % 3];
                let mut client =
                    tonic_guard_suite_support::pb::extra_client::ExtraClient::new(channel);
                let request = tonic_guard_suite_support::request(Note::default(), &[header]);
                let text = client.unary(request).await.unwrap().into_inner().text;
                assert!(text.contains(name), "{text} isn't {name}");
            });
        }
        while let Some(done) = calls.join_next().await {
            done.unwrap();
        }
    }
}
