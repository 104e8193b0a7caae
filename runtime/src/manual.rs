//! The manual: one page for each task.
//!
//! | set up a service | |
//! | --- | --- |
//! | [`verifiers`] | which verifier for which callers, and how to combine several |
//! | [`identity_providers`] | signed tokens (JWT) as bearer tokens |
//! | [`token_rejected`] | my token is rejected: from the event's text to the setting |
//! | [`remote_keys`] | keys that an identity provider publishes and rotates |
//! | [`introspection`] | opaque tokens, and tokens that can be revoked |
//! | [`api_keys`] | keys for other organizations' programs: issue, rotate, revoke |
//! | [`passwords`] | HTTP Basic, and limits on the cost of hashing |
//! | [`mtls`] | client certificates |
//! | [`migrating`] | from an interceptor or a layer to a guard, one method at a time |
//!
//! | develop and operate it | |
//! | --- | --- |
//! | [`testing`] | guarded handlers in unit tests, tokens for tests, a snapshot of the policy |
//! | [`development`] | a service with authentication turned off |
//! | [`logging`] | events, their levels and fields, and a subscriber |
//! | [`production`] | a checklist before a service goes live |
//! | [`streams`] | calls that outlive their token |
//! | [`costs`] | instructions, allocations, compile time |
//!
//! | call it | |
//! | --- | --- |
//! | [`rejections`] | what a client does after each rejection |
//! | [`clients`] | call credentials: tokens that are renewed, and one retry |
//!
//! The syntax of the attribute is documented at
//! [`#[authenticated]`](macro@crate::authenticated). The examples on these pages are compiled and run as doctests.

/// Adds a page whose programs need a feature. Without the feature, the page only names the feature
/// that it needs, so that links to the page resolve in every build.
macro_rules! page_of_feature {
    ($page:ident, $file:literal, $feature:literal) => {
        #[cfg_attr(feature = $feature, doc = include_str!($file))]
        #[cfg_attr(
            not(feature = $feature),
            doc = concat!("This page is part of the documentation with the feature `", $feature, "`.")
        )]
        #[cfg_attr(docsrs, doc(cfg(feature = $feature)))]
        pub mod $page {}
    };
}

#[doc = include_str!("manual/verifiers.md")]
#[cfg_attr(
    all(feature = "api-keys", feature = "introspection", feature = "jwt"),
    doc = include_str!("manual/combining_verifiers.md")
)]
#[cfg_attr(feature = "jwt", doc = "[`JwtVerifier`]: crate::jwt::JwtVerifier")]
#[cfg_attr(not(feature = "jwt"), doc = "[`JwtVerifier`]: crate#features")]
#[cfg_attr(feature = "jwt", doc = "[`ByIssuer`]: crate::compose::ByIssuer")]
#[cfg_attr(not(feature = "jwt"), doc = "[`ByIssuer`]: crate::compose")]
#[cfg_attr(
    feature = "introspection",
    doc = "[`IntrospectionVerifier`]: crate::introspection::IntrospectionVerifier"
)]
#[cfg_attr(not(feature = "introspection"), doc = "[`IntrospectionVerifier`]: crate#features")]
#[cfg_attr(feature = "api-keys", doc = "[`ApiKeys`]: crate::api_keys::ApiKeys")]
#[cfg_attr(feature = "api-keys", doc = "[`StaticToken`]: crate::api_keys::StaticToken")]
#[cfg_attr(not(feature = "api-keys"), doc = "[`ApiKeys`]: crate#features")]
#[cfg_attr(not(feature = "api-keys"), doc = "[`StaticToken`]: crate#features")]
#[cfg_attr(feature = "passwords", doc = "[`Passwords`]: crate::passwords::Passwords")]
#[cfg_attr(not(feature = "passwords"), doc = "[`Passwords`]: crate#features")]
#[cfg_attr(feature = "client-certificate", doc = "[`SpiffeIds`]: crate::certificates::SpiffeIds")]
#[cfg_attr(
    feature = "client-certificate",
    doc = "[`CertificateVerifier`]: crate::certificates::CertificateVerifier"
)]
#[cfg_attr(not(feature = "client-certificate"), doc = "[`SpiffeIds`]: crate#features")]
#[cfg_attr(not(feature = "client-certificate"), doc = "[`CertificateVerifier`]: crate#features")]
pub mod verifiers {}

page_of_feature!(identity_providers, "manual/identity_providers.md", "jwt");
page_of_feature!(token_rejected, "manual/token_rejected.md", "jwt");
page_of_feature!(remote_keys, "manual/remote_keys.md", "jwks");
page_of_feature!(introspection, "manual/introspection.md", "introspection");
page_of_feature!(api_keys, "manual/api_keys.md", "api-keys");
page_of_feature!(passwords, "manual/passwords.md", "passwords");
page_of_feature!(mtls, "manual/mtls.md", "client-certificate");

#[doc = include_str!("manual/migrating.md")]
pub mod migrating {}

#[doc = include_str!("manual/testing.md")]
pub mod testing {}

#[doc = include_str!("manual/development.md")]
pub mod development {}

#[doc = include_str!("manual/logging.md")]
pub mod logging {}

#[doc = include_str!("manual/production.md")]
pub mod production {}

#[doc = include_str!("manual/streams.md")]
pub mod streams {}

#[doc = include_str!("manual/costs.md")]
pub mod costs {}

#[doc = include_str!("manual/rejections.md")]
pub mod rejections {}

page_of_feature!(clients, "manual/clients.md", "client");
