//! The request parameter under every name and type.

use tonic::{Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{Tokens, User};

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

type Alias<T> = tonic::Request<T>;
type Whole = tonic::Request<Text>;

/// Tests each way to write the parameter with the attribute on the impl and on the method.
macro_rules! requests {
    ($($name:ident($($request:tt)+) { $($body:tt)* })+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            #[allow(unused_imports)]
            use tonic::{self as grpc, Request, Request as RpcRequest};

            #[derive(Authenticate)]
            struct OnImpl(#[verifies("bearer")] Tokens);

            #[authenticated(scheme = "bearer")]
            #[tonic::async_trait]
            impl Shape for OnImpl {
                async fn call(&self, $($request)+) -> Result<Response<Text>, Status> {
                    $($body)*
                    Ok(ran())
                }
            }

            #[derive(Authenticate)]
            struct OnMethod(#[verifies("bearer")] Tokens);

            #[tonic::async_trait]
            impl Shape for OnMethod {
                #[authenticated(scheme = "bearer")]
                async fn call(
                    &self,
                    $($request)+,
                    #[identity] caller: User,
                ) -> Result<Response<Text>, Status> {
                    $($body)*
                    assert_eq!(caller.name, "ada");
                    Ok(ran())
                }
            }

            #[tokio::test]
            async fn unauthenticated_calls_are_rejected() {
                assert_guarded(|| OnImpl(Tokens)).await;
                assert_handler_check(OnMethod(Tokens)).await;
            }
        }
    )+};
}

requests! {
    with_another_name(req: Request<Text>) { assert_eq!(req.into_inner().text, "hi"); }
    unused(_request: Request<Text>) {}
    wildcard(_: Request<Text>) {}
    mutable(mut request: Request<Text>) { request.get_mut().text.clear(); }
    by_reference(ref request: Request<Text>) { assert_eq!(request.get_ref().text, "hi"); }
    raw(r#type: Request<Text>) { assert_eq!(r#type.into_inner().text, "hi"); }
    with_a_name_of_the_generated_code(status: Request<Text>) { assert_eq!(status.into_inner().text, "hi"); }
    full_path(request: tonic::Request<Text>) { assert_eq!(request.into_inner().text, "hi"); }
    renamed(request: RpcRequest<Text>) { assert_eq!(request.into_inner().text, "hi"); }
    renamed_crate(request: grpc::Request<Text>) { assert_eq!(request.into_inner().text, "hi"); }
    alias(request: Alias<Text>) { assert_eq!(request.into_inner().text, "hi"); }
    alias_of_all(request: Whole) { assert_eq!(request.into_inner().text, "hi"); }
}
