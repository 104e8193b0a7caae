//! What a check of the user's own may answer with.

use tonic::{Code, Status};

use crate::{error::AuthError, evaluate::rejection::Refusal};

/// The answer of a check named by `authorize = ..` or `authorize_request = ..`.
///
/// A `Result`, never a `bool`: a forgotten `!` must not open a method.
#[diagnostic::on_unimplemented(
    message = "a check of your own returns `Result<(), AuthError>` or `Result<(), Status>`, not `{Self}`",
    label = "this check returns `{Self}`",
    note = "`Ok(())` lets the call in; an error refuses it, with the code that the error chooses"
)]
pub trait IntoCheckResult {
    #[doc(hidden)]
    fn into_check_result(self) -> Result<(), Refusal>;
}

impl IntoCheckResult for Result<(), AuthError> {
    fn into_check_result(self) -> Result<(), Refusal> {
        self.map_err(|error| Refusal::from_error(None, error))
    }
}

impl IntoCheckResult for Result<(), Status> {
    fn into_check_result(self) -> Result<(), Refusal> {
        self.map_err(|status| match status.code() {
            // Sent as it is, it would tell the caller that the call went well.
            Code::Ok => Refusal::internal("a check refused the call with the code OK"),
            _ => Refusal::Theirs(Box::new(status)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::rejection::Reason;

    #[test]
    fn an_ok_lets_in_and_an_error_refuses_with_its_code() {
        assert!(Ok::<(), AuthError>(()).into_check_result().is_ok());
        assert!(Ok::<(), Status>(()).into_check_result().is_ok());
        let code = |verdict: Result<(), Refusal>| verdict.unwrap_err().code();
        assert_eq!(code(Err(AuthError::denied()).into_check_result()), Code::PermissionDenied);
        assert_eq!(code(Err(Status::aborted("")).into_check_result()), Code::Aborted);
    }

    #[test]
    fn a_status_of_the_code_ok_refuses_as_internal() {
        let verdict = Err::<(), _>(Status::ok("")).into_check_result();
        assert!(matches!(verdict, Err(Refusal::Ours { reason: Reason::Internal, .. })));
    }
}
