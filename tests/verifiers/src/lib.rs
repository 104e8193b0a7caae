//! Helpers of the verifiers' tests: a guarded service that returns its caller, and calls of it.

use tonic::{
    Request, Response, Status,
    transport::{Channel, Server},
};
use tonic_guard::{Authenticate, HasScopes, authenticated, guard, jwt::Claims, scheme::Bearer};
use tonic_guard_suite_support::{Running, code_and_reason, request};

use pb::{
    Name, Void,
    accounts_client::AccountsClient,
    accounts_server::{Accounts, AccountsServer},
};

/// The generated service.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod pb {
    tonic::include_proto!("guard.verifiers.v1");
}

/// Lets `time` pass on tokio's clock, at once. Nothing else may be waiting for that clock.
pub async fn pass(time: std::time::Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// An identity that the service can return as text.
pub trait Named {
    /// Who calls.
    fn name(&self) -> String;
}

/// A service whose callers come with a bearer token that `A` checks.
#[derive(Debug, Authenticate)]
pub struct Bearers<A> {
    /// Checks the tokens.
    #[verifies("bearer")]
    pub tokens: A,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl<A> Accounts for Bearers<A>
where
    A: Authenticate<Bearer, Identity: Named + HasScopes> + 'static,
{
    async fn whoami(
        &self,
        _: Request<Void>,
        #[identity] caller: A::Identity,
    ) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name { name: caller.name() }))
    }

    #[authenticated(scheme = "bearer", scopes("accounts:close"))]
    async fn close(
        &self,
        _: Request<Void>,
        #[identity] caller: A::Identity,
    ) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name { name: caller.name() }))
    }
}

/// A running server of [`Accounts`], and a connection to it.
#[derive(Debug)]
pub struct Serving {
    server: Running,
    channel: Channel,
}

impl Serving {
    /// Serves [`Bearers`] whose tokens `tokens` checks.
    pub async fn bearers<A>(tokens: A) -> Serving
    where
        A: Authenticate<Bearer, Identity: Named + HasScopes> + 'static,
    {
        let guarded = guard(Bearers { tokens }, AccountsServer::from_arc);
        Serving::start(Server::builder().add_service(guarded)).await
    }

    /// Serves `router`, which has a service of the name `guard.verifiers.v1.Accounts`.
    pub async fn start(router: tonic::transport::server::Router) -> Serving {
        let server = Running::start(router).await;
        let channel = server.channel().await;
        Serving { server, channel }
    }

    /// The server.
    pub fn server(&self) -> &Running {
        &self.server
    }

    /// A client on the one connection.
    pub fn client(&self) -> AccountsClient<Channel> {
        AccountsClient::new(self.channel.clone())
    }

    /// Calls `Whoami` with these headers.
    ///
    /// # Errors
    /// The refusal.
    pub async fn whoami(&self, headers: &[(&str, &str)]) -> Result<String, Status> {
        let answer = self.client().whoami(request(Void {}, headers)).await?;
        Ok(answer.into_inner().name)
    }

    /// What becomes of `Whoami` with this bearer token: `Ok(name)`, or the refusal's code and reason
    /// as in `Unauthenticated JWT_TOKEN_INVALID`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn bearer(&self, token: &str) -> Result<String, String> {
        let header = format!("Bearer {token}");
        self.whoami(&[("authorization", &header)]).await.map_err(|status| code_and_reason(&status))
    }

    /// The same for `Close`, which asks for the scope `accounts:close`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn close(&self, token: &str) -> Result<String, String> {
        let header = format!("Bearer {token}");
        let request = request(Void {}, &[("authorization", &header)]);
        match self.client().close(request).await {
            Ok(answer) => Ok(answer.into_inner().name),
            Err(status) => Err(code_and_reason(&status)),
        }
    }
}

impl<E> Named for Claims<E> {
    fn name(&self) -> String {
        self.subject().unwrap_or("nobody").to_owned()
    }
}
