//! Raw HTTP/2 frames, for headers that no client library sends and for the frames of an answer.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic_guard_suite_support::Running;

/// One frame of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
}

pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The headers of a gRPC call of `path`, followed by `more` byte for byte.
pub(crate) fn head(path: &str, more: &[(&[u8], &[u8])]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let usual: [(&[u8], &[u8]); 6] = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.as_bytes()),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ];
    usual.iter().chain(more).map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

/// Sends one call on a new connection. Returns the frames of its stream up to the last, or up to
/// the end of the connection.
pub(crate) async fn send(
    server: &Running,
    headers: &[(Vec<u8>, Vec<u8>)],
    body: &[u8],
) -> Vec<Frame> {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let mut block = Vec::new();
    for (name, value) in headers {
        // A literal header field never indexed, without Huffman (RFC 7541, section 6.2.3).
        block.push(0x10);
        string(&mut block, name);
        string(&mut block, value);
    }
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut sent, SETTINGS, 0, 0, &[]);
    frame(&mut sent, HEADERS, END_HEADERS, 1, &block);
    frame(&mut sent, 0, END_STREAM, 1, body);
    stream.write_all(&sent).await.unwrap();
    let mut frames = Vec::new();
    let mut prefix = [0; 9];
    while stream.read_exact(&mut prefix).await.is_ok() {
        let [a, b, c, kind, flags, s0, s1, s2, s3] = prefix;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            break;
        }
        let ours = u32::from_be_bytes([s0, s1, s2, s3]) == 1;
        if kind == GOAWAY {
            frames.push(Frame { kind, flags });
            break;
        }
        // A window update is about the data that this client sent.
        if ours && kind != 8 {
            frames.push(Frame { kind, flags });
            if kind == RST_STREAM || flags & END_STREAM != 0 {
                break;
            }
        }
    }
    frames
}

fn string(block: &mut Vec<u8>, text: &[u8]) {
    // RFC 7541, section 5.1, with a prefix of seven bits.
    match u8::try_from(text.len()) {
        Ok(len) if len < 127 => block.push(len),
        _ => {
            block.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).unwrap());
        }
    }
    block.extend_from_slice(text);
}

fn frame(sent: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    sent.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes()[1..]);
    sent.extend_from_slice(&[kind, flags]);
    sent.extend_from_slice(&stream.to_be_bytes());
    sent.extend_from_slice(payload);
}
