//! What a check of the user's own may answer with.

use tonic::{Code, Status};

use crate::{error::AuthError, refusal::Refusal};

/// The answer of a check named by `authorize = ..` or `authorize_request = ..`.
///
/// A `Result`, never a `bool`: a forgotten `!` must not open a method.
#[diagnostic::on_unimplemented(
    message = "a check of your own returns `Result<(), AuthError>` or `Result<(), Status>`, not `{Self}`",
    label = "this check returns `{Self}`",
    note = "`Ok(())` lets the call in; an error refuses it, with the code that the error chooses"
)]
pub trait IntoVerdict {
    #[doc(hidden)]
    fn into_verdict(self) -> Result<(), Refusal>;
}

impl IntoVerdict for Result<(), AuthError> {
    fn into_verdict(self) -> Result<(), Refusal> {
        self.map_err(|error| Refusal::from_error(None, error))
    }
}

impl IntoVerdict for Result<(), Status> {
    fn into_verdict(self) -> Result<(), Refusal> {
        self.map_err(|status| match status.code() {
            // Sent as it is, it would tell the caller that the call went well.
            Code::Ok => Refusal::internal("a check refused the call with the code OK"),
            _ => Refusal::Theirs(Box::new(status)),
        })
    }
}
