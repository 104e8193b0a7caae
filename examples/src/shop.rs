//! The guarded service.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_stream::{Iter, iter};
use tonic::{Request, Response, Status, Streaming};
use tonic_guard::{AuthError, Authenticate, authenticated};

use crate::{
    pb::{CancelOrder, ListOrders, Order, OrderList, Summary, WatchOrders, orders_server::Orders},
    verifiers::{Caller, DemoKeys, DemoTokens, Role, User},
};

/// A shop that keeps its orders in memory.
///
/// The fields with `#[verifies(..)]` authenticate the schemes that the attributes below name.
#[derive(Debug, Authenticate)]
pub struct Shop {
    #[verifies("bearer")]
    tokens: DemoTokens,
    #[verifies("api-key")]
    partners: DemoKeys,
    orders: Mutex<BTreeMap<u64, Order>>,
}

// A method without an attribute uses the impl's default. An attribute on a method replaces the default.
#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Orders for Shop {
    async fn list(
        &self,
        _: Request<ListOrders>,
        #[identity] user: User,
    ) -> Result<Response<OrderList>, Status> {
        let orders = self.orders();
        let own = orders.values().filter(|order| order.owner == user.name);
        Ok(Response::new(OrderList { orders: own.cloned().collect() }))
    }

    #[authenticated(
        scheme = "bearer",
        scopes("orders:write"),
        authorize_request = Self::owns_order
    )]
    async fn cancel(&self, request: Request<CancelOrder>) -> Result<Response<Order>, Status> {
        let mut orders = self.orders();
        let order = orders.get_mut(&request.get_ref().id);
        let order = order.ok_or_else(|| Status::not_found("no such order"))?;
        order.cancelled = true;
        Ok(Response::new(order.clone()))
    }

    type WatchStream = Iter<std::vec::IntoIter<Result<Order, Status>>>;

    #[authenticated(scheme = "bearer", roles(Role::Auditor))]
    async fn watch(&self, _: Request<WatchOrders>) -> Result<Response<Self::WatchStream>, Status> {
        let all: Vec<_> = self.orders().values().cloned().map(Ok).collect();
        Ok(Response::new(iter(all)))
    }

    #[authenticated(scheme = one_of("api-key", "bearer"))]
    async fn ingest(
        &self,
        request: Request<Streaming<Order>>,
        #[identity] from: Caller,
    ) -> Result<Response<Summary>, Status> {
        let sender = match from {
            Caller::User(user) => format!("user {}", user.name),
            Caller::Partner(partner) => format!("partner {}", partner.name),
        };
        let mut accepted = 0;
        let mut stream = request.into_inner();
        while let Some(order) = stream.message().await? {
            self.orders().insert(order.id, order);
            accepted += 1;
        }
        Ok(Response::new(Summary { sender, accepted }))
    }

    #[anonymous(reason = "load balancers have no credentials")]
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

impl Shop {
    /// Makes a shop with two orders of `ada` and one of `eve`.
    pub fn demo() -> Self {
        let order = |id, owner: &str| (id, Order { id, owner: owner.into(), cancelled: false });
        let orders = [order(1, "ada"), order(2, "ada"), order(3, "eve")];
        Shop { tokens: DemoTokens, partners: DemoKeys, orders: Mutex::new(orders.into()) }
    }

    /// The custom check of `cancel`. It runs on the decoded request, after the token and its scope were checked.
    ///
    /// An order that doesn't exist is rejected like an order of another user, so that callers can't find out
    /// which orders exist.
    async fn owns_order(
        &self,
        user: &User,
        request: &Request<CancelOrder>,
    ) -> Result<(), AuthError> {
        match self.orders().get(&request.get_ref().id) {
            Some(order) if order.owner == user.name => Ok(()),
            _ => Err(AuthError::denied()),
        }
    }

    fn orders(&self) -> MutexGuard<'_, BTreeMap<u64, Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
