//! A minimal HTTP/1.1 server for the two documents of an issuer, with one request per connection.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::issuer_state::IssuerState;

/// Limits the time of a connection.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Serves the documents of the issuer until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, identifier: String, shared: Arc<IssuerState>) {
    // Dropping the set aborts its connections.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (identifier, shared) = (identifier.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            // A client may disconnect at any time.
            let _ = timeout(TIMEOUT, respond(stream, &identifier, &shared)).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn respond(stream: TcpStream, identifier: &str, shared: &IssuerState) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let path = line.strip_prefix("GET ").and_then(|rest| rest.split(' ').next());
    let path = path.unwrap_or_default().to_owned();
    while line.trim_end() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    let (status, body) = match shared.document(identifier, &path) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
