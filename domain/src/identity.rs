//! Decides which names tenants and devices may bear, and how an MQTT topic names a device.
//!
//! Whether such a tenant or device exists is for the database to say.

use std::fmt;

use thiserror::Error;

/// A tenant's slug is a DNS label, so that it can become a host name.
pub const TENANT_SLUG_BYTES_MAX: usize = 63;

/// A device's slug fits an MQTT user name, a certificate's common name and a screen's width. It has
/// no colon, which ends the name in the password files of brokers.
pub const DEVICE_SLUG_BYTES_MAX: usize = 64;

/// The short name of a tenant, unique in a deployment: `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantSlug(String);

/// The short name of a device, unique in its tenant: `[A-Za-z0-9][A-Za-z0-9_.-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceSlug(String);

/// A device of a tenant: what the broker has authenticated and a topic names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceAddress {
    /// The tenant that owns the device.
    pub tenant: TenantSlug,
    /// The device within that tenant.
    pub device: DeviceSlug,
}

impl TenantSlug {
    /// Takes `text` as a tenant's slug.
    ///
    /// # Errors
    /// [`IdentityError::TenantSlug`] when it is not a DNS label of lower-case letters and digits.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let bytes = text.as_bytes();
        let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let valid = (1..=TENANT_SLUG_BYTES_MAX).contains(&bytes.len())
            && bytes.iter().all(|&byte| edge(byte) || byte == b'-')
            && bytes.first().copied().is_some_and(edge)
            && bytes.last().copied().is_some_and(edge);
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentityError::TenantSlug)
        }
    }

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeviceSlug {
    /// Takes `text` as a device's slug.
    ///
    /// # Errors
    /// [`IdentityError::DeviceSlug`] when it has another character or length than allowed.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let bytes = text.as_bytes();
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let valid = bytes.len() <= DEVICE_SLUG_BYTES_MAX
            && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.iter().copied().all(inner);
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentityError::DeviceSlug)
        }
    }

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeviceAddress {
    /// The device that a telemetry topic, `t/{tenant}/d/{device}/telemetry`, speaks for.
    ///
    /// # Errors
    /// [`IdentityError::Topic`] when the topic has another shape or a slug in it is not one.
    pub fn from_topic(topic: &str) -> Result<Self, IdentityError> {
        let mut levels = topic.split('/');
        let mut next = || levels.next();
        let (Some("t"), Some(tenant), Some("d"), Some(device), Some("telemetry"), None) =
            (next(), next(), next(), next(), next(), next())
        else {
            return Err(IdentityError::Topic);
        };
        Self::parse(tenant, device).map_err(|_| IdentityError::Topic)
    }

    /// The device that an MQTT user name or a certificate's common name, `{tenant}/d/{device}`,
    /// stands for.
    ///
    /// # Errors
    /// [`IdentityError::Username`] when the name has another shape or a slug in it is not one.
    pub fn from_username(username: &str) -> Result<Self, IdentityError> {
        let (tenant, device) = username.split_once("/d/").ok_or(IdentityError::Username)?;
        Self::parse(tenant, device).map_err(|_| IdentityError::Username)
    }

    /// The device `device` of the tenant `tenant`, both given as slugs.
    ///
    /// # Errors
    /// [`IdentityError::TenantSlug`] or [`IdentityError::DeviceSlug`], whichever is not a slug.
    pub fn parse(tenant: &str, device: &str) -> Result<Self, IdentityError> {
        Ok(Self {
            tenant: TenantSlug::parse(tenant)?,
            device: DeviceSlug::parse(device)?,
        })
    }

    /// The topic on which the device publishes its readings.
    #[must_use]
    pub fn telemetry_topic(&self) -> String {
        format!("t/{}/d/{}/telemetry", self.tenant.0, self.device.0)
    }

    /// The MQTT user name (or certificate's common name) of the device: with it the broker's one
    /// rule `t/%u/telemetry` ties a topic to an identity, tenant included.
    #[must_use]
    pub fn username(&self) -> String {
        format!("{}/d/{}", self.tenant.0, self.device.0)
    }
}

impl fmt::Display for TenantSlug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for DeviceSlug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a name or a topic identifies nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The topic is not `t/{tenant}/d/{device}/telemetry` with valid slugs.
    #[error("a telemetry topic is t/{{tenant}}/d/{{device}}/telemetry with valid slugs")]
    Topic,
    /// The user name is not `{tenant}/d/{device}` with valid slugs.
    #[error("a device's user name is {{tenant}}/d/{{device}} with valid slugs")]
    Username,
    /// The tenant's slug is not a DNS label.
    #[error("a tenant's slug is 1 to 63 of a-z, 0-9 and '-', with no '-' at either end")]
    TenantSlug,
    /// The device's slug has another character or length than allowed.
    #[error("a device's slug is 1 to 64 of letters, digits and '_.-', the first no sign")]
    DeviceSlug,
}

impl IdentityError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Topic => "topic.invalid",
            Self::Username => "device.username_invalid",
            Self::TenantSlug => "tenant.slug_invalid",
            Self::DeviceSlug => "device.slug_invalid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_and_its_address_say_the_same() {
        let address = DeviceAddress::from_topic("t/acme/d/truck-1/telemetry").expect("valid");
        assert_eq!(address.telemetry_topic(), "t/acme/d/truck-1/telemetry");
        assert_eq!(address.username(), "acme/d/truck-1");
        assert_eq!(DeviceAddress::from_username("acme/d/truck-1"), Ok(address));
    }

    #[test]
    fn a_topic_of_another_shape_is_refused() {
        for topic in [
            "",
            "t/acme/d/truck-1",
            "t/acme/d/truck-1/telemetry/",
            "t/acme/d/truck-1/telemetry/more",
            "/t/acme/d/truck-1/telemetry",
            "t/acme/d/truck-1/Telemetry",
            "t/acme/x/truck-1/telemetry",
            "t/Acme/d/truck-1/telemetry",
            "t/acme/d//telemetry",
            "t//d/truck-1/telemetry",
            "t/acme/d/+/telemetry",
        ] {
            assert_eq!(
                DeviceAddress::from_topic(topic),
                Err(IdentityError::Topic),
                "{topic}"
            );
        }
    }

    #[test]
    fn a_tenant_slug_is_a_dns_label() {
        for good in ["a", "0", "acme", "a-b", "a--b", &"x".repeat(63)] {
            assert!(TenantSlug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ä", &"x".repeat(64)] {
            assert_eq!(
                TenantSlug::parse(bad),
                Err(IdentityError::TenantSlug),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_device_slug_begins_with_a_letter_or_digit() {
        for good in ["a", "9", "A.b_c-d", "00-1b-44-11-3a-b7", &"x".repeat(64)] {
            assert!(DeviceSlug::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            ".a",
            "a b",
            "a:b",
            "a/b",
            "a+",
            "#",
            "é",
            &"x".repeat(65),
        ] {
            assert_eq!(
                DeviceSlug::parse(bad),
                Err(IdentityError::DeviceSlug),
                "{bad}"
            );
        }
    }
}
