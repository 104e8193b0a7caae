//! The result of reading credentials from a call head.

/// The result of [`Scheme::extract`](crate::Scheme::extract).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extraction<C> {
    /// The location is empty.
    Absent,
    /// The location holds credentials of another scheme, such as `Basic ..` where
    /// [`Bearer`](crate::scheme::Bearer) reads. The call is rejected unless another scheme of the policy
    /// accepts them.
    OtherScheme,
    /// The location holds credentials of this scheme.
    Credentials(C),
}

impl<C> Extraction<C> {
    /// Returns the credentials, if there are any for this scheme.
    pub fn credentials(self) -> Option<C> {
        match self {
            Extraction::Credentials(credentials) => Some(credentials),
            Extraction::Absent | Extraction::OtherScheme => None,
        }
    }
}

/// Why credentials that are present can't be extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtractError {
    /// The credentials violate the grammar of the scheme.
    Malformed,
    /// The credentials are present more than once.
    Duplicate,
}

impl std::fmt::Display for ExtractError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ExtractError::Malformed => "the credentials are malformed",
            ExtractError::Duplicate => "credentials are presented more than once",
        })
    }
}

impl std::error::Error for ExtractError {}
