//! `gatehouse proxy-config`: the configuration of a reverse proxy in front of an application.

mod site;
mod templates;
mod values;

use std::io::{self, Write};

use askama::Template;
use clap::{Args, ValueEnum};

use self::{
    site::{Site, Tls},
    templates::{Caddy, Envoy, Haproxy, HaproxyLua, Nginx, Traefik},
    values::{ConfigPath, Upstream},
};
use super::{Failure, open::Opened};
use crate::{
    apps::{AppId, Rejection},
    config::{ConfigError, Settings},
};

/// The reverse proxies that can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Proxy {
    Nginx,
    Caddy,
    Haproxy,
    Envoy,
    Traefik,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                        gatehouse proxy-config caddy wiki --upstream 127.0.0.1:8000\n  \
                        gatehouse proxy-config nginx wiki --upstream 127.0.0.1:8000 --certificate /etc/ssl/wiki.pem \
                        --key /etc/ssl/wiki.key\n  \
                        gatehouse proxy-config haproxy wiki --lua > /etc/haproxy/gatehouse-wiki.lua\n\n\
                        The whole output is a configuration that the proxy loads as it is. An existing configuration \
                        takes the part between the lines “begin” and “end”. Check the running proxy with gatehouse \
                        doctor --app.")]
pub(super) struct ProxyConfig {
    #[arg(value_enum)]
    proxy: Proxy,
    /// Id of the application, as `app list` shows it
    app: AppId,
    /// Where the application listens, such as 127.0.0.1:8000
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "lua")]
    upstream: Option<Upstream>,
    /// File with the certificate of the application's host. Caddy and Traefik can obtain one themselves
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<ConfigPath>,
    /// File with the key of the certificate
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<ConfigPath>,
    /// Print the second file that HAProxy needs, gatehouse-APP.lua
    #[arg(long)]
    lua: bool,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(config: ProxyConfig) -> Result<(), Failure> {
    let ProxyConfig { proxy, app, upstream, certificate, key, lua, settings } = config;
    if lua && proxy != Proxy::Haproxy {
        return Err(ConfigError::new("--lua", "is for haproxy only").into());
    }
    let Opened { apps, .. } = Opened::existing(&settings)?;
    let app = apps.find(app).await?.ok_or(Rejection::NoSuchApp)?;
    let tls = certificate.zip(key).map(|(certificate, key)| Tls { certificate, key });
    let site = Site::new(&app, upstream.unwrap_or_default(), tls, settings.listen)?;
    let text = if lua { HaproxyLua { site: &site }.render()? } else { site.render(proxy)? };
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

impl Site {
    fn render(&self, proxy: Proxy) -> Result<String, Failure> {
        self.check_tls(proxy)?;
        let site = self;
        Ok(match proxy {
            Proxy::Nginx => Nginx { site }.render(),
            Proxy::Caddy => Caddy { site }.render(),
            Proxy::Haproxy => Haproxy { site }.render(),
            Proxy::Envoy => Envoy { site }.render(),
            Proxy::Traefik => Traefik { site }.render(),
        }?)
    }

    /// Fails if the proxy could not serve the origin of the application with these files.
    fn check_tls(&self, proxy: Proxy) -> Result<(), ConfigError> {
        let obtains_certificates = matches!(proxy, Proxy::Caddy | Proxy::Traefik);
        match &self.tls {
            None if self.is_https && !obtains_certificates => {
                let message = format!("is needed, with --key, to serve {}", self.origin);
                Err(ConfigError::new("--certificate", message))
            }
            Some(_) if !self.is_https => {
                let message = format!("has no use, because {} is not https", self.origin);
                Err(ConfigError::new("--certificate", message))
            }
            Some(Tls { certificate, key }) if proxy == Proxy::Haproxy && !key.belongs_to(certificate) => {
                let message = format!(
                    "must be {certificate} or {certificate}.key, because HAProxy looks for the key nowhere else; \
                     link it there"
                );
                Err(ConfigError::new("--key", message))
            }
            _ => Ok(()),
        }
    }
}
