//! Every spelling of `async_trait`, with the attribute above it, below it and on the method.

use tonic::{Request, Response, Status};
use tonic_guard_suite_support::{Tokens, User};

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

mod framework {
    pub(crate) mod macros {
        pub(crate) use tonic::async_trait;
    }
}

macro_rules! paths {
    ($($module:ident: $(use $import:path;)? $(#[$path:meta])+)+) => {$(
        mod $module {
            use super::*;
            $(use $import;)?

            mod above {
                use super::*;

                #[derive(tonic_guard::Authenticate)]
                pub(super) struct Service(#[verifies("bearer")] pub(super) Tokens);

                #[tonic_guard::authenticated(scheme = "bearer")]
                $(#[$path])+
                impl Shape for Service {
                    async fn call(
                        &self,
                        request: Request<Text>,
                        #[identity] caller: User,
                    ) -> Result<Response<Text>, Status> {
                        assert_eq!((request.get_ref().text.as_str(), caller.name.as_str()), ("hi", "ada"));
                        Ok(ran())
                    }
                }
            }

            mod below {
                use super::*;

                #[derive(tonic_guard::Authenticate)]
                pub(super) struct Service(#[verifies("bearer")] pub(super) Tokens);

                $(#[$path])+
                #[tonic_guard::authenticated(scheme = "bearer")]
                impl Shape for Service {
                    async fn call(
                        &self,
                        request: Request<Text>,
                        #[identity] caller: User,
                    ) -> Result<Response<Text>, Status> {
                        assert_eq!((request.get_ref().text.as_str(), caller.name.as_str()), ("hi", "ada"));
                        Ok(ran())
                    }
                }
            }

            mod on_method {
                use super::*;

                #[derive(tonic_guard::Authenticate)]
                pub(super) struct Service(#[verifies("bearer")] pub(super) Tokens);

                $(#[$path])+
                impl Shape for Service {
                    #[tonic_guard::authenticated(scheme = "bearer")]
                    async fn call(
                        &self,
                        request: Request<Text>,
                        #[identity] caller: User,
                    ) -> Result<Response<Text>, Status> {
                        assert_eq!((request.get_ref().text.as_str(), caller.name.as_str()), ("hi", "ada"));
                        Ok(ran())
                    }
                }
            }

            #[tokio::test]
            async fn unauthenticated_calls_are_rejected() {
                assert_guarded(|| above::Service(Tokens)).await;
                assert_guarded(|| below::Service(Tokens)).await;
                assert_handler_check(on_method::Service(Tokens)).await;
            }
        }
    )+};
}

paths! {
    from_tonic: #[tonic::async_trait]
    imported: use tonic::async_trait; #[async_trait]
    from_async_trait: #[async_trait::async_trait]
    reexported: #[crate::async_trait_paths::framework::macros::async_trait]
}

/// Written without a `macro_rules!`, which changes how names resolve.
mod without_a_macro {
    use super::*;

    #[derive(tonic_guard::Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    #[tonic_guard::authenticated(scheme = "bearer")]
    impl Shape for Service {
        async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
            assert_eq!(request.into_inner().text, "hi");
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_guarded(|| Service(Tokens)).await;
    }
}
