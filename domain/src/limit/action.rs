//! Decides what a request over HTTP is called, so that a limit can name it.

/// The action of a request: `rpc/move` for the function `move`, whatever the method, and the method
/// with the view for the rest: `get/contacts`, `post/contacts`. HEAD counts as GET.
///
/// `path` is the path within the API, as the client sent it. However a client escapes a name, the
/// action is the same.
#[must_use]
pub fn of_request(method: &str, path: &str) -> String {
    let path = unescaped(path.trim_matches('/'));
    if path.starts_with("rpc/") {
        return path;
    }
    let method = method.to_ascii_lowercase();
    let method = if method == "head" { "get" } else { &method };
    format!("{method}/{path}")
}

/// The path with each `%41` as the byte that it stands for, once, as servers do it (RFC 3986, 2.1).
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high * 16 + low);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_function_is_called_by_its_name_and_a_view_with_its_method() {
        for (method, path, action) in [
            ("POST", "/rpc/move", "rpc/move"),
            ("GET", "/rpc/move", "rpc/move"),
            ("GET", "/contacts", "get/contacts"),
            ("HEAD", "/contacts", "get/contacts"),
            ("PATCH", "/contacts", "patch/contacts"),
            ("GET", "/", "get/"),
            ("", "", "/"),
        ] {
            assert_eq!(of_request(method, path), action, "{method} {path}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(of_request("GET", "/a%"), "get/a%");
        assert_eq!(of_request("GET", "/a%4"), "get/a%4");
        assert_eq!(of_request("GET", "/%zz"), "get/%zz");
        assert_eq!(of_request("GET", "/%2541"), "get/%41");
        assert_eq!(of_request("GET", "/%ff"), "get/\u{fffd}");
    }

    proptest! {
        #[test]
        fn escapes_change_nothing(name in "[a-z_]{1,20}", escaped in any::<u32>()) {
            let path: String = name.bytes().enumerate().map(|(place, byte)| {
                if escaped >> (place % 32) & 1 == 1 {
                    format!("%{byte:02x}")
                } else {
                    char::from(byte).to_string()
                }
            }).collect();
            prop_assert_eq!(of_request("POST", &format!("/rpc/{path}")), format!("rpc/{name}"));
        }

        #[test]
        fn no_path_is_upsetting(method in ".*", path in ".*") {
            prop_assert!(of_request(&method, &path).contains('/'));
        }
    }
}
