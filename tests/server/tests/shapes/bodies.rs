//! Handler bodies of many forms: none of them runs before the check.

#![allow(clippy::needless_return, reason = "bodies are written in every way")]

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{Tokens, User};

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

/// Tests each body with the attribute on the impl, above and below async_trait, and on the method.
macro_rules! bodies {
    ($($name:ident($request:ident) { $($body:tt)+ })+) => {$(
        mod $name {
            use super::*;

            mod above {
                use super::*;

                #[derive(Authenticate)]
                pub(super) struct Service(#[verifies("bearer")] pub(super) Tokens);

                #[authenticated(scheme = "bearer")]
                #[tonic::async_trait]
                impl Shape for Service {
                    async fn call(&self, $request: Request<Text>) -> Result<Response<Text>, Status> {
                        $($body)+
                    }
                }
            }

            mod below {
                use super::*;

                #[derive(Authenticate)]
                pub(super) struct Service(#[verifies("bearer")] pub(super) Tokens);

                #[tonic::async_trait]
                #[authenticated(scheme = "bearer")]
                impl Shape for Service {
                    async fn call(&self, $request: Request<Text>) -> Result<Response<Text>, Status> {
                        $($body)+
                    }
                }
            }

            mod on_method {
                use super::*;

                #[derive(Authenticate)]
                pub(super) struct Service(#[verifies("bearer")] pub(super) Tokens);

                #[tonic::async_trait]
                impl Shape for Service {
                    #[authenticated(scheme = "bearer")]
                    async fn call(
                        &self,
                        $request: Request<Text>,
                        #[identity] caller: User,
                    ) -> Result<Response<Text>, Status> {
                        drop(caller);
                        $($body)+
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

bodies! {
    returns(request) {
        if request.get_ref().text == "hi" {
            return Ok(ran());
        }
        Err(Status::internal("not reached"))
    }
    begins_with_an_if_let(request) {
        if let Some(text) = Some(&request.get_ref().text) {
            assert_eq!(text, "hi");
            return Ok(ran());
        }
        Err(Status::internal("not reached"))
    }
    is_an_if(request) {
        if request.get_ref().text.is_empty() { Err(Status::internal("empty")) } else { Ok(ran()) }
    }
    uses_the_question_mark(request) {
        let number: Result<u8, std::num::ParseIntError> = "7".parse();
        let number = number.map_err(|error| Status::internal(error.to_string()))?;
        assert_eq!((number, request.into_inner().text.as_str()), (7, "hi"));
        Ok(ran())
    }
    shadows_the_request(request) {
        let request = request.into_inner();
        let status = request.text;
        assert_eq!(status, "hi");
        Ok(ran())
    }
    holds_items(request) {
        use std::fmt::Write;

        const ANSWER: &str = "hi";

        fn check(text: &str) -> bool {
            return text == ANSWER;
        }

        let mut text = String::new();
        write!(text, "{}", request.get_ref().text).unwrap();
        assert!(check(&text));
        Ok(ran())
    }
    is_an_inner_async_block(request) {
        let answer = async move {
            let text = request.into_inner().text;
            if text != "hi" {
                return Err(Status::internal("not reached"));
            }
            Ok::<_, Status>(ran())
        };
        answer.await
    }
    is_a_boxed_future(request) {
        Box::pin(async move {
            assert_eq!(request.into_inner().text, "hi");
            Ok(ran())
        })
        .await
    }
    loops(request) {
        loop {
            if request.get_ref().text == "hi" {
                break Ok(ran());
            }
        }
    }
    is_a_closure_call(request) {
        let answer = || match request.get_ref().text.as_str() {
            "hi" => return Ok(ran()),
            _ => Err(Status::internal("not reached")),
        };
        answer()
    }
}
