//! Decides in which one form a domain is compared, and which domain an e-mail address belongs to.
//!
//! The form is that of the DNS: ASCII, lower case, no dot at the end. `BÜCHER.example`,
//! `bücher.example` and `xn--bcher-kva.example` are one domain, and so are full-width letters.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The longest address there is (RFC 5321, a path of 256 octets with its brackets).
const ADDRESS_BYTES_MAX: usize = 254;

/// The longest name that is worth converting: non-ASCII letters are several bytes each.
const NAME_BYTES_MAX: usize = 1_024;

/// The form of a domain's name that compares equal; none when it is no domain.
#[must_use]
pub fn domain_name(name: &str) -> Option<String> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let ascii = Uts46::new()
        .to_ascii(
            name.trim().as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::VerifyAllowRootDot,
        )
        .ok()?;
    let name = ascii.strip_suffix('.').unwrap_or(&ascii);
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    // An address of IPv4 has the shape of a domain, but no top-level domain is a number.
    name.rsplit('.')
        .next()
        .is_some_and(|top| !top.is_empty() && !is_number(top))
        .then(|| name.to_owned())
}

/// The domain of an e-mail address, then those that contain it: `sales.example.com`,
/// `example.com`, `com`. None when the address has no domain.
#[must_use]
pub fn domains_of(address: &str) -> Option<Vec<String>> {
    if address.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    // A quoted local part may hold an @ of its own.
    let (local, domain) = address.rsplit_once('@')?;
    if local.is_empty() {
        return None;
    }
    let domain = domain_name(domain)?;
    let starts = std::iter::once(0).chain(domain.match_indices('.').map(|(dot, _)| dot + 1));
    Some(
        starts
            .filter_map(|start| domain.get(start..))
            .map(str::to_owned)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_one_form() {
        for (name, form) in [
            ("example.com", "example.com"),
            (" EXAMPLE.Com. ", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("\u{ff45}xample\u{3002}com", "example.com"),
            ("straße.example", "xn--strae-oqa.example"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(domain_name(name).as_deref(), Some(form), "{name}");
        }
    }

    #[test]
    fn what_is_no_domain_has_no_form() {
        let long_label = format!("{}.com", "x".repeat(64));
        let long = "x.".repeat(2_000);
        for name in [
            "",
            ".",
            "..",
            "a..b",
            "-a.com",
            "a-.com",
            "a b.com",
            "a_b.com",
            "a@b.com",
            "*.com",
            "[192.0.2.1]",
            "192.0.2.1",
            "xn--a.com",
            "a\u{200b}.com/",
            &long_label,
            &long,
        ] {
            assert_eq!(domain_name(name), None, "{name}");
        }
    }

    #[test]
    fn an_address_belongs_to_its_domain_and_those_around_it() {
        let domains = |address| domains_of(address).map(|domains| domains.join(" "));
        assert_eq!(
            domains("Ada+news@Sales.Example.com").as_deref(),
            Some("sales.example.com example.com com")
        );
        assert_eq!(
            domains(r#""a@evil.com"@example.com"#).as_deref(),
            Some("example.com com")
        );
        for address in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@[::1]",
            "ada@192.0.2.1",
        ] {
            assert_eq!(domains(address), None, "{address}");
        }
        assert_eq!(domains(&format!("{}@example.com", "a".repeat(300))), None);
    }
}
