//! The grammar of the `authorization` header: an auth-scheme, spaces and a token68 (RFC 9110, section 11).

use http::{HeaderName, HeaderValue, header::AUTHORIZATION};

use super::{
    call_head::CallHead,
    extraction::{ExtractError, Extraction},
};

/// A token68 as a part of its header value, which is shared and not copied.
#[derive(Clone)]
pub(super) struct Token68 {
    value: HeaderValue,
    start: usize,
}

impl Token68 {
    /// Returns the whole header value, which includes the auth-scheme.
    #[cfg(feature = "client")]
    pub(super) fn header_value(&self) -> HeaderValue {
        self.value.clone()
    }

    /// Returns a header value of `word`, a space and the token.
    #[cfg(feature = "client")]
    pub(super) fn after(&self, word: &str) -> HeaderValue {
        let value = HeaderValue::from_bytes(&[word.as_bytes(), b" ", self.as_bytes()].concat());
        // A token68 is visible ASCII, so the default is unreachable.
        value.unwrap_or(HeaderValue::from_static(""))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.value.as_bytes().get(self.start..).unwrap_or_default()
    }
}

/// Extracts the token68 that follows the auth-scheme `word`. One of more than `max_length` bytes is malformed.
#[inline]
pub(super) fn token68(
    head: &CallHead<'_>,
    word: &str,
    max_length: usize,
) -> Result<Extraction<Token68>, ExtractError> {
    let Some(value) = head.single(&AUTHORIZATION)? else {
        return Ok(Extraction::Absent);
    };
    let bytes = value.as_bytes();
    let (auth_scheme, rest) = bytes.split_at_checked(word.len()).unwrap_or_default();
    // Most clients write `Bearer` or `Basic`, which differ from `word` in the first letter alone.
    let is_word = auth_scheme.get(1..) == word.as_bytes().get(1..)
        && auth_scheme.first().map(u8::to_ascii_lowercase) == word.as_bytes().first().copied()
        || auth_scheme.eq_ignore_ascii_case(word.as_bytes());
    if !is_word || rest.first() != Some(&b' ') {
        return without_token68(bytes, word);
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let start = word.len() + spaces;
    let token = bytes.get(start..).unwrap_or_default();
    if token.len() > max_length || !is_token68(token) {
        return Err(ExtractError::Malformed);
    }
    Ok(Extraction::Credentials(Token68 { value: value.clone(), start }))
}

/// Extracts a token68 that is the whole value of the header `name`, otherwise as [`token68`].
pub(super) fn bare_token68(
    head: &CallHead<'_>,
    name: &HeaderName,
    max_length: usize,
) -> Result<Extraction<Token68>, ExtractError> {
    match head.single(name)? {
        None => Ok(Extraction::Absent),
        Some(value) if value.len() <= max_length && is_token68(value.as_bytes()) => {
            Ok(Extraction::Credentials(Token68 { value: value.clone(), start: 0 }))
        }
        Some(_) => Err(ExtractError::Malformed),
    }
}

/// Classifies a header value that doesn't begin with `word` and a space.
#[cold]
fn without_token68(bytes: &[u8], word: &str) -> Result<Extraction<Token68>, ExtractError> {
    let end = bytes.iter().position(|byte| !is_tchar(*byte)).unwrap_or(bytes.len());
    let (auth_scheme, rest) = bytes.split_at(end);
    // An auth-scheme ends at a space or at the end of the value. `Bearer\tx`, `Bearer,x` and an empty value
    // are malformed under every scheme; `OtherScheme` would allow another scheme to accept them.
    let ends = matches!(rest.first(), None | Some(b' '));
    if auth_scheme.is_empty() || !ends || auth_scheme.eq_ignore_ascii_case(word.as_bytes()) {
        return Err(ExtractError::Malformed);
    }
    Ok(Extraction::OtherScheme)
}

/// Returns whether `byte` is a `tchar` (RFC 9110, section 5.6.2).
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Returns whether `bytes` are a token68 (RFC 9110, section 11.2): `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
pub(crate) fn is_token68(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let (body, _) = bytes.split_at(bytes.len() - padding);
    // This runs on every byte of every token, so it works in blocks, which the compiler vectorises. The last
    // block overlaps the one before it. (Benchmark: `growth`.)
    let (blocks, rest) = body.as_chunks::<128>();
    let blocks_fit = blocks.iter().all(is_token68_block);
    match body.last_chunk::<16>() {
        Some(last) => blocks_fit && rest.as_chunks().0.iter().chain([last]).all(is_token68_block),
        None => !body.is_empty() && body.iter().all(|byte| is_token68_byte(*byte)),
    }
}

/// Returns whether all bytes may be in a token68. Most tokens are base64url, which takes fewer comparisons.
fn is_token68_block<const N: usize>(block: &[u8; N]) -> bool {
    let all = |fits: fn(u8) -> bool| {
        block.iter().fold(0, |others, byte| others | u8::from(!fits(*byte))) == 0
    };
    all(is_base64url_byte) || all(is_token68_byte)
}

/// Returns whether `byte` may be in a JWT in the compact form, or is `/`, which is adjacent in ASCII.
fn is_base64url_byte(byte: u8) -> bool {
    // `|` instead of `||` avoids a branch per byte. `-`, `.`, `/` and the digits are adjacent.
    byte.is_ascii_alphabetic() | matches!(byte, b'-'..=b'9') | (byte == b'_')
}

/// Returns whether a token68 may contain `byte` before its padding.
fn is_token68_byte(byte: u8) -> bool {
    is_base64url_byte(byte) | (byte == b'+') | (byte == b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Result<Extraction<Vec<u8>>, ExtractError> {
        let mut headers = http::HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        let extensions = http::Extensions::new();
        token68(&CallHead::new(&headers, &extensions), "bearer", usize::MAX).map(|extraction| {
            match extraction {
                Extraction::Absent => Extraction::Absent,
                Extraction::OtherScheme => Extraction::OtherScheme,
                Extraction::Credentials(token) => {
                    Extraction::Credentials(token.as_bytes().to_vec())
                }
            }
        })
    }

    #[test]
    fn auth_scheme_is_case_insensitive_and_one_or_more_spaces_follow() {
        for value in
            ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g=="]
        {
            let extraction = read(&[value.as_bytes()]);
            assert_eq!(
                extraction,
                Ok(Extraction::Credentials(b"a.b-c_d~e+f/g==".to_vec())),
                "{value}"
            );
        }
    }

    #[test]
    fn every_byte_is_checked_at_every_position() {
        for byte in 0..=u8::MAX {
            let fits = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            for length in [1, 15, 16, 17, 33, 127, 128, 129, 145, 257] {
                for at in 0..length {
                    let mut token = vec![b'x'; length];
                    token[at] = byte;
                    // One `=` at the end is padding, unless the token consists of it.
                    let padding = byte == b'=' && at + 1 == length && length > 1;
                    assert_eq!(is_token68(&token), fits || padding, "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn two_invalid_bytes_are_rejected() {
        for length in [2, 15, 16, 17, 33, 127, 128, 129, 145, 257] {
            for (one, other) in [(0, length - 1), (length / 2 - 1, length / 2)] {
                let mut token = vec![b'x'; length];
                token[one] = b'(';
                token[other] = b'(';
                assert!(!is_token68(&token), "at {one} and {other} of {length}");
            }
        }
    }

    #[test]
    fn missing_header_is_absent() {
        assert_eq!(read(&[]), Ok(Extraction::Absent));
    }

    #[test]
    fn another_auth_scheme_is_other_scheme() {
        for value in ["Basic eDp5", "xBearer tok", "Bearertok", "Bearers x", "Negotiate"] {
            assert_eq!(read(&[value.as_bytes()]), Ok(Extraction::OtherScheme), "{value}");
        }
    }

    #[test]
    fn violations_of_the_grammar_are_malformed() {
        let values: [&[u8]; 18] = [
            b"",
            b" ",
            b" Bearer a",
            b"Bearer",
            b"Bearer ",
            b"Bearer\tx",
            b"Bearer \tx",
            b"Bearer a b",
            b"Bearer a ",
            b"Bearer a,b",
            b"Bearer a, Bearer b",
            b"Bearer,a",
            b"Bearer ==",
            b"Bearer a=b",
            b"Bearer t\xc3\xb6k",
            b"Bearer \"a\"",
            b"Bearer a;b",
            b"Bearer a:b",
        ];
        for value in values {
            let shown = String::from_utf8_lossy(value);
            assert_eq!(read(&[value]), Err(ExtractError::Malformed), "{shown:?}");
        }
    }

    #[test]
    fn two_values_are_duplicates_even_when_equal() {
        assert_eq!(read(&[b"Bearer a", b"Bearer a"]), Err(ExtractError::Duplicate));
        assert_eq!(read(&[b"Basic a", b"Bearer a"]), Err(ExtractError::Duplicate));
        assert_eq!(read(&[b"", b""]), Err(ExtractError::Duplicate));
    }
}
