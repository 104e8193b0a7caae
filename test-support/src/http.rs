//! As much of HTTP/1.1 as it takes to publish two documents: one request a connection.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::issuer::Shared;

/// Longer than any test waits for its keys.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn serve(listener: TcpListener, identifier: String, shared: Arc<Shared>) {
    // Connections end with the issuer.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (identifier, shared) = (identifier.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            // A client that went away is no fault of the issuer.
            let _ = timeout(PATIENCE, answer(stream, &identifier, &shared)).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(stream: TcpStream, identifier: &str, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let path = line.strip_prefix("GET ").and_then(|rest| rest.split(' ').next());
    let path = path.unwrap_or_default().to_owned();
    while line.trim_end() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    let (status, body) = match shared.published(identifier, &path) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Extraction", String::new()),
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
