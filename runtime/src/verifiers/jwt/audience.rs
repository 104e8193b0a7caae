//! The audiences that a verifier accepts.

use super::{
    claim_rules::{RequiredClaim, not_empty},
    named_claims::NamedClaims,
    reject::RejectedToken,
};
use crate::error::AuthError;

/// The audiences of the tokens that a verifier accepts.
///
/// A string is one audience, and a list or an array is several, of which a token needs one. An `aud` that isn't
/// empty must always contain one of them. Some providers issue access tokens without an `aud` that name the client
/// in another claim: [`or_clients`](Audience::or_clients) accepts those.
///
/// ```
/// use tonic_guard::jwt::{Audience, Claims, JwtVerifier, JwtVerifierBuilder};
///
/// // One audience, or one of two.
/// let issuer = "https://id.example";
/// let one: JwtVerifierBuilder<Claims> = JwtVerifier::any_jwt(issuer, "https://orders.example");
/// let two: JwtVerifierBuilder<Claims> = JwtVerifier::any_jwt(issuer, ["orders", "orders-v2"]);
///
/// // No `aud`, and a client of this list in `client_id`. A token with another `aud` is still rejected.
/// let clients: JwtVerifierBuilder<Claims> =
///     JwtVerifier::any_jwt(issuer, Audience::clients("client_id", ["web-shop"]));
/// ```
#[derive(Clone, Debug)]
pub struct Audience {
    accepted: Vec<String>,
    clients: Option<Clients>,
    /// The audience isn't checked, and this claim is required instead.
    waived: Option<RequiredClaim>,
}

/// The clients of tokens without an `aud`.
#[derive(Clone, Debug)]
struct Clients {
    claim: String,
    ids: Vec<String>,
}

impl Audience {
    /// Accepts any of these audiences. Without any, every token is rejected.
    pub fn any_of(audiences: impl IntoIterator<Item = impl Into<String>>) -> Audience {
        Audience { accepted: not_empty(audiences), clients: None, waived: None }
    }

    /// Accepts tokens whose `aud` is absent or an empty list, and whose `claim` is exactly one of these clients.
    ///
    /// A token with an `aud` is rejected. `claim` is the claim in which the provider names the client:
    /// `client_id` (Amazon Cognito, Ory Hydra) or `azp` (Clerk).
    ///
    /// Every service that trusts the same client accepts the same token: such a token isn't made for one service.
    pub fn clients(
        claim: impl Into<String>,
        ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> Audience {
        Audience::any_of([""; 0]).or_clients(claim, ids)
    }

    /// Accepts tokens of [these clients](Audience::clients) too, where `aud` is absent or an empty list.
    #[must_use]
    pub fn or_clients(
        mut self,
        claim: impl Into<String>,
        ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> Audience {
        self.clients = Some(Clients { claim: claim.into(), ids: not_empty(ids) });
        self
    }

    /// Accepts any `aud`, and none, of a token whose `claim` has one of these values.
    ///
    /// It is for tokens whose audience the caller chooses, or that have none, and that another claim limits. A
    /// token that was issued for another service is accepted too: that service, or who has robbed it, can call
    /// yours. An event at start reports it, and `Debug` of the verifier shows it.
    ///
    /// ```
    /// use tonic_guard::jwt::{Audience, Claims, JwtVerifier, JwtVerifierBuilder};
    ///
    /// let audience = Audience::waived("repository", ["acme/orders"]);
    /// let builder: JwtVerifierBuilder<Claims> = JwtVerifier::any_jwt("https://ci.example", audience);
    /// ```
    ///
    /// It doesn't compile without a claim:
    ///
    /// ```compile_fail,E0061
    /// use tonic_guard::jwt::Audience;
    ///
    /// let audience = Audience::waived();
    /// ```
    pub fn waived(
        claim: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Audience {
        let waived = Some(RequiredClaim::new(claim, values));
        Audience { accepted: Vec::new(), clients: None, waived }
    }

    pub(super) fn accepted(&self) -> &[String] {
        &self.accepted
    }

    pub(super) fn is_waived(&self) -> bool {
        self.waived.is_some()
    }

    /// The claim that names the client of a token without an `aud`.
    pub(super) fn client_claim(&self) -> Option<&str> {
        self.clients.as_ref().map(|clients| &*clients.claim)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.client_claim().into_iter().chain(self.waived.as_ref().map(RequiredClaim::name))
    }

    /// Checks an `aud`, which is empty if the token has none.
    pub(super) fn check<'a>(
        &self,
        aud: impl Iterator<Item = &'a str> + Clone,
        claims: &NamedClaims,
    ) -> Result<(), AuthError> {
        if let Some(required) = &self.waived {
            return required.check(claims);
        }
        if aud.clone().any(|audience| self.accepted.iter().any(|accepted| accepted == audience)) {
            return Ok(());
        }
        let no_audience = aud.clone().next().is_none();
        if let Some(clients) = self.clients.as_ref().filter(|_| no_audience) {
            return clients.check(claims);
        }
        Err(RejectedToken::new("`aud` doesn't include the expected audience")
            .list("expected_aud", &self.accepted)
            .list("unverified_aud", aud)
            .invalid())
    }
}

impl Clients {
    fn check(&self, claims: &NamedClaims) -> Result<(), AuthError> {
        let client = claims.text(&self.claim);
        if client.is_some_and(|client| self.ids.iter().any(|id| id == client)) {
            return Ok(());
        }
        Err(RejectedToken::new("there is no `aud`, and the client isn't an expected one")
            .field("claim", &self.claim)
            .list("expected_client", &self.ids)
            .field("unverified_client", client.unwrap_or_default())
            .invalid())
    }
}

impl From<&str> for Audience {
    fn from(audience: &str) -> Self {
        Audience::any_of([audience])
    }
}

impl From<String> for Audience {
    fn from(audience: String) -> Self {
        Audience::any_of([audience])
    }
}

impl From<&String> for Audience {
    fn from(audience: &String) -> Self {
        Audience::any_of([audience])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Audience {
    fn from(audiences: [S; N]) -> Self {
        Audience::any_of(audiences)
    }
}

impl<S: Into<String>> From<Vec<S>> for Audience {
    fn from(audiences: Vec<S>) -> Self {
        Audience::any_of(audiences)
    }
}
