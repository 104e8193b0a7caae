//! Plans: a policy with its authenticators, ready to be run on a call.
//!
//! The attribute's combinators are types here.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]
#![allow(
    clippy::manual_async_fn,
    reason = "every call passes the blocks here, and an `async fn` keeps its arguments twice"
)]

use std::{
    borrow::Cow,
    marker::PhantomData,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
};

use crate::{
    decision::{decide, demand},
    head::CallHead,
    identity::{As, Dropped, FromIdentity, Keep, KeepFrom},
    in_process::Given,
    leaf::{Branch, MadeOf, in_time},
    refusal::{Facts, Reason, Refusal},
    scheme::Place,
};

/// A call as a plan sees it.
pub struct Call<'a> {
    pub(crate) head: &'a CallHead<'a>,
    pub(crate) given: Option<Given>,
}

/// A caller who gets in, and by what.
pub struct Admitted<I> {
    pub(crate) identity: I,
    pub(crate) by: By,
}

/// What let a caller in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The scheme at this place in the policy.
    Scheme(usize),
    /// Every scheme of the policy.
    All,
    /// "Authentication off".
    Bypass,
    /// The word of code in the same process.
    InProcess,
    /// Nothing: the call carries no credentials, and the method is open.
    Nobody,
}

pub trait Plan: Send + Sync {
    type Identity: Send + Sync + 'static;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Refusal>> + Send;

    fn facts(&self) -> Facts;
}

impl<P: Plan> Plan for &P {
    type Identity = P::Identity;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<P::Identity>, Refusal>> + Send {
        P::admit(self, call)
    }

    fn facts(&self) -> Facts {
        P::facts(self)
    }
}

/// A plan that doesn't say what comes of a call without credentials: `N` does.
pub trait Choice: Send + Sync {
    type Identity: Send + Sync + 'static;

    fn choose<N: Nobody>(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<N::Of<Self::Identity>>, Refusal>> + Send;

    /// Whether a layer of the server leaves the credentials of one of the schemes.
    fn reads_extensions(&self) -> bool;

    fn facts(&self) -> Facts;
}

/// What comes of a call without credentials.
pub trait Nobody {
    type Of<I: Send + Sync + 'static>: Send + Sync + 'static;

    fn somebody<I: Send + Sync + 'static>(identity: I) -> Self::Of<I>;

    fn nobody<I: Send + Sync + 'static>(
        choice: &impl Choice<Identity = I>,
    ) -> Result<Admitted<Self::Of<I>>, Refusal>;
}

/// It is refused.
struct Refuse;

impl Nobody for Refuse {
    type Of<I: Send + Sync + 'static> = I;

    fn somebody<I: Send + Sync + 'static>(identity: I) -> I {
        identity
    }

    fn nobody<I: Send + Sync + 'static>(
        _: &impl Choice<Identity = I>,
    ) -> Result<Admitted<I>, Refusal> {
        Err(Refusal::new(Reason::Missing))
    }
}

/// It gets in.
struct LetIn;

impl Nobody for LetIn {
    type Of<I: Send + Sync + 'static> = Option<I>;

    fn somebody<I: Send + Sync + 'static>(identity: I) -> Option<I> {
        Some(identity)
    }

    fn nobody<I: Send + Sync + 'static>(
        choice: &impl Choice<Identity = I>,
    ) -> Result<Admitted<Option<I>>, Refusal> {
        // The attribute refuses `FromExtensions` here by its name; this is for any other name. A
        // layer that isn't mounted leaves nothing, and must not open the method.
        if choice.reads_extensions() {
            return Err(Refusal::new(Reason::Missing));
        }
        Ok(Admitted { identity: None, by: By::Nobody })
    }
}

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

/// As the choice inside, but a call without credentials gets in.
pub struct Optional<C>(C);

pub fn one_of<L>(leaves: L) -> OneOf<Undecided, L> {
    OneOf { leaves, keep: PhantomData }
}

pub fn all_of<L>(leaves: L) -> AllOf<Undecided, L> {
    AllOf { leaves, keep: PhantomData }
}

impl<L> OneOf<Undecided, L> {
    /// As `into`, where another door has told already that this can't be.
    pub fn into_again<T>(self) -> OneOf<As<T>, L> {
        OneOf { leaves: self.leaves, keep: PhantomData }
    }

    pub fn dropped(self) -> OneOf<Dropped, L> {
        OneOf { leaves: self.leaves, keep: PhantomData }
    }
}

impl<B: Branch> OneOf<Undecided, (B,)> {
    pub fn kept(self) -> OneOf<As<B::Identity>, (B,)> {
        OneOf { leaves: self.leaves, keep: PhantomData }
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
        &NotReady(PhantomData)
    }
}

impl<K, L> Deref for AllOf<K, L> {
    type Target = NotReady<K>;

    fn deref(&self) -> &NotReady<K> {
        &NotReady(PhantomData)
    }
}

/// What is left of a plan with a mistake in it. The mistake is told where it was made, and `ready` is
/// then found here, so that the doors don't tell it again. No code that compiles holds it.
pub struct NotReady<K>(PhantomData<fn() -> K>);

impl<K: Keep> NotReady<K> {
    #[allow(clippy::panic, reason = "it never compiles")]
    pub fn ready(&self) -> Ready<RefuseAll<K::Kept>> {
        const { panic!("a plan with a mistake in it was built: this is a bug of tonic-guard") }
    }
}

/// Refuses every call.
pub struct RefuseAll<I>(PhantomData<fn() -> I>);

impl<I: Send + Sync + 'static> Choice for RefuseAll<I> {
    type Identity = I;

    async fn choose<N: Nobody>(&self, _: &mut Call<'_>) -> Result<Admitted<N::Of<I>>, Refusal> {
        Err(impossible())
    }

    fn reads_extensions(&self) -> bool {
        false
    }

    fn facts(&self) -> Facts {
        Facts::none()
    }
}

/// A choice that lets nobody in without credentials.
pub struct Ready<C>(C);

impl<C> Ready<C> {
    pub fn optional(self) -> Optional<C> {
        Optional(self.0)
    }
}

impl<L> AllOf<Undecided, L> {
    /// As `into`, where another door has told already that this can't be.
    pub fn into_again<T>(self) -> AllOf<As<T>, L> {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }

    pub fn into<T>(self) -> AllOf<As<T>, L>
    where
        L: Branches,
        T: FromIdentity<L::Identities>,
    {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }

    pub fn dropped(self) -> AllOf<Dropped, L> {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }
}

impl<L: Branches> AllOf<Undecided, L> {
    pub fn kept(self) -> AllOf<As<L::Identities>, L> {
        AllOf { leaves: self.leaves, keep: PhantomData }
    }
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
                    let decided = decide(&[$((self.leaves.$at.place(), $saw)),+])?;
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
                [$(self.leaves.$at.place()),+].contains(&Place::Extensions)
            }

            fn facts(&self) -> Facts {
                let mut scopes = Cow::Borrowed(&[] as &[&str]);
                $(if scopes.is_empty() {
                    scopes = self.leaves.$at.scopes();
                })+
                Facts { leaves: vec![$(self.leaves.$at.facts()),+], scopes }
            }
        }

        impl<$($B),+> OneOf<Undecided, ($($B,)+)> {
            pub fn into<T>(self) -> OneOf<As<T>, ($($B,)+)>
            where
                $(As<T>: MadeOf<$B>,)+
            {
                OneOf { leaves: self.leaves, keep: PhantomData }
            }
        }

        impl<$($B: Branch),+> Branches for ($($B,)+) {
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
                    demand(&[$((self.leaves.$at.place(), $saw)),+])?;
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
                let mut scopes = Cow::Borrowed(&[] as &[&str]);
                $(if scopes.is_empty() {
                    scopes = self.leaves.$at.scopes();
                })+
                Facts { leaves: vec![$(self.leaves.$at.facts()),+], scopes }
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

impl<C: Choice> Plan for Ready<C> {
    type Identity = C::Identity;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<C::Identity>, Refusal>> + Send {
        self.0.choose::<Refuse>(call)
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }
}

impl<C: Choice> Plan for Optional<C> {
    type Identity = Option<C::Identity>;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Refusal>> + Send {
        self.0.choose::<LetIn>(call)
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }
}

/// A plan whose expressions may have panicked: then it refuses every call.
pub struct Caught<P>(Option<P>);

/// Makes a plan whose expressions may panic: a call, an index.
pub fn caught<P>(make: impl FnOnce() -> P) -> Caught<P> {
    Caught(catch_unwind(AssertUnwindSafe(make)).ok())
}

impl<P: Plan> Plan for Caught<P> {
    type Identity = P::Identity;

    async fn admit(&self, call: &mut Call<'_>) -> Result<Admitted<P::Identity>, Refusal> {
        match &self.0 {
            Some(plan) => plan.admit(call).await,
            None => Err(Refusal::internal("an expression of the attribute panicked")),
        }
    }

    fn facts(&self) -> Facts {
        self.0.as_ref().map_or_else(Facts::none, Plan::facts)
    }
}

/// As the plan inside, where nobody asked for the identity.
pub struct Discarded<P>(P);

/// Forgets a plan's identity once it is judged.
pub fn discard<P: Plan>(plan: P) -> Discarded<P> {
    Discarded(plan)
}

impl<P: Plan> Plan for Discarded<P> {
    type Identity = ();

    async fn admit(&self, call: &mut Call<'_>) -> Result<Admitted<()>, Refusal> {
        let Admitted { by, .. } = self.0.admit(call).await?;
        Ok(Admitted { identity: (), by })
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }
}

/// The answer of a check of the user's own, boxed so that its type needs no name.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

/// A check of the user's own, `authorize = ..`.
pub type Check<T, I> = for<'a> fn(&'a T, &'a I, &'a CallHead<'a>) -> Verdict<'a>;

/// As the plan inside, and then the user's own check.
pub struct Authorized<'s, P: Plan, T> {
    plan: P,
    service: &'s T,
    check: Check<T, P::Identity>,
}

/// Adds the user's own check to a plan.
pub fn authorize<P: Plan, T>(
    plan: P,
    service: &T,
    check: Check<T, P::Identity>,
) -> Authorized<'_, P, T> {
    Authorized { plan, service, check }
}

impl<P: Plan, T: Sync> Plan for Authorized<'_, P, T> {
    type Identity = P::Identity;

    async fn admit(&self, call: &mut Call<'_>) -> Result<Admitted<P::Identity>, Refusal> {
        let head = call.head;
        let admitted = self.plan.admit(call).await?;
        (self.check)(self.service, &admitted.identity, head).await?;
        Ok(admitted)
    }

    fn facts(&self) -> Facts {
        self.plan.facts()
    }
}
