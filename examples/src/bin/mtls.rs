//! Authenticates the workloads of a mesh by the SPIFFE ID in their certificates.
//!
//! `cargo run -p tonic-guard-examples --bin mtls`
//!
//! The CA is in memory. The server uses tonic's TLS and requests a certificate of that CA from each
//! client. Clients without a certificate may connect, so that load balancers can call `Ping`. rustls
//! rejects certificates of another CA in the handshake, before any method is called.

use std::{error::Error, net::SocketAddr};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use tokio::net::TcpListener;
use tokio_stream::{Empty, wrappers::TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{
        Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig,
    },
};
use tonic_guard::{
    AuthError, Authenticate, CallHead, GuardedRoutes, authenticated,
    certificates::{SpiffeId, SpiffeIds},
    guard,
};
use tonic_guard_examples::{
    outcome,
    pb::{
        CancelOrder, ListOrders, Order, OrderList, Summary, WatchOrders,
        orders_client::OrdersClient,
        orders_server::{Orders, OrdersServer},
    },
};

#[derive(Authenticate)]
struct Shop {
    #[verifies("client-certificate")]
    mesh: SpiffeIds<SpiffeId>,
}

impl Shop {
    /// Only the billing service may cancel orders, because it makes the refunds.
    async fn is_billing(&self, caller: &SpiffeId, _: &CallHead<'_>) -> Result<(), AuthError> {
        match caller.path() {
            "/billing" => Ok(()),
            _ => Err(AuthError::denied()),
        }
    }
}

#[authenticated(scheme = "client-certificate")]
#[tonic::async_trait]
impl Orders for Shop {
    async fn list(
        &self,
        _: Request<ListOrders>,
        #[identity] caller: SpiffeId,
    ) -> Result<Response<OrderList>, Status> {
        let order = Order { id: 1, owner: caller.path().into(), cancelled: false };
        Ok(Response::new(OrderList { orders: vec![order] }))
    }

    #[authenticated(scheme = "client-certificate", authorize = Self::is_billing)]
    async fn cancel(&self, request: Request<CancelOrder>) -> Result<Response<Order>, Status> {
        let id = request.into_inner().id;
        Ok(Response::new(Order { id, cancelled: true, ..Order::default() }))
    }

    type WatchStream = Empty<Result<Order, Status>>;

    async fn watch(&self, _: Request<WatchOrders>) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    async fn ingest(&self, _: Request<Streaming<Order>>) -> Result<Response<Summary>, Status> {
        Ok(Response::new(Summary::default()))
    }

    #[anonymous(reason = "load balancers have no credentials")]
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ca = Ca::new()?;
    let shop = Shop { mesh: SpiffeIds::new(["prod.example".parse()?], Ok) };
    let routes = GuardedRoutes::new().guarded(guard(shop, OrdersServer::from_arc));
    let policy = routes.policy().clone();

    let tls = ServerTlsConfig::new()
        .identity(ca.server()?)
        .client_ca_root(Certificate::from_pem(&ca.pem))
        .client_auth_optional(true);
    let server = Server::builder().tls_config(tls)?.add_routes(routes.into());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::select! {
        served = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            served?;
            return Err("the server stopped before the calls ended".into());
        }
        called = make_calls(addr, &ca) => called?,
    }
    println!("\nThe policy table of the server:\n\n{policy}");
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Ping,
    List,
    Cancel,
}

async fn make_calls(addr: SocketAddr, ca: &Ca) -> Result<(), Box<dyn Error>> {
    let billing = ["spiffe://prod.example/billing"];
    let shipping = ["spiffe://prod.example/shipping"];
    let clients = [
        ("none", None),
        ("of billing", Some(ca.workload(&billing)?)),
        ("of shipping", Some(ca.workload(&shipping)?)),
        ("of another domain", Some(ca.workload(&["spiffe://test.example/billing"])?)),
        ("of two workloads", Some(ca.workload(&[billing, shipping].concat())?)),
        ("of another CA", Some(Ca::new()?.workload(&billing)?)),
    ];
    let expected = [
        ["answered", "Unauthenticated CREDENTIALS_MISSING", "Unauthenticated CREDENTIALS_MISSING"],
        ["answered", "answered: for /billing", "answered: order 1 is cancelled"],
        ["answered", "answered: for /shipping", "PermissionDenied PERMISSION_DENIED"],
        ["answered", "Unauthenticated CREDENTIALS_INVALID", "Unauthenticated CREDENTIALS_INVALID"],
        ["answered", "Unauthenticated CREDENTIALS_INVALID", "Unauthenticated CREDENTIALS_INVALID"],
        ["no connection", "no connection", "no connection"],
    ];
    println!("{:<7}  {:<17}  OUTCOME", "CALL", "CERTIFICATE");
    for ((certificate, identity), expected) in clients.into_iter().zip(expected) {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&ca.pem))
            .domain_name("localhost");
        if let Some(identity) = identity {
            tls = tls.identity(identity);
        }
        let endpoint = Endpoint::from_shared(format!("https://{addr}"))?.tls_config(tls)?;
        for (call, expected) in [Call::Ping, Call::List, Call::Cancel].into_iter().zip(expected) {
            let outcome = call.make(&endpoint).await;
            println!("{:<7}  {certificate:<17}  {outcome}", format!("{call:?}"));
            if outcome != expected {
                return Err(format!("expected {expected}").into());
            }
        }
    }
    Ok(())
}

impl Call {
    /// Makes the call on a new connection.
    async fn make(self, endpoint: &Endpoint) -> String {
        let answer = match endpoint.connect().await {
            Ok(channel) => self.send(OrdersClient::new(channel)).await,
            Err(_) => return "no connection".into(),
        };
        match answer {
            // The client completes the handshake before the server verifies the client's certificate, so
            // the call fails. A status with a source comes from the transport, not from the server.
            Err(status) if status.source().is_some() => "no connection".into(),
            answer => outcome(answer),
        }
    }

    async fn send(self, mut client: OrdersClient<Channel>) -> Result<String, Status> {
        Ok(match self {
            Call::Ping => {
                client.ping(()).await?;
                "answered".into()
            }
            Call::List => {
                let answer = client.list(ListOrders {}).await?.into_inner();
                let owners: Vec<_> = answer.orders.iter().map(|order| &*order.owner).collect();
                format!("answered: for {}", owners.join(", "))
            }
            Call::Cancel => {
                let answer = client.cancel(CancelOrder { id: 1 }).await?;
                format!("answered: order {} is cancelled", answer.into_inner().id)
            }
        })
    }
}

/// A certificate authority, as SPIRE is in a mesh.
struct Ca {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new() -> Result<Ca, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Ca { pem, issuer: Issuer::new(params, key) })
    }

    fn server(&self) -> Result<Identity, rcgen::Error> {
        self.sign(&CertificateParams::new(["localhost".to_owned()])?)
    }

    /// Makes a certificate with these URIs. A SPIFFE certificate has exactly one.
    fn workload(&self, uris: &[&str]) -> Result<Identity, rcgen::Error> {
        let mut params = CertificateParams::default();
        for uri in uris {
            params.subject_alt_names.push(SanType::URI((*uri).try_into()?));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity::from_pem(certificate.pem(), key.serialize_pem()))
    }
}
