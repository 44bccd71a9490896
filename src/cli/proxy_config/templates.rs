//! One template for each file. askama does not escape the values in files that end in `.txt`.

use askama::Template;

use super::site::Site;

#[derive(Template)]
#[template(path = "proxy/nginx.txt")]
pub(super) struct Nginx<'a> {
    pub(super) site: &'a Site,
}

#[derive(Template)]
#[template(path = "proxy/caddy.txt")]
pub(super) struct Caddy<'a> {
    pub(super) site: &'a Site,
}

#[derive(Template)]
#[template(path = "proxy/haproxy.txt")]
pub(super) struct Haproxy<'a> {
    pub(super) site: &'a Site,
}

#[derive(Template)]
#[template(path = "proxy/haproxy-lua.txt")]
pub(super) struct HaproxyLua<'a> {
    pub(super) site: &'a Site,
}

#[derive(Template)]
#[template(path = "proxy/envoy.txt")]
pub(super) struct Envoy<'a> {
    pub(super) site: &'a Site,
}

#[derive(Template)]
#[template(path = "proxy/traefik.txt")]
pub(super) struct Traefik<'a> {
    pub(super) site: &'a Site,
}
