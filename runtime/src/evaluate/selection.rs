//! Selection of the scheme that decides, from the outcomes of the extractions.

use super::{rejection::Rejection, scheme_check::ExtractionOutcome};
use crate::{
    reason::Reason,
    scheme::{CredentialLocation, ExtractError},
};

/// Selects the scheme of `one_of` that decides. `None`: the call carries no credentials.
///
/// `location` returns the location of the scheme with an index. Most calls carry the credentials of one scheme
/// and no others, and are decided without it. (Benchmark: `in-process`.)
#[inline]
pub(super) fn select_scheme<const N: usize>(
    outcomes: [ExtractionOutcome; N],
    location: impl Fn(usize) -> CredentialLocation,
) -> Result<Option<usize>, Rejection> {
    let mut present = None;
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            ExtractionOutcome::Absent => {}
            ExtractionOutcome::Extracted if present.is_none() => present = Some(index),
            _ => {
                let located = outcomes.iter().enumerate();
                let located: Vec<_> =
                    located.map(|(index, outcome)| (location(index), *outcome)).collect();
                return select_among(&located);
            }
        }
    }
    Ok(present)
}

#[cold]
fn select_among(
    extractions: &[(CredentialLocation, ExtractionOutcome)],
) -> Result<Option<usize>, Rejection> {
    let is_present = |outcome: &ExtractionOutcome| {
        matches!(outcome, ExtractionOutcome::Extracted | ExtractionOutcome::Failed(_))
    };
    let duplicate = ExtractionOutcome::Failed(ExtractError::Duplicate);
    if extractions.iter().any(|(_, outcome)| *outcome == duplicate) {
        return Err(Rejection::new(Reason::Duplicate));
    }
    let of_other_schemes =
        extractions.iter().filter(|(_, outcome)| *outcome == ExtractionOutcome::OtherScheme);
    for (location, _) in of_other_schemes {
        if !extractions.iter().any(|(other, outcome)| other == location && is_present(outcome)) {
            return Err(Rejection::new(Reason::Unsupported));
        }
    }
    let mut headers = extractions
        .iter()
        .filter(|(location, outcome)| {
            matches!(location, CredentialLocation::Header(_)) && is_present(outcome)
        })
        .map(|(location, _)| location);
    if let Some(first) = headers.next()
        && headers.any(|other| other != first)
    {
        return Err(Rejection::new(Reason::Duplicate));
    }
    let is_of_call = |(_, (location, _)): &(usize, &(CredentialLocation, ExtractionOutcome))| {
        *location != CredentialLocation::Connection
    };
    let present = || extractions.iter().enumerate().filter(|(_, (_, outcome))| is_present(outcome));
    match present().find(is_of_call).or_else(|| present().next()) {
        Some((index, (_, ExtractionOutcome::Failed(error)))) => {
            Err(Rejection::by_scheme(index, reason(*error)))
        }
        Some((index, _)) => Ok(Some(index)),
        None => Ok(None),
    }
}

fn reason(error: ExtractError) -> Reason {
    match error {
        ExtractError::Malformed => Reason::Malformed,
        ExtractError::Duplicate => Reason::Duplicate,
    }
}

/// Checks that every scheme of `all_of` has extracted credentials. The outcome of a scheme whose
/// authentication is bypassed is `None`.
pub(super) fn require_all(
    extractions: &[(CredentialLocation, Option<ExtractionOutcome>)],
) -> Result<(), Rejection> {
    let position = |wanted: ExtractionOutcome| {
        extractions.iter().position(|(_, outcome)| *outcome == Some(wanted))
    };
    if position(ExtractionOutcome::Failed(ExtractError::Duplicate)).is_some() {
        return Err(Rejection::new(Reason::Duplicate));
    }
    if let Some(index) = position(ExtractionOutcome::Failed(ExtractError::Malformed)) {
        return Err(Rejection::by_scheme(index, Reason::Malformed));
    }
    if position(ExtractionOutcome::OtherScheme).is_some() {
        return Err(Rejection::new(Reason::Unsupported));
    }
    let is_satisfied = |(_, outcome): &(CredentialLocation, Option<ExtractionOutcome>)| {
        matches!(outcome, None | Some(ExtractionOutcome::Extracted))
    };
    if extractions.iter().all(is_satisfied) { Ok(()) } else { Err(Rejection::new(Reason::Missing)) }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::{
        ExtractionOutcome::{Absent, Extracted, Failed, OtherScheme},
        *,
    };

    const TOKEN: CredentialLocation = CredentialLocation::Header(http::header::AUTHORIZATION);
    const KEY: CredentialLocation =
        CredentialLocation::Header(HeaderName::from_static("x-api-key"));
    const MALFORMED: ExtractionOutcome = Failed(ExtractError::Malformed);
    const DUPLICATE: ExtractionOutcome = Failed(ExtractError::Duplicate);

    fn selected(
        extractions: &[(CredentialLocation, ExtractionOutcome)],
    ) -> Result<Option<usize>, (Reason, Option<usize>)> {
        let selected = select_among(extractions).map_err(reason_and_scheme);
        let location = |index: usize| extractions[index].0.clone();
        let short = match *extractions {
            [(_, a)] => select_scheme([a], location),
            [(_, a), (_, b)] => select_scheme([a, b], location),
            _ => unreachable!("the cases have one or two schemes"),
        };
        assert_eq!(short.map_err(reason_and_scheme), selected, "with and without the locations");
        selected
    }

    fn reason_and_scheme(rejection: Rejection) -> (Reason, Option<usize>) {
        match rejection {
            Rejection::Standard { reason, scheme, .. } => (reason, scheme),
            Rejection::Custom(status) => unreachable!("{status}"),
        }
    }

    #[test]
    fn the_first_listed_scheme_with_credentials_decides() {
        assert_eq!(selected(&[(TOKEN, Absent), (KEY, Absent)]), Ok(None));
        assert_eq!(selected(&[(TOKEN, Extracted), (KEY, Absent)]), Ok(Some(0)));
        assert_eq!(selected(&[(TOKEN, Absent), (KEY, Extracted)]), Ok(Some(1)));
        assert_eq!(selected(&[(TOKEN, OtherScheme), (TOKEN, Extracted)]), Ok(Some(1)));
        assert_eq!(selected(&[(TOKEN, Extracted), (TOKEN, Extracted)]), Ok(Some(0)));
    }

    #[test]
    fn malformed_credentials_are_never_skipped() {
        let rejected = Err((Reason::Malformed, Some(0)));
        assert_eq!(selected(&[(TOKEN, MALFORMED)]), rejected);
        assert_eq!(
            selected(&[(TOKEN, MALFORMED), (CredentialLocation::Connection, Extracted)]),
            rejected
        );
        assert_eq!(selected(&[(TOKEN, MALFORMED), (TOKEN, Extracted)]), rejected);
    }

    #[test]
    fn credentials_in_two_headers_are_rejected() {
        let rejected = Err((Reason::Duplicate, None));
        assert_eq!(selected(&[(TOKEN, DUPLICATE)]), rejected);
        assert_eq!(selected(&[(TOKEN, Extracted), (KEY, DUPLICATE)]), rejected);
        assert_eq!(selected(&[(TOKEN, Extracted), (KEY, Extracted)]), rejected);
        assert_eq!(selected(&[(TOKEN, MALFORMED), (KEY, Extracted)]), rejected);
    }

    #[test]
    fn credentials_of_an_unsupported_scheme_are_rejected() {
        let rejected = Err((Reason::Unsupported, None));
        assert_eq!(selected(&[(TOKEN, OtherScheme)]), rejected);
        assert_eq!(selected(&[(TOKEN, OtherScheme), (KEY, Extracted)]), rejected);
        assert_eq!(
            selected(&[(TOKEN, OtherScheme), (CredentialLocation::Connection, Extracted)]),
            rejected
        );
    }

    #[test]
    fn the_connection_decides_only_without_credentials_in_the_call() {
        let connection = (CredentialLocation::Connection, Extracted);
        assert_eq!(selected(&[connection.clone(), (TOKEN, Absent)]), Ok(Some(0)));
        assert_eq!(selected(&[connection.clone(), (TOKEN, Extracted)]), Ok(Some(1)));
        assert_eq!(selected(&[connection, (TOKEN, MALFORMED)]), Err((Reason::Malformed, Some(1))));
    }

    #[test]
    fn an_extension_beside_a_header_is_accepted() {
        assert_eq!(
            selected(&[(CredentialLocation::Extensions, Extracted), (TOKEN, Extracted)]),
            Ok(Some(0))
        );
    }

    #[test]
    fn all_of_requires_every_scheme() {
        let required = |extractions: &[(CredentialLocation, Option<ExtractionOutcome>)]| {
            require_all(extractions).map_err(reason_and_scheme)
        };
        assert_eq!(required(&[(TOKEN, Some(Extracted)), (KEY, Some(Extracted))]), Ok(()));
        assert_eq!(required(&[(TOKEN, None), (KEY, Some(Extracted))]), Ok(()));
        for (outcome, reason) in [
            (Absent, (Reason::Missing, None)),
            (OtherScheme, (Reason::Unsupported, None)),
            (DUPLICATE, (Reason::Duplicate, None)),
            (MALFORMED, (Reason::Malformed, Some(1))),
        ] {
            assert_eq!(required(&[(TOKEN, Some(Extracted)), (KEY, Some(outcome))]), Err(reason));
            assert_eq!(required(&[(TOKEN, None), (KEY, Some(outcome))]), Err(reason));
        }
    }
}
