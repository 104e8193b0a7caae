/// Returns true if `text`, which must be JSON, is an object.
///
/// serde also reads a struct from an array, which no provider sends on purpose.
pub(crate) fn is_json_object(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_objects() {
        for (text, object) in
            [("{}", true), (" \r\n\t{", true), ("[{}]", false), ("", false), ("\"{\"", false)]
        {
            assert_eq!(is_json_object(text.as_bytes()), object, "{text:?}");
        }
    }
}
