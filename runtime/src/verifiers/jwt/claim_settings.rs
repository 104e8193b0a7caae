//! The settings of a verifier that concern further claims.

use super::{
    claim_rules::{RequiredClaim, not_empty},
    verifier::JwtVerifierBuilder,
};

impl<C> JwtVerifierBuilder<C> {
    /// Accepts only tokens whose claim `name` has one of these values.
    ///
    /// The claim is a string that equals a value, or a list that contains one. In `scope` and `scp` a string is a
    /// list that is separated by spaces. Other types don't match. Without values, every token is rejected. All
    /// required claims must match.
    ///
    /// ```
    /// use tonic_guard::jwt::{Claims, JwtVerifier, JwtVerifierBuilder};
    ///
    /// // Everyone with a repository gets a token of this issuer, for any audience.
    /// let builder: JwtVerifierBuilder<Claims> =
    ///     JwtVerifier::any_jwt("https://ci.example", "https://deploy.example")
    ///         .require_claim("repository", ["acme/orders"])
    ///         .require_claim("ref", ["refs/heads/main"]);
    /// ```
    pub fn require_claim(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.expected.rules.required.push(RequiredClaim::new(name, values));
        self
    }

    /// Accepts only tokens that have at least one of these claims, with any value that isn't empty: a string or
    /// a list.
    ///
    /// With `["scp", "roles"]` the ID tokens of Microsoft Entra ID, whose `aud` is that of the access tokens for
    /// the same registration, are rejected. That holds as long as the registration assigns no roles to users;
    /// if it does, [require the scope](JwtVerifierBuilder::require_claim) instead.
    pub fn require_one_of_claims(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.expected.rules.alternatives.push(not_empty(names));
        self
    }

    /// Accepts an `azp` only if it is one of these clients. A token without an `azp` is accepted.
    ///
    /// [`id_tokens`](super::JwtVerifier::id_tokens) accepts its clients by default; this replaces them. Other
    /// verifiers accept any `azp` by default.
    pub fn authorized_parties(
        mut self,
        parties: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.expected.rules.authorized_parties = Some(not_empty(parties));
        self
    }
}
