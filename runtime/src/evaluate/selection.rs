//! Which scheme of a policy decides, said once and on plain data: what each of them saw.

use crate::{
    evaluate::rejection::{Reason, Refusal},
    evaluate::scheme_check::Seen,
    scheme::{CredentialLocation, ExtractError},
};

/// Which of `one_of`'s schemes decides, from what each of them saw. `None`: the call carries none.
#[inline]
pub(crate) fn decide(seen: &[(CredentialLocation, Seen)]) -> Result<Option<usize>, Refusal> {
    let presented = |seen: &Seen| matches!(seen, Seen::Credentials | Seen::Unreadable(_));
    if seen.iter().any(|(_, seen)| *seen == Seen::Unreadable(ExtractError::Duplicate)) {
        return Err(Refusal::new(Reason::Duplicate));
    }
    for (place, _) in seen.iter().filter(|(_, seen)| *seen == Seen::Foreign) {
        if !seen.iter().any(|(other, seen)| other == place && presented(seen)) {
            return Err(Refusal::new(Reason::Unsupported));
        }
    }
    let mut headers = seen
        .iter()
        .filter(|(place, seen)| matches!(place, CredentialLocation::Header(_)) && presented(seen))
        .map(|(place, _)| place);
    if let Some(first) = headers.next()
        && headers.any(|other| other != first)
    {
        return Err(Refusal::new(Reason::Duplicate));
    }
    let of_call = |(_, (place, _)): &(usize, &(CredentialLocation, Seen))| {
        *place != CredentialLocation::Connection
    };
    let listed = || seen.iter().enumerate().filter(|(_, (_, seen))| presented(seen));
    match listed().find(of_call).or_else(|| listed().next()) {
        Some((at, (_, Seen::Unreadable(error)))) => Err(Refusal::by_leaf(at, reason(*error))),
        Some((at, _)) => Ok(Some(at)),
        None => Ok(None),
    }
}

fn reason(error: ExtractError) -> Reason {
    match error {
        ExtractError::Malformed => Reason::Malformed,
        ExtractError::Duplicate => Reason::Duplicate,
    }
}

/// Refuses unless each of `all_of`'s schemes saw its credentials. `None` stands for a scheme that
/// isn't asked.
pub(crate) fn demand(seen: &[(CredentialLocation, Option<Seen>)]) -> Result<(), Refusal> {
    let any = |wanted: Seen| seen.iter().position(|(_, seen)| *seen == Some(wanted));
    if any(Seen::Unreadable(ExtractError::Duplicate)).is_some() {
        return Err(Refusal::new(Reason::Duplicate));
    }
    if let Some(at) = any(Seen::Unreadable(ExtractError::Malformed)) {
        return Err(Refusal::by_leaf(at, Reason::Malformed));
    }
    if any(Seen::Foreign).is_some() {
        return Err(Refusal::new(Reason::Unsupported));
    }
    if seen.iter().all(|(_, seen)| matches!(seen, None | Some(Seen::Credentials))) {
        Ok(())
    } else {
        Err(Refusal::new(Reason::Missing))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const TOKEN: CredentialLocation = CredentialLocation::Header(http::header::AUTHORIZATION);
    const KEY: CredentialLocation =
        CredentialLocation::Header(HeaderName::from_static("x-api-key"));
    const MALFORMED: Seen = Seen::Unreadable(ExtractError::Malformed);
    const TWICE: Seen = Seen::Unreadable(ExtractError::Duplicate);

    fn decided(
        seen: &[(CredentialLocation, Seen)],
    ) -> Result<Option<usize>, (Reason, Option<usize>)> {
        decide(seen).map_err(why)
    }

    fn why(refusal: Refusal) -> (Reason, Option<usize>) {
        match refusal {
            Refusal::Ours { reason, leaf, .. } => (reason, leaf),
            Refusal::Theirs(status) => unreachable!("{status}"),
        }
    }

    #[test]
    fn the_first_listed_with_credentials_decides() {
        assert_eq!(decided(&[(TOKEN, Seen::Absent), (KEY, Seen::Absent)]), Ok(None));
        assert_eq!(decided(&[(TOKEN, Seen::Credentials), (KEY, Seen::Absent)]), Ok(Some(0)));
        assert_eq!(decided(&[(TOKEN, Seen::Absent), (KEY, Seen::Credentials)]), Ok(Some(1)));
        assert_eq!(decided(&[(TOKEN, Seen::Foreign), (TOKEN, Seen::Credentials)]), Ok(Some(1)));
        assert_eq!(decided(&[(TOKEN, Seen::Credentials), (TOKEN, Seen::Credentials)]), Ok(Some(0)));
    }

    #[test]
    fn unreadable_credentials_are_never_passed_over() {
        let refused = Err((Reason::Malformed, Some(0)));
        assert_eq!(decided(&[(TOKEN, MALFORMED)]), refused);
        assert_eq!(
            decided(&[(TOKEN, MALFORMED), (CredentialLocation::Connection, Seen::Credentials)]),
            refused
        );
        assert_eq!(decided(&[(TOKEN, MALFORMED), (TOKEN, Seen::Credentials)]), refused);
    }

    #[test]
    fn two_presentations_are_refused() {
        let refused = Err((Reason::Duplicate, None));
        assert_eq!(decided(&[(TOKEN, TWICE)]), refused);
        assert_eq!(decided(&[(TOKEN, Seen::Credentials), (KEY, TWICE)]), refused);
        assert_eq!(decided(&[(TOKEN, Seen::Credentials), (KEY, Seen::Credentials)]), refused);
        assert_eq!(decided(&[(TOKEN, MALFORMED), (KEY, Seen::Credentials)]), refused);
    }

    #[test]
    fn what_nobody_claims_is_refused() {
        let refused = Err((Reason::Unsupported, None));
        assert_eq!(decided(&[(TOKEN, Seen::Foreign)]), refused);
        assert_eq!(decided(&[(TOKEN, Seen::Foreign), (KEY, Seen::Credentials)]), refused);
        assert_eq!(
            decided(&[(TOKEN, Seen::Foreign), (CredentialLocation::Connection, Seen::Credentials)]),
            refused
        );
    }

    #[test]
    fn the_connection_decides_only_when_the_call_carries_nothing() {
        let connection = (CredentialLocation::Connection, Seen::Credentials);
        assert_eq!(decided(&[connection.clone(), (TOKEN, Seen::Absent)]), Ok(Some(0)));
        assert_eq!(decided(&[connection.clone(), (TOKEN, Seen::Credentials)]), Ok(Some(1)));
        assert_eq!(decided(&[connection, (TOKEN, MALFORMED)]), Err((Reason::Malformed, Some(1))));
    }

    #[test]
    fn an_extension_is_no_second_header() {
        assert_eq!(
            decided(&[
                (CredentialLocation::Extensions, Seen::Credentials),
                (TOKEN, Seen::Credentials)
            ]),
            Ok(Some(0))
        );
    }

    #[test]
    fn all_of_demands_each() {
        let demanded = |seen: &[(CredentialLocation, Option<Seen>)]| demand(seen).map_err(why);
        assert_eq!(
            demanded(&[(TOKEN, Some(Seen::Credentials)), (KEY, Some(Seen::Credentials))]),
            Ok(())
        );
        assert_eq!(demanded(&[(TOKEN, None), (KEY, Some(Seen::Credentials))]), Ok(()));
        for (seen, reason) in [
            (Seen::Absent, (Reason::Missing, None)),
            (Seen::Foreign, (Reason::Unsupported, None)),
            (TWICE, (Reason::Duplicate, None)),
            (MALFORMED, (Reason::Malformed, Some(1))),
        ] {
            assert_eq!(
                demanded(&[(TOKEN, Some(Seen::Credentials)), (KEY, Some(seen))]),
                Err(reason)
            );
            assert_eq!(demanded(&[(TOKEN, None), (KEY, Some(seen))]), Err(reason));
        }
    }
}
