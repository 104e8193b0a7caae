//! The evaluation of `one_of` and `all_of`.

use std::{borrow::Cow, marker::PhantomData, pin::pin};

use super::{
    deadline::in_time,
    description::PolicyDescription,
    evaluator::{Admitted, AdmittedBy, EvalContext, Evaluator, Progress},
    identity::ConvertFrom,
    injected_identity::InjectedIdentity,
    optional::{Alternatives, Started},
    rejection::Rejection,
    scheme_check::AnySchemeCheck,
    selection::{require_all, select_scheme},
};
use crate::{
    authenticate::Immediate,
    scheme::{CallHead, CredentialLocation},
};

/// Evaluates the first listed scheme for which the call carries credentials.
///
/// `T` is a tuple of scheme checks, and `C` the conversion of their identities.
pub struct OneOf<C, T> {
    checks: T,
    conversion: PhantomData<fn() -> C>,
}

/// Evaluates every scheme.
///
/// `T` is a tuple of scheme checks, and `C` the conversion of the tuple of their identities.
pub struct AllOf<C, T> {
    checks: T,
    conversion: PhantomData<fn() -> C>,
}

impl<C, T> OneOf<C, T> {
    pub(super) fn new(checks: T) -> Self {
        OneOf { checks, conversion: PhantomData }
    }

    pub(super) fn with_conversion<D>(self) -> OneOf<D, T> {
        OneOf::new(self.checks)
    }
}

impl<C, T> AllOf<C, T> {
    pub(super) fn new(checks: T) -> Self {
        AllOf { checks, conversion: PhantomData }
    }

    pub(super) fn with_conversion<D>(self) -> AllOf<D, T> {
        AllOf::new(self.checks)
    }
}

/// A tuple of scheme checks, for their description.
trait DescribeAll {
    fn description(&self) -> PolicyDescription;
}

/// How far the check of one scheme of `all_of` has come.
pub enum CheckProgress<I, C> {
    Identity(I),
    Credentials(C),
}

/// Checks the requirements of the scheme with the index `index`, and converts the identity.
#[inline]
fn admit<S: AnySchemeCheck, C: ConvertFrom<S::Identity>>(
    index: usize,
    check: &S,
    identity: S::Identity,
    by: AdmittedBy,
) -> Result<Admitted<C::Output>, Rejection> {
    check.check_requirements(&identity).map_err(|reason| Rejection::by_scheme(index, reason))?;
    Ok(Admitted { identity: C::convert(identity), by })
}

/// The rejection for a bug of this crate: a scheme was selected that has extracted no credentials.
fn selected_without_credentials() -> Rejection {
    Rejection::internal("a scheme was selected that has extracted no credentials")
}

fn wrong_type_injected() -> Rejection {
    Rejection::internal(
        "the identity of `in_process::call_as` has a type that no authenticator of this method returns",
    )
}

macro_rules! combinators {
    ($(($($Check:ident $index:tt $outcome:ident $credentials:ident),+))+) => {$(
        impl<C, $($Check),+> OneOf<C, ($($Check,)+)>
        where
            $($Check: AnySchemeCheck, C: ConvertFrom<$Check::Identity>,)+
        {
            #[cold]
            fn admit_injected(
                &self,
                injected: InjectedIdentity,
            ) -> Result<Admitted<C::Output>, Rejection> {
                $(let injected = match injected.into_identity() {
                    Ok(identity) => {
                        let by = AdmittedBy::InjectedIdentity;
                        return admit::<_, C>($index, &self.checks.$index, identity, by);
                    }
                    Err(injected) => injected,
                };)+
                drop(injected);
                Err(wrong_type_injected())
            }

            fn location(&self, index: usize) -> CredentialLocation {
                match index {
                    $($index => self.checks.$index.location(),)+
                    _ => CredentialLocation::Connection,
                }
            }
        }

        impl<C, $($Check),+> AllOf<C, ($($Check,)+)>
        where
            $($Check: AnySchemeCheck,)+
            C: ConvertFrom<($($Check::Identity,)+)>,
        {
            /// Checks the requirements of every scheme, and converts the identities.
            fn admit(
                &self,
                identities: ($($Check::Identity,)+),
                by: AdmittedBy,
            ) -> Result<Admitted<C::Output>, Rejection> {
                $(
                    let checked = self.checks.$index.check_requirements(&identities.$index);
                    checked.map_err(|reason| Rejection::by_scheme($index, reason))?;
                )+
                Ok(Admitted { identity: C::convert(identities), by })
            }
        }

        impl<C, $($Check),+> Alternatives for OneOf<C, ($($Check,)+)>
        where
            $($Check: AnySchemeCheck, C: ConvertFrom<$Check::Identity>,)+
        {
            type Identity = C::Output;
            type Pending = ($(Option<$Check::Credentials>,)+);

            #[inline]
            fn start(
                &self,
                context: &mut EvalContext<'_>,
            ) -> Started<C::Output, Self::Pending> {
                if let Some(injected) = context.injected.take() {
                    return self.admit_injected(injected).map(Progress::Admitted).map(Some);
                }
                $(if let Some(identity) = self.checks.$index.bypass() {
                    let by = AdmittedBy::Bypass;
                    let admitted = admit::<_, C>($index, &self.checks.$index, identity, by);
                    return admitted.map(Progress::Admitted).map(Some);
                })+
                $(let ($outcome, $credentials) = self.checks.$index.extract(context.head);)+
                let selected = select_scheme([$($outcome),+], |index| self.location(index))?;
                match selected {
                    $(Some($index) => {
                        let credentials = $credentials.ok_or_else(selected_without_credentials)?;
                        match self.checks.$index.authenticate_now(credentials) {
                            Immediate::Decided(Ok(authenticated)) => {
                                let (identity, by) =
                                    (authenticated.into_identity(), AdmittedBy::Scheme($index));
                                let admitted =
                                    admit::<_, C>($index, &self.checks.$index, identity, by);
                                admitted.map(Progress::Admitted).map(Some)
                            }
                            Immediate::Decided(Err(error)) => {
                                Err(Rejection::from_error(Some($index), error))
                            }
                            Immediate::Deferred(credentials) => {
                                let mut pending = Self::Pending::default();
                                pending.$index = Some(credentials);
                                Ok(Some(Progress::Waiting(pending)))
                            }
                        }
                    })+
                    Some(_) => Err(selected_without_credentials()),
                    None => Ok(None),
                }
            }

            fn resume(
                &self,
                pending: Self::Pending,
            ) -> impl Future<Output = Result<Admitted<C::Output>, Rejection>> + Send {
                async move {
                    $(if let Some(credentials) = pending.$index {
                        let check = &self.checks.$index;
                        // Pinned here and not inside `in_time`, so that the future isn't moved.
                        let authentication = pin!(check.authenticate(credentials));
                        let authenticated = in_time(check.deadline(), authentication).await;
                        let authenticated = authenticated
                            .map_err(|error| Rejection::from_error(Some($index), error))?;
                        let by = AdmittedBy::Scheme($index);
                        return admit::<_, C>($index, check, authenticated.into_identity(), by);
                    })+
                    Err(selected_without_credentials())
                }
            }

            fn reads_extensions(&self) -> bool {
                [$(self.checks.$index.location()),+].contains(&CredentialLocation::Extensions)
            }

            fn description(&self) -> PolicyDescription {
                self.checks.description()
            }
        }

        impl<$($Check: AnySchemeCheck),+> DescribeAll for ($($Check,)+) {
            fn description(&self) -> PolicyDescription {
                let mut scopes = Cow::Borrowed(&[] as &[&str]);
                $(if scopes.is_empty() {
                    scopes = self.$index.scopes();
                })+
                PolicyDescription { schemes: vec![$(self.$index.description()),+], scopes }
            }
        }

        impl<C, $($Check),+> Evaluator for AllOf<C, ($($Check,)+)>
        where
            $($Check: AnySchemeCheck,)+
            C: ConvertFrom<($($Check::Identity,)+)>,
        {
            type Identity = C::Output;
            type Pending = (AdmittedBy, ($(CheckProgress<$Check::Identity, $Check::Credentials>,)+));

            #[allow(unused_assignments, reason = "no scheme follows the last one that sets `waits`")]
            fn start(
                &self,
                context: &mut EvalContext<'_>,
            ) -> Result<Progress<C::Output, Self::Pending>, Rejection> {
                if let Some(injected) = context.injected.take() {
                    let identities = injected.into_identity().map_err(|_| wrong_type_injected())?;
                    let by = AdmittedBy::InjectedIdentity;
                    return self.admit(identities, by).map(Progress::Admitted);
                }
                let bypass = ($(self.checks.$index.bypass(),)+);
                $(let ($outcome, $credentials) = match bypass.$index {
                    Some(_) => (None, None),
                    None => {
                        let (outcome, credentials) = self.checks.$index.extract(context.head);
                        (Some(outcome), credentials)
                    }
                };)+
                require_all(&[$((self.checks.$index.location(), $outcome)),+])?;
                let by = if [$($outcome),+].contains(&None) {
                    AdmittedBy::Bypass
                } else {
                    AdmittedBy::AllSchemes
                };
                // The schemes are verified in order: after one that has to wait, the others wait for it.
                let mut waits = false;
                let checks = ($(match bypass.$index {
                    Some(identity) => CheckProgress::Identity(identity),
                    None => {
                        let credentials = $credentials.ok_or_else(selected_without_credentials)?;
                        let immediate = if waits {
                            Immediate::Deferred(credentials)
                        } else {
                            self.checks.$index.authenticate_now(credentials)
                        };
                        match immediate {
                            Immediate::Decided(decided) => {
                                let authenticated = decided
                                    .map_err(|error| Rejection::from_error(Some($index), error))?;
                                CheckProgress::Identity(authenticated.into_identity())
                            }
                            Immediate::Deferred(credentials) => {
                                waits = true;
                                CheckProgress::Credentials(credentials)
                            }
                        }
                    }
                },)+);
                match checks {
                    ($(CheckProgress::Identity($credentials),)+) => {
                        self.admit(($($credentials,)+), by).map(Progress::Admitted)
                    }
                    checks => Ok(Progress::Waiting((by, checks))),
                }
            }

            async fn resume(
                &self,
                (by, checks): Self::Pending,
                _: &CallHead<'_>,
            ) -> Result<Admitted<C::Output>, Rejection> {
                let identities = ($(match checks.$index {
                    CheckProgress::Identity(identity) => identity,
                    CheckProgress::Credentials(credentials) => {
                        let check = &self.checks.$index;
                        let authentication = pin!(check.authenticate(credentials));
                        let authenticated = in_time(check.deadline(), authentication).await;
                        authenticated
                            .map_err(|error| Rejection::from_error(Some($index), error))?
                            .into_identity()
                    }
                },)+);
                self.admit(identities, by)
            }

            fn description(&self) -> PolicyDescription {
                self.checks.description()
            }
        }
    )+};
}

combinators! {
    (A 0 outcome_a a)
    (A 0 outcome_a a, B 1 outcome_b b)
    (A 0 outcome_a a, B 1 outcome_b b, D 2 outcome_d d)
    (A 0 outcome_a a, B 1 outcome_b b, D 2 outcome_d d, E 3 outcome_e e)
    (A 0 outcome_a a, B 1 outcome_b b, D 2 outcome_d d, E 3 outcome_e e, F 4 outcome_f f)
    (A 0 outcome_a a, B 1 outcome_b b, D 2 outcome_d d, E 3 outcome_e e, F 4 outcome_f f, G 5 outcome_g g)
    (A 0 outcome_a a, B 1 outcome_b b, D 2 outcome_d d, E 3 outcome_e e, F 4 outcome_f f, G 5 outcome_g g, H 6 outcome_h h)
    (A 0 outcome_a a, B 1 outcome_b b, D 2 outcome_d d, E 3 outcome_e e, F 4 outcome_f f, G 5 outcome_g g, H 6 outcome_h h, I 7 outcome_i i)
}
