//! Where the broker is and how to show it who we are, from options or the environment.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::tls::{self, Identity, Trust};

/// The port of MQTT without TLS.
const PORT_PLAIN: u16 = 1883;

/// The port of MQTT over TLS.
const PORT_TLS: u16 = 8883;

/// MQTT gives names and passwords a length of two bytes.
pub const TEXT_BYTES_MAX: usize = u16::MAX as usize;

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
        write!(formatter, "{scheme}://{}:{}", self.host, self.port)
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
    fn parse(url: &str) -> Result<Self> {
        const FORM: &str = "a broker's URL is mqtt://[USER:PASSWORD@]HOST[:PORT] or mqtts://…";
        let (scheme, rest) = url.split_once("://").context(FORM)?;
        let tls = match scheme {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" | "tls" => true,
            _ => bail!("{FORM}, not {scheme}://"),
        };
        let rest = rest.trim_end_matches('/');
        let (login, address) = match rest.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, rest),
        };
        let default_port = if tls { PORT_TLS } else { PORT_PLAIN };
        let (host, port) = split_address(address, default_port).context(FORM)?;
        let (username, password) = match login.map(|login| login.split_once(':')) {
            None => (None, None),
            Some(None) => (login, None),
            Some(Some((username, password))) => (Some(username), Some(password)),
        };
        Ok(Self {
            tls,
            host,
            port,
            username: username.map(decode).transpose()?,
            password: password.map(decode).transpose()?,
        })
    }
}

fn split_address(address: &str, default_port: u16) -> Result<(String, u16)> {
    let (host, port) = match address
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    if host.is_empty() || host.contains('/') {
        bail!("{address} names no host");
    }
    let port = match port {
        Some(port) => port
            .parse()
            .with_context(|| format!("{port} is no TCP port"))?,
        None => default_port,
    };
    Ok((host.to_owned(), port))
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
            parts("mqtt://acme/d/van:secret@[::1]:1"),
            (
                false,
                text("::1"),
                1,
                Some(text("acme/d/van")),
                Some(text("secret"))
            )
        );
    }

    #[test]
    fn a_url_that_names_no_broker_is_refused() {
        for url in [
            "",
            "localhost:1883",
            "http://x",
            "mqtt://",
            "mqtt://:1",
            "mqtt://h:99999",
        ] {
            assert!(MqttUrl::parse(url).is_err(), "{url}");
        }
    }
}
