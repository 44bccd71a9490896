//! The one table of URLs: page, methods, and who may enter. A page without a mark is for signed-in people only.

use actix_service::{Service, apply_fn_factory};
use actix_web::{
    FromRequest, Handler, Resource, Responder,
    dev::{AppService, HttpServiceFactory, ResourceDef, ServiceRequest},
    guard::fn_guard,
    http::Method,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::{
    api::{self, jwks, openapi, refresh, simplejwt, status, user, validate},
    pages::{account, admin, app, forgot, health, home, language, login, logout, register, reset, setup},
    web::{
        app_request::AppRequest,
        assets::Assets,
        error::Problem,
        guard::{self, Access},
        request_info::RequestInfo,
    },
};

/// Returns all pages.
#[must_use]
pub fn table() -> Vec<Route> {
    use account::{activity, delete, export, password, profile, sessions};
    let for_proxies = [
        Route::for_proxies("/verify/{app}/{role}{tail:.*}", app::verify::verify),
        Route::for_proxies("/subrequest/{app}/{role}", app::verify::subrequest),
    ];
    let pages = [
        Route::new("/api/user").for_programs().get(user::get),
        Route::new("/api").for_programs().get(status::get),
        Route::new("/api/openapi.json").for_programs().get(openapi::get),
        Route::new("/api/register").for_programs().post(api::register::post),
        Route::new("/api/registration").for_programs().post(api::register::post),
        Route::new("/api/login").for_programs().post(api::login::post),
        Route::new("/api/refresh").for_programs().post(refresh::post),
        Route::new("/api/logout").for_programs().post(api::logout::post),
        Route::new("/api/protected").for_programs().get(user::protected),
        Route::new("/api/validate").for_programs().post(validate::post),
        Route::new("/api/token/").for_programs().post(simplejwt::obtain),
        Route::new("/api/token/refresh/").for_programs().post(simplejwt::refresh_pair),
        Route::new("/").get(home::get),
        Route::new(profile::PATH).get(profile::get).post(profile::post),
        Route::new(password::PATH).get(password::get).post(password::post),
        Route::new(sessions::PATH).get(sessions::get),
        Route::new(activity::PATH).get(activity::get),
        Route::new(export::PATH).get(export::get),
        Route::new(delete::PATH).get(delete::get).post(delete::post),
        Route::new("/account/sessions/end-others").post(sessions::end_others),
        Route::new("/account/sessions/forget-browsers").post(sessions::forget_browsers),
        Route::new("/account/sessions/{id}/end").post(sessions::end),
        Route::new(admin::overview::PATH).for_administrators().get(admin::overview::get),
        Route::new(admin::accounts::PATH).for_administrators().get(admin::accounts::get),
        Route::new("/admin/accounts/{id}").for_administrators().get(admin::account::get),
        Route::new("/admin/accounts/{id}/delete")
            .for_administrators()
            .get(admin::delete::get)
            .post(admin::delete::post),
        Route::new("/admin/accounts/{id}/{action}").for_administrators().post(admin::account::post),
        Route::new(admin::invitations::PATH)
            .for_administrators()
            .get(admin::invitations::get)
            .post(admin::invitations::post),
        Route::new("/admin/invitations/{id}/revoke").for_administrators().post(admin::invitations::revoke),
        Route::new(admin::apps::PATH).for_administrators().get(admin::apps::get).post(admin::apps::post),
        Route::new("/admin/apps/{id}").for_administrators().get(admin::app::get).post(admin::app::post),
        Route::new("/admin/apps/{id}/remove").for_administrators().get(admin::app::removal).post(admin::app::remove),
        Route::new(admin::activity::PATH).for_administrators().get(admin::activity::get),
        Route::new("/.well-known/change-password").open_to_all().get(password::well_known),
        Route::new("/login").for_guests().get(login::get).post(login::post),
        Route::new("/register").for_guests().get(register::get).post(register::post),
        Route::new("/logout").open_to_all().post(logout::post),
        Route::new(forgot::PATH).for_guests_and_members().get(forgot::get),
        Route::new(reset::PATH).for_guests_and_members().get(reset::get).post(reset::post),
        Route::new(setup::PATH).for_guests_and_members().get(setup::get).post(setup::post),
        Route::new("/language").for_appearance().post(language::post),
        Route::new(jwks::PATH).open_to_all().get(jwks::get),
        Route::new("/continue/{app}").get(app::enter::get),
        Route::new("/handover/{app}/start").on_app_host().get(app::handover::start),
        Route::new("/handover/{app}/callback").on_app_host().get(app::handover::callback),
        Route::new("/handover/{app}/sign-out")
            .on_app_host()
            .get(app::handover::sign_out_form)
            .post(app::handover::sign_out),
        Route::new("/handover/{app}/ping").on_app_host().get(app::handover::ping),
        Route::new("/handover/{app}/static/{name:.*}").on_app_host().get(app::handover::file),
        Route::new("/healthz").open_to_all().get(health::alive),
        Route::new("/readyz").open_to_all().get(health::ready),
    ];
    // A request is compared with one route after the other, so those that come most often are first.
    for_proxies.into_iter().chain(pages.map(Route::from)).collect()
}

/// Registers the table, the static files, and the answer to every other URL. Without `api`, there is no JSON API.
pub fn configure(config: &mut ServiceConfig, assets: &Assets, api: bool) {
    let mut routes = table();
    routes.retain(|route| api || route.access != Access::Api);
    // Comparing a request with sixty routes took a sixth of its time (callgrind), so all those whose paths begin with
    // the same part are one scope.
    let mut sections: Vec<(&'static str, Vec<Route>)> = Vec::new();
    for route in routes {
        let section = section(route.path);
        match sections.iter_mut().find(|(name, _)| *name == section) {
            Some((_, routes)) => routes.push(route),
            None => sections.push((section, vec![route])),
        }
    }
    for (name, mut routes) in sections {
        if routes.len() == 1 {
            routes.remove(0).register(config);
            continue;
        }
        let is_here = fn_guard(move |context| section(context.head().uri.path()) == name);
        config.service(web::scope("").guard(is_here).configure(|config| {
            for route in routes {
                route.register(config);
            }
        }));
    }
    assets.register(config, RequestInfo::set_route);
    config.default_service(web::to(|| async { Err::<&str, _>(Problem::NotFound) }));
}

/// Returns the first part of a path.
fn section(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or_default();
    path.split_once('/').map_or(path, |(section, _)| section)
}

/// One page.
pub struct Route<E = Endpoint> {
    /// Its path.
    pub path: &'static str,
    /// Who may enter.
    pub access: Access,
    methods: Methods,
    endpoint: E,
}

/// What answers.
pub enum Endpoint {
    /// The paths of a pattern.
    Page(Resource),
    /// All paths with the same first part.
    Section(actix_web::Route),
}

/// A handler that gets every path with the same first part, with all methods, and reads the rest itself. Each request
/// to an application waits for its answer: a pattern took a tenth of the instructions (callgrind), and scope and guard
/// three more allocations.
struct Section {
    path: &'static str,
    handler: actix_web::Route,
}

impl HttpServiceFactory for Section {
    fn register(self, config: &mut AppService) {
        let Self { path, handler } = self;
        let handler = apply_fn_factory(handler, move |req: ServiceRequest, handler| {
            RequestInfo::set_route(&req, path);
            handler.call(req)
        });
        config.register_service(ResourceDef::root_prefix(section(path)), None, handler, None);
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Methods {
    get: bool,
    post: bool,
}

impl Methods {
    fn allow(self) -> &'static str {
        match (self.get, self.post) {
            (true, true) => "GET, HEAD, POST",
            (true, false) => "GET, HEAD",
            (false, true) => "POST",
            (false, false) => "",
        }
    }
}

impl From<Route<Resource>> for Route {
    fn from(Route { path, access, methods, endpoint }: Route<Resource>) -> Self {
        Self { path, access, methods, endpoint: Endpoint::Page(endpoint) }
    }
}

impl Route {
    /// Returns an address for reverse proxies only, with all methods, because some ask with that of the browser.
    #[must_use]
    fn for_proxies<F>(path: &'static str, handler: F) -> Self
    where
        F: Handler<(AppRequest,)>,
        F::Output: Responder + 'static,
    {
        let endpoint = Endpoint::Section(web::route().to(handler));
        Self { path, access: Access::Proxy, methods: Methods::default(), endpoint }
    }

    /// Whether the page takes a form.
    #[must_use]
    pub fn takes_post(&self) -> bool {
        self.methods.post
    }

    /// Registers the page: behind the guard, unless it is for programs or proxies.
    pub fn register(self, config: &mut ServiceConfig) {
        let (path, access, allow) = (self.path, self.access, self.methods.allow());
        let resource = match self.endpoint {
            Endpoint::Page(resource) => resource,
            Endpoint::Section(handler) => {
                config.service(Section { path, handler });
                return;
            }
        };
        let others = web::to(move || async move { Err::<&str, _>(Problem::MethodNotAllowed(allow)) });
        let resource = resource.default_service(others);
        if access == Access::Api {
            config.service(resource.wrap_fn(move |req, handlers| {
                RequestInfo::set_route(&req, path);
                handlers.call(req)
            }));
            return;
        }
        let guard = from_fn(move |req, next| {
            RequestInfo::set_route(&req, path);
            // Boxed for the reason in `sessions/check.rs`: actix keeps what it calls twice in the future around it.
            Box::pin(guard::authorize(access, req, next))
        });
        config.service(resource.wrap(guard));
    }
}

impl Route<Resource> {
    /// Returns a page for signed-in people.
    #[must_use]
    pub fn new(path: &'static str) -> Self {
        Self { path, access: Access::SignedIn, methods: Methods::default(), endpoint: web::resource(path) }
    }

    /// Opens the page to guests and signed-in people.
    #[must_use]
    pub fn open_to_all(mut self) -> Self {
        self.access = Access::Public;
        self
    }

    /// Opens the page to guests and to signed-in people, who see it with their navigation.
    #[must_use]
    pub fn for_guests_and_members(mut self) -> Self {
        self.access = Access::GuestsAndMembers;
        self
    }

    /// Opens the page to guests; signed-in people are redirected to the home page.
    #[must_use]
    pub fn for_guests(mut self) -> Self {
        self.access = Access::Guests;
        self
    }

    /// Opens the page to administrators only; for others there is no such page.
    #[must_use]
    pub fn for_administrators(mut self) -> Self {
        self.access = Access::Administrators;
        self
    }

    /// Opens the page to all, for a form that changes only what pages look like.
    #[must_use]
    pub fn for_appearance(mut self) -> Self {
        self.access = Access::Appearance;
        self
    }

    /// Opens the address to programs, which authenticate with a token and not with a cookie.
    #[must_use]
    pub fn for_programs(mut self) -> Self {
        self.access = Access::Api;
        self
    }

    /// Opens the page to browsers on the host of an application, through its reverse proxy.
    #[must_use]
    pub fn on_app_host(mut self) -> Self {
        self.access = Access::AppHost;
        self
    }

    /// Adds GET, and HEAD, which RFC 9110, 9.1 requires.
    #[must_use]
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.get = true;
        self.endpoint = self.endpoint.route(web::get().to(handler.clone())).route(web::head().to(handler));
        self
    }

    /// Adds POST, for the form.
    #[must_use]
    pub fn post<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.post = true;
        self.endpoint = self.endpoint.route(web::method(Method::POST).to(handler));
        self
    }
}
