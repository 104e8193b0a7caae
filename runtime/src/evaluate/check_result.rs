//! The return types of custom checks.

use tonic::{Code, Status};

use super::rejection::Rejection;
use crate::error::AuthError;

/// The return type of a custom check, which `authorize = ..` or `authorize_request = ..` names.
///
/// It is a `Result` and not a `bool`, because a forgotten `!` must not open a method.
#[diagnostic::on_unimplemented(
    message = "expected a custom check that returns `Result<(), AuthError>` or `Result<(), Status>`, found `{Self}`",
    label = "this custom check returns `{Self}`",
    note = "`Ok(())` admits the call; an error rejects it with the status code of the error"
)]
pub trait IntoCheckResult {
    #[doc(hidden)]
    fn into_check_result(self) -> Result<(), Rejection>;
}

impl IntoCheckResult for Result<(), AuthError> {
    fn into_check_result(self) -> Result<(), Rejection> {
        self.map_err(|error| Rejection::from_error(None, error))
    }
}

impl IntoCheckResult for Result<(), Status> {
    fn into_check_result(self) -> Result<(), Rejection> {
        self.map_err(|status| match status.code() {
            // The caller would take a rejection with this code for a success.
            Code::Ok => Rejection::internal("a custom check rejected the call with the code OK"),
            _ => Rejection::Custom(Box::new(status)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;

    #[test]
    fn ok_admits_and_an_error_rejects_with_its_code() {
        assert!(Ok::<(), AuthError>(()).into_check_result().is_ok());
        assert!(Ok::<(), Status>(()).into_check_result().is_ok());
        let code = |result: Result<(), Rejection>| result.unwrap_err().code();
        assert_eq!(code(Err(AuthError::denied()).into_check_result()), Code::PermissionDenied);
        assert_eq!(code(Err(Status::aborted("")).into_check_result()), Code::Aborted);
    }

    #[test]
    fn a_status_with_the_code_ok_rejects_as_internal() {
        let result = Err::<(), _>(Status::ok("")).into_check_result();
        assert!(matches!(result, Err(Rejection::Standard { reason: Reason::Internal, .. })));
    }
}
