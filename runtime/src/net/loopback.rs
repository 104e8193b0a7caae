//! Recognises hosts of the local machine.

use std::net::IpAddr;

/// Returns true for `localhost` and for loopback addresses: `127.0.0.0/8` and `[::1]`.
///
/// An IPv6 address may be in brackets, as URLs have it. No name is resolved.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match address.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_and_loopback_addresses_are_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("127.255.0.1", true),
            ("[::1]", true),
            ("::1", true),
            ("", false),
            ("[localhost]", false),
            ("0.0.0.0", false),
            ("128.0.0.1", false),
            ("[::]", false),
            ("[::ffff:127.0.0.1]", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host:?}");
        }
    }
}
