//! The `authorization` header: a scheme's word, spaces, and a token68 (RFC 9110, section 11).

use http::{HeaderValue, header::AUTHORIZATION};

use super::{ExtractError, Found};
use crate::head::CallHead;

/// A token68 of one scheme inside its header value, which is shared, not copied.
#[derive(Clone)]
pub(super) struct Token68 {
    value: HeaderValue,
    start: usize,
}

impl Token68 {
    /// The whole value, with its word.
    #[cfg(feature = "client")]
    pub(super) fn header_value(&self) -> HeaderValue {
        self.value.clone()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.value.as_bytes().get(self.start..).unwrap_or_default()
    }
}

/// Reads the token68 that `word` introduces.
pub(super) fn token68(head: &CallHead<'_>, word: &str) -> Result<Found<Token68>, ExtractError> {
    let Some(value) = head.single(&AUTHORIZATION)? else {
        return Ok(Found::Absent);
    };
    let bytes = value.as_bytes();
    let end = bytes.iter().position(|byte| !is_tchar(*byte)).unwrap_or(bytes.len());
    let (found, rest) = bytes.split_at(end);
    // A word ends at a space or with the value. `Bearer\tx`, `Bearer,x` and an empty value are no
    // scheme's credentials, and saying "another scheme" of them would invite one to claim them.
    if found.is_empty() || !matches!(rest.first(), None | Some(b' ')) {
        return Err(ExtractError::Malformed);
    }
    if !found.eq_ignore_ascii_case(word.as_bytes()) {
        return Ok(Found::Foreign);
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let start = end + spaces;
    if !is_token68(bytes.get(start..).unwrap_or_default()) {
        return Err(ExtractError::Malformed);
    }
    Ok(Found::Credentials(Token68 { value: value.clone(), start }))
}

/// RFC 9110, section 5.6.2.
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

/// Which bytes a token68 has before its padding.
const TOKEN68: [bool; 256] = {
    let mut fits = [false; 256];
    let mut byte = 0u8;
    loop {
        #[allow(clippy::indexing_slicing, reason = "`get_mut` isn't const in 1.88")]
        let fits = &mut fits[byte as usize];
        *fits =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break,
        }
    }
    fits
};

/// RFC 9110, section 11.2: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_token68(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let (body, _) = bytes.split_at(bytes.len() - padding);
    // Every byte of every token passes here: looking one up is cheaper than comparing it.
    let fits = |byte: &u8| TOKEN68.get(usize::from(*byte)).is_some_and(|fits| *fits);
    !body.is_empty() && body.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Result<Found<Vec<u8>>, ExtractError> {
        let mut headers = http::HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        let extensions = http::Extensions::new();
        token68(&CallHead::new(&headers, &extensions), "bearer").map(|found| match found {
            Found::Absent => Found::Absent,
            Found::Foreign => Found::Foreign,
            Found::Credentials(token) => Found::Credentials(token.as_bytes().to_vec()),
        })
    }

    #[test]
    fn a_token_is_found_after_the_word_in_any_case_and_one_or_more_spaces() {
        for value in
            ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g=="]
        {
            let found = read(&[value.as_bytes()]);
            assert_eq!(found, Ok(Found::Credentials(b"a.b-c_d~e+f/g==".to_vec())), "{value}");
        }
    }

    #[test]
    fn no_header_is_absent() {
        assert_eq!(read(&[]), Ok(Found::Absent));
    }

    #[test]
    fn another_word_is_foreign() {
        for value in ["Basic eDp5", "xBearer tok", "Bearertok", "Bearers x", "Negotiate"] {
            assert_eq!(read(&[value.as_bytes()]), Ok(Found::Foreign), "{value}");
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_malformed() {
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
    fn two_values_are_overloaded_even_when_equal() {
        assert_eq!(read(&[b"Bearer a", b"Bearer a"]), Err(ExtractError::Overloaded));
        assert_eq!(read(&[b"Basic a", b"Bearer a"]), Err(ExtractError::Overloaded));
        assert_eq!(read(&[b"", b""]), Err(ExtractError::Overloaded));
    }
}
