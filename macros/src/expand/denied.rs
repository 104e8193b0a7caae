//! The handler check of `#[denied(reason = "..")]`, which rejects every call.

use proc_macro2::Span;
use quote::{quote, quote_spanned};
use syn::{Block, Expr, ExprBlock, Pat, Path, Stmt, token::Brace};

use crate::{
    expand::rejected,
    parse::method::Method,
    syntax::{hygiene, names::function_name},
};

/// Replaces the body of `method` by the rejection. A body that isn't empty stays, so that the compiler
/// checks it, where it never runs.
//
// Output:
//     async fn export(&self, request: Request<L>) -> Result<R, Status> {
//         match Option::Some(denied_call("export", call_head(&request))) {
//             Option::Some(status) => return HandlerOutput::rejected(status),
//             // No warning about unreachable code, which depends on types alone.
//             Option::None => { .. }
//         }
//     }
pub(super) fn insert(method: &mut Method, krate: &Path) -> syn::Result<()> {
    let site = Span::mixed_site();
    let name = function_name(&method.item.sig.ident);
    let request = &method.request;
    let location = request.span().resolved_at(site);
    let at_request = hygiene::at(location, krate);
    let head = quote_spanned!(location=> #at_request::__private::call_head(&#request));
    let status = quote!(#krate::__private::denied_call(#name, #head));
    let rejected = rejected::expand(method, krate);
    let body = method.body()?;
    let stmts = std::mem::take(&mut body.stmts);
    let check = if is_empty(&stmts) {
        quote!(#rejected(#status))
    } else {
        let block = Block { brace_token: Brace(site), stmts };
        let user = ExprBlock { attrs: Vec::new(), label: None, block };
        quote! {
            match #krate::__private::Option::Some(#status) {
                #krate::__private::Option::Some(__status) => return #rejected(__status),
                #krate::__private::Option::None => #user
            }
        }
    };
    body.stmts = vec![Stmt::Expr(Expr::Verbatim(check), None)];
    Ok(())
}

/// Returns whether the user's body is empty, also after `async_trait` has moved it into `let __ret: T = {};`.
fn is_empty(stmts: &[Stmt]) -> bool {
    stmts.is_empty()
        || stmts.iter().any(|stmt| match stmt {
            Stmt::Local(local) => is_return_binding(&local.pat)
                && local.init.as_ref().is_some_and(
                    |init| matches!(&*init.expr, Expr::Block(body) if body.block.stmts.is_empty()),
                ),
            _ => false,
        })
}

fn is_return_binding(pat: &Pat) -> bool {
    match pat {
        Pat::Ident(pat) => pat.ident == "__ret",
        Pat::Type(typed) => is_return_binding(&typed.pat),
        _ => false,
    }
}
