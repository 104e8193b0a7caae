//! Generated code passes strict lints, and doesn't depend on the names in scope.

#![deny(
    warnings,
    missing_docs,
    unused_qualifications,
    single_use_lifetimes,
    elided_lifetimes_in_paths,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::shadow_unrelated
)]
#![forbid(unsafe_code)]

use tonic_guard_suite_support::{Caller, Keys, Tokens, User};

use crate::pb::{Text, shape_server::Shape};

/// Shadows the prelude with other items.
mod shadows {
    #![allow(dead_code, non_snake_case, missing_docs)]

    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Box;
    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Vec;
    pub(super) struct String;
    pub(super) struct Send;
    pub(super) struct Sync;
    pub(super) struct From;
    pub(super) struct Into;
    pub(super) struct Future;
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod tonic {}
    pub(super) mod tonic_guard {}
    pub(super) const fn drop() {}
}

#[allow(unused_imports)]
use shadows::*;

// Written by hand, because `async_trait` itself names `Box` and `Send`.
type Answer<'a> = ::core::pin::Pin<
    ::std::boxed::Box<
        dyn ::core::future::Future<
                Output = ::core::result::Result<::tonic::Response<Text>, ::tonic::Status>,
            > + ::core::marker::Send
            + 'a,
    >,
>;

/// A service.
#[derive(::tonic_guard::Authenticate)]
pub struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
}

#[allow(clippy::unused_async)]
impl Service {
    async fn known(
        &self,
        _: &Caller,
        _: &::tonic_guard::CallHead<'_>,
    ) -> ::core::result::Result<(), ::tonic_guard::AuthError> {
        ::core::result::Result::Ok(())
    }

    async fn text_is_hi(
        &self,
        _: &Caller,
        request: &::tonic::Request<Text>,
    ) -> ::core::result::Result<(), ::tonic_guard::AuthError> {
        if request.get_ref().text == "hi" {
            ::core::result::Result::Ok(())
        } else {
            ::core::result::Result::Err(::tonic_guard::AuthError::denied())
        }
    }
}

#[::tonic_guard::authenticated(
    scheme = one_of("bearer", ::tonic_guard::scheme::ApiKey::header("x-key") via self.keys),
    authorize = Self::known,
    authorize_request = Self::text_is_hi,
)]
impl Shape for Service {
    fn call<'life0, 'async_trait>(
        &'life0 self,
        _: ::tonic::Request<Text>,
        #[identity] caller: Caller,
    ) -> Answer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        ::std::boxed::Box::pin(async move {
            let _: &Tokens = &self.tokens;
            ::core::assert_eq!(caller.name(), "ada");
            ::core::result::Result::Ok(crate::ran())
        })
    }
}

/// A service whose one method has the attribute.
#[derive(::tonic_guard::Authenticate)]
pub struct OnMethod(#[verifies("bearer")] Tokens);

impl Shape for OnMethod {
    #[::tonic_guard::authenticated(scheme = optional("bearer"))]
    fn call<'life0, 'async_trait>(
        &'life0 self,
        _: ::tonic::Request<Text>,
        #[identity] caller: ::core::option::Option<User>,
    ) -> Answer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        ::std::boxed::Box::pin(async move {
            match caller {
                ::core::option::Option::Some(_) => ::core::result::Result::Ok(crate::ran()),
                ::core::option::Option::None => {
                    ::core::result::Result::Err(::tonic::Status::unauthenticated("nobody"))
                }
            }
        })
    }
}

#[::tokio::test]
async fn unauthenticated_calls_are_rejected() {
    crate::assert_guarded(|| Service { tokens: Tokens, keys: Keys::default() }).await;
    crate::assert_handler_check(OnMethod(Tokens)).await;
}
