//! The forward proxy of the HTTP client: which one, and for which requests.

use std::{fmt, net::IpAddr};

use reqwest::{NoProxy, Proxy};
use url::Url;

use super::{error::HttpError, redact::redact_text};
use crate::net::loopback::is_loopback;

/// A proxy as it is configured.
#[derive(Clone)]
pub(super) struct ProxySettings {
    /// It may contain a password.
    url: String,
    /// The hosts that are reached directly, as `NO_PROXY` has them.
    exceptions: String,
    /// Whether requests over plain http go through the proxy too.
    plain_http: bool,
}

impl ProxySettings {
    /// The proxy at `url` for all requests.
    pub(super) fn new(url: String) -> Self {
        ProxySettings { url, exceptions: String::new(), plain_http: true }
    }

    /// The proxy that the variables name for https. `None` if they name none.
    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let either = |upper: &str, lower: &str| {
            let value = variable(lower).filter(|value| !value.is_empty());
            value.or_else(|| variable(upper).filter(|value| !value.is_empty()))
        };
        let url = either("HTTPS_PROXY", "https_proxy")?;
        // As curl and most others read it.
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        let exceptions = either("NO_PROXY", "no_proxy").unwrap_or_default();
        Some(ProxySettings { url, exceptions, plain_http: false })
    }

    pub(super) fn build(&self) -> Result<Proxy, HttpError> {
        let url =
            Url::parse(&self.url).map_err(|error| HttpError::invalid_url(&self.url, error))?;
        if !matches!(url.scheme(), "http" | "https") {
            // Without a scheme, the user may be parsed as one and the password as a path.
            let why = format!("the proxy {} is neither http nor https", redact_text(&self.url));
            return Err(HttpError::client(why));
        }
        let proxy = if self.plain_http { Proxy::all(url) } else { Proxy::https(url) };
        // The cause would contain the URL, and with it the password.
        let proxy = proxy.map_err(|_| HttpError::client("the URL of the proxy can't be used"))?;
        Ok(proxy.no_proxy(NoProxy::from_string(&self.exceptions)))
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_text(&self.url))
    }
}

/// Returns true for a host of the local machine, which a proxy would look for on its own machine.
///
/// It recognises more than plain http is allowed to: subdomains of `localhost`, a final dot, and IPv4
/// addresses within IPv6.
pub(super) fn is_never_proxied(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let mapped = match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => false,
    };
    let host = host.to_ascii_lowercase();
    mapped || is_loopback(&host) || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Option<ProxySettings> {
        ProxySettings::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_name_the_proxy_for_https_and_its_exceptions() {
        for (variables, expected) in [
            (&[("HTTPS_PROXY", "http://a:1")][..], Some(("http://a:1", ""))),
            (&[("HTTPS_PROXY", "a:1"), ("NO_PROXY", "b,c")], Some(("http://a:1", "b,c"))),
            (&[("https_proxy", "https://a"), ("no_proxy", "*")], Some(("https://a", "*"))),
            (&[("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b")], Some(("http://b", ""))),
            (&[("HTTPS_PROXY", "")], None),
            (&[("HTTP_PROXY", "http://a"), ("ALL_PROXY", "http://a")], None),
            (&[], None),
        ] {
            let settings = from(variables);
            let found = settings.as_ref().map(|found| (&*found.url, &*found.exceptions));
            assert_eq!(found, expected, "{variables:?}");
            assert!(
                settings.is_none_or(|settings| !settings.plain_http && settings.build().is_ok())
            );
        }
    }

    #[test]
    fn password_is_never_shown() {
        for url in [
            "http://user:pa55@proxy.example:3128",
            "socks5://user:pa55@proxy.example",
            "http://user:pa55@proxy.example:99999",
            "http://user:pa55@",
            "http://user:pa55@proxy.example/?pa55",
            "user:pa55@proxy.example",
        ] {
            let settings = ProxySettings::new(url.into());
            let mut text = format!("{settings:?}");
            if let Err(error) = settings.build() {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                text += &format!(" {error} {error:?} {cause:?}");
            }
            assert!(!text.contains("pa55"), "{text}");
        }
        assert!(ProxySettings::new("socks5://proxy.example".into()).build().is_err());
    }

    #[test]
    fn hosts_of_the_machine_are_never_proxied() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST.", true),
            ("a.localhost", true),
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("[::ffff:10.0.0.1]", false),
            ("notlocalhost", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("10.0.0.1", false),
            ("id.example", false),
        ] {
            assert_eq!(is_never_proxied(host), expected, "{host}");
        }
    }
}
