//! The method's own door, put at the top of what runs when the method is awaited.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::{Block, Expr, ExprBlock, Path, ReturnType, Stmt, spanned::Spanned, token::Brace};

use crate::expand::evaluator::{self as plan, Door};
use crate::model::policy::Policy;
use crate::parse::method::{Identity, Method};
use crate::parse::schemes::{Combinator, Leaf, Value};
use crate::syntax::hygiene::{self, self_at};

/// By what a method lets a call in. The number tells its policy from every other.
#[derive(Clone, Copy)]
pub(crate) enum WayIn {
    /// A plan that the method itself holds.
    Own(u64),
    /// The plan that the methods of one policy share.
    Shared(u64),
}

/// Puts the door of `policy` into `method`.
//
// Input:
//     async fn list(&self, request: Request<L>, #[identity] caller: Claims) -> Result<R, Status> { .. }
// Output:
//     async fn list(&self, request: Request<L>) -> Result<R, Status> {
//         statement! {
//             let caller: Claims =
//                 match <Self as Policed<7u64, _, _>>::enter(&*self, "list", head(&request)).await {
//                     Ok(identity) => identity,
//                     Err(status) => return Refusable::refused(status),
//                 };
//         }
//         { .. }
//     }
//
// A plan of the method's own stands in the call: `enter(&*self, Door { .. }, PLAN, head(&request))`.
pub(crate) fn insert(
    method: &mut Method,
    policy: &Policy,
    way_in: WayIn,
    krate: &Path,
) -> syn::Result<()> {
    let mut door = match way_in {
        WayIn::Own(_) => header_checks(policy, krate).collect(),
        WayIn::Shared(_) => TokenStream::new(),
    };
    let entrance = entrance(method, policy, way_in, krate);
    match way_in {
        // async_trait takes every expression of a body apart. In a macro's tokens it looks for `self`
        // alone, and not even for that where they say `fn`.
        WayIn::Shared(_) if !method.identity.as_ref().is_some_and(says_fn) => {
            door.extend(quote!(#krate::__private::statement! { #entrance }));
        }
        WayIn::Own(_) | WayIn::Shared(_) => door.extend(entrance),
    }
    let name = method.item.sig.ident.clone();
    let Some(body) = method.body() else {
        return Err(syn::Error::new(name.span(), "the body of this method isn't recognised"));
    };
    // Before anything else, always: whatever the body begins with may be the user's. And in a block of
    // its own: the items of a body are known above it too, and one with a name that the attribute says
    // would be the one that is meant here, but not at the front door.
    let stmts = std::mem::take(&mut body.stmts);
    let block = Block { brace_token: Brace(Span::mixed_site()), stmts };
    let own = ExprBlock { attrs: Vec::new(), label: None, block };
    // Verbatim: parsing what was just written would take longer than writing it.
    body.stmts = vec![Stmt::Expr(Expr::Verbatim(door), None), Stmt::Expr(Expr::Block(own), None)];
    Ok(())
}

fn says_fn(Identity { pat, ty }: &Identity) -> bool {
    fn within(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "fn",
            TokenTree::Group(group) => within(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    within(quote!(#pat #ty))
}

/// The call that lets in or refuses, as a future.
fn entered(method: &Method, policy: &Policy, way_in: WayIn, krate: &Path) -> TokenStream {
    let name = function_name(&method.item.sig.ident);
    let request = &method.request;
    let site = Span::mixed_site();
    let service = self_at(site, method.receiver);
    let head = || {
        let place = request.span().resolved_at(site);
        let krate = hygiene::at(place, krate);
        quote_spanned!(place=> #krate::__private::head(&#request))
    };
    let number = match way_in {
        WayIn::Own(number) => number,
        WayIn::Shared(number) => {
            let head = head();
            let enter = if policy.may_panic() { quote!(enter_caught) } else { quote!(enter) };
            return quote_spanned! {site=>
                <Self as #krate::__private::Policed<#number, _, _>>::#enter(&*#service, #name, #head)
            };
        }
    };
    let ty = method.identity.as_ref().map(|identity| &identity.ty);
    let mut plan = plan::expression(policy, ty, krate, method.receiver, Door::Own);
    if policy.may_panic() {
        plan = quote_spanned!(site=> #krate::__private::caught(|| #plan));
    }
    let door = quote!(#krate::__private::Door { policy: #number, method: #name });
    match &policy.authorize_request {
        None => {
            let head = head();
            quote_spanned!(site=> #krate::__private::enter(&*#service, #door, #plan, #head))
        }
        Some(path) => {
            let check = plan::check(path, krate, method.receiver);
            quote_spanned! {site=>
                #krate::__private::enter_with_request(&*#service, #door, #plan, &#request, #check)
            }
        }
    }
}

fn entrance(method: &Method, policy: &Policy, way_in: WayIn, krate: &Path) -> TokenStream {
    let site = Span::mixed_site();
    let identity = method.identity.as_ref();
    let entered = entered(method, policy, way_in, krate);
    let place = match &method.item.sig.output {
        ReturnType::Default => method.item.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    let place = place.resolved_at(site);
    let at_output = hygiene::at(place, krate);
    let refusable = quote_spanned!(place=> #at_output::__private::Refusable);
    let refused = match method.boxed_output() {
        // An async fn's own type is known: it needn't be written again.
        None => quote_spanned!(place=> #refusable::refused),
        Some(output) => quote_spanned!(place=> <#output as #refusable>::refused),
    };
    let status = format_ident!("__status", span = site);
    match identity {
        Some(identity) => {
            let (pat, ty) = (&identity.pat, &identity.ty);
            let optional = policy.schemes.combinator == Combinator::Optional;
            // At the type's very own place: the plan has said there already that it is no option, and
            // the compiler doesn't tell one thing of one place twice.
            let place = if optional { ty.span() } else { site };
            let admitted = format_ident!("__identity", span = place);
            let mut handed = quote!(#admitted);
            if optional {
                let at_type = hygiene::at(place, krate);
                handed = quote_spanned! {place=>
                    <#ty as #at_type::__private::OptionalIdentity>::from_option(#handed)
                };
            }
            quote! {
                let #pat: #ty = match #entered.await {
                    #krate::__private::Result::Ok(#admitted) => #handed,
                    #krate::__private::Result::Err(#status) => return #refused(#status),
                };
            }
        }
        None => quote! {
            if let #krate::__private::Result::Err(#status) = #entered.await {
                return #refused(#status);
            }
        },
    }
}

pub(crate) fn function_name(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// A header's name that is written out is checked as the code compiles, not when it first runs.
pub(crate) fn header_checks(policy: &Policy, krate: &Path) -> impl Iterator<Item = TokenStream> {
    let written_out = policy.schemes.leaves.iter().filter(|leaf| is_written_out_header(leaf));
    written_out.map(move |leaf| {
        let Leaf { value, .. } = leaf;
        let expr: TokenStream = match value {
            Value::Expr(expr) => quote!(#expr),
            Value::Word(..) => TokenStream::new(),
        };
        let span = leaf.span().resolved_at(Span::mixed_site());
        let api_key = quote_spanned!(span=> #krate::__private::ApiKey);
        quote!(const _: #api_key = #expr;)
    })
}

/// Whether a scheme is `ApiKey::header("..")`.
fn is_written_out_header(leaf: &Leaf) -> bool {
    let Value::Expr(Expr::Call(call)) = &leaf.value else { return false };
    let Expr::Path(function) = &*call.func else { return false };
    let names: Vec<_> =
        function.path.segments.iter().rev().take(2).map(|s| s.ident.to_string()).collect();
    let literal = matches!(call.args.first(), Some(Expr::Lit(_))) && call.args.len() == 1;
    names == ["header", "ApiKey"] && literal
}
