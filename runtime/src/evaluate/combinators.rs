//! The evaluation of `one_of` and `all_of`.

use std::{borrow::Cow, marker::PhantomData, pin::pin};

use super::{
    deadline::in_time,
    description::PolicyDescription,
    evaluator::{Admitted, AdmittedBy, EvalContext, Evaluator},
    identity::ConvertFrom,
    optional::{Alternatives, MissingCredentials},
    rejection::Rejection,
    scheme_check::AnySchemeCheck,
    selection::{require_all, select_scheme},
};
use crate::scheme::CredentialLocation;

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

/// Checks the requirements of the scheme with the index `index`, and converts the identity.
fn admit<S: AnySchemeCheck, C: ConvertFrom<S::Identity>, M: MissingCredentials>(
    index: usize,
    check: &S,
    identity: S::Identity,
    by: AdmittedBy,
) -> Result<Admitted<M::Output<C::Output>>, Rejection> {
    check.check_requirements(&identity).map_err(|reason| Rejection::by_scheme(index, reason))?;
    Ok(Admitted { identity: M::authenticated(C::convert(identity)), by })
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
        impl<C, $($Check),+> Alternatives for OneOf<C, ($($Check,)+)>
        where
            $($Check: AnySchemeCheck, C: ConvertFrom<$Check::Identity>,)+
        {
            type Identity = C::Output;

            fn evaluate_with<M: MissingCredentials>(
                &self,
                context: &mut EvalContext<'_>,
            ) -> impl Future<Output = Result<Admitted<M::Output<C::Output>>, Rejection>> + Send {
                async move {
                    if let Some(injected) = context.injected.take() {
                        $(let injected = match injected.into_identity() {
                            Ok(identity) => {
                                let by = AdmittedBy::InjectedIdentity;
                                return admit::<_, C, M>($index, &self.checks.$index, identity, by);
                            }
                            Err(injected) => injected,
                        };)+
                        drop(injected);
                        return Err(wrong_type_injected());
                    }
                    $(if let Some(identity) = self.checks.$index.bypass() {
                        let by = AdmittedBy::Bypass;
                        return admit::<_, C, M>($index, &self.checks.$index, identity, by);
                    })+
                    // One variable each, and no tuple: the future stores no variable that is moved out
                    // before its `.await`.
                    $(let ($outcome, $credentials) = self.checks.$index.extract(context.head);)+
                    let selected = select_scheme(&[$((self.checks.$index.location(), $outcome)),+])?;
                    match selected {
                        $(Some($index) => {
                            let credentials =
                                $credentials.ok_or_else(selected_without_credentials)?;
                            let limit = self.checks.$index.deadline();
                            // Pinned here and not inside `in_time`, so that the future isn't moved.
                            let authentication =
                                pin!(self.checks.$index.authenticate(credentials));
                            let identity = in_time(limit, authentication).await;
                            let identity = identity
                                .map_err(|error| Rejection::from_error(Some($index), error))?;
                            let by = AdmittedBy::Scheme($index);
                            let identity = identity.into_identity();
                            admit::<_, C, M>($index, &self.checks.$index, identity, by)
                        })+
                        Some(_) => Err(selected_without_credentials()),
                        None => M::unauthenticated(self),
                    }
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

            async fn evaluate(
                &self,
                context: &mut EvalContext<'_>,
            ) -> Result<Admitted<C::Output>, Rejection> {
                let (identities, by) = if let Some(injected) = context.injected.take() {
                    let identities = injected.into_identity::<($($Check::Identity,)+)>();
                    let identities = identities.map_err(|_| wrong_type_injected())?;
                    (identities, AdmittedBy::InjectedIdentity)
                } else {
                    let bypass = ($(self.checks.$index.bypass(),)+);
                    $(let ($outcome, $credentials) = match bypass.$index {
                        Some(_) => (None, None),
                        None => {
                            let (outcome, credentials) =
                                self.checks.$index.extract(context.head);
                            (Some(outcome), credentials)
                        }
                    };)+
                    require_all(&[$((self.checks.$index.location(), $outcome)),+])?;
                    let by = if [$($outcome),+].contains(&None) {
                        AdmittedBy::Bypass
                    } else {
                        AdmittedBy::AllSchemes
                    };
                    let identities = ($(match bypass.$index {
                        Some(identity) => identity,
                        None => {
                            let credentials =
                                $credentials.ok_or_else(selected_without_credentials)?;
                            let limit = self.checks.$index.deadline();
                            let authentication =
                                pin!(self.checks.$index.authenticate(credentials));
                            let identity = in_time(limit, authentication).await;
                            identity
                                .map_err(|error| Rejection::from_error(Some($index), error))?
                                .into_identity()
                        }
                    },)+);
                    (identities, by)
                };
                $(
                    let checked = self.checks.$index.check_requirements(&identities.$index);
                    checked.map_err(|reason| Rejection::by_scheme($index, reason))?;
                )+
                Ok(Admitted { identity: C::convert(identities), by })
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
