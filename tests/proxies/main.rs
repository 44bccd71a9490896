//! Applications behind real reverse proxies, each with the configuration that `gatehouse proxy-config` prints, and a
//! model of Traefik. Browsers are Chromium without scripts; `*.localhost` names are sites of their own there.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public API, and a failed unwrap is its report"
)]

mod attacks;
mod browser;
mod cookies;
mod echo;
mod proxy;
mod raw;
mod requests;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod traefik;

/// Declares one test for each proxy, which runs `$test` with it.
macro_rules! with_each_proxy {
    ($($test:ident),* $(,)?) => {
        crate::with_each_real_proxy! { $($test),* }
        crate::with_proxy! { traefik Traefik $($test)* }
    };
}

/// Declares one test for each proxy but the model.
macro_rules! with_each_real_proxy {
    ($($test:ident),* $(,)?) => {
        crate::with_proxy! { nginx Nginx $($test)* }
        crate::with_proxy! { caddy Caddy $($test)* }
        crate::with_proxy! { haproxy Haproxy $($test)* }
        crate::with_proxy! { envoy Envoy $($test)* }
    };
}

macro_rules! with_proxy {
    ($module:ident $proxy:ident $($test:ident)*) => {
        mod $module {
            $(#[tokio::test] async fn $test() { super::$test(crate::proxy::Proxy::$proxy).await; })*
        }
    };
}
use {with_each_proxy, with_each_real_proxy, with_proxy};
