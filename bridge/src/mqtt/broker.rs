//! Where the broker is and how to show it who we are, from options or the environment.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::tls::{self, Identity, Trust};

/// The port of MQTT without TLS.
const PORT_PLAIN: u16 = 1883;

/// The port of MQTT over TLS.
const PORT_TLS: u16 = 8883;

/// MQTT gives names and passwords a length of two bytes.
pub const TEXT_BYTES_MAX: usize = u16::MAX as usize;

/// What to do about characters that end the part of a URL that they stand in.
const ESCAPES: &str = "in user name and password write / as %2F, : as %3A, ? as %3F, # as %23, \
                       or give them by --mqtt-username and --mqtt-password";

/// Options of every command that talks to a broker.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Broker")]
pub struct BrokerOptions {
    /// The broker, as mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts:// for TLS.
    ///
    /// Write a slash in the user's name as %2F, or give the name by --mqtt-username. Passwords are
    /// better kept out of the command line: set the environment variable.
    #[arg(
        long,
        env = "TENON_MQTT_URL",
        default_value = "mqtt://127.0.0.1:1883",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub mqtt_url: String,

    /// The user name, instead of the one in the URL.
    #[arg(long, env = "TENON_MQTT_USERNAME", value_name = "NAME")]
    pub mqtt_username: Option<String>,

    /// The password, instead of the one in the URL.
    #[arg(
        long,
        env = "TENON_MQTT_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub mqtt_password: Option<String>,

    /// PEM file of the authority that signed the broker's certificate. [default: the system's]
    #[arg(long, env = "TENON_MQTT_CA", value_name = "FILE")]
    pub mqtt_ca: Option<PathBuf>,

    /// PEM file of a client certificate to show to the broker.
    #[arg(
        long,
        env = "TENON_MQTT_CERT",
        requires = "mqtt_key",
        value_name = "FILE"
    )]
    pub mqtt_cert: Option<PathBuf>,

    /// PEM file of the client certificate's private key.
    #[arg(
        long,
        env = "TENON_MQTT_KEY",
        requires = "mqtt_cert",
        value_name = "FILE"
    )]
    pub mqtt_key: Option<PathBuf>,
}

/// A broker that can be connected to.
#[derive(Clone)]
pub struct Broker {
    /// Name or address of the host.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name, where there is one.
    pub username: Option<String>,
    /// Password, where there is one.
    pub password: Option<String>,
    /// TLS and the name that the broker's certificate must carry; absent for plain TCP.
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl BrokerOptions {
    /// Reads URL and certificates.
    ///
    /// # Errors
    /// An option that makes no sense, said so that it can be corrected.
    pub fn broker(&self) -> Result<Broker> {
        let url = MqttUrl::parse(&self.mqtt_url)?;
        let tls = if url.tls {
            Some(self.tls(&url.host)?)
        } else {
            None
        };
        if tls.is_none() && (self.mqtt_ca.is_some() || self.mqtt_cert.is_some()) {
            bail!("certificates are given but the broker's URL is not mqtts://");
        }
        let username = self.mqtt_username.clone().or(url.username);
        let password = self.mqtt_password.clone().or(url.password);
        for text in [&username, &password].into_iter().flatten() {
            if text.len() > TEXT_BYTES_MAX {
                bail!("an MQTT user name or password has at most {TEXT_BYTES_MAX} bytes");
            }
        }
        Ok(Broker {
            host: url.host,
            port: url.port,
            username,
            password,
            tls,
        })
    }

    fn tls(&self, host: &str) -> Result<(TlsConnector, ServerName<'static>)> {
        let trust = self.mqtt_ca.clone().map_or(Trust::System, Trust::Authority);
        let identity = match (self.mqtt_cert.clone(), self.mqtt_key.clone()) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            _ => None,
        };
        let config = tls::client_config(&trust, identity.as_ref())?;
        let name = ServerName::try_from(host.to_owned())
            .with_context(|| format!("{host} is no host name that a certificate can carry"))?;
        Ok((TlsConnector::from(Arc::new(config)), name))
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        let (host, port) = (&self.host, self.port);
        if host.contains(':') {
            return write!(formatter, "{scheme}://[{host}]:{port}");
        }
        write!(formatter, "{scheme}://{host}:{port}")
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The parts of a broker's URL.
#[derive(Debug, PartialEq, Eq)]
struct MqttUrl {
    tls: bool,
    host: String,
    port: u16,
    username: Option<String>,
    password: Option<String>,
}

impl MqttUrl {
    /// Takes a URL apart. No error repeats the URL: there may be a password in it.
    fn parse(text: &str) -> Result<Self> {
        const FORM: &str = "a broker's URL is mqtt://[USER:PASSWORD@]HOST[:PORT] or mqtts://…";
        let url = Url::parse(text).with_context(|| format!("{FORM}; {ESCAPES}"))?;
        let (tls, default_port) = match url.scheme() {
            "mqtt" | "tcp" => (false, PORT_PLAIN),
            "mqtts" | "ssl" | "tls" => (true, PORT_TLS),
            scheme => bail!("{FORM}, not {scheme}:"),
        };
        // What follows a slash that was meant for the user's name looks like a path.
        let ends_at_port = matches!(url.path(), "" | "/");
        if !ends_at_port || url.query().is_some() || url.fragment().is_some() {
            bail!("{FORM}, with nothing behind the port; {ESCAPES}");
        }
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => bail!("{FORM}: this one names no host"),
        };
        let username = Some(url.username()).filter(|name| !name.is_empty());
        Ok(Self {
            tls,
            host,
            port: url.port().unwrap_or(default_port),
            username: username.map(decode).transpose()?,
            password: url.password().map(decode).transpose()?,
        })
    }
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded
        .context("the user name or password in the URL is not UTF-8")?
        .into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let parts = |url: &str| {
            let url = MqttUrl::parse(url).expect(url);
            (url.tls, url.host, url.port, url.username, url.password)
        };
        let text = |text: &str| text.to_owned();
        assert_eq!(
            parts("mqtt://localhost"),
            (false, text("localhost"), 1883, None, None)
        );
        assert_eq!(
            parts("mqtts://broker.example/"),
            (true, text("broker.example"), 8883, None, None)
        );
        assert_eq!(
            parts("mqtt://acme%2Fd%2Fvan:p%40ss:word@127.0.0.1:55324"),
            (
                false,
                text("127.0.0.1"),
                55324,
                Some(text("acme/d/van")),
                Some(text("p@ss:word"))
            )
        );
        assert_eq!(
            parts("MQTT://d%C3%BCse:@[::1]:1"),
            (false, text("::1"), 1, Some(text("düse")), None)
        );
    }

    #[test]
    fn a_url_that_names_no_broker_is_refused() {
        for url in [
            "",
            "localhost:1883",
            "http://x",
            "mqtt:x",
            "mqtt://",
            "mqtt://:1",
            "mqtt://name@",
            "mqtt://h:99999",
            "mqtt://[::1",
            "mqtt://%ff@h",
        ] {
            assert!(MqttUrl::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_login_that_must_be_escaped_is_refused_with_a_hint_and_not_repeated() {
        for url in [
            "mqtt://acme/d/van:secret@[::1]:1",
            "mqtt://van:sec/secret@h",
            "mqtt://van:1/secret@h",
            "mqtt://van:1?secret@h",
            "mqtt://van:1#secret@h",
        ] {
            let error = MqttUrl::parse(url).expect_err(url);
            let words = format!("{error:#}");
            assert!(words.contains("%2F"), "{url}: {words}");
            assert!(!words.contains("secret"), "{url}: {words}");
        }
    }

    #[test]
    fn an_address_of_ipv6_is_shown_as_in_a_url() {
        let broker = |host: &str| Broker {
            host: host.to_owned(),
            port: PORT_PLAIN,
            username: None,
            password: None,
            tls: None,
        };
        assert_eq!(broker("::1").to_string(), "mqtt://[::1]:1883");
        assert_eq!(broker("localhost").to_string(), "mqtt://localhost:1883");
    }
}
