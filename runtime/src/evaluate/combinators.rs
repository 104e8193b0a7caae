//! `one_of` and `all_of`.

use std::{borrow::Cow, marker::PhantomData, ops::Deref, pin::pin};

use super::{
    Admitted, By, Call, Plan,
    builder::NotReady,
    optional::{Choice, Nobody, Ready},
};
use crate::{
    evaluate::identity::{As, Dropped, FromIdentity, KeepFrom},
    evaluate::rejection::{Facts, Refusal},
    evaluate::scheme_check::{Branch, Sound, in_time},
    evaluate::selection::{decide, demand},
    scheme::CredentialLocation,
};

/// Marks a plan that doesn't say yet what becomes of the identity.
pub struct Undecided;

/// The first listed scheme for which the call carries credentials decides.
pub struct OneOf<K, L> {
    leaves: L,
    keep: PhantomData<fn() -> K>,
}

/// Every scheme decides.
pub struct AllOf<K, L> {
    leaves: L,
    keep: PhantomData<fn() -> K>,
}

pub fn one_of<L>(leaves: L) -> OneOf<Undecided, L> {
    OneOf { leaves, keep: PhantomData }
}

pub fn all_of<L>(leaves: L) -> AllOf<Undecided, L> {
    AllOf { leaves, keep: PhantomData }
}

impl<L> OneOf<Undecided, L> {
    /// As `kept_as`, where another door has told already that this can't be.
    pub fn kept_as_again<T>(self) -> OneOf<As<T>, L> {
        OneOf { leaves: self.leaves, keep: PhantomData }
    }

    pub fn dropped(self) -> OneOf<Dropped, L> {
        OneOf { leaves: self.leaves, keep: PhantomData }
    }
}

impl<B: Sound> OneOf<Undecided, (B,)> {
    pub fn kept(self) -> OneOf<As<B::Identity>, (B,)> {
        OneOf { leaves: self.leaves, keep: PhantomData }
    }
}

impl<L> AllOf<Undecided, L> {
    /// As `kept_as`, where another door has told already that this can't be.
    pub fn kept_as_again<T>(self) -> AllOf<As<T>, L> {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }

    pub fn dropped(self) -> AllOf<Dropped, L> {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }
}

impl<L: Branches> AllOf<Undecided, L> {
    pub fn kept_as<T>(self) -> AllOf<As<T>, L>
    where
        T: FromIdentity<L::Identities>,
    {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }

    pub fn kept(self) -> AllOf<As<L::Identities>, L> {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }
}

impl<K, L> OneOf<K, L>
where
    Self: Choice,
{
    pub fn ready(self) -> Ready<Self> {
        Ready(self)
    }
}

impl<K, L> AllOf<K, L>
where
    Self: Plan,
{
    pub fn ready(self) -> Self {
        self
    }
}

impl<K, L> Deref for OneOf<K, L> {
    type Target = NotReady<K>;

    fn deref(&self) -> &NotReady<K> {
        &NotReady::NEW
    }
}

impl<K, L> Deref for AllOf<K, L> {
    type Target = NotReady<K>;

    fn deref(&self) -> &NotReady<K> {
        &NotReady::NEW
    }
}

/// The schemes of a plan, as a tuple.
trait Leaves {
    fn facts(&self) -> Facts;
}

/// The identities of `all_of`, as a tuple.
pub trait Branches {
    type Identities: Send + Sync + 'static;
}

/// Judges an identity by the scheme at `at`, and keeps it.
fn cleared<B: Branch, K: KeepFrom<B::Identity>, N: Nobody>(
    at: usize,
    branch: &B,
    identity: B::Identity,
    by: By,
) -> Result<Admitted<N::Of<K::Kept>>, Refusal> {
    branch.require(&identity).map_err(|reason| Refusal::by_leaf(at, reason))?;
    Ok(Admitted { identity: N::somebody(K::keep(identity)), by })
}

/// A plan's code and this crate's disagree: nobody gets in by that.
fn impossible() -> Refusal {
    Refusal::internal("a scheme decided without credentials")
}

fn wrong_type() -> Refusal {
    Refusal::internal(
        "`in_process::call_as` gave an identity of a type that no authenticator of this method returns",
    )
}

macro_rules! plans {
    ($(($($B:ident $at:tt $saw:ident $credentials:ident),+))+) => {$(
        impl<K, $($B),+> Choice for OneOf<K, ($($B,)+)>
        where
            $($B: Branch, K: KeepFrom<$B::Identity>,)+
        {
            type Identity = K::Kept;

            fn choose<N: Nobody>(
                &self,
                call: &mut Call<'_>,
            ) -> impl Future<Output = Result<Admitted<N::Of<K::Kept>>, Refusal>> + Send {
                async move {
                    if let Some(given) = call.given.take() {
                        $(let given = match given.into_identity() {
                            Ok(identity) => {
                                let by = By::InProcess;
                                return cleared::<_, K, N>($at, &self.leaves.$at, identity, by);
                            }
                            Err(given) => given,
                        };)+
                        drop(given);
                        return Err(wrong_type());
                    }
                    $(if let Some(identity) = self.leaves.$at.bypass() {
                        return cleared::<_, K, N>($at, &self.leaves.$at, identity, By::Bypass);
                    })+
                    // Each by its own name: what is moved out of whole takes no room while the check
                    // waits.
                    $(let ($saw, $credentials) = self.leaves.$at.look(call.head);)+
                    let decided = decide(&[$((self.leaves.$at.location(), $saw)),+])?;
                    match decided {
                        $(Some($at) => {
                            let credentials = $credentials.ok_or_else(impossible)?;
                            let limit = self.leaves.$at.deadline();
                            // Pinned here, and not inside of what bounds it, it isn't moved again.
                            let check = pin!(self.leaves.$at.authenticate(credentials));
                            let identity = in_time(limit, check).await;
                            let identity =
                                identity.map_err(|error| Refusal::from_error(Some($at), error))?;
                            cleared::<_, K, N>($at, &self.leaves.$at, identity, By::Scheme($at))
                        })+
                        Some(_) => Err(impossible()),
                        None => N::nobody(self),
                    }
                }
            }

            fn reads_extensions(&self) -> bool {
                [$(self.leaves.$at.location()),+].contains(&CredentialLocation::Extensions)
            }

            fn facts(&self) -> Facts {
                self.leaves.facts()
            }
        }

        // The bounds are the parameter's own, as `AllOf`'s is: the compiler then points at its type.
        impl<$($B: Sound),+> OneOf<Undecided, ($($B,)+)> {
            pub fn kept_as<T>(self) -> OneOf<As<T>, ($($B,)+)>
            where
                $(T: FromIdentity<$B::Identity>,)+
            {
                OneOf { leaves: self.leaves, keep: PhantomData }
            }
        }

        impl<$($B: Branch),+> Leaves for ($($B,)+) {
            fn facts(&self) -> Facts {
                let mut scopes = Cow::Borrowed(&[] as &[&str]);
                $(if scopes.is_empty() {
                    scopes = self.$at.scopes();
                })+
                Facts { leaves: vec![$(self.$at.facts()),+], scopes }
            }
        }

        impl<$($B: Sound),+> Branches for ($($B,)+) {
            type Identities = ($($B::Identity,)+);
        }

        impl<K, $($B),+> Plan for AllOf<K, ($($B,)+)>
        where
            $($B: Branch,)+
            K: KeepFrom<($($B::Identity,)+)>,
        {
            type Identity = K::Kept;

            async fn admit(&self, call: &mut Call<'_>) -> Result<Admitted<K::Kept>, Refusal> {
                let (identities, by) = if let Some(given) = call.given.take() {
                    let identities = given.into_identity::<($($B::Identity,)+)>();
                    (identities.map_err(|_| wrong_type())?, By::InProcess)
                } else {
                    let bypass = ($(self.leaves.$at.bypass(),)+);
                    $(let ($saw, $credentials) = match bypass.$at {
                        Some(_) => (None, None),
                        None => {
                            let (saw, credentials) = self.leaves.$at.look(call.head);
                            (Some(saw), credentials)
                        }
                    };)+
                    demand(&[$((self.leaves.$at.location(), $saw)),+])?;
                    let by = if [$($saw),+].contains(&None) { By::Bypass } else { By::All };
                    let identities = ($(match bypass.$at {
                        Some(identity) => identity,
                        None => {
                            let credentials = $credentials.ok_or_else(impossible)?;
                            let limit = self.leaves.$at.deadline();
                            let check = pin!(self.leaves.$at.authenticate(credentials));
                            let identity = in_time(limit, check).await;
                            identity.map_err(|error| Refusal::from_error(Some($at), error))?
                        }
                    },)+);
                    (identities, by)
                };
                $(
                    let judged = self.leaves.$at.require(&identities.$at);
                    judged.map_err(|reason| Refusal::by_leaf($at, reason))?;
                )+
                Ok(Admitted { identity: K::keep(identities), by })
            }

            fn facts(&self) -> Facts {
                self.leaves.facts()
            }
        }
    )+};
}

plans! {
    (A 0 saw_a a)
    (A 0 saw_a a, B 1 saw_b b)
    (A 0 saw_a a, B 1 saw_b b, C 2 saw_c c)
    (A 0 saw_a a, B 1 saw_b b, C 2 saw_c c, D 3 saw_d d)
    (A 0 saw_a a, B 1 saw_b b, C 2 saw_c c, D 3 saw_d d, E 4 saw_e e)
    (A 0 saw_a a, B 1 saw_b b, C 2 saw_c c, D 3 saw_d d, E 4 saw_e e, F 5 saw_f f)
    (A 0 saw_a a, B 1 saw_b b, C 2 saw_c c, D 3 saw_d d, E 4 saw_e e, F 5 saw_f f, G 6 saw_g g)
    (A 0 saw_a a, B 1 saw_b b, C 2 saw_c c, D 3 saw_d d, E 4 saw_e e, F 5 saw_f f, G 6 saw_g g, H 7 saw_h h)
}
