//! A method as the attribute finds it: plain, or desugared by async_trait or by hand.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Block, Expr, FnArg, Ident, ImplItemFn, Pat, ReturnType, Stmt, Token, Type, parse_quote,
    punctuated::Punctuated, spanned::Spanned,
};

use crate::parse::built_in_scheme::within_two_edits;
use crate::recover::errors::Errors;

/// A method that a door can be put into.
pub(crate) struct Method {
    /// The method without its `#[identity]` parameter.
    pub(crate) item: ImplItemFn,
    pub(crate) shape: Shape,
    pub(crate) request: Ident,
    pub(crate) identity: Option<Identity>,
    /// The span of `self`, for its hygiene.
    pub(crate) receiver: Span,
}

/// How the method's body is written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// `async fn`
    Async,
    /// `fn .. -> Pin<Box<dyn Future>> { Box::pin(async move { .. }) }`
    Boxed,
}

/// The `#[identity]` parameter.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
}

impl Method {
    /// Recognises a method. What isn't recognised is a mistake: a door that is never passed would be
    /// worse than none.
    pub(crate) fn recognise(mut item: ImplItemFn, errors: &mut Errors) -> Option<Method> {
        let shape = errors.ok(shape(&item));
        no_forgotten_identity(&item, errors);
        let identity = take_identity(&mut item, errors);
        if let (Some(shape), Some(identity)) = (shape, &identity) {
            no_expanded_instrument(&mut item, shape, identity, errors);
        }
        let receiver = errors.ok(receiver(&item));
        let request = errors.ok(name_request(&mut item));
        Some(Method { shape: shape?, request: request?, identity, receiver: receiver?, item })
    }

    /// The type that a boxed body returns, in terms of the future's.
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
    pub(crate) fn body(&mut self) -> Option<&mut Block> {
        match self.shape {
            Shape::Async => Some(&mut self.item.block),
            Shape::Boxed => boxed_mut(&mut self.item.block),
        }
    }
}

/// Whether an attribute is `name`, by whatever path.
pub(crate) fn is_attribute(attribute: &syn::Attribute, name: &str) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == name)
}

/// Whether a type is called `name`, by whatever path.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
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
                "`{name}` isn't an async fn, so there is no place for its check: write `async fn {name}` under \
                 `#[tonic::async_trait]`, or let its body be `Box::pin(async move {{ .. }})`. If it isn't a \
                 remote procedure, write `#[anonymous(reason = \"..\")]`"
            ),
        ));
    };
    if let Some(first) = item.block.stmts.first()
        && item.block.stmts.len() > 1
    {
        return Err(syn::Error::new(
            first.span(),
            "this runs before the check could: move it into the `Box::pin(async move { .. })` that follows",
        ));
    }
    match call.args.first() {
        Some(Expr::Async(block)) if block.capture.is_some() && call.args.len() == 1 => {
            Ok(Shape::Boxed)
        }
        Some(Expr::Async(block)) => Err(syn::Error::new(
            block.async_token.span,
            "write `async move`: the check takes the request along",
        )),
        _ => Err(syn::Error::new(
            call.span(),
            "the async block isn't to be seen here: if another attribute has wrapped it, write \
             `#[authenticated(..)]` above that one; otherwise write `Box::pin(async move { .. })`",
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

/// The async block inside `{ Box::pin(async move { .. }) }`.
fn boxed_mut(block: &mut Block) -> Option<&mut Block> {
    match block.stmts.as_mut_slice() {
        [Stmt::Expr(Expr::Call(call), None)] => match call.args.first_mut() {
            Some(Expr::Async(inner)) => Some(&mut inner.block),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a parameter was meant to be the identity, and doesn't say so: its attribute is misspelt, or it
/// follows the request.
pub(crate) fn is_forgotten_identity(inputs: &Punctuated<FnArg, Token![,]>, at: usize) -> bool {
    let Some(FnArg::Typed(typed)) = inputs.get(at) else { return false };
    if typed.attrs.iter().any(|attribute| is_attribute(attribute, "identity")) {
        return false;
    }
    if typed.attrs.iter().any(misspelt) {
        return true;
    }
    let is_request = |input: &FnArg| match input {
        FnArg::Typed(typed) => is_named(&typed.ty, "Request"),
        FnArg::Receiver(_) => false,
    };
    let last = inputs.len() == at + 1;
    last && !inputs.get(at).is_some_and(is_request) && inputs.iter().take(at).any(is_request)
}

fn misspelt(attribute: &syn::Attribute) -> bool {
    let name = attribute.path().get_ident().map(|name| name.to_string().to_lowercase());
    name.is_some_and(|name| name == "authenticated" || within_two_edits(&name, "identity"))
}

fn no_forgotten_identity(item: &ImplItemFn, errors: &mut Errors) {
    for (at, input) in item.sig.inputs.iter().enumerate() {
        if let FnArg::Typed(typed) = input
            && is_forgotten_identity(&item.sig.inputs, at)
        {
            let misspelt = typed.attrs.iter().find(|attribute| misspelt(attribute));
            let span = misspelt.map_or_else(|| typed.pat.span(), |found| found.path().span());
            let (pat, ty) =
                (crate::syntax::text::of(&typed.pat), crate::syntax::text::of(&typed.ty));
            errors.push(syn::Error::new(
                span,
                format!("is this the identity? Write `#[identity] {pat}: {ty}`"),
            ));
        }
    }
}

/// Takes the `#[identity]` parameter out of the signature: the trait doesn't have it.
fn take_identity(item: &mut ImplItemFn, errors: &mut Errors) -> Option<Identity> {
    let mut identity = None;
    let mut kept = syn::punctuated::Punctuated::new();
    for input in std::mem::take(&mut item.sig.inputs) {
        let attributes = match &input {
            FnArg::Receiver(receiver) => &receiver.attrs,
            FnArg::Typed(typed) => &typed.attrs,
        };
        let Some(marker) = attributes.iter().find(|attribute| is_attribute(attribute, "identity"))
        else {
            kept.push(input);
            continue;
        };
        if !matches!(marker.meta, syn::Meta::Path(_)) {
            errors.push(syn::Error::new(marker.span(), "`#[identity]` takes no arguments"));
        }
        match input {
            FnArg::Receiver(receiver) => {
                errors.push(syn::Error::new(
                    receiver.span(),
                    "the identity is a parameter of its own, not `self`",
                ));
                kept.push(FnArg::Receiver(receiver));
            }
            FnArg::Typed(typed) if identity.is_some() => {
                errors.push(syn::Error::new(
                    typed.span(),
                    "a call has one identity: with `all_of` it is a tuple, so write \
                     `#[identity] (a, b): (A, B)`",
                ));
            }
            FnArg::Typed(typed) => {
                if let Type::Reference(reference) = &*typed.ty {
                    let owned = crate::syntax::text::of(&reference.elem);
                    errors.push(syn::Error::new(
                        reference.span(),
                        format!("the identity is handed over by value: write `{owned}`"),
                    ));
                }
                identity = Some(Identity { pat: *typed.pat, ty: *typed.ty });
            }
        }
    }
    item.sig.inputs = kept;
    identity
}

/// An `#[instrument]` that ran before would record the parameter in its span.
fn no_expanded_instrument(
    item: &mut ImplItemFn,
    shape: Shape,
    identity: &Identity,
    errors: &mut Errors,
) {
    let block = match shape {
        Shape::Async => Some(&mut item.block),
        Shape::Boxed => boxed_mut(&mut item.block),
    };
    let is_span = |stmt: &Stmt| match stmt {
        Stmt::Local(local) => local.pat.to_token_stream().to_string().contains("__tracing_attr"),
        _ => false,
    };
    if block.is_some_and(|block| block.stmts.iter().any(is_span)) {
        errors.push(syn::Error::new(
            identity.pat.span(),
            "`#[instrument]` has run before and would record the identity in its span: write \
             `#[authenticated(..)]` above `#[instrument]`",
        ));
    }
}

fn receiver(item: &ImplItemFn) -> syn::Result<Span> {
    item.sig.receiver().map(|receiver| receiver.self_token.span).ok_or_else(|| {
        syn::Error::new(
            item.sig.ident.span(),
            "without `self` there is no authenticator: a guarded method has a receiver, such as `&self`",
        )
    })
}

/// The name of the request: the last parameter, whatever its type is called. One that has none gets one.
fn name_request(item: &mut ImplItemFn) -> syn::Result<Ident> {
    let method = item.sig.ident.clone();
    let Some(FnArg::Typed(request)) = item.sig.inputs.last_mut() else {
        return Err(syn::Error::new(
            method.span(),
            format!(
                "`{method}` has no request to read credentials from. If it isn't a remote procedure, write \
                 `#[anonymous(reason = \"..\")]`"
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
            "the request needs a name here: write `request: Request<..>` and take it apart in the body",
        )),
    }
}
