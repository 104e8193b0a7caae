//! Makes a channel whose calls carry credentials, and one call if the channel is accepted.
//!
//! Built alone, neither tonic nor tonic-guard has TLS: then nothing of the call may be sent. The
//! test `no_tls` builds it that way and listens at the address.

use std::{env, error::Error, future::poll_fn};

use tonic::{body::Body, transport::Endpoint};
use tonic_guard::client::{CallCredentials, Token};
use tower_service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = env::args().nth(1).ok_or("usage: tonic-guard-no-tls https://ADDRESS")?;
    let credentials = CallCredentials::bearer(Token::new("s3cret"));
    let mut channel = match credentials.channel(Endpoint::from_shared(endpoint)?) {
        Ok(channel) => channel,
        Err(rejected) => {
            println!("rejected: {rejected}");
            return Ok(());
        }
    };
    poll_fn(|cx| channel.poll_ready(cx)).await.map_err(|error| error.to_string())?;
    let request = http::Request::post("/guard.test.v1.Kinds/Unary").body(Body::empty())?;
    let ended = channel.call(request).await.map(|response| response.status());
    println!("called: {ended:?}");
    Ok(())
}
