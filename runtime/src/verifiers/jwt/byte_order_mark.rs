//! Byte order marks, which some servers write before a JSON document.

/// The document without a byte order mark at its beginning, which a parser may ignore (RFC 8259, section 8.1).
pub(super) fn without_bom(document: &[u8]) -> &[u8] {
    document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_at_the_beginning_is_removed() {
        for (document, expected) in [
            ("\u{feff}{}", "{}"),
            ("{}", "{}"),
            ("", ""),
            ("\u{feff}\u{feff}{}", "\u{feff}{}"),
            (" \u{feff}{}", " \u{feff}{}"),
            ("{}\u{feff}", "{}\u{feff}"),
        ] {
            assert_eq!(without_bom(document.as_bytes()), expected.as_bytes(), "{document:?}");
        }
        // UTF-16.
        assert_eq!(without_bom(b"\xFF\xFE{\0"), b"\xFF\xFE{\0");
    }
}
