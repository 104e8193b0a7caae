//! Claims by which a token shows its kind: an access token, an ID token or another one.

/// Claims of ID tokens (OpenID Connect Core, sections 2 and 3.3.2.11) and of logout and other event
/// tokens (OpenID Connect Back-Channel Logout, section 2.4; RFC 8417, section 2.2).
const CLAIMS_OF_OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Returns whether a claim of this name, with any value, marks a token of another kind.
pub(crate) fn claim_marks_other_kind(name: &str) -> bool {
    CLAIMS_OF_OTHER_KINDS.contains(&name)
}

/// Returns whether this `token_use` (Amazon Cognito, Ory Hydra) marks a token of another kind.
///
/// Unknown values do, because issuers set the claim to separate access tokens from all others.
pub(crate) fn token_use_marks_other_kind(token_use: &str) -> bool {
    !["access", "access_token"].contains(&token_use)
}

/// Returns whether the claim `typ` (Keycloak) marks a token of another kind.
pub(crate) fn typ_marks_other_kind(typ: &str) -> bool {
    ["ID", "Refresh", "Offline", "Logout"].contains(&typ)
}

/// Returns whether a claim of this name, with any value, marks a token that isn't an ID token.
///
/// ID tokens have no scopes (OpenID Connect Core, section 2), and access tokens do (RFC 9068, section 2.2.3).
#[cfg(feature = "jwt")]
pub(crate) fn claim_excludes_id_token(name: &str) -> bool {
    ["events", "scope", "scp"].contains(&name)
}

/// Returns whether this `token_use` (Amazon Cognito) marks a token that isn't an ID token.
#[cfg(feature = "jwt")]
pub(crate) fn token_use_excludes_id_token(token_use: &str) -> bool {
    !["id", "id_token"].contains(&token_use)
}

/// Returns whether the claim `typ` (Keycloak) marks a token that isn't an ID token.
#[cfg(feature = "jwt")]
pub(crate) fn typ_excludes_id_token(typ: &str) -> bool {
    typ != "ID"
}
