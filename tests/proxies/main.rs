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
        mod nginx {
            $(#[tokio::test] async fn $test() { super::$test(crate::proxy::Proxy::Nginx).await; })*
        }
        mod caddy {
            $(#[tokio::test] async fn $test() { super::$test(crate::proxy::Proxy::Caddy).await; })*
        }
        mod haproxy {
            $(#[tokio::test] async fn $test() { super::$test(crate::proxy::Proxy::Haproxy).await; })*
        }
        mod envoy {
            $(#[tokio::test] async fn $test() { super::$test(crate::proxy::Proxy::Envoy).await; })*
        }
        mod traefik {
            $(#[tokio::test] async fn $test() { super::$test(crate::proxy::Proxy::Traefik).await; })*
        }
    };
}
use with_each_proxy;
