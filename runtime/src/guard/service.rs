use std::{
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{Guard, GuardedBody, drain::drain, front::Answer};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S, B, R> Service<Request<B>> for Guard<S>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<tonic::body::Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.server.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The server that was polled ready is the one to call; its clone may not be ready.
        let clone = self.server.clone();
        let mut server = mem::replace(&mut self.server, clone);
        let front = Arc::clone(&self.front);
        let (mut parts, body) = request.into_parts();
        Box::pin(async move {
            let answer = pin!(front.decide(&mut parts)).await;
            match answer {
                Answer::Admit(proof) => {
                    if let Some(proof) = proof {
                        parts.extensions.insert(proof);
                    }
                    let request = Request::from_parts(parts, GuardedBody::new(body));
                    let response = server.call(request).await?;
                    Ok(response.map(tonic::body::Body::new))
                }
                Answer::Refuse(head) => {
                    if let Some(draining) = drain(&parts, body) {
                        draining.await;
                    }
                    let mut response = Response::new(tonic::body::Body::empty());
                    *response.headers_mut() = head;
                    Ok(response)
                }
            }
        })
    }
}
