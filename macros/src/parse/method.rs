//! A method that the handler check can be inserted into: plain, or desugared by `async_trait` or by hand.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Block, Expr, FnArg, Ident, ImplItemFn, Pat, ReturnType, Stmt, parse_quote, spanned::Spanned,
};

use crate::{
    parse::{
        authorized::{self, AuthorizedParameter},
        identity::{self, Identity},
    },
    recover::{errors::Errors, forgotten_identity::reject_forgotten_identity},
};

pub(crate) struct Method {
    /// The method without its `#[identity]` and `#[authorized(..)]` parameters.
    pub(crate) item: ImplItemFn,
    pub(crate) shape: Shape,
    /// The name of the request parameter.
    pub(crate) request: Ident,
    pub(crate) identity: Option<Identity>,
    /// The `#[authorized(..)]` parameters, which the item doesn't have any more.
    pub(crate) authorized: Vec<AuthorizedParameter>,
    /// The span of `self`, for its hygiene.
    pub(crate) receiver: Span,
}

/// The form of a method's body.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// `async fn`
    Async,
    /// `fn .. -> Pin<Box<dyn Future>> { Box::pin(async move { .. }) }`
    Boxed,
}

impl Method {
    /// Recognises the parts of a method. An unknown body is an error: a check that doesn't run would be
    /// worse than none.
    pub(crate) fn recognise(mut item: ImplItemFn, errors: &mut Errors) -> Option<Method> {
        let shape = errors.ok(shape(&item));
        let authorized = authorized::take(&mut item, errors);
        reject_forgotten_identity(&item, errors);
        let identity = identity::take(&mut item, errors);
        if let (Some(shape), Some(identity)) = (shape, &identity) {
            reject_expanded_instrument(&mut item, shape, identity, errors);
        }
        let receiver = errors.ok(receiver(&item));
        let request = errors.ok(name_request(&mut item));
        Some(Method {
            shape: shape?,
            request: request?,
            identity,
            authorized,
            receiver: receiver?,
            item,
        })
    }

    /// The type that the body of a `Boxed` method evaluates to.
    pub(crate) fn boxed_output(&self) -> Option<TokenStream> {
        match (&self.item.sig.output, self.shape) {
            (_, Shape::Async) => None,
            (ReturnType::Default, Shape::Boxed) => Some(quote!(())),
            (ReturnType::Type(_, ty), Shape::Boxed) => {
                Some(quote!(<#ty as ::core::future::Future>::Output))
            }
        }
    }

    /// The block that runs when the method is awaited.
    pub(crate) fn body(&mut self) -> syn::Result<&mut Block> {
        let name = self.item.sig.ident.span();
        body(&mut self.item, self.shape).ok_or_else(|| {
            syn::Error::new(name, "expected an async fn or the body `Box::pin(async move { .. })`")
        })
    }
}

fn body(item: &mut ImplItemFn, shape: Shape) -> Option<&mut Block> {
    match shape {
        Shape::Async => Some(&mut item.block),
        Shape::Boxed => boxed_body(&mut item.block),
    }
}

/// The async block inside `{ Box::pin(async move { .. }) }`.
fn boxed_body(block: &mut Block) -> Option<&mut Block> {
    match block.stmts.as_mut_slice() {
        [Stmt::Expr(Expr::Call(call), None)] => match call.args.first_mut() {
            Some(Expr::Async(inner)) => Some(&mut inner.block),
            _ => None,
        },
        _ => None,
    }
}

fn shape(item: &ImplItemFn) -> syn::Result<Shape> {
    if item.sig.asyncness.is_some() {
        return Ok(Shape::Async);
    }
    let name = &item.sig.ident;
    let last = item.block.stmts.last();
    let Some(Stmt::Expr(Expr::Call(call), None)) = last.filter(|last| is_box_pin(last)) else {
        return Err(syn::Error::new(
            name.span(),
            format!(
                "expected an async fn, found `fn {name}`\nhelp: write `async fn {name}` under `#[tonic::async_trait]`, \
                 or the body `Box::pin(async move {{ .. }})`\nhelp: if `{name}` isn't an RPC, write \
                 `#[anonymous(reason = \"..\")]` on it, which adds no check"
            ),
        ));
    };
    if let Some(first) = item.block.stmts.first()
        && item.block.stmts.len() > 1
    {
        return Err(syn::Error::new(
            first.span(),
            "unexpected statement before `Box::pin(async move { .. })`\nhelp: move it into the async block: here it \
             runs before the caller is authenticated",
        ));
    }
    match call.args.first() {
        Some(Expr::Async(block)) if block.capture.is_some() && call.args.len() == 1 => {
            Ok(Shape::Boxed)
        }
        Some(Expr::Async(block)) => Err(syn::Error::new(
            block.async_token.span,
            "expected `async move`, found `async`\nhelp: write `async move`: the handler check needs the request \
             inside the future",
        )),
        _ => Err(syn::Error::new(
            call.span(),
            "expected `Box::pin(async move { .. })`\nhelp: if another attribute has wrapped the async block, write \
             `#[authenticated(..)]` above that attribute",
        )),
    }
}

fn is_box_pin(stmt: &Stmt) -> bool {
    let Stmt::Expr(Expr::Call(call), None) = stmt else { return false };
    let Expr::Path(function) = &*call.func else { return false };
    let mut segments = function.path.segments.iter().rev();
    segments.next().is_some_and(|last| last.ident == "pin")
        && segments.next().is_some_and(|owner| owner.ident == "Box")
}

/// Reports an `#[instrument]` that has expanded already: it would record the identity parameter in its span.
fn reject_expanded_instrument(
    item: &mut ImplItemFn,
    shape: Shape,
    identity: &Identity,
    errors: &mut Errors,
) {
    let is_span = |stmt: &Stmt| match stmt {
        Stmt::Local(local) => local.pat.to_token_stream().to_string().contains("__tracing_attr"),
        _ => false,
    };
    if body(item, shape).is_some_and(|block| block.stmts.iter().any(is_span)) {
        errors.push(syn::Error::new(
            identity.pat.span(),
            "`#[instrument]` expands before `#[authenticated(..)]`, and would record the identity in its span\n\
             help: write `#[authenticated(..)]` above `#[instrument]`",
        ));
    }
}

fn receiver(item: &ImplItemFn) -> syn::Result<Span> {
    item.sig.receiver().map(|receiver| receiver.self_token.span).ok_or_else(|| {
        syn::Error::new(
            item.sig.ident.span(),
            "expected a receiver, such as `&self`\nnote: the service authenticates the callers of a guarded method",
        )
    })
}

/// The name of the request, which is the last parameter, whatever its type. For `_` a name is inserted.
fn name_request(item: &mut ImplItemFn) -> syn::Result<Ident> {
    let method = item.sig.ident.clone();
    let Some(FnArg::Typed(request)) = item.sig.inputs.last_mut() else {
        return Err(syn::Error::new(
            method.span(),
            format!(
                "expected a request parameter, from which the credentials are extracted\nhelp: if `{method}` isn't an \
                 RPC, write `#[anonymous(reason = \"..\")]`"
            ),
        ));
    };
    match &mut *request.pat {
        Pat::Ident(pat) => Ok(pat.ident.clone()),
        Pat::Wild(wild) => {
            let name = Ident::new("__request", wild.underscore_token.span);
            *request.pat = parse_quote!(#name);
            Ok(name)
        }
        other => Err(syn::Error::new(
            other.span(),
            "expected a name for the request, found a pattern\nhelp: write `request: Request<..>` and destructure \
             it in the body",
        )),
    }
}
