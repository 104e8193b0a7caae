//! Whole expansions.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ImplItemFn;

use crate::{
    expand::{
        attributes::{anonymous, authenticated},
        derive,
    },
    parse::method::Method,
    recover::errors::Errors,
};

fn arguments() -> TokenStream {
    quote! {
        scheme = one_of("bearer", ApiKey::header("x-key") via self.keys),
        scopes("read", "write"), roles(Role::Admin), authorize = Self::known,
        authorize_request = Self::owns, service = "shop.v1.Orders",
        server = orders_server::OrdersServer, crate = framework::guard
    }
}

fn service() -> TokenStream {
    quote! {
        #[framework::async_trait]
        impl<T: Store> Orders for Server<T> where T: Debug {
            async fn list(&self, _: Request<List>, #[identity] (a, b): (A, B)) -> Result<R, S> {
                if let Some(x) = self.x { return x; }
                work()
            }
            fn boxed<'a>(&'a self, mut request: Request<List>, #[identity] c: C) -> BoxFuture<'a, R> {
                Box::pin(async move { work() })
            }
            #[cfg(unix)]
            #[authenticated(scheme = optional(one_of("basic")), scopes(none), roles(none),
                authorize = none, authorize_request = none, rpc = "GetURL")]
            async fn get_url(self: Arc<Self>, request: Request<List>) {}
            #[anonymous(reason = "probe")]
            async fn ping(&self, _: R) -> S {}
            #[denied(reason = "moved", rpc = "Purge")]
            async fn purge(&self, _: R) -> S { work() }
            #[authenticated(scheme = default, scopes(none), roles(none),
                authorize = |caller, head| self.knows(caller, head, 1), authorize_request = none)]
            async fn cancel(&self, r: R, #[identity] c: C, #[authorized(|c, r| self.find(c, r))] o: O) -> S {}
            type Stream = Streaming<R>;
        }
    }
}

fn derived() -> TokenStream {
    quote! {
        #[verifies(crate = framework::guard)]
        struct Server<T: ?Sized> where T: Debug {
            #[verifies("bearer", scheme::ApiKey)]
            one: One,
            #[verifies("basic")]
            two: Box<dyn Two + Send>,
            rest: T,
        }
    }
}

/// Variants of `stream`, in each of which one token, at any depth, is removed or duplicated.
fn mutations(stream: TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut all = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let with = |middle: Vec<TokenTree>| -> TokenStream {
            let (before, after) = (tokens.iter().take(index), tokens.iter().skip(index + 1));
            before.chain(&middle).chain(after).cloned().collect()
        };
        all.push(with(vec![]));
        all.push(with(vec![token.clone(), token.clone()]));
        if let TokenTree::Group(group) = token {
            let inner = mutations(group.stream()).into_iter();
            all.extend(inner.map(|inner| with(vec![Group::new(group.delimiter(), inner).into()])));
        }
    }
    all
}

#[test]
fn generated_code_refers_only_to_the_given_crate() {
    for generated in [authenticated(arguments(), service()), derive::expand(derived())] {
        let text = generated.to_string();
        assert!(!text.contains("compile_error"), "{text}");
        assert!(text.contains("framework :: guard :: __private"), "{text}");
        assert!(!text.contains("tonic"), "{text}");
    }
}

#[test]
fn malformed_input_causes_no_panic() {
    for arguments in mutations(arguments()) {
        authenticated(arguments, service());
    }
    for item in mutations(service()) {
        authenticated(arguments(), item.clone());
        authenticated(TokenStream::new(), item);
    }
    for item in mutations(derived()) {
        derive::expand(item);
    }
    for arguments in mutations(quote!(reason = "probe")) {
        anonymous(
            arguments,
            quote!(
                async fn ping(&self, _: R) -> S {}
            ),
        );
    }
}

#[test]
fn handler_check_is_the_first_statement() {
    for body in [
        quote!({
            if let Some(x) = self.x {
                return x;
            }
            work()
        }),
        quote!({
            if x() {
                y()
            }
        }),
        quote!({
            let request = request;
            work()
        }),
        quote!({
            fn inner() {}
            work()
        }),
    ] {
        let plain = quote!(async fn list(&self, request: R) -> S #body);
        let boxed = quote!(fn list(&self, request: R) -> S { Box::pin(async move #body) });
        for item in [plain, boxed] {
            let guarded = authenticated(quote!(scheme = "bearer"), item);
            let mut errors = Errors::default();
            let guarded = errors.ok(syn::parse2::<ImplItemFn>(guarded));
            let mut guarded = guarded.and_then(|item| Method::recognise(item, &mut errors));
            let first = guarded
                .as_mut()
                .and_then(|method| method.body().ok())
                .map(|body| body.stmts.first());
            let first = first.flatten().map(|first| first.to_token_stream().to_string());
            assert!(first.is_some_and(|first| first.contains("__private :: check_call")), "{body}");
        }
    }
}
