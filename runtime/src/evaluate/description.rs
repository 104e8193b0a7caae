//! The description of a policy, from which rejections and events are written: the names of its schemes, their
//! challenges, and the scopes.

use std::borrow::Cow;

use crate::{challenge::Challenge, reason::Reason, scheme::CredentialLocation};

/// What rejections and events contain about a policy.
#[derive(Clone, Debug)]
pub struct PolicyDescription {
    pub(crate) schemes: Vec<SchemeDescription>,
    /// The required scopes.
    pub(crate) scopes: Cow<'static, [&'static str]>,
}

/// What rejections and events contain about one scheme of a policy.
#[derive(Clone, Debug)]
pub struct SchemeDescription {
    pub(crate) name: String,
    pub(crate) location: CredentialLocation,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) invalid_reason: &'static str,
    pub(crate) bypassed: bool,
}

impl PolicyDescription {
    /// The description of an unknown policy.
    pub(crate) fn empty() -> Self {
        PolicyDescription { schemes: Vec::new(), scopes: Cow::Borrowed(&[]) }
    }

    /// The name of the scheme at `index`, or the names of all schemes if there is none at `index`.
    pub(crate) fn scheme_name(&self, index: Option<usize>) -> String {
        match index.and_then(|index| self.schemes.get(index)) {
            Some(scheme) => scheme.name.clone(),
            None => {
                let names: Vec<_> =
                    self.schemes.iter().map(|scheme| scheme.name.as_str()).collect();
                names.join(", ")
            }
        }
    }

    /// The name of `reason`, if the scheme with this index decided.
    pub(crate) fn reason_name(&self, reason: Reason, index: Option<usize>) -> &'static str {
        let scheme = index.and_then(|index| self.schemes.get(index));
        reason.name(scheme.map_or("CREDENTIALS_INVALID", |scheme| scheme.invalid_reason))
    }
}
