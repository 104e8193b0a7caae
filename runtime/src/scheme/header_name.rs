//! The rules for the names of headers that carry credentials instead of `authorization`.

/// Headers that already have a meaning in a gRPC call.
const RESERVED: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "host",
    "te",
    "content-type",
    "content-length",
    "connection",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Panics unless `name` may carry credentials. In a constant the panic is a compile error.
pub(super) const fn check_header(name: &str) {
    let bytes = name.as_bytes();
    assert!(!bytes.is_empty(), "expected the name of a header, found an empty string");
    let mut at = 0;
    while at < bytes.len() {
        #[allow(clippy::indexing_slicing, reason = "`get` isn't const on slices in Rust 1.88")]
        let byte = bytes[at];
        assert!(
            !byte.is_ascii_uppercase(),
            "expected a header name in lower case, such as \"x-ingest-key\""
        );
        assert!(
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || byte == b'-'
                || byte == b'_'
                || byte == b'.',
            "expected a header name of letters, digits, `-`, `_` and `.`, such as \"x-ingest-key\""
        );
        at += 1;
    }
    assert!(
        !matches!(bytes, [b'g', b'r', b'p', b'c', b'-', ..]),
        "gRPC reserves headers that begin with `grpc-`: choose another header for the credentials"
    );
    assert!(
        !matches!(bytes, [.., b'-', b'b', b'i', b'n']),
        "gRPC encodes headers that end in `-bin` as base64: choose another header for the credentials"
    );
    let mut at = 0;
    while at < RESERVED.len() {
        #[allow(clippy::indexing_slicing, reason = "`get` isn't const on arrays in Rust 1.88")]
        let reserved = RESERVED[at];
        assert!(
            !equal(bytes, reserved.as_bytes()),
            "HTTP or gRPC reserves this header: choose another header for the credentials"
        );
        at += 1;
    }
}

#[allow(clippy::indexing_slicing, reason = "`==` on slices isn't const")]
const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}
