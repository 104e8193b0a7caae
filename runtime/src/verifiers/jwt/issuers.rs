//! The issuers that a verifier accepts.

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{
    claim_rules::not_empty, issuer_pattern::IssuerPattern, named_claims::NamedClaims,
    reject::RejectedToken,
};
use crate::error::AuthError;

/// The issuers of the tokens that a verifier accepts.
///
/// A string is one issuer, and a list or an array is several. [`Issuers::template`] is for a provider whose `iss`
/// contains the tenant.
///
/// All keys of the verifier may sign for each of these issuers, unless a key names its issuer itself. So list
/// issuers of one provider only. For several providers, make a verifier for each and combine them with
/// [`ByIssuer`](crate::compose::ByIssuer).
///
/// A `sub` is unique at its issuer only (OpenID Connect Core, section 5.7). With several issuers or tenants, an
/// identity is the pair of `iss` and `sub`: never use `sub` alone as a key of a table or in a comparison.
///
/// ```
/// use tonic_guard::jwt::{Claims, Issuers, JwtVerifier, JwtVerifierBuilder};
///
/// let issuers = Issuers::template("https://login.example/{tenantid}/v2.0")
///     .tenants(["9188040d-6c67-4c5b-b112-36a304b66dad"]);
/// let builder: JwtVerifierBuilder<Claims> = JwtVerifier::any_jwt(issuers, "api-client-id");
/// ```
///
/// A template without a choice of tenants doesn't compile:
///
/// ```compile_fail,E0277
/// use tonic_guard::jwt::{Claims, Issuers, JwtVerifier, JwtVerifierBuilder};
///
/// let issuers = Issuers::template("https://login.example/{tenantid}/v2.0");
/// let builder: JwtVerifierBuilder<Claims> = JwtVerifier::any_jwt(issuers, "api-client-id");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    exact: Vec<String>,
    templates: Vec<TenantIssuers>,
}

/// An issuer with a hole for the tenant. `tenants`, `vouched_by` and `any_tenant` turn it into [`Issuers`].
///
/// The hole is filled by letters, digits and `-`. It must equal the token's signed `tid`, or the claim that
/// [`tenant_claim`](IssuerTemplate::tenant_claim) names. No URL is made from it.
#[derive(Clone, Debug)]
#[must_use]
pub struct IssuerTemplate {
    pattern: IssuerPattern,
    claim: String,
}

#[derive(Clone, Debug)]
struct TenantIssuers {
    template: IssuerTemplate,
    tenants: Tenants,
}

#[derive(Clone)]
enum Tenants {
    Listed(BTreeSet<String>),
    Vouched(Arc<Resolver>),
    Any,
}

type Resolver = dyn Fn(&str) -> bool + Send + Sync;

/// A tenant that a resolver must vouch for, once the token's signature is verified.
pub(super) struct UnvouchedTenant {
    tenant: String,
    resolver: Arc<Resolver>,
}

impl Issuers {
    /// Accepts any of these issuers. Without any, every token is rejected.
    pub fn any_of(issuers: impl IntoIterator<Item = impl Into<String>>) -> Issuers {
        Issuers { exact: not_empty(issuers), templates: Vec::new() }
    }

    /// An issuer with a hole for the tenant, which is one path segment in braces.
    ///
    /// # Panics
    /// Panics if `template` isn't a URL with exactly one segment of the path in braces.
    #[allow(
        clippy::panic,
        reason = "a wrong template is a mistake in the program, and the panic is documented"
    )]
    pub fn template(template: &str) -> IssuerTemplate {
        match IssuerPattern::with_hole(template) {
            Ok(pattern) => IssuerTemplate { pattern, claim: "tid".into() },
            Err(error) => panic!("{error}, found `{template}`"),
        }
    }

    /// Accepts the other issuers too.
    #[must_use]
    pub fn or(mut self, others: impl Into<Issuers>) -> Issuers {
        let others = others.into();
        self.exact.extend(others.exact);
        self.templates.extend(others.templates);
        self
    }

    /// The claims that name a tenant.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|issuers| &*issuers.template.claim)
    }

    pub(super) fn accept_any_tenant(&self) -> bool {
        self.templates.iter().any(|issuers| matches!(issuers.tenants, Tenants::Any))
    }

    /// Checks an issuer, and returns the tenant that is still to be vouched for.
    pub(super) fn check(
        &self,
        issuer: Option<&str>,
        claims: &NamedClaims,
    ) -> Result<Option<UnvouchedTenant>, AuthError> {
        let issuer = issuer.unwrap_or_default();
        if self.exact.iter().any(|exact| exact == issuer) {
            return Ok(None);
        }
        let mut why = "`iss` isn't the expected issuer";
        for issuers in &self.templates {
            match issuers.check(issuer, claims) {
                Ok(unvouched) => return Ok(unvouched),
                Err(Some(mismatch)) => why = mismatch,
                Err(None) => {}
            }
        }
        let templates = self.templates.iter().map(|issuers| issuers.template.pattern.text());
        Err(RejectedToken::new(why)
            .list("expected_iss", self.exact.iter().cloned().chain(templates))
            .field("unverified_iss", issuer)
            .invalid())
    }
}

impl IssuerTemplate {
    /// Sets the claim that must equal the tenant in the issuer. The default is `tid`.
    pub fn tenant_claim(mut self, name: impl Into<String>) -> IssuerTemplate {
        self.claim = name.into();
        self
    }

    /// Accepts these tenants, compared exactly.
    pub fn tenants(self, tenants: impl IntoIterator<Item = impl Into<String>>) -> Issuers {
        self.accepting(Tenants::Listed(tenants.into_iter().map(Into::into).collect()))
    }

    /// Accepts the tenants for which `resolver` returns true.
    ///
    /// It is called after the signature is verified, so nobody can flood it with made-up tenants. It must not
    /// block: let it look up a list in memory. A verified token is cached for up to five minutes, during which
    /// the resolver isn't called for it again.
    pub fn vouched_by(self, resolver: impl Fn(&str) -> bool + Send + Sync + 'static) -> Issuers {
        self.accepting(Tenants::Vouched(Arc::new(resolver)))
    }

    /// Accepts every tenant of the provider.
    ///
    /// Everyone who can get a tenant there can get tokens that this service accepts, so check the tenant of each
    /// call yourself. An event at start reports it.
    pub fn any_tenant(self) -> Issuers {
        self.accepting(Tenants::Any)
    }

    fn accepting(self, tenants: Tenants) -> Issuers {
        Issuers { exact: Vec::new(), templates: vec![TenantIssuers { template: self, tenants }] }
    }
}

impl TenantIssuers {
    /// Returns `Err(None)` if the issuer doesn't fit the template.
    fn check(
        &self,
        issuer: &str,
        claims: &NamedClaims,
    ) -> Result<Option<UnvouchedTenant>, Option<&'static str>> {
        let tenant = self.template.pattern.tenant(issuer).ok_or(None)?;
        if claims.text(&self.template.claim) != Some(tenant) {
            return Err(Some("the tenant in `iss` isn't that of the tenant's claim"));
        }
        match &self.tenants {
            Tenants::Any => Ok(None),
            Tenants::Listed(listed) if listed.contains(tenant) => Ok(None),
            Tenants::Listed(_) => Err(Some("the tenant in `iss` isn't listed")),
            Tenants::Vouched(resolver) => {
                let (tenant, resolver) = (tenant.to_owned(), Arc::clone(resolver));
                Ok(Some(UnvouchedTenant { tenant, resolver }))
            }
        }
    }
}

impl UnvouchedTenant {
    pub(super) fn check(&self) -> Result<(), AuthError> {
        if (self.resolver)(&self.tenant) {
            return Ok(());
        }
        Err(RejectedToken::new("the resolver doesn't vouch for the tenant in `iss`")
            .field("tenant", &self.tenant)
            .invalid())
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tenants::Listed(listed) => f.debug_tuple("Listed").field(listed).finish(),
            Tenants::Vouched(_) => f.write_str("Vouched"),
            Tenants::Any => f.write_str("Any"),
        }
    }
}

impl From<&str> for Issuers {
    fn from(issuer: &str) -> Self {
        Issuers::any_of([issuer])
    }
}

impl From<String> for Issuers {
    fn from(issuer: String) -> Self {
        Issuers::any_of([issuer])
    }
}

impl From<&String> for Issuers {
    fn from(issuer: &String) -> Self {
        Issuers::any_of([issuer])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Issuers {
    fn from(issuers: [S; N]) -> Self {
        Issuers::any_of(issuers)
    }
}

impl<S: Into<String>> From<Vec<S>> for Issuers {
    fn from(issuers: Vec<S>) -> Self {
        Issuers::any_of(issuers)
    }
}
