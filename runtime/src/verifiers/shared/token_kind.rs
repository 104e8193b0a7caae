//! What the claims of a token say of its kind. Only one for access lets anybody in.

/// Claims of ID tokens (OpenID Connect Core, sections 2 and 3.3.2.11) and of logout and other event
/// tokens (OpenID Connect Back-Channel Logout, section 2.4; RFC 8417, section 2.2).
const OF_OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Whether a token that has this claim is of another kind, whatever the claim says.
pub(crate) fn is_of_another_kind(claim: &str) -> bool {
    OF_OTHER_KINDS.contains(&claim)
}

/// Whether `token_use`, by which Amazon Cognito and Ory Hydra tell the kind, names another. What isn't known
/// is another: the member is there to tell access tokens from the rest.
pub(crate) fn token_use_is_another(token_use: &str) -> bool {
    !["access", "access_token"].contains(&token_use)
}

/// Whether the claim `typ`, by which Keycloak tells the kind, names another.
pub(crate) fn typ_is_another(typ: &str) -> bool {
    ["ID", "Refresh", "Offline", "Logout"].contains(&typ)
}
